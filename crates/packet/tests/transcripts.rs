//! What peers say, word for word.

use serde::{Deserialize, Serialize};
use siomio_packet::{
    Args, Binary, Decoder, Kind, Limits, Packet, Payload, Value, connect, connect_error, write_head,
};

fn receive(text: &str, attachments: &[&[u8]]) -> Packet<'static> {
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    let mut packet = decoder.text(&limits, text).unwrap().map(Packet::into_owned);
    for &attachment in attachments {
        assert!(packet.is_none(), "more to come");
        packet = decoder.binary(&limits, attachment.into()).unwrap();
    }
    packet.expect("complete")
}

fn send(kind: Kind, namespace: &str, id: Option<u64>, payload: &Payload) -> String {
    let mut text = Vec::new();
    write_head(&mut text, kind, payload.attachments().len(), namespace, id);
    text.extend_from_slice(payload.as_bytes());
    String::from_utf8(text).unwrap()
}

/// An echo server: `message` comes back as `message-back`, and whoever asks gets an ack.
fn echo(text: &str, attachments: &[&[u8]]) -> (String, Vec<Vec<u8>>) {
    let packet = receive(text, attachments);
    let (_, args) = packet.data.event().unwrap();
    let mut payload = Payload::new();
    let kind = match packet.id {
        Some(_) => {
            payload.ack(&args).unwrap();
            Kind::Ack
        }
        None => {
            payload.event("message-back", &args).unwrap();
            Kind::Event
        }
    };
    let sent = payload.attachments().iter().map(|bytes| bytes.to_vec()).collect();
    (send(kind, &packet.namespace, packet.id, &payload), sent)
}

#[test]
fn the_conformance_suite() {
    let plain = echo(r#"2["message",1,"2",{"3":[true]}]"#, &[]);
    assert_eq!(plain, (r#"2["message-back",1,"2",{"3":[true]}]"#.to_owned(), vec![]));

    let binary = echo(
        r#"52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        &[&[1, 2, 3], &[4, 5, 6]],
    );
    let text = r#"52-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(binary, (text.to_owned(), vec![vec![1, 2, 3], vec![4, 5, 6]]));

    let ack = echo(r#"2456["message-with-ack",1,"2",{"3":[false]}]"#, &[]);
    assert_eq!(ack, (r#"3456[1,"2",{"3":[false]}]"#.to_owned(), vec![]));

    let binary_ack = echo(
        r#"52-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        &[&[1, 2, 3], &[4, 5, 6]],
    );
    let text = r#"62-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(binary_ack, (text.to_owned(), vec![vec![1, 2, 3], vec![4, 5, 6]]));

    for text in ["abc", "2{}", r#"2abc["message-with-ack",1,"2",{"3":[false]}]"#] {
        assert!(Decoder::new().text(&Limits::default(), text).is_err(), "{text}");
    }
}

#[test]
fn joining_a_namespace() {
    let packet = receive(r#"0/custom,{"token":"abc"}"#, &[]);
    assert_eq!((packet.kind, &*packet.namespace), (Kind::Connect, "/custom"));
    let auth: Value = packet.data.get().unwrap();

    let mut reply = Vec::new();
    connect(&mut reply, &packet.namespace, "wZX3oN0bSVIhsaknAAAI", None);
    assert_eq!(reply, br#"0/custom,{"sid":"wZX3oN0bSVIhsaknAAAI"}"#);
    let mut payload = Payload::new();
    payload.event("auth", &auth).unwrap();
    assert_eq!(
        send(Kind::Event, "/custom", None, &payload),
        r#"2/custom,["auth",{"token":"abc"}]"#
    );

    let mut reply = Vec::new();
    connect_error(&mut reply, &receive("0/random", &[]).namespace, "Invalid namespace", None);
    assert_eq!(reply, br#"4/random,{"message":"Invalid namespace"}"#);
}

/// Messages cut and sent in any order: only text-then-all-its-attachments gives a packet.
#[test]
fn every_order_of_text_and_binary() {
    let limits = Limits::default();
    let text = r#"52-["x",{"_placeholder":true,"num":1}]"#;
    for order in 0..64 {
        let mut decoder = Decoder::new();
        let mut due = 0;
        for step in 0..6 {
            let is_text = order >> step & 1 == 1;
            let result = match is_text {
                true => decoder.text(&limits, text),
                false => decoder.binary(&limits, vec![step].into()),
            };
            match (is_text, due) {
                (true, 0) => {
                    assert_eq!(result, Ok(None));
                    due = 2;
                }
                (true, _) | (false, 0) => {
                    assert!(result.is_err());
                    due = 0;
                }
                (false, 2) => {
                    assert_eq!(result, Ok(None));
                    due = 1;
                }
                (false, _) => {
                    let packet = result.unwrap().unwrap();
                    let sent: Binary = packet.data.event().unwrap().1.get(0).unwrap();
                    assert_eq!(&sent[..], [step]);
                    due = 0;
                }
            }
            assert_eq!(decoder.is_waiting(), due > 0);
        }
    }
}

#[test]
fn an_offset_can_be_read_off_the_end() {
    let packet = receive(r#"2["x",1,"Q7uZzY_"]"#, &[]);
    let (_, args) = packet.data.event().unwrap();
    assert_eq!(args.raw().last(), Some(r#""Q7uZzY_""#));
    assert_eq!(args.get(args.len() - 1), Ok("Q7uZzY_".to_owned()));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Tagged {
    File { name: String, body: bytes::Bytes },
    Link { url: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Binary(Binary),
    Text(String),
    Number(f64),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u32,
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, Untagged>,
}

/// Shapes for which serde buffers what it reads.
#[test]
fn buffered_shapes_carry_binary() {
    let sent = (
        vec![
            Tagged::File { name: "a".into(), body: vec![1].into() },
            Tagged::Link { url: "b".into() },
        ],
        [Untagged::Text("t".into()), Untagged::Binary(vec![2].into()), Untagged::Number(1.5)],
        Flat { id: 1, rest: [("k".to_owned(), Untagged::Binary(vec![3].into()))].into() },
    );
    let args = Args::new(&sent).unwrap();
    assert_eq!(args.attachments().len(), 3);
    let got: (Vec<Tagged>, [Untagged; 3], Flat) = args.parse().unwrap();
    assert_eq!(got, sent);
}

#[test]
fn what_serde_cannot_carry() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum TextFirst {
        Text(String),
        Binary(Binary),
    }
    let args = Args::new(&(TextFirst::Binary(vec![b'x'].into()),)).unwrap();
    assert!(matches!(args.get(0), Ok(TextFirst::Text(_))));
    assert!(args.get::<serde_json::Value>(0).is_err());
    assert!(args.get::<Value>(0).is_ok());

    #[derive(Serialize)]
    #[serde(tag = "type")]
    enum TaggedNewtype {
        Raw(Binary),
    }
    assert!(Args::new(&TaggedNewtype::Raw(Binary::default())).is_err());

    let null = Args::new(&serde_json::Value::Null).unwrap();
    assert!(null.is_empty());
}
