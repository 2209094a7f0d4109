use super::*;
use crate::Limits;

fn head(text: &str) -> Head<'_> {
    match Head::parse(Cow::Borrowed(text.as_bytes()), Limits::default().max_headers) {
        Ok(head) => head,
        Err(error) => panic!("{text:?}: {error}"),
    }
}

/// A 1.1 request with these lines, then a 1.0 request with them.
fn both(lines: &str) -> [Head<'static>; 2] {
    let text = |version, lines| format!("GET / HTTP/1.{version}\r\nHost: h\r\n{lines}\r\n");
    [1, 0].map(|version| head(&text(version, lines)).into_owned())
}

#[test]
fn parts_of_a_head() {
    let head = head(
        "POST http://h/a%20b?EIO=4&t=1&t=%41+b HTTP/1.1\r\nHost: h\r\nX-A:\t one \r\nx-a: two\r\n\
         Empty:\r\nReferer: http://h\r\nContent-Length: 3\r\n\r\n",
    );
    assert_eq!(head.method(), Method::Post);
    assert_eq!(head.target(), "http://h/a%20b?EIO=4&t=1&t=%41+b");
    assert_eq!(head.path(), "/a%20b");
    assert_eq!(head.query(), Some("EIO=4&t=1&t=%41+b"));
    assert_eq!(head.query_param("t").as_deref(), Some("A b"), "the last wins");
    assert_eq!(head.query_param("T"), None);
    assert_eq!(head.query_pairs().count(), 3);
    assert_eq!(head.minor_version(), 1);
    assert_eq!(head.header("X-a"), Some("one"), "the first wins");
    assert!(head.header_values("x-A").eq([b"one", b"two"]), "all of them");
    assert_eq!(head.header("Empty"), Some(""));
    for name in ["absent", "", "Hos", "Hostt", "Referer: http"] {
        assert_eq!(head.header(name), None, "{name}");
    }
    assert_eq!(head.body(), BodyLength::Length(3));
    let names: Vec<_> = head.headers().map(|(name, _)| name).collect();
    assert_eq!(names, ["Host", "X-A", "x-a", "Empty", "Referer", "Content-Length"]);
}

#[test]
fn header_values_that_are_not_text() {
    let raw = b"GET / HTTP/1.0\r\nA: \xff\xfe\r\nA: b\r\n\r\n";
    let head = Head::parse(Cow::Borrowed(&raw[..]), 9).unwrap();
    assert_eq!(head.header("a"), None, "not the second line either");
    assert_eq!(head.header_bytes("a"), Some(&b"\xff\xfe"[..]));
    assert_eq!(head.headers().next(), Some(("A", &b"\xff\xfe"[..])));
}

#[test]
fn tokens_over_all_lines() {
    let [head, _] = both("A: x , Y\r\nB: z\r\na: ,q\r\n");
    for (name, token, expected) in [
        ("A", "x", true),
        ("a", "y", true),
        ("A", "Q", true),
        ("A", "z", false),
        ("A", "x , Y", false),
        ("A", "xx", false),
        ("C", "x", false),
    ] {
        assert_eq!(head.has_token(name, token), expected, "{name} {token}");
    }
}

#[test]
fn keep_alive() {
    let table = [
        ("", true, false),
        ("Connection: close\r\n", false, false),
        ("Connection: Keep-Alive\r\n", true, true),
        ("Connection: x, CLOSE\r\n", false, false),
        ("Connection: keep-alive, close\r\n", false, false),
        ("Connection: keep-alive\r\nConnection: close\r\n", false, false),
        ("Connection: close\r\nConnection: keep-alive\r\n", false, false),
        ("Connection: close-not\r\n", true, false),
        ("Connection: Upgrade\r\n", true, false),
    ];
    for (lines, in_1_1, in_1_0) in table {
        let [new, old] = both(lines);
        assert_eq!((new.keep_alive(), old.keep_alive()), (in_1_1, in_1_0), "{lines}");
        assert_eq!((new.minor_version(), old.minor_version()), (1, 0));
    }
}

#[test]
fn expectations_and_upgrades() {
    let table = [
        ("", false, false),
        ("Expect: 100-continue\r\n", true, false),
        ("Expect: 100-Continue\r\n", true, false),
        ("Expect: 200-ok\r\n", false, false),
        ("Expect: ,\r\nExpect: x, 100-continue\r\n", true, false),
        ("Connection: upgrade\r\nUpgrade: websocket\r\n", false, true),
        ("Upgrade: x\r\nUPGRADE: y, WebSocket\r\nConnection: keep-alive, Upgrade\r\n", false, true),
        ("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n", false, false),
        ("Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n", false, true),
        ("Connection: upgrade\r\n", false, false),
        ("Upgrade: websocket\r\n", false, false),
    ];
    for (lines, expects, upgrade) in table {
        let [new, old] = both(lines);
        assert_eq!(new.expects_continue(), expects, "{lines}");
        assert_eq!(new.is_upgrade(), upgrade, "{lines}");
        assert_eq!(new.expects_more(), lines.contains("200-ok") || lines.contains("x,"), "{lines}");
        assert!(!old.expects_continue() && !old.is_upgrade(), "HTTP/1.0 knows neither: {lines}");
        assert!(!old.expects_more(), "{lines}");
    }
}

#[test]
fn bodies_that_follow() {
    for (lines, follows) in [
        ("", false),
        ("Content-Length: 0\r\n", false),
        ("Content-Length: 1\r\n", true),
        ("Transfer-Encoding: chunked\r\n", true),
    ] {
        let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        assert_eq!(head(&text).has_body(), follows, "{lines}");
    }
}

#[test]
fn odd_targets() {
    let [star, connect] = [
        head("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
        head("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
    ];
    assert_eq!((star.path(), star.query()), ("*", None));
    assert_eq!((connect.path(), connect.query()), ("h:443", None));
    assert_eq!(star.query_param("a"), None);
    assert_eq!(star.query_pairs().count(), 0);
}

#[test]
fn an_owned_head_is_one_exact_allocation() {
    assert!(size_of::<Head<'static>>() <= 48, "{}", size_of::<Head<'static>>());
    let text = "GET /a HTTP/1.1\r\nHost: h\r\nCookie: secret\r\n\r\n";
    let mut roomy = Vec::with_capacity(1000);
    roomy.extend_from_slice(text.as_bytes());
    let torn = Head::parse(Cow::Owned(roomy), 9).unwrap().into_owned();
    let whole = head(text).into_owned();
    assert_eq!(torn, whole);
    for owned in [torn, whole] {
        let Cow::Owned(raw) = &owned.raw else { panic!() };
        assert_eq!(raw.capacity(), text.len());
        assert!(!format!("{owned:?}").contains("secret"));
    }
}

#[test]
fn headers_can_be_left_out() {
    let full =
        head("GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCookie: c\r\nAccept: x\r\n\r\n");
    let kept = full.with_headers(|name| name.eq_ignore_ascii_case("cookie"));
    assert_eq!(kept.raw(), b"GET /a?b HTTP/1.1\r\nCookie: c\r\n\r\n");
    assert_eq!(kept.header("cookie"), Some("c"));
    assert_eq!(kept.query(), Some("b"));
    assert!(!kept.keep_alive(), "what was known of the head stays known");
    let Cow::Owned(raw) = &kept.raw else { panic!() };
    assert_eq!(raw.capacity(), raw.len());
}
