//! Bodies of the fuzz targets. They live here so that a change of the library breaks the build and
//! not the fuzzers; no part of the public interface.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::scan::scan;
use crate::{Args, Binary, Data, Decoder, Kind, Limits, Packet, Payload, Value, write_head};
#[cfg(feature = "msgpack")]
use crate::{DecodeError, Encoded, MsgPack, Parser, Wire};

/// Where one message ends and the next begins, as in an Engine.IO polling payload.
const SEPARATOR: u8 = 0x1e;

const LIMITS: Limits = Limits { max_attachments: 4, max_json_depth: 100, max_packet_bytes: 4096 };

/// For what has been decoded once and is written anew: it may become a little longer.
const UNLIMITED: Limits =
    Limits { max_attachments: u32::MAX, max_packet_bytes: usize::MAX, ..LIMITS };

/// Decodes a sequence of messages, those that begin with `b` being binary, and checks everything
/// that must hold of what comes out.
///
/// # Panics
///
/// If something does not hold.
pub fn packet(input: &[u8]) {
    let mut decoder = Decoder::new();
    for message in input.split(|&byte| byte == SEPARATOR) {
        let was_waiting = decoder.is_waiting();
        let result = match (message.strip_prefix(b"b"), std::str::from_utf8(message)) {
            (Some(binary), _) => decoder.binary(&LIMITS, Cow::Borrowed(binary)),
            (None, Ok(text)) => {
                same_grammar_as_serde_json(text);
                let result = decoder.text(&LIMITS, text);
                assert!(!was_waiting || result.is_err(), "text in the middle of a packet");
                result
            }
            (None, Err(_)) => continue,
        };
        assert_eq!(decoder.is_waiting(), matches!(result, Ok(None)));
        match result {
            Ok(Some(packet)) => check_text(&packet),
            Ok(None) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn same_grammar_as_serde_json(text: &str) {
    let ours = scan(text, u16::MAX, &mut ()).is_ok();
    let theirs = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert_eq!(ours, theirs, "{text}");
}

/// Decodes one MessagePack message and checks everything that must hold of what comes out.
///
/// # Panics
///
/// If something does not hold.
#[cfg(feature = "msgpack")]
pub fn msgpack(input: &[u8]) {
    let packet = match MsgPack.decode(&LIMITS, Wire::Binary(input)) {
        Ok(packet) => packet,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Encoded::Binary(message) = MsgPack.encode(&packet) else { panic!("text") };
    let limits = Limits { max_packet_bytes: usize::MAX, ..LIMITS };
    let again = MsgPack.decode(&limits, Wire::Binary(&message));
    assert_eq!(again.as_ref(), Ok(&packet), "encoded and decoded again");
    for end in 0..message.len().min(64) {
        let cut = message.get(..end).unwrap_or_default();
        let result = MsgPack.decode(&limits, Wire::Binary(cut));
        assert!(matches!(result, Err(DecodeError::Empty | DecodeError::Malformed { .. })));
    }

    // The payload is one that the text form could have brought.
    let data =
        Data::new(&UNLIMITED, packet.data.json().to_owned(), packet.data.attachments().into());
    assert_eq!(data.as_ref(), Ok(&packet.data));
    let in_text = matches!(packet.kind, Kind::Event | Kind::Ack);
    if in_text || packet.data.attachments().is_empty() {
        check_text(&packet);
    } else {
        check(&packet);
    }
}

fn check_text(packet: &Packet<'_>) {
    let mut text = Vec::new();
    packet.encode(&mut text);
    assert_eq!(decode(&text, &packet.data), *packet, "encoded and decoded again");
    if !matches!(packet.kind, Kind::Event | Kind::Ack) {
        assert!(packet.data.attachments().is_empty());
    }
    check(packet);
}

fn check(packet: &Packet<'_>) {
    _ = packet.data.get::<Value>();
    _ = packet.data.get::<serde_json::Value>();
    match packet.kind {
        Kind::Event => {
            let (name, args) = packet.data.event().expect("the decoder lets only events through");
            let args = args.to_args();
            check_args(&args);
            let mut payload = Payload::new();
            payload.event(&name, &args).expect("the decoder refuses reserved names");
            let relayed = decode_payload(packet, &payload);
            let (name_again, args_again) = relayed.data.event().expect("an event");
            assert_eq!((name_again, args_again.to_args()), (name, args), "relayed");
        }
        Kind::Ack => {
            let args = packet.data.args().to_args();
            check_args(&args);
            let mut payload = Payload::new();
            payload.ack(&args).expect("nothing to serialise");
            assert_eq!(decode_payload(packet, &payload).data.args().to_args(), args, "relayed");
        }
        Kind::Connect | Kind::Disconnect | Kind::ConnectError => {}
    }
}

fn check_args(args: &Args) {
    let raw: Vec<_> = args.as_ref().raw().collect();
    assert_eq!(raw.len(), args.len());
    assert_eq!(raw.is_empty(), args.is_empty());

    // Every way of reading is total.
    let mut reader = args.reader();
    for index in 0..raw.len() {
        assert_eq!(reader.remaining(), raw.len() - index);
        _ = reader.clone().next::<String>();
        _ = reader.clone().next::<f64>();
        _ = reader.clone().next::<Vec<Option<Binary>>>();
        let theirs = reader.clone().next::<serde_json::Value>().ok();
        let ours: Value = reader.next().expect("a value within the depth");
        if let (Some(theirs), true) = (theirs, args.attachments().is_empty()) {
            assert!(ours.to().is_ok_and(|ours| alike(&ours, &theirs)), "{ours}");
        }
    }
    assert!(reader.rest().is_empty());

    // Through `Value` and back nothing is lost.
    let read = |args: &Args| -> Vec<Value> {
        (0..args.len()).map(|index| args.get(index).expect("a value")).collect()
    };
    let values = read(args);
    let again = Args::from_values(values.iter().cloned());
    let looks_like_placeholder = again.attachments().is_empty() != args.attachments().is_empty();
    if !looks_like_placeholder {
        assert_eq!(read(&again), values);
    }
    for value in &values {
        assert_eq!(value.to().as_ref(), Ok(value));
    }
}

/// The packet with the same head and another payload, through the wire.
fn decode_payload(packet: &Packet<'_>, payload: &Payload) -> Packet<'static> {
    let attachments = payload.attachments();
    let mut text = Vec::new();
    write_head(&mut text, packet.kind, attachments.len(), &packet.namespace, packet.id);
    text.extend_from_slice(payload.as_bytes());
    assert_eq!(attachments, packet.data.attachments());
    decode(&text, &packet.data)
}

/// Decodes a text and the attachments of `data` behind it.
fn decode(text: &[u8], data: &Data<'_>) -> Packet<'static> {
    let text = std::str::from_utf8(text).expect("packets are UTF-8");
    let mut decoder = Decoder::new();
    let mut packet = decoder.text(&UNLIMITED, text).expect(text).map(Packet::into_owned);
    for attachment in data.attachments() {
        assert!(packet.is_none());
        packet = decoder.binary(&UNLIMITED, Cow::Borrowed(attachment)).expect(text);
    }
    packet.expect("complete")
}

/// Equality of JSON up to the last bit of floats, which serde_json does not always get right.
pub(crate) fn alike(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(a), Number(b)) if a.is_f64() && b.is_f64() => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= a.abs() * 1e-15 + f64::MIN_POSITIVE,
            (a, b) => a == b,
        },
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Object(a), Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
        }
        (a, b) => a == b,
    }
}
