use std::borrow::Cow;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::*;
use crate::binary::Binary;
use crate::decoder::Decoder;
use crate::fuzzing::alike;
use crate::limits::Limits;
use crate::packet::Packet;
use crate::value::strategy::binary_value;

/// The arguments of an event as they come out of the decoder.
fn received(json: &str, attachments: &[&[u8]]) -> Args {
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    let list = if json.is_empty() { String::new() } else { format!(",{json}") };
    let text = match attachments.len() {
        0 => format!("2[\"e\"{list}]"),
        count => format!("5{count}-[\"e\"{list}]"),
    };
    let mut packet: Option<Packet<'_>> = decoder.text(&limits, &text).unwrap();
    for attachment in attachments {
        packet = decoder.binary(&limits, Cow::Borrowed(attachment)).unwrap();
    }
    packet.unwrap().data.event().unwrap().1.to_args()
}

const FIRST: &str = r#"{"_placeholder":true,"num":0}"#;
const SECOND: &str = r#"{"_placeholder":true,"num":1}"#;

#[test]
fn counting_and_picking() {
    let args = received(r#"1, "a,b" ,[1,2],{"x":[]},null"#, &[]);
    assert_eq!(args.len(), 5);
    assert!(!args.is_empty());
    assert_eq!(
        args.as_ref().raw().collect::<Vec<_>>(),
        ["1", r#""a,b""#, "[1,2]", r#"{"x":[]}"#, "null"]
    );
    assert_eq!(args.get(1), Ok("a,b".to_owned()));
    assert_eq!(args.get(2), Ok([1, 2]));
    assert_eq!(args.get(4), Ok(None::<u8>));
    assert_eq!(args.get(5), Ok(None::<u8>));
    assert_eq!(args.get::<u8>(5), Err(ArgError::Missing { index: 5 }));
    assert_eq!(args.get::<u8>(usize::MAX), Err(ArgError::Missing { index: usize::MAX }));
    assert!(matches!(args.get::<u8>(1), Err(ArgError::Invalid { index: 1, .. })));

    let none = received("", &[]);
    assert_eq!((none.len(), none.is_empty()), (0, true));
    assert_eq!(none, Args::default());
}

#[test]
fn reading_goes_on_after_an_error() {
    let args = received(r#""x",2,[3],"4""#, &[]);
    let mut reader = args.reader();
    assert_eq!(reader.remaining(), 4);
    let error = reader.next::<u8>().unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"argument 0: invalid type: string "x", expected u8 at line 1 column 3"#
    );
    assert_eq!(reader.remaining(), 3);
    assert_eq!(reader.next(), Ok(2));
    assert!(matches!(reader.next::<[String; 1]>(), Err(ArgError::Invalid { index: 2, .. })));
    assert_eq!(reader.next(), Ok("4".to_owned()));
    assert_eq!(reader.remaining(), 0);
    assert_eq!(reader.next::<u8>(), Err(ArgError::Missing { index: 4 }));
    assert_eq!(reader.next(), Ok(None::<String>));
    assert_eq!(reader.next(), Ok(()));
    assert_eq!(reader.next(), Ok(Value::Null));
    assert_eq!(reader.next::<Binary>(), Err(ArgError::Missing { index: 8 }));
    assert_eq!(reader.rest(), Args::default());
}

#[test]
fn rest_is_what_was_not_read() {
    let args = received("1,2 , 3", &[]);
    let mut reader = args.reader();
    assert_eq!(reader.clone().rest(), args);
    assert_eq!(reader.next(), Ok(1));
    assert_eq!(reader.rest().json(), "2 , 3");
    assert_eq!((reader.remaining(), reader.rest().len()), (0, 0));

    let args = received(&format!("{FIRST},{SECOND}"), &[b"a", b"b"]);
    let mut reader = args.reader();
    assert_eq!(reader.next::<Binary>().unwrap().as_ref(), b"a");
    let rest = reader.rest();
    assert_eq!((rest.json(), rest.attachments().len()), (SECOND, 2));
    assert_eq!(rest.get::<Binary>(0).unwrap().as_ref(), b"b");
}

#[test]
fn all_at_once() {
    let args = received(r#"1,"two",[3]"#, &[]);
    assert_eq!(args.parse(), Ok((1, "two".to_owned(), [3])));
    assert_eq!(args.parse(), Ok((1,)));
    assert_eq!(args.parse(), Ok((1, "two".to_owned(), [3], None::<u8>, Value::Null)));
    assert_eq!(args.parse(), Ok(1));
    assert_eq!(args.parse(), Ok(()));
    assert_eq!(args.parse(), Ok(Value::from(1)));
    assert_eq!(
        args.parse::<(u8, u8)>().unwrap_err().to_string().split(':').next(),
        Some("argument 1")
    );
    assert_eq!(
        args.parse::<(u8, IgnoredAny, IgnoredAny, u8)>().err(),
        Some(ArgError::Missing { index: 3 })
    );
    assert_eq!(received("[1,2]", &[]).parse(), Ok(vec![1, 2]));
    assert_eq!(received("1,2,3", &[]).parse(), Ok([1, 2, 3]));
    assert_eq!(Args::default().parse::<String>(), Err(ArgError::Missing { index: 0 }));
    assert_eq!(Args::default().parse(), Ok(None::<String>));
    let binary = received(&format!("1,{FIRST}"), &[b"a"]);
    assert_eq!(binary.parse(), Ok((1, Binary::from(&b"a"[..]))));
}

/// A type that swallows errors must not be taken for a list.
#[test]
fn a_lenient_type_still_sees_the_first_argument() {
    #[derive(Debug, PartialEq)]
    struct Lenient(Option<u8>);
    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(u8::deserialize(deserializer).ok()))
        }
    }
    assert_eq!(received("7", &[]).parse(), Ok(Lenient(Some(7))));
    let args = received("[1,\"x\",3],4", &[]);
    let mut reader = args.reader();
    assert_eq!(reader.next(), Ok(Lenient(None)));
    assert_eq!(reader.next(), Ok(Lenient(Some(4))), "half a value read is passed over whole");
}

#[test]
fn lone_surrogates() {
    let json = r#""\ud83d",{"\ude00":"\ud83d\ude00"}"#;
    for args in [received(json, &[]), received(json, &[b"a"])] {
        assert_eq!(args.json(), json, "untouched");
        assert_eq!(args.get(0), Ok("\u{fffd}".to_owned()));
        assert_eq!(args.get::<Value>(1).unwrap()["\u{fffd}"].as_str(), Some("😀"));
        let (first, second): (String, Value) = args.parse().unwrap();
        assert_eq!(first, "\u{fffd}");
        assert_eq!(second["\u{fffd}"].as_str(), Some("😀"));
        let mut payload = Payload::new();
        payload.ack(&args).unwrap();
        assert_eq!(payload.json(), format!("[{json}]"));
    }
}

#[test]
fn values_keep_numbers() {
    let json = "1.0,[1e2,12345678901234567890123],-0,1e400";
    for args in [received(json, &[]), received(json, &[b"a"])] {
        let mut reader = args.reader();
        let values: Vec<Value> = (0..4).map(|_| reader.next().unwrap()).collect();
        assert_eq!(Args::from_values(values).json(), json);
        assert!(args.get::<f64>(3).is_err());
    }
}

#[test]
fn binary_wants_an_attachment() {
    for json in [r#""text""#, "[1,2,3]", "null", "1", FIRST] {
        let args = received(json, &[]);
        let error = args.get::<Binary>(0).unwrap_err();
        assert!(error.to_string().contains("expected a binary attachment"), "{error}");
        assert!(args.get::<(Binary,)>(0).is_err());
        if json != FIRST {
            assert!(received(json, &[b"a"]).get::<Binary>(0).is_err());
        }
    }
    let args = received(&format!("{FIRST},[{SECOND}],[{FIRST}]"), &[b"a", b"b"]);
    let (a, [b], [c]): (Binary, [Binary; 1], [Option<Binary>; 1]) = args.parse().unwrap();
    assert_eq!((&a[..], &b[..]), (&b"a"[..], &b"b"[..]));
    assert_eq!(a.as_ptr(), args.attachments()[0].as_ptr(), "shared");
    assert_eq!(c.unwrap().as_ptr(), a.as_ptr());
}

#[test]
fn deep_arguments_are_argument_errors() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let limits = Limits { max_json_depth: 1000, ..Limits::default() };
    let text = format!("2[\"e\",{},{}]", nested(900), nested(127));
    let packet = Decoder::new().text(&limits, &text).unwrap().unwrap();
    let (_, args) = packet.data.event().unwrap();
    assert!(matches!(args.get::<Value>(0), Err(ArgError::Invalid { index: 0, .. })));
    assert!(args.get::<serde_json::Value>(0).is_err());
    assert!(args.get::<Value>(1).is_ok());
    assert!(args.get::<serde_json::Value>(1).is_ok());
    assert_eq!(args.to_args().len(), 2);
}

#[test]
fn building() {
    let mut args = Args::default();
    args.push("a").unwrap();
    args.push(&Binary::from(vec![1])).unwrap();
    args.push(&(1, 2)).unwrap();
    args.push(&()).unwrap();
    args.push(&[Binary::from(vec![2])]).unwrap();
    let json = format!("\"a\",{FIRST},[1,2],null,[{SECOND}]");
    assert_eq!(args.json(), json);
    assert_eq!(args.attachments(), [&[1][..], &[2]]);

    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(None)?;
            serde::ser::SerializeSeq::serialize_element(&mut list, &Binary::default())?;
            Err(serde::ser::Error::custom("no"))
        }
    }
    let error = args.push(&Refuses).unwrap_err();
    assert_eq!(error.to_string(), "cannot serialise: no");
    assert_eq!((args.json(), args.attachments().len()), (&*json, 2), "as before");

    assert_eq!(Args::new(&("a", Binary::from(vec![1]))).unwrap().json(), format!("\"a\",{FIRST}"));
    assert_eq!(Args::new(&()).unwrap(), Args::default());
    assert_eq!(Args::new(&None::<u8>).unwrap().json(), "null");
    assert_eq!(Args::new(&args).unwrap(), args);
    assert_eq!(Args::from_values([Value::Null, Value::from("x")]).json(), "null,\"x\"");
    assert_eq!([1, 2].into_iter().map(Value::from).collect::<Args>().json(), "1,2");
    assert_eq!(format!("{args:?}"), format!("[{json}] with 2 attachments"));
}

proptest! {
    #[test]
    fn relays_are_exact(values in prop::collection::vec(binary_value(), 0..5), name: String) {
        prop_assume!(!crate::packet::is_reserved(&name));
        let args = Args::from_values(values);
        let mut payload = Payload::new();
        payload.event(&name, &args).unwrap();
        prop_assert_eq!(payload.attachments(), args.attachments());
        let json = payload.json().to_owned();
        let head = format!("[{}", serde_json::to_string(&name).unwrap());
        let separator = if args.is_empty() { "" } else { "," };
        prop_assert_eq!(json, format!("{head}{separator}{}]", args.json()));
        payload.ack(&args.as_ref()).unwrap();
        prop_assert_eq!(payload.json(), format!("[{}]", args.json()));
    }

    #[test]
    fn serde_json_reads_the_same(values in prop::collection::vec(crate::value::strategy::value(), 0..5)) {
        let args = Args::from_values(values);
        let list = format!("[{}]", args.json());
        let theirs: Result<Vec<serde_json::Value>, _> = serde_json::from_str(&list);
        let mut reader = args.reader();
        let ours: Vec<Result<serde_json::Value, _>> =
            (0..args.len()).map(|_| reader.next()).collect();
        let ours: Result<Vec<_>, _> = ours.into_iter().collect();
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert!(alike(&ours.into(), &theirs.into())),
            (ours, theirs) => prop_assert_eq!(ours.is_ok(), theirs.is_ok()),
        }
        prop_assert_eq!(reader.remaining(), 0);
    }
}
