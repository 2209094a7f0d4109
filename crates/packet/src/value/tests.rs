use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::binary::Binary;
use crate::value::strategy::{binaries, binary_value};

fn parse(json: &str, attachments: &[Bytes]) -> Value {
    Value::parse(json, attachments, &Limits::default()).unwrap()
}

#[test]
fn json_becomes_a_value_in_order() {
    let value = parse(r#"{"z":[1,-2.50,"\u00e9\ud83d"],"a":{},"b":[],"t":true,"n":null}"#, &[]);
    let expected = Value::from([
        (
            "z",
            Value::from(vec![
                1.into(),
                Number::from_text("-2.50").into(),
                Value::from("é\u{fffd}"),
            ]),
        ),
        ("a", Value::Object(vec![])),
        ("b", Value::Array(vec![])),
        ("t", true.into()),
        ("n", ().into()),
    ]);
    assert_eq!(value, expected);
}

#[test]
fn placeholders_become_binary_only_beside_attachments() {
    let json = r#"[{"_placeholder":true,"num":1},{"num":0,"x":1,"_placeholder":true}]"#;
    let attachments = [Bytes::from_static(b"a"), Bytes::from_static(b"b")];
    let expected = Value::Array(attachments.iter().rev().cloned().map(Value::Binary).collect());
    assert_eq!(parse(json, &attachments), expected);

    let plain = parse(json, &[]);
    assert_eq!(plain[0]["_placeholder"], Value::Bool(true));
    assert_eq!(plain.to_string(), json);

    let parse = |json| Value::parse(json, &attachments, &Limits::default());
    assert_eq!(parse(r#"[{"_placeholder":true,"num":2}]"#), Err(PayloadError::Placeholder));
    assert_eq!(parse(r#"[{"_placeholder":true}]"#), Err(PayloadError::Placeholder));
}

#[test]
fn parsing_is_limited_in_depth() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let limits = Limits { max_json_depth: u16::MAX, ..Limits::default() };
    assert!(Value::parse(&nested(127), &[], &limits).is_ok());
    let too_deep = Err(PayloadError::TooDeep { limit: 127 });
    assert_eq!(Value::parse(&nested(128), &[], &limits), too_deep);
    let limits = Limits { max_json_depth: 3, ..limits };
    assert_eq!(Value::parse(&nested(4), &[], &limits), Err(PayloadError::TooDeep { limit: 3 }));
}

#[test]
fn access() {
    let value =
        parse(r#"{"a":[1,-1,1.5,18446744073709551615],"s":"x","b":true,"a2":1,"a2":2}"#, &[]);
    assert_eq!(value["a"][0].as_u64(), Some(1));
    assert_eq!(value["a"][1].as_i64(), Some(-1));
    assert_eq!(value["a"][1].as_u64(), None);
    assert_eq!(value["a"][2].as_f64(), Some(1.5));
    assert_eq!(value["a"][2].as_i64(), None);
    assert_eq!(value["a"][3].as_u64(), Some(u64::MAX));
    assert_eq!(value["a"][3].as_i64(), None);
    assert_eq!(value["s"].as_str(), Some("x"));
    assert_eq!(value["b"].as_bool(), Some(true));
    assert_eq!(value["a2"].as_u64(), Some(2), "the last of equal keys counts");
    assert_eq!(value.get("none"), None);
    assert!(value["none"][7]["x"].is_null());
    assert_eq!(value.as_object().map(<[_]>::len), Some(5));
    assert_eq!(value["a"].as_array().map(<[_]>::len), Some(4));
    assert_eq!(Value::from(Bytes::from_static(b"x")).as_bytes().unwrap(), "x");
}

#[test]
fn conversions() {
    assert_eq!(Value::from(1.5).to_string(), "1.5");
    assert_eq!(Value::from(0.1_f32).to_string(), "0.1");
    assert_eq!(Value::from(f64::NAN), Value::Null);
    assert_eq!(Value::from(f32::INFINITY), Value::Null);
    assert_eq!(Value::from(None::<u8>), Value::Null);
    assert_eq!(Value::from(Some("x")), Value::from("x".to_owned()));
    assert_eq!(Value::from(vec![1_u8, 2]).to_string(), "[1,2]");
    assert_eq!((0..3).collect::<Value>().to_string(), "[0,1,2]");
    assert_eq!([("a", 1)].into_iter().collect::<Value>().to_string(), r#"{"a":1}"#);
    assert_eq!(Value::from(Binary::from(vec![1])), Value::Binary(vec![1].into()));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    Struct { file: Binary, name: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    int: i64,
    float: f32,
    char: char,
    text: String,
    none: Option<u8>,
    some: Option<Bytes>,
    unit: (),
    list: Vec<Shape>,
    tuple: (u8, [bool; 2]),
    keyed: BTreeMap<u16, Binary>,
    flags: BTreeMap<bool, char>,
    shapes: BTreeMap<char, Shape>,
    value: Value,
}

fn everything() -> Everything {
    let file = || Binary::from(vec![1, 2]);
    Everything {
        int: i64::MIN,
        float: 0.1,
        char: 'é',
        text: "a\"b".into(),
        none: None,
        some: Some(Bytes::from_static(b"bytes")),
        unit: (),
        list: vec![
            Shape::Unit,
            Shape::Newtype(7),
            Shape::Tuple(1, "t".into()),
            Shape::Struct { file: file(), name: "n".into() },
        ],
        tuple: (1, [true, false]),
        keyed: BTreeMap::from([(1, file()), (65535, Binary::default())]),
        flags: BTreeMap::from([(true, 't')]),
        shapes: BTreeMap::from([('x', Shape::Newtype(1))]),
        value: Value::from(vec![Value::from(file()), Number::from_text("1.0").into()]),
    }
}

#[test]
fn types_go_in_and_out() {
    let everything = everything();
    let value = Value::from_serialize(&everything).unwrap();
    assert_eq!(value["some"].as_bytes().unwrap(), "bytes");
    assert_eq!(value.to::<Everything>().unwrap(), everything, "borrowed");
    assert_eq!(Everything::deserialize(value.clone()).unwrap(), everything, "owned");
    assert_eq!(Value::deserialize(&value).unwrap(), value);
    assert_eq!(Value::deserialize(value.clone()).unwrap(), value);
}

#[test]
fn strings_are_borrowed_from_a_borrowed_value() {
    let value = parse(r#"[{"key":"text"}]"#, &[]);
    let read = <[BTreeMap<&str, &str>; 1]>::deserialize(&value).unwrap();
    assert_eq!(read[0]["key"], "text");
}

#[test]
fn binary_is_shared_not_copied() {
    let bytes = Bytes::from(vec![7; 100]);
    let address = bytes.as_ptr();
    let value = Value::Array(vec![Value::Binary(bytes.clone())]);

    let [binary]: [Binary; 1] = value.to().unwrap();
    assert_eq!(binary.as_ptr(), address, "into Binary");
    let copy: Value = value.to().unwrap();
    assert_eq!(copy[0].as_bytes().unwrap().as_ptr(), address, "into Value");
    let written = Value::from_serialize(&value).unwrap();
    assert_eq!(written[0].as_bytes().unwrap().as_ptr(), address, "from Value");
    let written = Value::from_serialize(&binary).unwrap();
    assert_eq!(written.as_bytes().unwrap().as_ptr(), address, "from Binary");
}

#[test]
fn binary_nobody_else_holds_is_given_away() {
    let bytes = Bytes::from(vec![7; 100]);
    let address = bytes.as_ptr();
    let [read]: [Binary; 1] = Deserialize::deserialize(Value::from(vec![bytes])).unwrap();
    assert_eq!(read.as_ptr(), address);
    let [read]: [Bytes; 1] = Deserialize::deserialize(Value::from(vec![read])).unwrap();
    assert_eq!(read.as_ptr(), address, "to a type of another crate");
}

#[test]
fn binary_is_neither_text_nor_list() {
    let binary = Value::Binary(Bytes::from_static(b"abc"));
    assert!(binary.to::<String>().is_err());
    assert!(binary.to::<char>().is_err());
    assert!(binary.to::<Vec<u8>>().is_err());
    assert!(binary.to::<Shape>().is_err());
    for plain in [parse(r#""abc""#, &[]), parse("[1,2]", &[]), Value::Null, parse("{}", &[])] {
        assert!(plain.to::<Binary>().is_err(), "{plain}");
    }
}

#[test]
fn mismatches_are_named() {
    type Case = (&'static str, fn(&Value) -> Option<ValueError>, &'static str);
    let cases: [Case; 7] = [
        (r#""x""#, |v| v.to::<u8>().err(), r#"invalid type: string "x", expected u8"#),
        ("300", |v| v.to::<u8>().err(), "invalid value: integer `300`, expected u8"),
        ("1e400", |v| v.to::<f64>().err(), "invalid value: 1e400, expected f64"),
        (
            "[1,2,3]",
            |v| v.to::<(u8, u8)>().err(),
            "invalid length 3, expected fewer elements in array",
        ),
        (
            r#"{"Unit":null,"x":1}"#,
            |v| v.to::<Shape>().err(),
            "invalid value: map, expected a string or an object with a single key",
        ),
        (
            r#""Newtype""#,
            |v| v.to::<Shape>().err(),
            "invalid type: unit variant, expected newtype variant",
        ),
        (
            r#"{"Tuple":[1]}"#,
            |v| v.to::<Shape>().err(),
            "invalid length 1, expected tuple variant Shape::Tuple with 2 elements",
        ),
    ];
    for (json, read, reason) in cases {
        assert_eq!(read(&parse(json, &[])).unwrap().to_string(), reason, "{json}");
    }
}

#[test]
fn other_formats_get_the_nearest_thing() {
    let value = parse(r#"[1.0,1e2,123456789012345678901,-0,1e400,18446744073709551615]"#, &[]);
    let printed = serde_json::to_string(&value).unwrap();
    assert_eq!(printed, "[1.0,100.0,1.2345678901234568e+20,-0.0,null,18446744073709551615]");
    let read: Value = serde_json::from_str(r#"{"b":[1,-1,1.5,"x",null,true],"a":{}}"#).unwrap();
    assert_eq!(read.to_string(), r#"{"b":[1,-1,1.5,"x",null,true],"a":{}}"#);
}

/// A name that is private to serde_json, sent by a peer.
#[test]
fn private_names_mean_nothing() {
    let json = r#"{"$serde_json::private::Number":"1","x":{"$siomio_packet::Value":1}}"#;
    let value = parse(json, &[]);
    assert_eq!(value.to::<Value>().unwrap().to_string(), json);
    assert_eq!(serde_json::from_str::<Value>(json).unwrap().to_string(), json);
}

/// A number being written through this crate does not leak into a serialiser used meanwhile.
#[test]
fn nested_serialisers_do_not_mix() {
    struct Sneaky;
    impl Serialize for Sneaky {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let inner = Value::from_serialize(&(parse("1e2", &[]), 100.0, 2.5)).unwrap();
            serializer.serialize_str(&(serde_json::to_string(&inner).unwrap() + &inner.to_string()))
        }
    }
    let written = Value::from_serialize(&(parse("2.50", &[]), Sneaky, 2.5)).unwrap();
    assert_eq!(written.to_string(), r#"[2.50,"[100.0,100.0,2.5][1e2,100.0,2.5]",2.5]"#);
}

proptest! {
    #[test]
    fn text_and_binary_survive(value in binary_value()) {
        let mut attachments = Vec::new();
        binaries(&value, &mut attachments);
        let json = value.to_string();
        prop_assert_eq!(&parse(&json, &attachments), &value);
        prop_assert_eq!(&value.to::<Value>().unwrap(), &value);
        prop_assert_eq!(&Value::deserialize(value.clone()).unwrap(), &value);
        prop_assert_eq!(&Value::from_serialize(&value).unwrap(), &value);
    }
}
