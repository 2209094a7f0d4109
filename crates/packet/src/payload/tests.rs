use std::collections::BTreeMap;

use serde::Serialize;

use super::*;
use crate::args::Args;
use crate::binary::Binary;
use crate::value::{Number, Value};

fn event<A: IntoArgs + ?Sized>(args: &A) -> String {
    let mut payload = Payload::new();
    payload.event("e", args).unwrap();
    payload.json().to_owned()
}

fn ack<A: IntoArgs + ?Sized>(args: &A) -> String {
    let mut payload = Payload::new();
    payload.ack(args).unwrap();
    payload.json().to_owned()
}

/// Both forms, of which the ack's is told.
#[track_caller]
fn assert_list<A: IntoArgs + ?Sized>(args: &A, list: &str) {
    assert_eq!(ack(args), format!("[{list}]"));
    let separator = if list.is_empty() { "" } else { "," };
    assert_eq!(event(args), format!("[\"e\"{separator}{list}]"));
}

#[derive(Serialize)]
struct Unit;
#[derive(Serialize)]
struct Newtype<T>(T);
#[derive(Serialize)]
struct Pair(u8, u8);
#[derive(Serialize)]
struct Named {
    a: u8,
}
#[derive(Serialize)]
enum Enum {
    Unit,
    Newtype((u8, u8)),
    Tuple(u8, u8),
    Struct { a: u8 },
}

#[test]
fn tuples_and_fixed_arrays_are_lists() {
    assert_list(&(1, "two", [3]), r#"1,"two",[3]"#);
    assert_list(&(1,), "1");
    assert_list(&[1, 2], "1,2");
    assert_list(&[0_u8; 0], "");
    assert_list(&Box::new((1, 2)), "1,2");
    assert_list(&&&(1, 2), "1,2");
    assert_list(&((1, 2),), "[1,2]");
    assert_list(&((), ((),)), "null,[null]");
    assert_list(&([0_u8; 0], "]"), "[],\"]\"");
}

#[test]
fn the_unit_is_no_argument() {
    assert_list(&(), "");
    assert_list(&&(), "");
    assert_list(&((),), "null");
}

#[test]
fn everything_else_is_one_argument() {
    assert_list("str", "\"str\"");
    assert_list(&String::from("s"), "\"s\"");
    assert_list(&'c', "\"c\"");
    assert_list(&true, "true");
    assert_list(&-1_i8, "-1");
    assert_list(&u64::MAX, "18446744073709551615");
    assert_list(&i128::MIN, "-170141183460469231731687303715884105728");
    assert_list(&1.5_f32, "1.5");
    assert_list(&f64::NAN, "null");
    assert_list(&f64::INFINITY, "null");
    assert_list(&None::<u8>, "null");
    assert_list(&Some((1, 2)), "[1,2]");
    assert_list(&Vec::<u8>::new(), "[]");
    assert_list(&vec![1, 2], "[1,2]");
    assert_list(&[1, 2][..], "[1,2]");
    assert_list(&BTreeMap::from([("a", 1)]), r#"{"a":1}"#);
    assert_list(&Unit, "null");
    assert_list(&Newtype((1, 2)), "[1,2]");
    assert_list(&Newtype(()), "null");
    assert_list(&Pair(1, 2), "[1,2]");
    assert_list(&Named { a: 1 }, r#"{"a":1}"#);
    assert_list(&Enum::Unit, "\"Unit\"");
    assert_list(&Enum::Newtype((1, 2)), r#"{"Newtype":[1,2]}"#);
    assert_list(&Enum::Tuple(1, 2), r#"{"Tuple":[1,2]}"#);
    assert_list(&Enum::Struct { a: 1 }, r#"{"Struct":{"a":1}}"#);
    assert_list(&format_args!("{}", 1), "\"1\"");
    assert_list(&Value::Null, "null");
    assert_list(&Value::from(vec![1, 2]), "[1,2]");
    assert_list(&Value::Array(vec![]), "[]");
    assert_list(&Binary::default(), r#"{"_placeholder":true,"num":0}"#);
}

#[test]
fn args_go_out_as_they_are() {
    let args = Args::new(&(1, Binary::from(vec![1]), Number::from_text("1.0"))).unwrap();
    assert_list(&args, args.json());
    assert_list(&args.as_ref(), args.json());
    assert_list(&Args::default(), "");
}

#[test]
fn names_are_escaped_and_some_are_refused() {
    let mut payload = Payload::new();
    payload.event("a\"\u{1}é\u{2028}/", &1).unwrap();
    assert_eq!(payload.json(), "[\"a\\\"\\u0001é\u{2028}/\",1]");
    payload.event("", &()).unwrap();
    assert_eq!(payload.json(), r#"[""]"#);
    for name in crate::packet::RESERVED_EVENTS {
        assert_eq!(payload.event(name, &1), Err(EncodeError::ReservedName(name.to_owned())));
        assert_eq!(payload, Payload::new());
    }
    assert_eq!(payload.event("error", &1), Ok(()));
}

#[test]
fn attachments_are_numbered_depth_first() {
    #[derive(Serialize)]
    struct File {
        body: Bytes,
        parts: Vec<Option<Binary>>,
        by_name: BTreeMap<&'static str, Enclosed>,
    }
    #[derive(Serialize)]
    enum Enclosed {
        Raw(Bytes),
        Sized { len: usize, bytes: Binary },
    }
    let file = File {
        body: Bytes::from_static(b"0"),
        parts: vec![Some(Binary::from(&b"1"[..])), None, Some(Binary::from(&b"2"[..]))],
        by_name: BTreeMap::from([
            ("a", Enclosed::Raw(Bytes::from_static(b"3"))),
            ("b", Enclosed::Sized { len: 1, bytes: Binary::from(&b"4"[..]) }),
        ]),
    };
    let mut payload = Payload::new();
    payload.event("file", &(file, Value::from(Bytes::from_static(b"5")))).unwrap();
    let p = |num| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    assert_eq!(
        payload.json(),
        format!(
            r#"["file",{{"body":{},"parts":[{},null,{}],"by_name":{{"a":{{"Raw":{}}},"b":{{"Sized":{{"len":1,"bytes":{}}}}}}}}},{}]"#,
            p(0),
            p(1),
            p(2),
            p(3),
            p(4),
            p(5)
        )
    );
    assert_eq!(payload.attachments(), [b"0", b"1", b"2", b"3", b"4", b"5"].map(|b| &b[..]));
}

#[test]
fn binary_is_attached_without_a_copy() {
    let bytes = Bytes::from(vec![1; 100]);
    let mut payload = Payload::new();
    payload.ack(&(Binary(bytes.clone()), Value::from(bytes.clone()), &bytes)).unwrap();
    let shared = payload.attachments().iter().map(|b| b.as_ptr() == bytes.as_ptr());
    assert_eq!(shared.collect::<Vec<_>>(), [true, true, false]);
    // The same bytes lent for one attachment are not taken for another.
    payload.ack(&(bytes.slice(..0), Binary(bytes.slice(1..)), bytes.slice(2..))).unwrap();
    assert_eq!(payload.attachments(), [&[][..], &[1; 99], &[1; 98]]);
}

#[test]
fn a_failure_leaves_nothing_behind() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    let mut payload = Payload::new();
    let refused = Err(EncodeError::Serialize("no".to_owned()));
    assert_eq!(payload.event("e", &(1, Binary::default(), Refuses)), refused);
    assert_eq!(payload, Payload::new());
    assert_eq!(payload.ack(&Refuses), refused);
    assert_eq!(payload, Payload::new());
    let error = payload.ack(&BTreeMap::from([(Binary::default(), 1)])).unwrap_err();
    assert_eq!(error.to_string(), "cannot serialise: key must be a string");
    payload.ack(&1).unwrap();
    assert_eq!(payload.json(), "[1]", "usable again");
}

#[test]
fn numbers_keep_their_text() {
    let texts =
        ["1.0", "1e2", "-0", "12345678901234567890", "123456789012345678901", "1e400", "0.10"];
    let numbers = texts.map(Number::from_text);
    assert_list(&numbers, &texts.join(","));
    assert_list(&(Value::from(numbers.to_vec()), 1.0), &format!("[{}],1.0", texts.join(",")));
}

#[test]
fn refilling_reuses_the_buffers() {
    let mut payload = Payload::new();
    payload.event("message", &("a longer text", Binary::default())).unwrap();
    let buffers = (payload.json.as_ptr(), payload.attachments.as_ptr());
    payload.event("message", &("short", Binary::default())).unwrap();
    assert_eq!((payload.json.as_ptr(), payload.attachments.as_ptr()), buffers);
    payload.clear();
    assert_eq!((payload.json(), payload.as_bytes().len()), ("", 0));
}

#[test]
fn a_payload_becomes_a_packet_that_announces_its_attachments() {
    let mut payload = Payload::new();
    let mut text = b"4".to_vec();
    payload.encode(Kind::Disconnect, "/a", None, &mut text);
    assert_eq!(text, b"41/a,", "appended");

    payload.ack(&(1, Binary::from(vec![7]))).unwrap();
    text.clear();
    payload.encode(Kind::Ack, "/", Some(12), &mut text);
    assert_eq!(text, br#"61-12[1,{"_placeholder":true,"num":0}]"#);
}

#[test]
fn a_payload_as_a_packet() {
    use crate::{Decoder, Limits, Packet};

    for text in [
        r#"2/a,7["x",1.0]"#,
        r#"2/a,7["\ud83d\ude00"]"#,
        r#"2/a,7["x","\ud83d"]"#,
        r#"2/a,7["x","\uDE00"]"#,
        r#"51-/a,7["x",{"_placeholder":true,"num":0}]"#,
    ] {
        let (mut decoder, limits) = (Decoder::new(), Limits::default());
        let mut packet = decoder.text(&limits, text).unwrap().map(Packet::into_owned);
        if decoder.is_waiting() {
            packet = decoder.binary(&limits, b"1".into()).unwrap();
        }
        let packet = packet.unwrap();
        let (name, args) = packet.data.event().unwrap();
        let mut payload = Payload::new();
        payload.event(&name, &args).unwrap();
        let relayed = payload.as_packet(Kind::Event, "/a", Some(7));
        assert_eq!(relayed.data.args(), payload.as_packet(Kind::Ack, "/a", None).data.args());
        if !text.contains(r"\ude00") {
            assert_eq!(relayed, packet);
        }
        // Also the one with half a pair can be read as a type.
        let (_, args) = relayed.data.event().unwrap();
        assert!(args.is_empty() || args.get::<Value>(0).is_ok());
        assert!(args.is_empty() || !text.contains(r#"x","\"#) || args.get::<String>(0).is_ok());
        if let (Some(a), Some(b)) =
            (relayed.data.attachments().first(), payload.attachments().first())
        {
            assert_eq!(a.as_ptr(), b.as_ptr(), "shared");
        }
    }
}
