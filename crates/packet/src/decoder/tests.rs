use std::error::Error;

use proptest::prelude::*;

use super::*;
use crate::args::Args;
use crate::error::PayloadError;
use crate::head::write_head;
use crate::packet::is_reserved;
use crate::payload::Payload;
use crate::value::Value;
use crate::value::strategy::binary_value;

fn decode_text(text: &str) -> Result<Option<Packet<'_>>, DecodeError> {
    Decoder::new().text(&Limits::default(), text)
}

fn packet(text: &str) -> Packet<'_> {
    decode_text(text).unwrap().unwrap()
}

#[test]
fn an_idle_decoder_is_a_pointer() {
    assert!(size_of::<Decoder>() <= 16);
}

#[test]
fn packets_without_attachments() {
    use Kind::{Ack, Connect, ConnectError, Disconnect, Event};
    let cases = [
        ("0", Connect, "/", None, ""),
        ("0/admin", Connect, "/admin", None, ""),
        ("0/admin,", Connect, "/admin", None, ""),
        (r#"0{"sid":"x"}"#, Connect, "/", None, r#"{"sid":"x"}"#),
        (r#"0/admin,{"token":"1"}"#, Connect, "/admin", None, r#"{"token":"1"}"#),
        ("0/adm?token=1&x=%20y,", Connect, "/adm?token=1&x=%20y", None, ""),
        ("0{}", Connect, "/", None, "{}"),
        ("1", Disconnect, "/", None, ""),
        ("1/admin,", Disconnect, "/admin", None, ""),
        ("1/admin", Disconnect, "/admin", None, ""),
        (r#"2["a",1]"#, Event, "/", None, r#"["a",1]"#),
        (r#"2/,["a"]"#, Event, "/", None, r#"["a"]"#),
        (r#"2/admin,13["x"]"#, Event, "/admin", Some(13), r#"["x"]"#),
        (r#"2/é/日本,1["x"]"#, Event, "/é/日本", Some(1), r#"["x"]"#),
        (r#"2000012["x"]"#, Event, "/", Some(12), r#"["x"]"#),
        (r#"20["x"]"#, Event, "/", Some(0), r#"["x"]"#),
        (r#"218446744073709551615["x"]"#, Event, "/", Some(u64::MAX), r#"["x"]"#),
        ("2[1]", Event, "/", None, "[1]"),
        ("2 [ \"a\" ] ", Event, "/", None, " [ \"a\" ] "),
        (r#"2["error"]"#, Event, "/", None, r#"["error"]"#),
        (r#"2["Connect"]"#, Event, "/", None, r#"["Connect"]"#),
        (r#"2["__proto__","constructor"]"#, Event, "/", None, r#"["__proto__","constructor"]"#),
        ("313[true]", Ack, "/", Some(13), "[true]"),
        ("3/admin,13[]", Ack, "/admin", Some(13), "[]"),
        ("3", Ack, "/", None, ""),
        ("37", Ack, "/", Some(7), ""),
        ("3[\"connect\"]", Ack, "/", None, "[\"connect\"]"),
        (r#"4/x,{"message":"m"}"#, ConnectError, "/x", None, r#"{"message":"m"}"#),
        (r#"4"nope""#, ConnectError, "/", None, r#""nope""#),
        // Placeholders mean nothing without attachments.
        (
            r#"2["a",{"_placeholder":true,"num":"splice"}]"#,
            Event,
            "/",
            None,
            r#"["a",{"_placeholder":true,"num":"splice"}]"#,
        ),
    ];
    for (text, kind, namespace, id, json) in cases {
        let packet = packet(text);
        assert_eq!(
            (packet.kind, &*packet.namespace, packet.id, packet.data.json()),
            (kind, namespace, id, json),
            "{text}"
        );
        assert!(packet.data.attachments().is_empty());
        assert!(matches!(packet.namespace, Cow::Borrowed(_)), "no copy is made");
    }
}

fn shape(expected: &'static str) -> PayloadError {
    PayloadError::WrongShape { expected }
}

#[test]
fn refused_payloads() {
    use PayloadError::{InvalidEventName, MissingEventName, Syntax, TooDeep};
    let reserved = |name: &str| PayloadError::ReservedEventName(name.to_owned());
    let cases = [
        ("0null", shape("an object or nothing")),
        ("0[]", shape("an object or nothing")),
        (r#"0"x""#, shape("an object or nothing")),
        ("0/a,true", shape("an object or nothing")),
        ("1{}", shape("no payload")),
        ("1null", shape("no payload")),
        ("2", MissingEventName),
        ("2/admin,7", MissingEventName),
        ("2[]", MissingEventName),
        ("2[ ]", MissingEventName),
        ("2{}", shape("an array")),
        (r#"2"a""#, shape("an array")),
        ("2[null]", InvalidEventName),
        ("2[true]", InvalidEventName),
        ("2[{}]", InvalidEventName),
        (r#"2[{"toString":"x"}]"#, InvalidEventName),
        (r#"2[["a"]]"#, InvalidEventName),
        (r#"2["connect"]"#, reserved("connect")),
        (r#"2["connect_error"]"#, reserved("connect_error")),
        (r#"2["disconnect"]"#, reserved("disconnect")),
        (r#"2["disconnecting",1]"#, reserved("disconnecting")),
        (r#"2["newListener"]"#, reserved("newListener")),
        (r#"2["removeListener"]"#, reserved("removeListener")),
        (r#"2[ "\u0063onnect"]"#, reserved("connect")),
        ("3{}", shape("an array")),
        ("3null", shape("an array")),
        ("4[]", shape("a string or an object")),
        ("41.5", Syntax { at: 0 }),
        (r#"2abc["a"]"#, Syntax { at: 0 }),
        (r#"2["a""#, Syntax { at: 4 }),
        (r#"2["a"]x"#, Syntax { at: 5 }),
        (r#"2/admin["a",1]"#, Syntax { at: 0 }),
        (r#"2-1["a"]"#, Syntax { at: 2 }),
        ("2[\"a\n\"]", Syntax { at: 3 }),
        // Not one byte is looked at behind a namespace that never ends.
        (r#"2/admin["a"]"#, MissingEventName),
    ];
    for (text, reason) in cases {
        let error = decode_text(text).unwrap_err();
        assert_eq!(error, DecodeError::InvalidPayload(reason), "{text}");
        assert_eq!(error.to_string(), "invalid payload");
        assert!(error.source().is_some());
    }
    let deep = format!("2[\"a\",{}{}]", "[".repeat(128), "]".repeat(128));
    let too_deep = DecodeError::InvalidPayload(TooDeep { limit: 128 });
    assert_eq!(decode_text(&deep), Err(too_deep.clone()));
    let deep = format!("2[\"a\",{}", "[".repeat(100_000));
    assert_eq!(decode_text(&deep), Err(too_deep));
    let deep = format!("2[\"a\",{}{}]", "[".repeat(127), "]".repeat(127));
    assert!(decode_text(&deep).is_ok());
}

#[test]
fn refused_heads_with_the_messages_of_the_reference() {
    let cases = [
        ("", "empty packet"),
        ("7", "unknown packet type 7"),
        ("9[\"a\"]", "unknown packet type 9"),
        ("abc", "unknown packet type a"),
        ("é", "unknown packet type é"),
        ("\n", "unknown packet type \\n"),
        ("-1", "unknown packet type -"),
        ("5", "Illegal attachments"),
        (r#"5["a"]"#, "Illegal attachments"),
        (r#"5-["a"]"#, "Illegal attachments"),
        (r#"51["a"]"#, "Illegal attachments"),
        (r#"5+1-["a"]"#, "Illegal attachments"),
        (r#"51e0-["a"]"#, "Illegal attachments"),
        (r#"51.0-["a"]"#, "Illegal attachments"),
        (r#"5 1-["a"]"#, "Illegal attachments"),
        (r#"50-["a"]"#, "Illegal attachments"),
        (r#"500-["a"]"#, "Illegal attachments"),
        (r#"60-["a"]"#, "Illegal attachments"),
        ("51", "Illegal attachments"),
        ("599999999999999999999", "Illegal attachments"),
        (r#"511-["a"]"#, "too many attachments"),
        (r#"61000000000-[]"#, "too many attachments"),
        (r#"599999999999999999999999-["a"]"#, "too many attachments"),
        (r#"51-["a",{"_placeholder":true,"num":1}]"#, "illegal attachments"),
        (r#"51-["a",{"_placeholder":true,"num":-1}]"#, "illegal attachments"),
        (r#"51-["a",{"_placeholder":true,"num":"splice"}]"#, "illegal attachments"),
        (r#"51-["a",{"_placeholder":true}]"#, "illegal attachments"),
        (r#"61-[{"x":[{"_placeholder":true,"num":0.5}]}]"#, "illegal attachments"),
        (r#"51-[{"_placeholder":true,"num":0}]"#, "invalid payload"),
        (r#"51-["connect"]"#, "invalid payload"),
        ("51-", "invalid payload"),
        (r#"218446744073709551616["x"]"#, "ack id exceeds 64 bits"),
    ];
    for (text, message) in cases {
        let mut decoder = Decoder::new();
        let error = decoder.text(&Limits::default(), text).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        assert!(!decoder.is_waiting(), "{text}");
    }
}

#[test]
fn attachments_complete_a_packet_in_order() {
    let text = concat!(
        r#"53-/admin,7["b",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":0}],"#,
        r#"{"x":{"_placeholder":true,"num":2}}]"#
    );
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    assert_eq!(decoder.text(&limits, text), Ok(None));
    assert!(decoder.is_waiting());
    let own = vec![3; 10];
    let address = own.as_ptr();
    assert_eq!(decoder.binary(&limits, b"one".into()), Ok(None));
    assert_eq!(decoder.binary(&limits, b"".into()), Ok(None));
    let packet = decoder.binary(&limits, own.into()).unwrap().unwrap();
    assert!(!decoder.is_waiting());

    assert_eq!((packet.kind, &*packet.namespace, packet.id), (Kind::Event, "/admin", Some(7)));
    assert_eq!(packet.data.attachments(), [&b"one"[..], b"", &[3; 10]]);
    assert_eq!(packet.data.attachments()[2].as_ptr(), address, "taken over as it is");
    let (name, args) = packet.data.event().unwrap();
    assert_eq!(name, "b");
    assert_eq!(args.attachments().len(), 3);

    let mut again = Vec::new();
    packet.encode(&mut again);
    assert_eq!(again, text.as_bytes());
}

#[test]
fn ten_attachments_and_leading_zeros_are_fine() {
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    assert_eq!(decoder.text(&limits, "6010-1"), Ok(None));
    for _ in 0..9 {
        assert_eq!(decoder.binary(&limits, b"x".into()), Ok(None));
    }
    let packet = decoder.binary(&limits, b"x".into()).unwrap().unwrap();
    assert_eq!((packet.kind, packet.id), (Kind::Ack, Some(1)));
    assert!(packet.data.args().is_empty());
}

#[test]
fn messages_out_of_turn() {
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    let error = decoder.binary(&limits, b"x".into()).unwrap_err();
    assert_eq!(error.to_string(), "got binary data when not reconstructing a packet");

    assert_eq!(decoder.text(&limits, r#"52-["a"]"#), Ok(None));
    assert_eq!(decoder.binary(&limits, b"x".into()), Ok(None));
    let error = decoder.text(&limits, r#"2["a"]"#).unwrap_err();
    assert_eq!(error.to_string(), "got plaintext data when reconstructing a packet");

    assert_eq!(decoder.binary(&limits, b"x".into()), Err(DecodeError::UnexpectedBinary));
    assert!(decoder.text(&limits, r#"2["a"]"#).unwrap().is_some(), "idle again after an error");
}

#[test]
fn text_and_attachments_share_one_limit() {
    let text = r#"52-["a"]"#;
    let limits = Limits { max_packet_bytes: text.len() + 5, ..Limits::default() };
    let too_large = Err(DecodeError::TooLarge { limit: text.len() + 5 });
    let mut decoder = Decoder::new();

    decoder.text(&limits, text).unwrap();
    decoder.binary(&limits, b"123".into()).unwrap();
    assert!(decoder.binary(&limits, b"45".into()).unwrap().is_some());

    decoder.text(&limits, text).unwrap();
    decoder.binary(&limits, b"123".into()).unwrap();
    assert_eq!(decoder.binary(&limits, b"456".into()), too_large);
    assert!(!decoder.is_waiting());

    assert!(decoder.text(&limits, r#"2["1234567"]"#).is_ok());
    let text = r#"2["12345678901"]"#;
    assert_eq!(decoder.text(&limits, text), too_large);
}

#[test]
fn a_limit_of_no_attachments_refuses_all() {
    let limits = Limits { max_attachments: 0, ..Limits::default() };
    let error = Decoder::new().text(&limits, r#"51-["a"]"#).unwrap_err();
    assert_eq!(error, DecodeError::TooManyAttachments { limit: 0 });
}

#[test]
fn event_names() {
    let cases = [
        (r#"2["a"]"#, "a", ""),
        (r#"2["",1]"#, "", "1"),
        (r#"2["\u00e9\ud83d\n", 1 , 2 ]"#, "é\u{fffd}\n", "1 , 2"),
        ("2[1,{}]", "1", "{}"),
        ("2[-1.50]", "-1.50", ""),
        (r#"2 [ "a" , [ 1 ] ] "#, "a", "[ 1 ]"),
    ];
    for (text, name, args) in cases {
        let packet = packet(text);
        let (event, rest) = packet.data.event().unwrap();
        assert_eq!((event.as_str(), rest.json()), (name, args), "{text}");
    }
    assert_eq!(packet("3[1,2]").data.args().json(), "1,2");
    assert_eq!(packet("3[]").data.event(), None);
    assert_eq!(packet("0{}").data.event(), None);
    assert_eq!(packet("1").data.event(), None);
}

#[test]
fn whole_payloads() {
    let auth: Value = packet(r#"0{"token":"1","n":1.0}"#).data.get().unwrap();
    assert_eq!(auth.to_string(), r#"{"token":"1","n":1.0}"#);
    assert_eq!(packet("0").data.get(), Ok(Value::Null));
    assert_eq!(packet("0").data.get(), Ok(None::<String>));
    assert_eq!(packet(r#"4"nope\ud83d""#).data.get(), Ok("nope\u{fffd}".to_owned()));
    assert!(packet("0").data.get::<String>().is_err());
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(
        event in any::<Option<String>>(),
        namespace in prop_oneof![Just("/".to_owned()), "/[^,]{0,8}"],
        id: Option<u64>,
        values in prop::collection::vec(binary_value(), 0..5),
    ) {
        let mut payload = Payload::new();
        let args = Args::from_values(values.iter().cloned());
        let kind = match &event {
            Some(name) => {
                prop_assume!(!is_reserved(name));
                payload.event(name, &args).unwrap();
                Kind::Event
            }
            None => {
                payload.ack(&args).unwrap();
                Kind::Ack
            }
        };
        let mut text = Vec::new();
        write_head(&mut text, kind, payload.attachments().len(), &namespace, id);
        text.extend_from_slice(payload.as_bytes());
        let text = String::from_utf8(text).unwrap();

        let limits = Limits { max_attachments: 1000, ..Limits::default() };
        let mut decoder = Decoder::new();
        let mut decoded = decoder.text(&limits, &text).unwrap();
        for attachment in payload.attachments() {
            prop_assert!(decoded.is_none());
            decoded = decoder.binary(&limits, attachment[..].into()).unwrap();
        }
        let packet = decoded.unwrap();
        prop_assert_eq!((packet.kind, &*packet.namespace, packet.id), (kind, &*namespace, id));
        let got = match &event {
            Some(name) => {
                let (got, args) = packet.data.event().unwrap();
                prop_assert_eq!(got.as_str(), name);
                args
            }
            None => packet.data.args(),
        };
        prop_assert_eq!(got.to_args(), args);
        prop_assert_eq!(got.len(), values.len());
        for (index, value) in values.iter().enumerate() {
            prop_assert_eq!(&got.get::<Value>(index).unwrap(), value);
        }
    }

    #[test]
    fn no_sequence_of_messages_panics(
        messages in prop::collection::vec(
            prop_oneof![
                any::<String>().prop_map(Ok),
                "[0-7][0-3]?-?(/[a-c],)?[0-9]?\\PC{0,12}".prop_map(Ok),
                r#"[2356]([1-3]-)?(/a,)?[0-9]?\["a"(,([1-9]|"x"|\{"_placeholder":true,"num":[0-3]\})){0,4}\]"#.prop_map(Ok),
                prop::collection::vec(any::<u8>(), 0..9).prop_map(Err),
            ],
            0..12,
        ),
    ) {
        let limits = Limits { max_packet_bytes: 60, ..Limits::default() };
        let mut decoder = Decoder::new();
        for message in &messages {
            let was_waiting = decoder.is_waiting();
            let result = match message {
                Ok(text) => decoder.text(&limits, text),
                Err(bytes) => decoder.binary(&limits, bytes.into()),
            };
            prop_assert!(!(was_waiting && message.is_ok()) || result.is_err());
            prop_assert_eq!(decoder.is_waiting(), matches!(result, Ok(None)));
        }
    }
}
