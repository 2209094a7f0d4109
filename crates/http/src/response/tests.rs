use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const OPEN: ResponseContext<'static> =
    ResponseContext { minor_version: 1, keep_alive: true, is_head: false, date: None };

fn written(response: &Response, context: ResponseContext<'_>) -> String {
    let mut out = b"before ".to_vec();
    response.write_to(&mut out, context);
    let out = String::from_utf8(out).unwrap();
    out.strip_prefix("before ").expect("what was there stays").to_owned()
}

#[test]
fn bodies_and_lengths_by_status() {
    let table = [
        (200, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        (404, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nhi"),
        (299, "HTTP/1.1 299 \r\nContent-Length: 2\r\n\r\nhi"),
        (204, "HTTP/1.1 204 No Content\r\n\r\n"),
        (205, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
        (304, "HTTP/1.1 304 Not Modified\r\n\r\n"),
        (101, "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        (99, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nhi"),
        (1000, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nhi"),
    ];
    for (status, expected) in table {
        assert_eq!(written(&Response::new(status).body("hi"), OPEN), expected);
    }
    let empty = Response::new(413);
    assert_eq!(
        written(&empty, OPEN),
        "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn context() {
    let response = Response::new(200).body("hi");
    let table = [
        (ResponseContext { minor_version: 0, ..OPEN }, "Connection: keep-alive\r\n\r\nhi"),
        (ResponseContext { keep_alive: false, ..OPEN }, "Connection: close\r\n\r\nhi"),
        (
            ResponseContext { minor_version: 0, keep_alive: false, ..OPEN },
            "Connection: close\r\n\r\nhi",
        ),
        (ResponseContext { is_head: true, ..OPEN }, "\r\n"),
        (ResponseContext::default(), "Connection: close\r\n\r\nhi"),
    ];
    for (context, tail) in table {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
        assert_eq!(written(&response, context), format!("{head}{tail}"), "{context:?}");
    }

    let upgrade = Response::new(426).header("Upgrade", "websocket").unwrap();
    for (minor_version, keep_alive, connection) in [
        (1, true, "Upgrade"),
        (1, false, "close, Upgrade"),
        (0, true, "keep-alive, Upgrade"),
        (0, false, "close, Upgrade"),
    ] {
        let context = ResponseContext { minor_version, keep_alive, ..OPEN };
        let line = format!("\r\nConnection: {connection}\r\n\r\n");
        assert!(written(&upgrade, context).ends_with(&line), "{context:?}");
    }

    let dated = ResponseContext { date: Some("today"), ..OPEN };
    let expected = "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(written(&response, dated), expected);
    let own = Response::new(200).header("date", "yesterday").unwrap();
    let expected = "HTTP/1.1 200 OK\r\ndate: yesterday\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(written(&own, dated), expected);
}

#[test]
fn context_of_a_head() {
    let raw = &b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"[..];
    let head = Head::parse(Cow::Borrowed(raw), 9).unwrap();
    let expected =
        ResponseContext { minor_version: 0, keep_alive: true, is_head: true, date: Some("d") };
    assert_eq!(ResponseContext::new(&head, Some("d")), expected);
}

#[test]
fn a_preflight_answer() {
    let response = Response::new(204)
        .header("Access-Control-Allow-Origin", "*")
        .and_then(|response| response.header("Content-Length", "0"))
        .unwrap();
    let expected = "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\
                    Content-Length: 0\r\n\r\n";
    assert_eq!(written(&response, OPEN), expected);
}

#[test]
fn an_upgrade_answer() {
    let response = Response::new(101)
        .header("Connection", "Upgrade")
        .and_then(|response| response.header("Upgrade", "websocket"))
        .unwrap();
    let context = ResponseContext { date: Some("today"), ..ResponseContext::default() };
    let expected =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(written(&response, context), expected);
}

#[test]
fn refused_headers() {
    use InvalidHeader as I;
    let name = |name: &str| Err(I::Name(name.to_owned()));
    let value = || Err(I::Value("A".to_owned()));
    let managed = |name: &str| Err(I::Managed(name.to_owned()));
    let table: Vec<(u16, &str, &str, Result<(), InvalidHeader>)> = vec![
        (200, "", "x", name("")),
        (200, "A B", "x", name("A B")),
        (200, "A:", "x", name("A:")),
        (200, "A\r\nB", "x", name("A\r\nB")),
        (200, "Ä", "x", name("Ä")),
        (200, "A", "x\r\nSet-Cookie: y", value()),
        (200, "A", "x\n", value()),
        (200, "A", "x\r", value()),
        (200, "A", "x\0", value()),
        (200, "A", "x\x7f", value()),
        (200, "A", "x\ty é", Ok(())),
        (200, "A", "", Ok(())),
        (200, "content-length", "2", managed("content-length")),
        (200, "Transfer-Encoding", "chunked", managed("Transfer-Encoding")),
        (204, "Transfer-Encoding", "chunked", managed("Transfer-Encoding")),
        (204, "Content-Length", "5", managed("Content-Length")),
        (304, "Content-Length", "5", Ok(())),
        (304, "Content-Length", "five", managed("Content-Length")),
        (304, "Content-Length", "", managed("Content-Length")),
        (200, "Connection", "close", managed("Connection")),
        (101, "Connection", "Upgrade", Ok(())),
    ];
    for (status, name, value, expected) in table {
        let mut response = Response::new(status);
        let (name, value) = (name.to_owned(), value.to_owned());
        let context = format!("{status} {name:?} {value:?}");
        assert_eq!(response.set_header(name.clone(), value.clone()), expected, "{context}");
        assert_eq!(response.headers().count(), usize::from(expected.is_ok()), "{context}");
        assert_eq!(Response::new(status).header(name, value).err(), expected.err(), "{context}");
    }
    let twice = Response::new(304).header("Content-Length", "1").unwrap();
    assert_eq!(twice.header("content-length", "1").err(), managed("content-length").err());
}

#[test]
fn headers_append_or_replace() {
    let mut response = Response::new(200);
    for cookie in ["a=1", "b=2"] {
        response = response.header("Set-Cookie", cookie).unwrap();
    }
    response = response.header("content-type", "x").unwrap().json("{}");
    let headers: Vec<_> = response.headers().collect();
    let json = ("Content-Type", "application/json");
    assert_eq!(headers, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), json]);
    response.set_header("SET-COOKIE", "c=3").unwrap();
    assert_eq!(response.headers().collect::<Vec<_>>(), [json, ("SET-COOKIE", "c=3")]);
    assert_eq!((response.status(), &response.content()[..]), (200, &b"{}"[..]));
}

#[test]
fn content_types() {
    let table = [
        (Response::new(200).text("x"), "text/plain; charset=UTF-8"),
        (Response::new(200).html("x"), "text/html; charset=UTF-8"),
        (Response::new(200).json("x"), "application/json"),
        (Response::new(200).binary("x"), "application/octet-stream"),
    ];
    for (response, expected) in table {
        assert_eq!(response.headers().collect::<Vec<_>>(), [("Content-Type", expected)]);
    }
}

#[test]
fn writing_allocates_once() {
    let response = Response::new(431)
        .header("Access-Control-Allow-Origin", "https://example.org")
        .unwrap()
        .text("hello");
    let date = crate::http_date(0);
    let context = ResponseContext { minor_version: 0, date: Some(&date), ..OPEN };
    let mut out = Vec::new();
    response.write_to(&mut out, context);
    // Had the first reservation not sufficed, the vector would have doubled.
    assert_eq!(out.capacity(), response.head_estimate() + 5);
    assert!(out.capacity() < out.len() + 100, "{} for {}", out.capacity(), out.len());
}

#[test]
fn head_and_body_apart_are_the_whole_response() {
    for status in [200, 204, 205, 304, 404] {
        for is_head in [false, true] {
            let response = Response::new(status).text("hello");
            let context = ResponseContext { is_head, ..OPEN };
            let (mut whole, mut head) = (Vec::new(), Vec::new());
            response.write_to(&mut whole, context);
            let body = response.write_head_to(&mut head, context);
            assert_eq!([&head[..], &body].concat(), whole, "{status}, HEAD: {is_head}");
            let is_shared = body.as_ptr() == response.content().as_ptr();
            assert!(body.is_empty() || is_shared, "copied");
        }
    }
}

#[test]
fn continue_is_an_interim_response() {
    let mut headers = [];
    let mut parsed = httparse::Response::new(&mut headers);
    assert_eq!(parsed.parse(CONTINUE), Ok(httparse::Status::Complete(CONTINUE.len())));
    assert_eq!(parsed.code, Some(100));
}

proptest! {
    #[test]
    fn what_is_written_parses_back(
        status in 200..600u16,
        headers in vec(("X-[A-Za-z0-9!#$%&'*+.^_`|~-]{0,10}", "([!-~é€]([ -~é€\t]{0,20}[!-~é€])?)?"), 0..8),
        body in vec(any::<u8>(), 0..100),
        minor_version in 0..2u8,
        keep_alive in any::<bool>(),
        is_head in any::<bool>(),
    ) {
        let mut response = Response::new(status).body(body.clone());
        for (name, value) in headers.clone() {
            response = response.header(name, value).unwrap();
        }
        let mut out = Vec::new();
        let context = ResponseContext { minor_version, keep_alive, is_head, date: Some("now") };
        response.write_to(&mut out, context);

        let mut lines = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Response::new(&mut lines);
        let Ok(httparse::Status::Complete(end)) = parsed.parse(&out) else { panic!("not parsed") };
        prop_assert_eq!(parsed.version, Some(1));
        prop_assert_eq!(parsed.code, Some(status));
        prop_assert_eq!(parsed.reason, Some(crate::reason_phrase(status)));
        let has_body = status != 204 && status != 304;
        let body = if status == 205 { Vec::new() } else { body };
        let length = body.len().to_string();
        let mut expected: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect();
        expected.push(("Date", b"now"));
        if has_body {
            expected.push(("Content-Length", length.as_bytes()));
        }
        match (keep_alive, minor_version) {
            (false, _) => expected.push(("Connection", b"close")),
            (true, 0) => expected.push(("Connection", b"keep-alive")),
            _ => {}
        }
        let found: Vec<_> = parsed.headers.iter().map(|line| (line.name, line.value)).collect();
        prop_assert_eq!(found, expected);
        let sent: &[u8] = if has_body && !is_head { &body } else { &[] };
        prop_assert_eq!(&out[end..], sent);
    }

    #[test]
    fn no_header_breaks_out_of_its_line(name in any::<String>(), value in any::<String>()) {
        let Ok(response) = Response::new(200).header(name, value) else { return Ok(()) };
        let mut out = Vec::new();
        response.write_to(&mut out, OPEN);
        prop_assert_eq!(out.windows(2).filter(|pair| pair == b"\r\n").count(), 4);
        prop_assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 4);
    }
}
