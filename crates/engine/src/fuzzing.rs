//! Bodies of the fuzz targets. They live here so that a change of the library breaks the build and not the fuzzers; no part
//! of the public interface.

use crate::{
    InvalidPacket, Message, Outgoing, Packet,
    payload::{Body, Format, v3, v3_binary},
};

/// Reads the body of a POST in one of the formats, chosen by the first byte, and checks what must hold of what comes out.
///
/// # Panics
/// If something does not hold.
pub fn payload(input: &[u8]) {
    let Some((&format, body)) = input.split_first() else { return };
    let format = [Format::V4, Format::V3, Format::V3Binary, Format::Jsonp][usize::from(format % 4)];
    let read = Body::read(format, body);
    let packets: Vec<_> = read.packets().collect();
    let good = packets.iter().take_while(|packet| packet.is_ok()).count();
    assert!(packets.len() - good <= 1, "an error is the end");
    assert!(packets.len() <= body.len() + 1, "every packet takes a byte");
    let messages: Vec<_> = packets.iter().flatten().filter_map(outgoing).collect();
    if messages.is_empty() {
        return;
    }
    let expected: Vec<_> =
        packets.into_iter().filter(|packet| matches!(packet, Ok(Packet::Message(_)))).collect();
    let mut text = Vec::new();
    v3::encode(&mut text, &messages);
    reads_as(Format::V3, &text, &expected);
    let mut bytes = Vec::new();
    v3_binary::encode(&mut bytes, &messages);
    reads_as(Format::V3Binary, &bytes, &expected);
}

fn outgoing(packet: &Packet<'_>) -> Option<Outgoing> {
    match packet {
        Packet::Message(Message::Text(text)) => Some(Outgoing::text(*text)),
        Packet::Message(Message::Binary(data)) => Some(Outgoing::Binary(data.to_vec().into())),
        _ => None,
    }
}

fn reads_as(format: Format, body: &[u8], expected: &[Result<Packet<'_>, InvalidPacket>]) {
    let body = Body::read(format, body);
    assert_eq!(body.packets().collect::<Vec<_>>(), expected, "encoded and decoded again");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_body_holds(format in any::<u8>(), body in any::<Vec<u8>>()) {
            super::payload(&[&[format][..], &body].concat());
        }

        #[test]
        fn bodies_that_look_right_hold(
            format in any::<u8>(),
            body in "(d=)?((\0|\u{1})?[0-9\0-\u{9}]{0,2}(:|ÿ|\u{1e})(\\PC|[4b26]){0,3}){0,5}",
        ) {
            // ÿ stands for the byte that ends a length.
            let body: Vec<u8> = body.chars().flat_map(|c| match c {
                'ÿ' => vec![0xff],
                c => c.to_string().into_bytes(),
            }).collect();
            super::payload(&[&[format][..], &body].concat());
        }
    }
}
