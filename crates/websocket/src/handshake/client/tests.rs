use super::*;
use crate::handshake::{RequestParts, ServerHandshake};

const NONCE: [u8; 16] = *b"the sample nonce";

type Values = &'static [&'static [u8]];
/// The values of a field; none remove it.
type Replaced = &'static [(&'static str, Values)];
/// Protocols and further fields of a request.
type Offer = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// A client that offers two subprotocols and an extension.
fn client() -> ClientHandshake {
    let mut handshake = ClientHandshake::new(NONCE);
    let extra = [("sec-websocket-extensions", "permessage-deflate"), ("Origin", "http://h")];
    handshake.write_request(&mut Vec::new(), "h", "/", &["chat", "superchat"], extra).unwrap();
    handshake
}

/// The fields of a response in order, some of them replaced.
fn response(replaced: Replaced) -> impl Fn(&'static str) -> Vec<&'static [u8]> {
    move |name| {
        if let Some((_, values)) = replaced.iter().find(|field| field.0 == name) {
            return values.to_vec();
        }
        match name {
            "upgrade" => vec![b"websocket"],
            "connection" => vec![b"Upgrade"],
            "sec-websocket-accept" => vec![b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
            _ => vec![],
        }
    }
}

#[test]
fn the_whole_request() {
    let mut handshake = ClientHandshake::new(NONCE);
    let mut out = b"before".to_vec();
    let extra = [("Origin", "http://example.com")];
    handshake
        .write_request(
            &mut out,
            "server.example.com:81",
            "/chat?a=b",
            &["chat", "superchat"],
            extra,
        )
        .unwrap();
    assert_eq!(
        str::from_utf8(&out).unwrap(),
        "beforeGET /chat?a=b HTTP/1.1\r\n\
         Host: server.example.com:81\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\n\
         Origin: http://example.com\r\n\
         \r\n"
    );
}

#[test]
fn requests_that_cannot_be_written_leave_the_buffer_alone() {
    let table: [(&str, &str, Offer, Misuse); 8] = [
        ("h", "", (&[], &[]), Misuse::Target("".into())),
        ("h", "/a b", (&[], &[]), Misuse::Target("/a b".into())),
        ("h", "/\r\n", (&[], &[]), Misuse::Target("/\r\n".into())),
        ("h\r\n", "/", (&[], &[]), Misuse::FieldValue("Host".into())),
        ("h", "/", (&["a b"], &[]), Misuse::Protocol("a b".into())),
        ("h", "/", (&["a", "b", "a"], &[]), Misuse::Protocol("a".into())),
        ("h", "/", (&[], &[("X", "\n")]), Misuse::FieldValue("X".into())),
        ("h", "/", (&[], &[("host", "other")]), Misuse::ReservedField("host".into())),
    ];
    for (host, target, (protocols, extra), misuse) in table {
        let mut out = b"before".to_vec();
        let extra = extra.iter().copied();
        let result =
            ClientHandshake::new(NONCE).write_request(&mut out, host, target, protocols, extra);
        assert_eq!(result, Err(misuse));
        assert_eq!(out, b"before");
    }
}

#[test]
fn responses_that_are_in_order() {
    let accepted =
        |protocol, extensions: Values| Ok(Accepted { protocol, extensions: extensions.to_vec() });
    assert_eq!(client().verify(101, response(&[])), accepted(None, &[]));
    let headers = response(&[
        ("upgrade", &[b"WebSocket"]),
        ("connection", &[b"upgrade"]),
        ("sec-websocket-protocol", &[b" chat"]),
        ("sec-websocket-extensions", &[b"permessage-deflate"]),
    ]);
    assert_eq!(client().verify(101, headers), accepted(Some("chat"), &[b"permessage-deflate"]));
}

#[test]
fn responses_that_are_not() {
    let table: [(u16, Replaced, Refusal); 10] = [
        (200, &[], Refusal::Status(200)),
        (302, &[], Refusal::Status(302)),
        (101, &[("upgrade", &[])], Refusal::Upgrade),
        (101, &[("connection", &[b"close"])], Refusal::Connection),
        (101, &[("sec-websocket-accept", &[])], Refusal::AcceptKey),
        (101, &[("sec-websocket-accept", &[b"s3pplmbitxaq9kygzzhzrbk+xoo="])], Refusal::AcceptKey),
        (101, &[("sec-websocket-protocol", &[b"other"])], Refusal::Protocol),
        (101, &[("sec-websocket-protocol", &[b"Chat"])], Refusal::Protocol),
        (101, &[("sec-websocket-protocol", &[b"chat, superchat"])], Refusal::Protocol),
        (101, &[("sec-websocket-protocol", &[b"chat", b"superchat"])], Refusal::Protocol),
    ];
    for (status, replaced, refusal) in table {
        assert_eq!(client().verify(status, response(replaced)), Err(refusal), "{replaced:?}");
    }
    let nothing_offered = ClientHandshake::new(NONCE);
    let headers = response(&[("sec-websocket-extensions", &[b"permessage-deflate"])]);
    assert_eq!(nothing_offered.verify(101, headers), Err(Refusal::Extensions));
    let headers = response(&[("sec-websocket-protocol", &[b"chat"])]);
    assert_eq!(nothing_offered.verify(101, headers), Err(Refusal::Protocol));
}

/// The fields of a head as this crate writes it.
fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let head = str::from_utf8(head).unwrap().strip_suffix("\r\n\r\n").unwrap();
    head.split("\r\n")
        .skip(1)
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
        .collect()
}

#[test]
fn both_sides_understand_each_other() {
    let lookup = |head: &'static [(String, Vec<u8>)]| {
        move |name: &'static str| {
            head.iter().filter(move |field| field.0 == name).map(|field| &field.1[..])
        }
    };
    for protocol in [None, Some("superchat")] {
        let mut client = ClientHandshake::new([7; 16]);
        let mut request = Vec::new();
        client.write_request(&mut request, "h", "/", &["chat", "superchat"], []).unwrap();

        let headers = lookup(fields(&request).leak());
        let request = RequestParts { method: "GET", http_minor: 1, headers };
        let server = ServerHandshake::check(&request).unwrap();
        let mut response = Vec::new();
        server.write_response(&mut response, protocol, None, []).unwrap();

        let accepted = client.verify(101, lookup(fields(&response).leak())).unwrap();
        assert_eq!(accepted, Accepted { protocol, extensions: vec![] });
    }
}
