use super::*;

/// A request in order (the one of RFC 6455 section 1.3), some of whose fields are replaced;
/// an empty list removes the field.
struct Request {
    method: &'static str,
    http_minor: u8,
    replaced: &'static [(&'static str, &'static [&'static [u8]])],
}

const GOOD: Request = Request { method: "GET", http_minor: 1, replaced: &[] };

impl Request {
    fn values(&self, name: &str) -> &'static [&'static [u8]] {
        if let Some((_, values)) = self.replaced.iter().find(|field| field.0 == name) {
            return values;
        }
        match name {
            "upgrade" => &[b"websocket"],
            "connection" => &[b"Upgrade"],
            "sec-websocket-key" => &[b"dGhlIHNhbXBsZSBub25jZQ=="],
            "sec-websocket-version" => &[b"13"],
            "sec-websocket-protocol" => &[b"chat, superchat"],
            _ => &[],
        }
    }

    fn check(&self) -> Result<ServerHandshake<'static>, Rejection> {
        ServerHandshake::check(&RequestParts {
            method: self.method,
            http_minor: self.http_minor,
            headers: |name: &'static str| self.values(name).iter().copied(),
        })
    }
}

fn with(replaced: &'static [(&'static str, &'static [&'static [u8]])]) -> Request {
    Request { replaced, ..GOOD }
}

#[test]
fn requests_that_are_in_order() {
    let table = [
        GOOD,
        with(&[("upgrade", &[b"WebSocket"])]),
        with(&[("upgrade", &[b"h2c, websocket"])]),
        with(&[("connection", &[b"keep-alive, Upgrade"])]),
        with(&[("connection", &[b"keep-alive", b"upgrade"])]),
        with(&[("sec-websocket-version", &[b"8"])]),
        with(&[("sec-websocket-key", &[b" dGhlIHNhbXBsZSBub25jZQ==\t"])]),
        with(&[("sec-websocket-protocol", &[])]),
    ];
    for request in table {
        assert!(request.check().is_ok(), "{:?}", request.replaced);
    }
}

#[test]
fn requests_that_are_not() {
    use Rejection::*;
    let table = [
        (Request { method: "POST", ..GOOD }, Method),
        (Request { method: "get", ..GOOD }, Method),
        (Request { http_minor: 0, ..GOOD }, HttpVersion),
        (with(&[("upgrade", &[])]), Upgrade),
        (with(&[("upgrade", &[b"websockets"])]), Upgrade),
        (with(&[("connection", &[])]), Connection),
        (with(&[("connection", &[b"keep-alive"])]), Connection),
        (with(&[("sec-websocket-key", &[])]), Key),
        (with(&[("sec-websocket-key", &[b""])]), Key),
        (with(&[("sec-websocket-key", &[b"dGhlIHNhbXBsZSBub25jZQ"])]), Key),
        (with(&[("sec-websocket-key", &[b"dGhlIHNhbXBsZSBub25j\xff\xff=="])]), Key),
        (
            with(&[(
                "sec-websocket-key",
                &[b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZSBub25jZQ=="],
            )]),
            Key,
        ),
        (with(&[("sec-websocket-version", &[])]), Version),
        (with(&[("sec-websocket-version", &[b"7"])]), Version),
        (with(&[("sec-websocket-version", &[b"13, 8"])]), Version),
        (with(&[("sec-websocket-version", &[b"013"])]), Version),
        (with(&[("sec-websocket-protocol", &[b"chat, chat"])]), Protocol),
        (with(&[("sec-websocket-protocol", &[b"chat", b"chat"])]), Protocol),
        (with(&[("sec-websocket-protocol", &[b"a b"])]), Protocol),
        (with(&[("sec-websocket-protocol", &[b"chat,"])]), Protocol),
    ];
    for (request, rejection) in table {
        assert_eq!(request.check().err(), Some(rejection), "{:?}", request.replaced);
    }
}

#[test]
fn rejections_as_responses() {
    let table = [
        (Rejection::Method, 405, Some(("Allow", "GET"))),
        (Rejection::HttpVersion, 400, None),
        (Rejection::Upgrade, 400, None),
        (Rejection::Connection, 400, None),
        (Rejection::Key, 400, None),
        (Rejection::Version, 400, Some(("Sec-WebSocket-Version", "13, 8"))),
        (Rejection::Protocol, 400, None),
    ];
    for (rejection, status, header) in table {
        assert_eq!((rejection.status(), rejection.header()), (status, header), "{rejection}");
    }
    assert_eq!(Rejection::Method.to_string(), "Invalid HTTP method");
}

#[test]
fn what_was_offered() {
    let handshake = with(&[
        ("sec-websocket-protocol", &[b"b, a", b"c"]),
        ("sec-websocket-extensions", &[b"permessage-deflate; client_max_window_bits", b"x"]),
    ])
    .check()
    .unwrap();
    assert_eq!(handshake.protocols(), ["b", "a", "c"]);
    assert_eq!(handshake.extensions(), [&b"permessage-deflate; client_max_window_bits"[..], b"x"]);
}

#[test]
fn a_lookup_of_one_value_will_do() {
    fn lookup<'a>(head: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
        head.iter().find(|field| field.0 == name).map(|field| &field.1[..])
    }
    let head: Vec<(String, Vec<u8>)> =
        ["upgrade", "connection", "sec-websocket-key", "sec-websocket-version"]
            .map(|name| (name.into(), GOOD.values(name)[0].to_vec()))
            .into();
    let headers = |name: &str| lookup(&head, name);
    let request = RequestParts { method: "GET", http_minor: 1, headers };
    assert!(ServerHandshake::check(&request).unwrap().protocols().is_empty());
}

#[test]
fn the_whole_response() {
    let handshake = with(&[
        ("sec-websocket-protocol", &[b"chat, superchat"]),
        ("sec-websocket-extensions", &[b"permessage-deflate"]),
    ])
    .check()
    .unwrap();
    let mut out = b"before".to_vec();
    let extra = [("Set-Cookie", "io=1"), ("X-Empty", "")];
    handshake
        .write_response(&mut out, Some("superchat"), Some("permessage-deflate"), extra)
        .unwrap();
    assert_eq!(
        str::from_utf8(&out).unwrap(),
        "beforeHTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         Sec-WebSocket-Protocol: superchat\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\
         Set-Cookie: io=1\r\n\
         X-Empty: \r\n\
         \r\n"
    );
}

#[test]
fn responses_that_cannot_be_written_leave_the_buffer_alone() {
    type Extra = &'static [(&'static str, &'static str)];
    let table: [(Option<&str>, Option<&str>, Extra, Misuse); 7] = [
        (Some("other"), None, &[], Misuse::ProtocolNotOffered("other".into())),
        (None, Some("x"), &[], Misuse::ExtensionsNotOffered),
        (None, None, &[("A", "1\r\nB: 2")], Misuse::FieldValue("A".into())),
        (None, None, &[("Ok", "1"), ("A\r", "1")], Misuse::FieldName("A\r".into())),
        (None, None, &[("connection", "close")], Misuse::ReservedField("connection".into())),
        (None, None, &[("UPGRADE", "h2c")], Misuse::ReservedField("UPGRADE".into())),
        (
            None,
            None,
            &[("sec-websocket-accept", "x")],
            Misuse::ReservedField("sec-websocket-accept".into()),
        ),
    ];
    let handshake = GOOD.check().unwrap();
    for (protocol, extensions, extra, misuse) in table {
        let mut out = b"before".to_vec();
        let extra = extra.iter().copied();
        let result = handshake.write_response(&mut out, protocol, extensions, extra);
        assert_eq!(result, Err(misuse));
        assert_eq!(out, b"before");
    }
}
