//! Requests whose end is not beyond doubt, and requests that are none.

use crate::{SMUGGLED, assert_refused, site};

/// What is wrong, the whole head, the status.
const HEADS: &[(&str, &[u8], u16)] = &[
    ("a bare line feed", b"GET /a HTTP/1.1\nHost: x\n\n", 400),
    ("a bare line feed in the fields", b"GET /a HTTP/1.1\r\nHost: x\n\r\n", 400),
    ("a bare line feed at the end", b"GET /a HTTP/1.1\r\nHost: x\r\n\n", 400),
    ("a bare carriage return", b"GET /a HTTP/1.1\rHost: x\r\n\r\n", 400),
    ("a bare carriage return in a value", b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
    ("NUL in a value", b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400),
    ("a control byte in a value", b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\x0bc\r\n\r\n", 400),
    ("DEL in a value", b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\x7fc\r\n\r\n", 400),
    ("a folded line", b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    ("a line folded by a tab", b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n", 400),
    ("a folded first line", b"GET /a HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    ("a space before the colon", b"GET /a HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400),
    ("an empty name", b"GET /a HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400),
    ("no colon", b"GET /a HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400),
    ("a name that is no token", b"GET /a HTTP/1.1\r\nHost: x\r\nA(b: c\r\n\r\n", 400),
    ("a name that is not ASCII", b"GET /a HTTP/1.1\r\nHost: x\r\n\xc3\xa9: c\r\n\r\n", 400),
    ("no Host", b"GET /a HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", b"GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
    ("a Host with a user", b"GET /a HTTP/1.1\r\nHost: y@x\r\n\r\n", 400),
    ("a Host with a path", b"GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n", 400),
    ("two spaces", b"GET  /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a space in the target", b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a tab for a space", b"GET\t/a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a space behind the version", b"GET /a HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
    ("a space in front", b" GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a fragment", b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a relative path", b"GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a star without OPTIONS", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("an authority without CONNECT", b"GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("CONNECT with a path", b"CONNECT /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("CONNECT", b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    ("a target that is no text", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a method that is no token", b"G@T /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (
        "a very long method",
        b"GETGETGETGETGETGETGETGETGETGETGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        501,
    ),
    ("HTTP/0.9", b"GET /a\r\n\r\n", 400),
    ("version 0.9", b"GET /a HTTP/0.9\r\nHost: x\r\n\r\n", 505),
    ("version 1.2", b"GET /a HTTP/1.2\r\nHost: x\r\n\r\n", 505),
    ("version 2.0", b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("a version of three digits", b"GET /a HTTP/1.11\r\nHost: x\r\n\r\n", 400),
    ("a version in small letters", b"GET /a http/1.1\r\nHost: x\r\n\r\n", 400),
    ("another protocol", b"GET /a ICY/1.1\r\nHost: x\r\n\r\n", 400),
    ("chunks in HTTP/1.0", b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("the beginning of TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400),
    ("five empty lines", b"\r\n\r\n\r\n\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
];

/// Header lines that leave doubt about the body, and the status.
const LENGTHS: &[(&[u8], u16)] = &[
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
    (b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
    (b"Content-Length: 5\r\nContent-Length: 5\r\n", 400),
    (b"Content-Length: 5\r\ncontent-length: 6\r\n", 400),
    (b"Content-Length: 0\r\nA: b\r\nContent-Length: 5\r\n", 400),
    (b"Content-Length: 5, 5\r\n", 400),
    (b"Content-Length: 5,\r\n", 400),
    (b"Content-Length:\r\n", 400),
    (b"Content-Length: +5\r\n", 400),
    (b"Content-Length: -5\r\n", 400),
    (b"Content-Length: 0x5\r\n", 400),
    (b"Content-Length: 5.0\r\n", 400),
    (b"Content-Length: 5 5\r\n", 400),
    (b"Content-Length: 1e1\r\n", 400),
    (b"Content-Length: 18446744073709551616\r\n", 400),
    (b"Content-Length: 99999999999999999999999999\r\n", 400),
    (b"Content-Length : 5\r\n", 400),
    (b"Transfer-Encoding: gzip\r\n", 400),
    (b"Transfer-Encoding: identity\r\n", 400),
    (b"Transfer-Encoding: xchunked\r\n", 400),
    (b"Transfer-Encoding: chunkedx\r\n", 400),
    (b"Transfer-Encoding: \"chunked\"\r\n", 400),
    (b"Transfer-Encoding: chunked;a=b\r\n", 400),
    (b"Transfer-Encoding: chunked, chunked\r\n", 400),
    (b"Transfer-Encoding: chunked, gzip\r\n", 400),
    (b"Transfer-Encoding: chunked, identity\r\n", 400),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
    (b"Transfer-Encoding:\r\n", 400),
    (b"Transfer-Encoding: ,chunked\r\n", 400),
    (b"Transfer-Encoding : chunked\r\n", 400),
    (b"Transfer-Encoding\t: chunked\r\n", 400),
    (b" Transfer-Encoding: chunked\r\n", 400),
    (b"A: b\r\n Transfer-Encoding: chunked\r\n", 400),
    (b"Transfer-Encoding:\r\n chunked\r\n", 400),
    (b"Transfer-Encoding: \x0bchunked\r\n", 400),
    (b"Transfer-Encoding: chunked\0\r\n", 400),
    (b"Transfer-Encoding: gzip, chunked\r\n", 501),
    (b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
];

/// Chunked bodies that are malformed.
const CHUNKS: &[&[u8]] = &[
    b"\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"+5\r\nhello\r\n0\r\n\r\n",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b" 5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"5 ;a\r\nhello\r\n0\r\n\r\n",
    b"5\nhello\r\n0\r\n\r\n",
    b"5\rhello\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhello\r0\r\n\r\n",
    b"5\r\nhelloworld\r\n0\r\n\r\n",
    b"5;a\nhello\r\n0\r\n\r\n",
    b"5;a\0\r\nhello\r\n0\r\n\r\n",
    b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"0\n\r\n",
    b"0\r\nA: b\n\r\n",
    b"0\r\nA: b\r\n c\r\n\r\n",
    b"0\r\nA: \x01\r\n\r\n",
];

fn with_lines(lines: &[u8]) -> Vec<u8> {
    [b"POST /a HTTP/1.1\r\nHost: x\r\n", lines, b"\r\n"].concat()
}

fn with_chunks(chunks: &[u8]) -> Vec<u8> {
    [&with_lines(b"Transfer-Encoding: chunked\r\n"), chunks].concat()
}

/// Every malformed request, with its name and status.
fn malformed() -> Vec<(String, Vec<u8>, u16)> {
    let heads = HEADS.iter().map(|&(what, head, status)| (what.to_owned(), head.to_vec(), status));
    let lengths = LENGTHS
        .iter()
        .map(|&(lines, status)| (lines.escape_ascii().to_string(), with_lines(lines), status));
    let chunks =
        CHUNKS.iter().map(|&chunks| (chunks.escape_ascii().to_string(), with_chunks(chunks), 400));
    heads.chain(lengths).chain(chunks).collect()
}

#[test]
fn a_request_in_doubt_is_refused_and_nothing_behind_it_is_looked_at() {
    site(|site| {
        for (what, request, status) in malformed() {
            let mut http = site.send([&request, SMUGGLED.as_bytes()].concat());
            assert_refused(&mut http, status, &what);
            assert_eq!(site.seen(), [""; 0], "{what}");
        }
    });
}

#[test]
fn the_same_behind_a_good_request() {
    site(|site| {
        for (what, request, status) in malformed() {
            // An empty line more in front of the empty lines is one too many all the same.
            let good = b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
            let mut http = site.send([good, &request[..], SMUGGLED.as_bytes()].concat());
            assert_eq!(http.response().text(), "POST /good 2", "{what}");
            assert_refused(&mut http, status, &what);
            assert_eq!(site.seen(), ["POST /good"], "{what}");
        }
    });
}

#[test]
fn the_same_byte_by_byte() {
    site(|site| {
        for (what, request, status) in malformed() {
            let mut http = site.connect();
            for byte in [&request, SMUGGLED.as_bytes()].concat() {
                http.send([byte]);
            }
            assert_refused(&mut http, status, &what);
            assert_eq!(site.seen(), [""; 0], "{what}");
        }
    });
}

#[test]
fn the_reason_of_a_refusal_is_told() {
    site(|site| {
        let both = with_lines(LENGTHS[0].0);
        let response = site.send(both).response();
        assert_eq!(response.text(), "both Content-Length and Transfer-Encoding are given");
        assert_eq!(response.header("content-type"), Some("text/plain; charset=UTF-8"));
    });
}

/// Requests that look odd and are as good as any, and what the page makes of them.
const ACCEPTED: &[(&[u8], &str)] = &[
    (b"\r\n\r\n\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a 0"),
    (b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", "GET /a 0"),
    (b"GET /a HTTP/1.1\r\nhOsT:\t[::1]:80 \r\nA:\r\nA: \xff\r\n\r\n", "GET /a 0"),
    (b"GET http://x/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a 0"),
    (b"GET http://x?b HTTP/1.1\r\nHost: x\r\n\r\n", "GET / 0"),
    (b"GET //x/a HTTP/1.1\r\nHost: x\r\n\r\n", "GET //x/a 0"),
    (b"GET /a/../%2e?b?c HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a/../%2e 0"),
    (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\u{e9} 0"),
    (b"BREW /a HTTP/1.1\r\nHost: x\r\n\r\n", "BREW /a 0"),
    (b"get /a HTTP/1.1\r\nHost: x\r\n\r\n", "get /a 0"),
    (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length:005 \r\n\r\nhello", "POST /a 5"),
    (b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "GET /a 5"),
    (
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\tCHUNKED \r\n\r\n\
          5;a=\"b;c\";d\r\nhello\r\n00A\r\n0123456789\r\n000;e\r\nA: b\r\nContent-Length: 9\r\n\r\n",
        "POST /a 15",
    ),
];

#[test]
fn odd_requests_are_not_refused_for_being_odd() {
    site(|site| {
        let mut http = site.connect();
        for &(request, expected) in ACCEPTED {
            http.send(request);
            let response = http.response();
            assert_eq!(response.text(), expected, "{}", request.escape_ascii());
        }
        // All at once, and in pieces of any size.
        let all = ACCEPTED.iter().flat_map(|(request, _)| request.to_vec()).collect::<Vec<u8>>();
        for size in [all.len(), 1, 2, 3, 5, 7, 64] {
            let mut http = site.connect();
            all.chunks(size).for_each(|piece| http.send(piece));
            for (_, expected) in ACCEPTED {
                assert_eq!(http.response().text(), *expected, "in pieces of {size}");
            }
        }
    });
}

#[test]
fn a_request_may_be_torn_anywhere() {
    site(|site| {
        let (request, expected) = ACCEPTED[ACCEPTED.len() - 1];
        for at in 0..=request.len() {
            let mut http = site.send(&request[..at]);
            http.send([&request[at..], SMUGGLED.as_bytes()].concat());
            assert_eq!(http.response().text(), expected, "torn at {at}");
            assert_eq!(http.response().text(), "GET /smuggled 0", "torn at {at}");
        }
    });
}
