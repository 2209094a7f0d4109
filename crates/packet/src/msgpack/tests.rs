mod properties;
mod vectors;

use super::*;
use crate::{Args, Decoder, Payload};
use vectors::{BOTH_WAYS, INWARD, Vector};

fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("two digits");
    (0..text.len()).step_by(2).map(digits).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(message: &[u8]) -> Result<Packet<'static>, DecodeError> {
    MsgPack.decode(&Limits::default(), Wire::Binary(message))
}

fn encode(packet: &Packet<'_>) -> Vec<u8> {
    match MsgPack.encode(packet) {
        Encoded::Binary(message) => message,
        Encoded::Text(text) => panic!("{text}"),
    }
}

/// An event `a` of the main namespace with an argument of these bytes.
fn event(argument: &[u8]) -> Vec<u8> {
    [&hex("83 a474797065 02 a464617461 92a161"), argument, &hex("a36e7370 a12f")].concat()
}

/// JSON and attachments of the argument.
fn argument(bytes: &[u8]) -> Result<(String, Vec<Vec<u8>>), DecodeError> {
    let data = decode(&event(bytes))?.data;
    let (_, args) = data.event().expect("an event");
    Ok((args.json().to_owned(), data.attachments().iter().map(|bytes| bytes.to_vec()).collect()))
}

/// The bytes of an argument.
fn written(json: &str) -> Vec<u8> {
    let data = Data::new(&Limits::default(), format!(r#"["a",{json}]"#), Vec::new()).unwrap();
    let message = encode(&Packet::new(Kind::Event, "/", None, data).unwrap());
    let (head, tail) = (event(&[]).len() - 6, message.len() - 6);
    assert_eq!(message[..head], event(&[])[..head]);
    message[head..tail].to_vec()
}

fn expected(vector: &Vector) -> Packet<'static> {
    let &(kind, namespace, id, json, attachments, _) = vector;
    let attachments = attachments.iter().map(|bytes| hex(bytes).into()).collect();
    let data = Data::new(&Limits::default(), json, attachments).unwrap();
    Packet::new(kind, namespace, id, data).unwrap()
}

#[test]
fn packets_of_the_reference_are_read() {
    for vector in BOTH_WAYS.iter().chain(INWARD) {
        assert_eq!(decode(&hex(vector.5)), Ok(expected(vector)), "{vector:?}");
    }
}

#[test]
fn packets_are_written_as_the_reference_does() {
    for vector in BOTH_WAYS {
        assert_eq!(to_hex(&encode(&expected(vector))), vector.5, "{vector:?}");
    }
}

#[test]
fn the_packets_of_the_server() {
    let vector = |at: usize| hex(BOTH_WAYS[at].5);
    assert_eq!(encode(&Packet::connect("/", "wZX3oN0bSVIhsaknAAAI", None)), vector(0));
    let consent = Packet::connect("/admin", "wZX3oN0bSVIhsaknAAAI", Some("Sl2gZ5Pb"));
    assert_eq!(encode(&consent), vector(1));
    assert_eq!(encode(&Packet::disconnect("/admin")), vector(6));
    assert_eq!(encode(&Packet::connect_error("/x", "Invalid namespace", None)), vector(7));
    let data = Some(r#"{"code":7,"list":[1,null]}"#);
    assert_eq!(encode(&Packet::connect_error("/x", "no", data)), vector(8));

    let mut payload = Payload::new();
    payload.ack(&(true, "x")).unwrap();
    assert_eq!(encode(&payload.as_packet(Kind::Ack, "/admin", Some(456))), vector(11));
}

#[test]
fn what_text_allows_and_this_format_does_not() {
    let ack = Decoder::new().text(&Limits::default(), "37").unwrap().unwrap();
    assert_eq!(decode(&encode(&ack)).unwrap().data.json(), "[]");
    let refusal = Decoder::new().text(&Limits::default(), "4/x").unwrap().unwrap();
    assert_eq!(decode(&encode(&refusal)).unwrap().data.json(), "{}");
    let refusal = Packet::connect_error("/x", "no", Some("not JSON"));
    assert_eq!(decode(&encode(&refusal)).unwrap().data.json(), "{}");
}

/// One attachment for two placeholders, and one for none.
#[test]
fn attachments_go_where_their_placeholders_are() {
    let placeholder = |num: usize| format!(r#"{{"num":{num},"x":[1,{{}}],"_placeholder":true}}"#);
    let json = format!(r#"["a",{0},[{{"k":{1}}},2],{0}]"#, placeholder(2), placeholder(0));
    let attachments = ["one", "two", "three"].map(|text| text.as_bytes().into()).to_vec();
    let data = Data::new(&Limits::default(), json, attachments).unwrap();
    let message = encode(&Packet::new(Kind::Event, "/", None, data).unwrap());
    let expected = b"\x94\xa1a\xc4\x05three\x92\x81\xa1k\xc4\x03one\x02\xc4\x05three\xa3nsp";
    assert_eq!(&message[12..12 + expected.len()], expected);
}

#[test]
fn lengths_in_every_form() {
    // As the reference writes them: string, binary, array, map.
    let cases = [
        (0, "a0", "c400", "90", "80"),
        (15, "af", "c40f", "9f", "8f"),
        (16, "b0", "c410", "dc0010", "de0010"),
        (31, "bf", "c41f", "dc001f", "de001f"),
        (32, "d920", "c420", "dc0020", "de0020"),
        (255, "d9ff", "c4ff", "dc00ff", "de00ff"),
        (256, "da0100", "c50100", "dc0100", "de0100"),
        (65_535, "daffff", "c5ffff", "dcffff", "deffff"),
        (65_536, "db00010000", "c600010000", "dd00010000", "df00010000"),
    ];
    for (len, string, binary, array, map) in cases {
        let content = "x".repeat(len);
        let bytes = [hex(string), content.clone().into()].concat();
        assert_eq!(written(&format!("\"{content}\"")), bytes);
        assert_eq!(argument(&bytes), Ok((format!("\"{content}\""), vec![])));

        let sent = Args::new(&crate::Binary::from(content.clone().into_bytes())).unwrap();
        let mut payload = Payload::new();
        payload.event("a", &sent).unwrap();
        let bytes = [hex(binary), content.clone().into()].concat();
        assert_eq!(encode(&payload.as_packet(Kind::Event, "/", None)), event(&bytes));
        assert_eq!(argument(&bytes).unwrap().1, [content.into_bytes()]);

        let json = format!("[{}]", vec!["0"; len].join(","));
        let bytes = [hex(array), vec![0; len]].concat();
        assert_eq!(written(&json), bytes);
        assert_eq!(argument(&bytes), Ok((json, vec![])));

        let json = format!("{{{}}}", vec![r#""k":0"#; len].join(","));
        let bytes = [hex(map), b"\xa1k\0".repeat(len)].concat();
        assert_eq!(written(&json), bytes);
        assert_eq!(argument(&bytes), Ok((json, vec![])));
    }
}

#[test]
fn numbers_outward() {
    let cases = [
        ("18446744073709551615", "cfffffffffffffffff"),
        ("-9223372036854775808", "d38000000000000000"),
        // Beyond 64 bits, with a fraction or an exponent, and `-0`: floats.
        ("18446744073709551616", "cb43f0000000000000"),
        ("-9223372036854775809", "cbc3e0000000000000"),
        ("1.0", "cb3ff0000000000000"),
        ("1e2", "cb4059000000000000"),
        ("-0", "cb8000000000000000"),
        ("1e400", "cb7ff0000000000000"),
        ("0.10", "cb3fb999999999999a"),
    ];
    for (json, bytes) in cases {
        assert_eq!(to_hex(&written(json)), bytes, "{json}");
    }
}

#[test]
fn strings_outward() {
    for (json, text) in [
        (r#""\u00e9\n\/""#, "é\n/"),
        (r#""\ud83d\ude00""#, "😀"),
        (r#""a\ud83d""#, "a\u{fffd}"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
    ] {
        let bytes = written(json);
        assert_eq!(&bytes[1..], text.as_bytes());
    }
    assert_eq!(to_hex(&written(r#"{"\u0061":1}"#)), "81a16101");
}

/// Forms the reference does not write, or reads in a way of its own.
#[test]
fn foreign_forms() {
    let attached = r#"{"_placeholder":true,"num":0}"#;
    let cases = [
        ("cc05", "5", None),
        ("cd0005", "5", None),
        ("ce00000005", "5", None),
        ("cf0000000000000005", "5", None),
        ("cfffffffffffffffff", "18446744073709551615", None),
        ("d005", "5", None),
        ("d0fe", "-2", None),
        ("d1fffe", "-2", None),
        ("d2fffffffe", "-2", None),
        ("d3fffffffffffffffe", "-2", None),
        ("d38000000000000000", "-9223372036854775808", None),
        ("ca3dcccccd", "0.10000000149011612", None),
        ("ca40a00000", "5.0", None),
        ("cb8000000000000000", "-0.0", None),
        ("cb4340000000000000", "9007199254740992.0", None),
        ("cb7fefffffffffffff", "1.7976931348623157e308", None),
        ("cb7ff0000000000000", "null", None),
        ("cbfff0000000000000", "null", None),
        ("cb7ff8000000000000", "null", None),
        ("ca7fc00000", "null", None),
        ("d90161", r#""a""#, None),
        ("da000161", r#""a""#, None),
        ("db0000000161", r#""a""#, None),
        ("a2c328", "\"\u{fffd}(\"", None),
        ("a4f09f98c3", "\"\u{fffd}\u{fffd}\"", None),
        ("a3eda080", "\"\u{fffd}\u{fffd}\u{fffd}\"", None),
        ("c50001ff", attached, Some("ff")),
        ("c600000001ff", attached, Some("ff")),
        ("c70100aa", attached, Some("aa")),
        ("c80001 00aa", attached, Some("aa")),
        ("c900000001 00aa", attached, Some("aa")),
        ("c708 00 0000000000000000", attached, Some("0000000000000000")),
        ("d500aabb", attached, Some("aabb")),
        ("d600aabbccdd", attached, Some("aabbccdd")),
        (
            "d800aabbccddaabbccddaabbccddaabbccdd",
            attached,
            Some("aabbccddaabbccddaabbccddaabbccdd"),
        ),
        ("d40001", "null", None),
        // Dates in all forms; those JavaScript does not have are `null`.
        ("d6ff5a4af6a5", r#""2018-01-02T03:04:05.000Z""#, None),
        ("d7ffee6b27fc5a4af6a5", r#""2018-01-02T03:04:05.999Z""#, None),
        ("c70cff00000000ffffffffffffffff", r#""1969-12-31T23:59:59.000Z""#, None),
        ("c70cff00000000 7fffffffffffffff", "null", None),
        ("d7007fffffffffffffff", "null", None),
        // As the reference: a list of number and content.
        ("d405aa", &format!("[5,{attached}]"), Some("aa")),
        ("c70205aabb", &format!("[5,{attached}]"), Some("aabb")),
        ("d580aabb", &format!("[-128,{attached}]"), Some("aabb")),
        ("d5ffaabb", &format!("[-1,{attached}]"), Some("aabb")),
        ("c70005", &format!("[5,{attached}]"), Some("")),
        // Keys.
        ("83 05a161 fea162 ce000000ff c0", r#"{"5":"a","-2":"b","255":null}"#, None),
        ("82 a16b01 a16b02", r#"{"k":1,"k":2}"#, None),
        ("81 a1ff01", "{\"\u{fffd}\":1}", None),
        ("81 a122 a15c", r#"{"\"":"\\"}"#, None),
    ];
    for (bytes, json, attachment) in cases {
        let attachments = attachment.map(hex).into_iter().collect();
        assert_eq!(argument(&hex(bytes)), Ok((json.to_owned(), attachments)), "{bytes}");
    }
}

#[test]
fn what_only_looks_like_a_placeholder() {
    let lookalike = "82 ac5f706c616365686f6c646572 c3 a36e756d 00";
    let plain = r#"{"_placeholder":true,"num":0}"#;
    assert_eq!(argument(&hex(lookalike)), Ok((plain.to_owned(), vec![])));
    // It goes out as what it is.
    assert_eq!(to_hex(&written(plain)), lookalike.replace(' ', ""));

    for beside_binary in [
        format!("92 c40101 {lookalike}"),
        format!("92 {lookalike} c40101"),
        format!("92 {lookalike} d405aa"),
        // The last of equal keys decides in JavaScript; here any of them is enough.
        "92 c40101 82 ac5f706c616365686f6c646572 c3 ac5f706c616365686f6c646572 c2".to_owned(),
    ] {
        let result = argument(&hex(&beside_binary));
        assert_eq!(result, Err(DecodeError::IllegalPlaceholder), "{beside_binary}");
    }
    for harmless in [
        "92 c40101 81 ac5f706c616365686f6c646572 01",
        "92 c40101 81 ac5f706c616365686f6c646572 91c3",
        "94 c40101 81 ac5f706c616365686f6c646572 c0 ac5f706c616365686f6c646572 c3",
        "93 c40101 81 ac5f706c616365686f6c646572 d40000 c3",
        "93 c40101 81 ac5f706c616365686f6c646572 80 c3",
    ] {
        assert_eq!(
            argument(&hex(harmless)).map(|(_, found)| found),
            Ok(vec![vec![1]]),
            "{harmless}"
        );
    }
}

#[test]
fn refused_packets() {
    use DecodeError::{Empty, InvalidId, InvalidNamespace, InvalidType};
    let shape = |expected| DecodeError::InvalidPayload(PayloadError::WrongShape { expected });
    let malformed = |at, reason| DecodeError::Malformed { at, reason };
    let (object, array) = (shape("an object or nothing"), shape("an array"));
    let nameless = DecodeError::InvalidPayload(PayloadError::MissingEventName);
    let misnamed = DecodeError::InvalidPayload(PayloadError::InvalidEventName);
    let reserved = PayloadError::ReservedEventName("connect".to_owned());
    let (kind, data, id, nsp) = ("a474797065", "a464617461", "a26964", "a36e7370 a12f");
    let cases = [
        (String::new(), Empty),
        ("80".to_owned(), InvalidType),
        ("05".to_owned(), InvalidType),
        ("c0".to_owned(), InvalidType),
        ("93000000".to_owned(), InvalidType),
        (format!("81 {nsp}"), InvalidType),
        (format!("82 {kind} 05 {nsp}"), InvalidType),
        (format!("82 {kind} ff {nsp}"), InvalidType),
        (format!("82 {kind} a132 {nsp}"), InvalidType),
        (format!("82 {kind} 9102 {nsp}"), InvalidType),
        (format!("82 {kind} cb3fe0000000000000 {nsp}"), InvalidType),
        (format!("82 {kind} cb7ff8000000000000 {nsp}"), InvalidType),
        (format!("82 {kind} cd0100 {nsp}"), InvalidType),
        (format!("83 {kind} 00 {kind} 07 {nsp}"), InvalidType),
        (format!("81 {kind} 00"), InvalidNamespace),
        (format!("82 {kind} 00 a36e7370 c0"), InvalidNamespace),
        (format!("82 {kind} 00 a36e7370 a0"), InvalidNamespace),
        (format!("82 {kind} 00 a36e7370 a161"), InvalidNamespace),
        (format!("82 {kind} 00 a36e7370 a42f612c62"), InvalidNamespace),
        (format!("83 {kind} 00 {data} c0 {nsp}"), object.clone()),
        (format!("83 {kind} 00 {data} 90 {nsp}"), object.clone()),
        (format!("83 {kind} 00 {data} a161 {nsp}"), object.clone()),
        (format!("83 {kind} 00 {data} c40101 {nsp}"), object.clone()),
        (format!("83 {kind} 00 {data} d405aa {nsp}"), object),
        (format!("83 {kind} 01 {data} 80 {nsp}"), shape("no payload")),
        (format!("83 {kind} 01 {data} c0 {nsp}"), shape("no payload")),
        (format!("82 {kind} 04 {nsp}"), shape("a string or an object")),
        (format!("83 {kind} 04 {data} 90 {nsp}"), shape("a string or an object")),
        (format!("83 {kind} 04 {data} c40101 {nsp}"), shape("a string or an object")),
        (format!("82 {kind} 03 {nsp}"), array.clone()),
        (format!("83 {kind} 03 {data} 80 {nsp}"), array.clone()),
        (format!("83 {kind} 02 {data} 80 {nsp}"), array),
        (format!("82 {kind} 02 {nsp}"), nameless.clone()),
        (format!("83 {kind} 02 {data} 90 {nsp}"), nameless),
        (format!("83 {kind} 02 {data} 91c0 {nsp}"), misnamed.clone()),
        (format!("83 {kind} 02 {data} 91d40000 {nsp}"), misnamed.clone()),
        (format!("83 {kind} 02 {data} 91c40101 {nsp}"), misnamed),
        (
            format!("83 {kind} 02 {data} 91a7636f6e6e656374 {nsp}"),
            DecodeError::InvalidPayload(reserved),
        ),
        (format!("84 {kind} 03 {data} 90 {id} ff {nsp}"), InvalidId),
        (format!("84 {kind} 03 {data} 90 {id} c0 {nsp}"), InvalidId),
        (format!("84 {kind} 03 {data} 90 {id} a131 {nsp}"), InvalidId),
        (format!("84 {kind} 03 {data} 90 {id} 9101 {nsp}"), InvalidId),
        (format!("84 {kind} 03 {data} 90 {id} cb3fe0000000000000 {nsp}"), InvalidId),
        (format!("84 {kind} 03 {data} 90 {id} cb43f0000000000000 {nsp}"), InvalidId),
        (format!("82 {kind} 00 {nsp} 00"), malformed(13, "trailing bytes")),
        (format!("83 {kind} 00 {data} c1 {nsp}"), malformed(12, "unknown code")),
        (format!("83 {kind} 00 c0 00 {nsp}"), malformed(7, BAD_KEY)),
        (format!("83 {kind} 02 {data} 92a161 81c000 {nsp}"), malformed(16, BAD_KEY)),
        (
            format!("83 {kind} 02 {data} 92a161 81cb3ff000000000000000 {nsp}"),
            malformed(16, BAD_KEY),
        ),
        (format!("83 {kind} 02 {data} 92a161 819000 {nsp}"), malformed(16, BAD_KEY)),
        (format!("83 {kind} 02 {data} 92a161 81c4016100 {nsp}"), malformed(16, BAD_KEY)),
    ];
    for (message, error) in cases {
        assert_eq!(decode(&hex(&message)), Err(error.clone()), "{message}");
        assert!(!error.to_string().is_empty());
    }
    let text = MsgPack.decode(&Limits::default(), Wire::Text("0"));
    assert_eq!(text, Err(DecodeError::NoText));
}

const BAD_KEY: &str = "key that is neither a string nor an integer";

#[test]
fn floats_are_integers_to_javascript() {
    let message =
        hex("84 a474797065 ca40400000 a464617461 90 a26964 cb402c000000000000 a36e7370 a12f");
    let packet = decode(&message).unwrap();
    assert_eq!((packet.kind, packet.id), (Kind::Ack, Some(14)));
}

#[test]
fn members_that_mean_nothing_are_passed_over() {
    let deep = "91".repeat(100_000);
    for extra in ["c0", "93 92c0c0 81c090 a161", "c40101", "c70305aabbcc", "df00000001 9000", &deep]
    {
        let extra = if extra.len() > 1000 { format!("{extra}00") } else { extra.to_owned() };
        let message = format!("83 a176 {extra} a474797065 01 a36e7370 a12f");
        assert_eq!(decode(&hex(&message)), Ok(Packet::disconnect("/")));
    }
    let limits = Limits { max_attachments: 0, ..Limits::default() };
    let message = hex("83 a176 c40101 a474797065 01 a36e7370 a12f");
    assert!(MsgPack.decode(&limits, Wire::Binary(&message)).is_ok());
}

#[test]
fn depth_is_limited() {
    let too_deep = DecodeError::InvalidPayload(PayloadError::TooDeep { limit: 128 });
    // The list of arguments is the first level.
    let nested = |depth: usize, inner: &str| hex(&format!("{}{inner}", "91".repeat(depth - 1)));
    assert!(argument(&nested(127, "c0")).is_ok() && argument(&nested(128, "c0")).is_ok());
    assert_eq!(argument(&nested(129, "c0")), Err(too_deep.clone()));
    assert!(argument(&nested(127, "90")).is_ok());
    assert_eq!(argument(&nested(128, "80")), Err(too_deep.clone()));
    assert!(argument(&nested(127, "d405aa")).is_ok());
    assert_eq!(argument(&nested(128, "d405aa")), Err(too_deep.clone()));
    assert_eq!(argument(&nested(400_000, "c0")), Err(too_deep));
}

#[test]
fn a_claimed_length_is_only_a_claim() {
    for claim in ["dbffffffff", "c6ffffffff", "c9ffffffff05", "ddffffffff", "dfffffffff", "daffff"]
    {
        let result = argument(&hex(claim));
        assert!(matches!(result, Err(DecodeError::Malformed { .. })), "{claim}: {result:?}");
        let unknown = decode(&hex(&format!("82 a176 {claim} 00")));
        assert!(matches!(unknown, Err(DecodeError::Malformed { .. })), "{claim}: {unknown:?}");
    }
    let many = decode(&hex("dfffffffff a474797065 01 a36e7370 a12f"));
    assert!(matches!(many, Err(DecodeError::Malformed { .. })));
}

#[test]
fn size_is_limited() {
    let decode = |limit, message: &[u8]| {
        let limits = Limits { max_packet_bytes: limit, ..Limits::default() };
        MsgPack.decode(&limits, Wire::Binary(message))
    };
    let message = event(&hex("a3616263"));
    assert!(decode(message.len(), &message).is_ok());
    let too_large = DecodeError::TooLarge { limit: message.len() - 1 };
    assert_eq!(decode(message.len() - 1, &message), Err(too_large));

    // What grows most, and is sent in earnest.
    let controls = event(&[hex("da2710"), vec![1; 10_000]].concat());
    assert!(decode(controls.len(), &controls).is_ok());
    let floats = event(&[hex("dc2710"), hex("caff7fffff").repeat(10_000)].concat());
    assert!(decode(floats.len(), &floats).is_ok());
    // And what is not.
    let empty = event(&[hex("dc2710"), hex("c400").repeat(10_000)].concat());
    let too_large = DecodeError::TooLarge { limit: empty.len() };
    assert_eq!(decode(empty.len(), &empty), Err(too_large));
    // The number of attachments is not announced, and so not limited.
    let some = event(&[hex("dc03e8"), hex("c40401020304").repeat(1000)].concat());
    assert_eq!(decode(some.len(), &some).unwrap().data.attachments().len(), 1000);
}

#[test]
fn every_truncation_and_every_extra_byte_is_an_error() {
    for vector in BOTH_WAYS.iter().chain(INWARD) {
        let message = hex(vector.5);
        for end in 0..message.len() {
            assert!(decode(&message[..end]).is_err(), "{vector:?} cut at {end}");
        }
        let longer = [&message[..], &[0xc0]].concat();
        assert!(matches!(decode(&longer), Err(DecodeError::Malformed { .. })), "{vector:?}");
    }
}
