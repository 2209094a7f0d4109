use proptest::prelude::*;

use super::*;
use crate::fuzzing;
use crate::packet::is_reserved;
use crate::value::strategy::binary_value;
use crate::value::{Class, Number, Value};

/// What is left of a value on this wire: the text of numbers does not come through.
fn narrowed(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.class() {
            Class::Unsigned(number) => number.into(),
            Class::Signed(number) => number.into(),
            Class::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        },
        Value::Array(values) => Value::Array(values.into_iter().map(narrowed).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, value)| (key, narrowed(value))).collect())
        }
        value => value,
    }
}

/// Tokens that mean something in a packet, in any order.
fn tokens() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => (0x80_u8..0x84).prop_map(|code| vec![code]),
        4 => (0x90_u8..0x94).prop_map(|code| vec![code]),
        8 => prop::sample::select(vec![
            "a474797065", "a464617461", "a26964", "a36e7370", "a12f", "a161", "00", "02", "03", "ff",
            "c0", "c2", "c3", "d40000", "d7000000000000000000", "c40101", "c70100aa", "d405aa",
            "ac5f706c616365686f6c646572", "a36e756d", "cb3fe0000000000000", "dc0003", "de0002",
        ]).prop_map(hex),
        1 => prop::collection::vec(any::<u8>(), 1..3),
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(
        name in any::<Option<String>>(),
        namespace in "/[^,]{0,8}",
        id: Option<u64>,
        values in prop::collection::vec(binary_value(), 0..5),
    ) {
        let args = Args::from_values(values.iter().cloned());
        let mut payload = Payload::new();
        let kind = match &name {
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
        let message = encode(&payload.as_packet(kind, &namespace, id));
        let packet = decode(&message).unwrap();
        prop_assert_eq!((packet.kind, &*packet.namespace, packet.id), (kind, &*namespace, id));
        let got = match &name {
            Some(name) => {
                let (got, args) = packet.data.event().unwrap();
                prop_assert_eq!(got.as_str(), name);
                args
            }
            None => packet.data.args(),
        };
        prop_assert_eq!(got.attachments(), args.attachments());
        prop_assert_eq!(got.len(), values.len());
        for (index, value) in values.into_iter().enumerate() {
            prop_assert_eq!(got.get::<Value>(index).unwrap(), narrowed(value));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        fuzzing::msgpack(&bytes);
    }

    #[test]
    fn no_argument_breaks_an_invariant(argument in tokens()) {
        fuzzing::msgpack(&argument);
        fuzzing::msgpack(&event(&argument));
        let in_front = [&b"\x84\xa4data"[..], &argument, b"\xa4type\x03\xa3nsp\xa1/\xa2id\x01"];
        fuzzing::msgpack(&in_front.concat());
    }

    #[test]
    fn a_damaged_packet_breaks_no_invariant(
        vector in 0..BOTH_WAYS.len() + INWARD.len(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let vector = BOTH_WAYS.iter().chain(INWARD).nth(vector).unwrap();
        let mut message = hex(vector.5);
        let at = at.index(message.len());
        message[at] = byte;
        fuzzing::msgpack(&message);
    }
}
