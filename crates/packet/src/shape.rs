use crate::error::PayloadError;
use crate::kind::Kind;
use crate::packet::{Data, is_reserved};
use crate::scan::trim;

/// The payload each kind of packet requires.
pub(crate) fn check_shape(kind: Kind, data: &Data<'_>) -> Result<(), PayloadError> {
    let first = trim(data.json()).bytes().next();
    let expected = match (kind, first) {
        (Kind::Connect, None | Some(b'{'))
        | (Kind::ConnectError, None | Some(b'{' | b'"'))
        | (Kind::Disconnect, None)
        | (Kind::Ack, None | Some(b'[')) => return Ok(()),
        (Kind::Event, Some(b'[')) => return check_event(data),
        (Kind::Event, None) => return Err(PayloadError::MissingEventName),
        (Kind::Connect, _) => "an object or nothing",
        (Kind::ConnectError, _) => "a string or an object",
        (Kind::Disconnect, _) => "no payload",
        (Kind::Event | Kind::Ack, _) => "an array",
    };
    Err(PayloadError::WrongShape { expected })
}

fn check_event(data: &Data<'_>) -> Result<(), PayloadError> {
    match data.event() {
        Some((name, _)) if is_reserved(&name) => {
            Err(PayloadError::ReservedEventName(name.into_cow().into_owned()))
        }
        Some(_) => Ok(()),
        None if data.args().is_empty() => Err(PayloadError::MissingEventName),
        None => Err(PayloadError::InvalidEventName),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DecodeError;
    use crate::limits::Limits;
    use crate::packet::Packet;

    /// The table of the decoder's tests has the shapes; this is the way in for parsers.
    #[test]
    fn packets_of_parsers_are_checked_like_decoded_ones() {
        let limits = Limits { max_packet_bytes: 60, ..Limits::default() };
        let make = |kind, namespace: &'static str, json: &'static str, attachments: usize| {
            let attachments = vec![vec![1].into(); attachments];
            let packet =
                Packet::new(kind, namespace, None, Data::new(&limits, json, attachments)?)?;
            // What the text form can say comes back the same.
            let mut text = Vec::new();
            packet.encode(&mut text);
            let text = String::from_utf8(text).unwrap();
            let (mut decoder, limits) = (crate::Decoder::new(), Limits::default());
            let mut decoded = decoder.text(&limits, &text).unwrap().map(Packet::into_owned);
            for attachment in packet.data.attachments() {
                decoded = decoder.binary(&limits, attachment[..].into()).unwrap();
            }
            assert_eq!(decoded, Some(packet));
            Ok(())
        };
        use DecodeError::{IllegalPlaceholder, InvalidNamespace, TooLarge, TooManyAttachments};
        let invalid = |reason| Err(DecodeError::InvalidPayload(reason));
        let shape = |expected| invalid(PayloadError::WrongShape { expected });
        let placeholder = r#"["x",{"_placeholder":true,"num":1}]"#;

        assert_eq!(make(Kind::Event, "/", r#"["x"]"#, 0), Ok(()));
        assert_eq!(make(Kind::Event, "/a", r#" ["\ud83d"] "#, 0), Ok(()));
        assert_eq!(make(Kind::Connect, "/a", "", 0), Ok(()));
        assert_eq!(make(Kind::Event, "/", placeholder, 0), Ok(()));
        assert_eq!(make(Kind::Event, "/", placeholder, 2), Ok(()));
        assert_eq!(make(Kind::Event, "/", placeholder, 1), Err(IllegalPlaceholder));
        assert_eq!(make(Kind::Event, "/", "[1", 0), invalid(PayloadError::Syntax { at: 2 }));
        let reserved = PayloadError::ReservedEventName("connect".to_owned());
        assert_eq!(make(Kind::Event, "/", r#"["connect"]"#, 0), invalid(reserved));
        assert_eq!(make(Kind::Ack, "/", "{}", 0), shape("an array"));
        assert_eq!(make(Kind::Disconnect, "/", "[]", 0), shape("no payload"));
        for namespace in ["", "a", "/a,b"] {
            assert_eq!(make(Kind::Connect, namespace, "", 0), Err(InvalidNamespace));
        }
        assert_eq!(make(Kind::Ack, "/", "[]", 11), Err(TooManyAttachments { limit: 10 }));
        let long = r#"["12345678901234567890123456789012345678901234567890123456"]"#;
        assert_eq!(make(Kind::Event, "/", long, 0), Ok(()));
        assert_eq!(make(Kind::Event, "/", long, 1), Err(TooLarge { limit: 60 }));
    }
}
