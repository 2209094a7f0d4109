//! Random values for property tests.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Number, Value};

/// Values of a few levels without binary.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    nested(leaf().boxed())
}

/// Values of a few levels with binary here and there.
pub(crate) fn binary_value() -> impl Strategy<Value = Value> {
    let binary = prop::collection::vec(any::<u8>(), 0..20);
    nested(prop_oneof![4 => leaf(), 1 => binary.prop_map(|b| Value::Binary(b.into()))].boxed())
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?"
            .prop_map(|text| Value::Number(Number::from_text(&text))),
        any::<String>().prop_map(Value::from),
        Just(Value::from("_placeholder")),
    ]
}

fn nested(leaf: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let key = prop_oneof![any::<String>(), Just("num".to_owned()), Just("a".to_owned())];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(Value::Object),
        ]
    })
}

/// The binaries in a value, depth first.
pub(crate) fn binaries(value: &Value, found: &mut Vec<Bytes>) {
    match value {
        Value::Binary(bytes) => found.push(bytes.clone()),
        Value::Array(values) => values.iter().for_each(|value| binaries(value, found)),
        Value::Object(members) => members.iter().for_each(|(_, value)| binaries(value, found)),
        _ => {}
    }
}
