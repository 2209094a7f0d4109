//! Reads and writes Socket.IO packets on the command line.
//!
//! ```text
//!   downstream-packet decode '51-/files,7["put","a.bin",{"_placeholder":true,"num":0}]' 0aff
//!   downstream-packet encode /files 7 put '"a.bin"' @0aff
//!   downstream-packet                                            (checks itself)
//! ```
//!
//! Attachments are written in hexadecimal, behind a `@` where JSON could stand. `-` stands for no ack id.

use std::{env, error::Error, process::ExitCode, str};

use siomio_packet::{Args, Binary, Decoder, EncodeError, Kind, Limits, Packet, Payload, Value};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.is_empty() {
        check();
        println!("packet: packets were read, written and refused");
        return ExitCode::SUCCESS;
    }
    match run(&words) {
        Ok(lines) => {
            println!("{}", lines.join("\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", explain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<Vec<String>> {
    match words {
        ["decode", text, attachments @ ..] => describe(&decode(text, attachments)?),
        ["encode", namespace, id, name, args @ ..] => {
            let id = if *id == "-" { None } else { Some(id.parse()?) };
            encode(namespace, id, name, args)
        }
        _ => Err("decode TEXT [HEX…], or encode NAMESPACE ID NAME [JSON or @HEX…]".into()),
    }
}

fn decode(text: &str, attachments: &[&str]) -> Result<Packet<'static>> {
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    let mut packet = decoder.text(&limits, text)?.map(Packet::into_owned);
    for attachment in attachments {
        if packet.is_some() {
            return Err("more attachments than the packet has".into());
        }
        packet = decoder.binary(&limits, from_hex(attachment)?.into())?;
    }
    packet.ok_or("fewer attachments than the packet has".into())
}

/// A line about the packet, and one for each argument.
fn describe(packet: &Packet<'_>) -> Result<Vec<String>> {
    let id = packet.id.map(|id| format!(", ack id {id}")).unwrap_or_default();
    let mut lines = vec![format!("{:?} in {}{id}", packet.kind, packet.namespace)];
    let args = match packet.kind {
        Kind::Event => {
            let (name, args) = packet.data.event().ok_or("no event")?;
            lines.push(format!("name: {name}"));
            args
        }
        Kind::Ack => packet.data.args(),
        Kind::Connect | Kind::Disconnect | Kind::ConnectError => {
            lines.push(format!("data: {}", packet.data.get::<Value>()?));
            return Ok(lines);
        }
    };
    for index in 0..args.len() {
        lines.push(match args.get::<Value>(index)? {
            Value::Binary(data) => format!("{index}: @{}", to_hex(&data)),
            value => format!("{index}: {value}"),
        });
    }
    Ok(lines)
}

/// The packet's text, and a line for each attachment.
fn encode(namespace: &str, id: Option<u64>, name: &str, args: &[&str]) -> Result<Vec<String>> {
    let mut list = Args::default();
    for arg in args {
        match arg.strip_prefix('@') {
            Some(hex) => list.push(&Binary::from(from_hex(hex)?))?,
            None => list.push(&Value::parse(arg, &[], &Limits::default())?)?,
        }
    }
    let mut payload = Payload::new();
    payload.event(name, &list)?;
    let mut text = Vec::new();
    payload.encode(Kind::Event, namespace, id, &mut text);
    let mut lines = vec![String::from_utf8(text)?];
    lines.extend(payload.attachments().iter().map(|data| format!("@{}", to_hex(data))));
    Ok(lines)
}

/// The error, and what is behind it.
fn explain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", explain(source)),
        None => error.to_string(),
    }
}

fn to_hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<_>>().ok_or(format!("{text:?} is not hexadecimal").into())
}

fn check() {
    decodes();
    encodes();
    refuses();
    what_is_typed_comes_back();
}

fn decodes() {
    let cases: [(&[&str], &[&str]); 6] = [
        (&[r#"2["say","hi",1.50]"#], &["Event in /", "name: say", "0: \"hi\"", "1: 1.50"]),
        (
            &[r#"51-/files,7["put",{"data":{"_placeholder":true,"num":0}}]"#, "0aff"],
            &[
                "Event in /files, ack id 7",
                "name: put",
                r#"0: {"data":{"_placeholder":true,"num":0}}"#,
            ],
        ),
        (&[r#"61-9[{"_placeholder":true,"num":0}]"#, "00"], &["Ack in /, ack id 9", "0: @00"]),
        (&[r#"0/admin,{"token":"x"}"#], &["Connect in /admin", r#"data: {"token":"x"}"#]),
        (&["1/admin,"], &["Disconnect in /admin", "data: null"]),
        (
            &[r#"4{"message":"Not authorized"}"#],
            &["ConnectError in /", r#"data: {"message":"Not authorized"}"#],
        ),
    ];
    for (words, lines) in cases {
        let words = [&["decode"], words].concat();
        assert_eq!(run(&words).unwrap_or_else(|error| panic!("{words:?}: {error}")), lines);
    }
}

fn encodes() {
    let cases: [(&[&str], &[&str]); 3] = [
        (&["/", "-", "say", r#""hi""#, "1.50"], &[r#"2["say","hi",1.50]"#]),
        (
            &["/files", "7", "put", "@0aff", r#"{"name":"a"}"#],
            &[r#"51-/files,7["put",{"_placeholder":true,"num":0},{"name":"a"}]"#, "@0aff"],
        ),
        (&["/", "-", "nothing"], &[r#"2["nothing"]"#]),
    ];
    for (words, lines) in cases {
        let words = [&["encode"], words].concat();
        assert_eq!(run(&words).unwrap_or_else(|error| panic!("{words:?}: {error}")), lines);
    }
}

fn refuses() {
    let cases: [(&[&str], &str); 7] = [
        (&["decode", "9"], "unknown packet type 9"),
        (&["decode", r#"2["say""#], "invalid payload: malformed JSON at byte 6"),
        (&["decode", r#"2["connect"]"#], r#"invalid payload: event name "connect" is reserved"#),
        (&["decode", "51000000000-[]"], "too many attachments"),
        (&["decode", r#"2["a"]"#, "00"], "more attachments than the packet has"),
        (&["encode", "/", "-", "disconnect"], r#"event name "disconnect" is reserved"#),
        (&["encode", "/", "-", "a", "@0"], r#""0" is not hexadecimal"#),
    ];
    for (words, message) in cases {
        let error = run(words).expect_err("to be refused");
        assert_eq!(explain(&*error), message, "{words:?}");
    }
}

/// Without `Value`, for those who know what to expect.
fn what_is_typed_comes_back() {
    let mut payload = Payload::new();
    let sent = ("Ada", 36_u8, Some(Binary::from(vec![1, 2, 3])), [0.5, 1.0]);
    payload.event("person", &sent).expect("all of it can be written");
    let mut text = Vec::new();
    payload.encode(Kind::Event, "/", None, &mut text);
    let text = String::from_utf8(text).expect("UTF-8");
    let attachments: Vec<String> = payload.attachments().iter().map(|data| to_hex(data)).collect();
    let attachments: Vec<&str> = attachments.iter().map(String::as_str).collect();

    let packet = decode(&text, &attachments).expect("a packet");
    let (name, args) = packet.data.event().expect("an event");
    assert_eq!(name, "person");
    let got: (String, u8, Option<Binary>, [f64; 2]) = args.parse().expect("what was sent");
    assert_eq!((&*got.0, got.1, got.2, got.3), sent);
    assert!(args.parse::<(u8,)>().is_err());
    assert_eq!(
        payload.event("connect", &()),
        Err(EncodeError::ReservedName("connect".into())),
        "a name of the library's own"
    );
}
