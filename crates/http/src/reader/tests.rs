use super::*;

/// What a reader made of a byte stream, with adjacent chunks joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Transcript {
    pub(super) events: Vec<Event>,
    pub(super) error: Option<Error>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Head(Head<'static>),
    Body(Vec<u8>),
    End,
}

/// Feeds a stream piece by piece and checks the contract of every step on the way.
pub(super) fn transcribe<'a>(
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Transcript {
    let mut reader = Reader::new(limits);
    let mut transcript = Transcript::default();
    for mut input in pieces {
        loop {
            let step = match reader.read(input) {
                Ok(step) => step,
                Err(error) => {
                    assert_eq!(reader.read(b"GET "), Err(error), "errors stay");
                    assert!(!reader.is_between_requests() && !reader.is_mid_head());
                    transcript.error = Some(error);
                    return transcript;
                }
            };
            let (taken, rest) = input.split_at(step.consumed);
            input = rest;
            match step.item {
                None => {
                    assert!(rest.is_empty(), "without an item all input is consumed");
                    break;
                }
                Some(Item::Head(head)) => {
                    assert!(head.raw().ends_with(taken) || taken.ends_with(head.raw()));
                    transcript.events.push(Event::Head(head.into_owned()));
                }
                Some(Item::Chunk(data)) => {
                    assert!(!data.is_empty());
                    match transcript.events.last_mut() {
                        Some(Event::Body(body)) => body.extend_from_slice(data),
                        _ => transcript.events.push(Event::Body(data.to_vec())),
                    }
                }
                Some(Item::End) => {
                    assert!(reader.is_between_requests());
                    transcript.events.push(Event::End);
                }
            }
        }
    }
    transcript
}

fn whole(bytes: &[u8]) -> Transcript {
    transcribe(Limits::default(), [bytes])
}

fn bytewise(limits: Limits, bytes: &[u8]) -> Transcript {
    transcribe(limits, bytes.chunks(1))
}

fn bodies(transcript: &Transcript) -> Vec<&[u8]> {
    let mut bodies = Vec::new();
    for event in &transcript.events {
        if let Event::Body(body) = event {
            bodies.push(&body[..]);
        }
    }
    bodies
}

/// Every refusal: the head as it is sent, the reason, the status. Lines are given with CR LF.
#[test]
fn refused_heads() {
    use Error as E;
    const HOST: &[u8] = b"Host: h\r\n";
    let plain: &[(&[u8], Error, u16)] = &[
        (b"\x16\x03\x01\x02", E::ControlByte(0x16), 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\x00c\r\n\r\n", E::ControlByte(0), 400),
        (b"GET / HTTP/1.1\nHost: h\n\n", E::LineEnding, 400),
        (b"GET / HTTP/1.1\r\nHost: h\n\r\n", E::LineEnding, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\n", E::LineEnding, 400),
        (b"GET / HTTP/1.1\r\nHost: h\rA: b\r\n\r\n", E::LineEnding, 400),
        (b"\nGET / HTTP/1.1\r\n", E::LineEnding, 400),
        (b"\r\r\nGET / HTTP/1.1\r\n", E::LineEnding, 400),
        (b"\r\n\r\n\r\n\r\n\r\n", E::TooManyBlankLines, 400),
        (b"GET\r\n\r\n", E::RequestLine, 400),
        (b"GET /\r\n\r\n", E::RequestLine, 400),
        (b"GET  / HTTP/1.1\r\n\r\n", E::RequestLine, 400),
        (b"GET / x HTTP/1.1\r\n\r\n", E::RequestLine, 400),
        (b"GET\t/ HTTP/1.1\r\n\r\n", E::RequestLine, 400),
        (b" GET / HTTP/1.1\r\n\r\n", E::RequestLine, 400),
        (b"G@T / HTTP/1.1\r\n\r\n", E::RequestLine, 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", E::RequestLine, 400),
        (b"GET / HTTP/1.1 \r\n\r\n", E::RequestLine, 400),
        (b"GET / HTTP/1.10\r\n\r\n", E::RequestLine, 400),
        (b"GET / HTTP/11\r\n\r\n", E::RequestLine, 400),
        (b"GET / http/1.1\r\n\r\n", E::RequestLine, 400),
        (b"GET / HTTP/0.9\r\n\r\n", E::Version, 505),
        (b"GET / HTTP/1.2\r\n\r\n", E::Version, 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", E::Version, 505),
        (b"GET path HTTP/1.1\r\n\r\n", E::Target, 400),
        (b"GET /a#b HTTP/1.1\r\n\r\n", E::Target, 400),
        (b"GET * HTTP/1.1\r\n\r\n", E::Target, 400),
        (b"GET h:443 HTTP/1.1\r\n\r\n", E::Target, 400),
        (b"CONNECT / HTTP/1.1\r\n\r\n", E::Target, 400),
        (b"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n\r\n", E::MethodTooLong, 501),
        (b"GET / HTTP/1.1\r\n\r\n", E::HostMissing, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", E::HostRepeated, 400),
        (b"GET / HTTP/1.1\r\nHost: h, g/\r\n\r\n", E::HostInvalid, 400),
        (b"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", E::HostInvalid, 400),
        (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", E::TransferEncodingInHttp10, 400),
    ];
    for &(bytes, error, status) in plain {
        check_refused(bytes, error, status);
    }

    let with_host: &[(&[u8], Error, u16)] = &[
        (b"A : b\r\n", E::HeaderLine, 400),
        (b"A\t: b\r\n", E::HeaderLine, 400),
        (b" A: b\r\n", E::HeaderLine, 400),
        (b"A: b\r\n c\r\n", E::HeaderLine, 400),
        (b"A: b\r\n\tc\r\n", E::HeaderLine, 400),
        (b": b\r\n", E::HeaderLine, 400),
        (b"A\r\n", E::HeaderLine, 400),
        (b"A(: b\r\n", E::HeaderLine, 400),
        (b"Content-Length: \r\n", E::ContentLengthInvalid, 400),
        (b"Content-Length: +1\r\n", E::ContentLengthInvalid, 400),
        (b"Content-Length: -1\r\n", E::ContentLengthInvalid, 400),
        (b"Content-Length: 0x1\r\n", E::ContentLengthInvalid, 400),
        (b"Content-Length: 1 1\r\n", E::ContentLengthInvalid, 400),
        (b"Content-Length: 1, 1\r\n", E::ContentLengthInvalid, 400),
        (b"Content-Length: 18446744073709551616\r\n", E::ContentLengthInvalid, 400),
        (b"Content-Length: 1\r\ncontent-length: 1\r\n", E::ContentLengthRepeated, 400),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n", E::ContentLengthRepeated, 400),
        (
            b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            E::ContentLengthAndTransferEncoding,
            400,
        ),
        (
            b"Transfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n",
            E::ContentLengthAndTransferEncoding,
            400,
        ),
        (b"Transfer-Encoding: gzip, chunked\r\n", E::TransferEncodingUnsupported, 501),
        (
            b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            E::TransferEncodingUnsupported,
            501,
        ),
        (b"Transfer-Encoding: gzip\r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: identity\r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: xchunked\r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: chunked, gzip\r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: chunked, gzip, chunked\r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: chunked, chunked\r\n", E::TransferEncodingInvalid, 400),
        (
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            E::TransferEncodingInvalid,
            400,
        ),
        (b"Transfer-Encoding: chunked;q=1\r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: \r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: , chunked\r\n", E::TransferEncodingInvalid, 400),
        (b"Transfer-Encoding: \"chunked\"\r\n", E::TransferEncodingInvalid, 400),
    ];
    for &(lines, error, status) in with_host {
        let bytes = [b"POST / HTTP/1.1\r\n", HOST, lines, b"\r\n"].concat();
        check_refused(&bytes, error, status);
    }
}

fn check_refused(bytes: &[u8], error: Error, status: u16) {
    let expected = Transcript { events: vec![], error: Some(error) };
    let name = bytes.escape_ascii();
    assert_eq!(whole(bytes), expected, "{name}");
    assert_eq!(bytewise(Limits::default(), bytes), expected, "{name}, byte by byte");
    assert_eq!(error.status(), status, "{name}");
    assert!(!error.to_string().is_empty());
}

#[test]
fn accepted_heads() {
    let table: &[(&[u8], BodyLength)] = &[
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", BodyLength::None),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", BodyLength::None),
        (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", BodyLength::None),
        (b"GET / HTTP/1.0\r\n\r\n", BodyLength::None),
        (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", BodyLength::None),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", BodyLength::None),
        (b"GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n", BodyLength::None),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\nA:\xff\r\n\r\n", BodyLength::None),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", BodyLength::Length(0)),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \t007 \r\n\r\n", BodyLength::Length(7)),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n",
            BodyLength::Length(u64::MAX),
        ),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tChunKed\t\r\n\r\n",
            BodyLength::Chunked,
        ),
    ];
    for &(bytes, body) in table {
        let transcript = whole(bytes);
        let [Event::Head(head), ..] = &transcript.events[..] else {
            panic!("{}: {transcript:?}", bytes.escape_ascii());
        };
        assert_eq!(head.body(), body, "{}", bytes.escape_ascii());
        assert_eq!(head.raw(), bytes);
        assert_eq!(transcript, bytewise(Limits::default(), bytes));
    }
}

#[test]
fn limits_on_the_head() {
    let head = b"GET /aaaa HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    let limits = |max_head, max_headers| Limits { max_head, max_headers };
    let (len, line) = (head.len(), b"GET /aaaa HTTP/1.1\r\n".len());
    let table = [
        (limits(len, 2), None),
        (limits(len - 1, 2), Some(Error::HeadTooLarge { limit: len - 1 })),
        (limits(line, 2), Some(Error::HeadTooLarge { limit: line })),
        (limits(line - 1, 2), Some(Error::TargetTooLong { limit: line - 1 })),
        (limits(0, 2), Some(Error::TargetTooLong { limit: 0 })),
        (limits(len, 1), Some(Error::TooManyHeaders { limit: 1 })),
        (limits(len, 0), Some(Error::TooManyHeaders { limit: 0 })),
    ];
    for (limits, error) in table {
        assert_eq!(transcribe(limits, [&head[..]]).error, error, "{limits:?}");
        assert_eq!(bytewise(limits, head).error, error, "{limits:?}");
    }
    assert_eq!(Error::HeadTooLarge { limit: 1 }.status(), 431);
    assert_eq!(Error::TooManyHeaders { limit: 1 }.status(), 431);
    assert_eq!(Error::TargetTooLong { limit: 1 }.status(), 414);

    let mut many = b"GET / HTTP/1.0\r\n".to_vec();
    many.extend(b"A: b\r\n".repeat(Limits::HEADERS_CEILING));
    let unlimited = limits(usize::MAX, usize::MAX);
    assert_eq!(transcribe(unlimited, [&many[..], b"\r\n"]).error, None);
    let limit = Limits::HEADERS_CEILING;
    let error = transcribe(unlimited, [&many[..], b"A: b\r\n\r\n"]).error;
    assert_eq!(error, Some(Error::TooManyHeaders { limit }));
}

#[test]
fn blank_lines_before_a_request_are_passed_over() {
    let request = b"GET / HTTP/1.0\r\n\r\n";
    let bytes = [b"\r\n\r\n\r\n\r\n", &request[..], b"\r\n", request].concat();
    let transcript = whole(&bytes);
    assert_eq!(transcript.error, None);
    assert_eq!(transcript.events.len(), 4);
    assert_eq!(transcript, bytewise(Limits::default(), &bytes));
}

const CHUNKED: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn chunked_bodies() {
    let table: &[(&[u8], &[&[u8]])] = &[
        (b"0\r\n\r\n", &[]),
        (b"5\r\nhello\r\n0\r\n\r\n", &[b"hello"]),
        (b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", &[b"hello!"]),
        (b"00a\r\n0123456789\r\n000\r\n\r\n", &[b"0123456789"]),
        (b"A;x=\"y\";z\r\n0123456789\r\n0;end\r\n\r\n", &[b"0123456789"]),
        (b"2\r\n\r\n\r\n0\r\n\r\n", &[b"\r\n"]),
        (b"1\r\nx\r\n0\r\nContent-Length: 9\r\nA: b\r\n\r\n", &[b"x"]),
    ];
    for &(body, expected) in table {
        let next = b"GET / HTTP/1.0\r\n\r\n";
        let bytes = [CHUNKED, body, next].concat();
        let transcript = whole(&bytes);
        assert_eq!(transcript.error, None, "{}", body.escape_ascii());
        assert_eq!(bodies(&transcript), expected, "{}", body.escape_ascii());
        assert_eq!(transcript.events.last(), Some(&Event::End));
        assert_eq!(transcript, bytewise(Limits::default(), &bytes));
        let heads = transcript.events.iter().filter(|event| matches!(event, Event::Head(_)));
        assert_eq!(heads.count(), 2, "the next request is found");
    }
}

#[test]
fn refused_chunked_bodies() {
    use Error as E;
    let extensions = [b"1;", &[b'x'; Limits::CHUNK_EXTENSIONS + 1][..]].concat();
    let drip = b"1;xxxxxxx\r\nd\r\n".repeat(Limits::CHUNK_EXTENSIONS / 7 + 1);
    let trailer = [b"0\r\nA: ", &[b'x'; Limits::TRAILER - 3][..]].concat();
    let table: &[(&[u8], Error, u16)] = &[
        (b"\r\n", E::ChunkSize, 400),
        (b";x\r\n", E::ChunkSize, 400),
        (b"g\r\n", E::ChunkSize, 400),
        (b"-1\r\n", E::ChunkSize, 400),
        (b"+1\r\n", E::ChunkSize, 400),
        (b"0x1\r\n", E::ChunkSize, 400),
        (b" 1\r\n", E::ChunkSize, 400),
        (b"1 \r\nx", E::ChunkSize, 400),
        (b"1 ;x\r\nx", E::ChunkSize, 400),
        (b"1 x\r\nx", E::ChunkSize, 400),
        (b"1\nx", E::ChunkSize, 400),
        (b"1\r\rx", E::ChunkSize, 400),
        (b"1;a\nx", E::ChunkSize, 400),
        (b"1;a\rb\r\nx", E::ChunkSize, 400),
        (b"1;\x00\r\nx", E::ChunkSize, 400),
        (b"1;\x7f\r\nx", E::ChunkSize, 400),
        (b"00000000000000001\r\n", E::ChunkSize, 400),
        (b"1\r\nxy", E::ChunkEnd, 400),
        (b"1\r\nx\n", E::ChunkEnd, 400),
        (b"1\r\nx\rx", E::ChunkEnd, 400),
        (b"0\r\nA: b\n\r\n", E::LineEnding, 400),
        (b"0\r\nA: \x01\r\n\r\n", E::ControlByte(1), 400),
        (b"0\r\nA: b\r\n c\r\n\r\n", E::HeaderLine, 400),
        (b"0\r\n A: b\r\n\r\n", E::HeaderLine, 400),
        (&extensions, E::ChunkExtensionsTooLarge, 400),
        (&drip, E::ChunkExtensionsTooLarge, 400),
        (&trailer, E::TrailerTooLarge, 431),
    ];
    for &(body, error, status) in table {
        let bytes = [CHUNKED, body].concat();
        let name = body.escape_ascii();
        let transcript = whole(&bytes);
        assert_eq!(transcript.error, Some(error), "{name}");
        assert!(!transcript.events.contains(&Event::End), "{name}");
        assert_eq!(transcript, bytewise(Limits::default(), &bytes), "{name}");
        assert_eq!(error.status(), status, "{name}");
    }
    let largest = [CHUNKED, b"ffffffffffffffff\r\nx"].concat();
    assert_eq!(bodies(&whole(&largest)), [b"x"]);
}

#[test]
fn a_limit_met_exactly_is_no_error() {
    let extensions = [b"1;", &[b'x'; Limits::CHUNK_EXTENSIONS][..], b"\r\nd\r\n0\r\n\r\n"].concat();
    let trailer = [b"0\r\nA: ", &[b'x'; Limits::TRAILER - 7][..], b"\r\n\r\n"].concat();
    for body in [extensions, trailer] {
        let bytes = [CHUNKED, &body].concat();
        assert_eq!(whole(&bytes).error, None);
        assert_eq!(whole(&bytes).events.last(), Some(&Event::End));
    }
}

#[test]
fn nothing_behind_an_upgrade_head_is_consumed() {
    let head = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let bytes = [&head[..], b"\x81\x00frames"].concat();
    let step = Reader::new(Limits::default()).read(&bytes).unwrap();
    assert_eq!(step.consumed, head.len());
    let Some(Item::Head(read)) = step.item else { panic!() };
    assert!(read.is_upgrade());
}

#[test]
fn states_seen_from_outside() {
    let mut reader = Reader::new(Limits::default());
    let mut check = |input: &[u8], item: Option<&str>, between: bool, mid_head: bool| {
        let step = reader.read(input).unwrap();
        assert_eq!(step.consumed, input.len());
        let found = step.item.map(|item| match item {
            Item::Head(_) => "head",
            Item::Chunk(_) => "chunk",
            Item::End => "end",
        });
        assert_eq!(found, item, "{}", input.escape_ascii());
        assert_eq!(reader.is_between_requests(), between, "{}", input.escape_ascii());
        assert_eq!(reader.is_mid_head(), mid_head, "{}", input.escape_ascii());
    };
    check(b"", None, true, false);
    check(b"\r", None, false, true);
    check(b"\n", None, true, false);
    check(b"G", None, false, true);
    check(b"ET / HTTP/1.0\r\nContent-Length: 2\r\n\r\n", Some("head"), false, false);
    check(b"a", Some("chunk"), false, false);
    check(b"", None, false, false);
    check(b"b", Some("chunk"), false, false);
    check(b"", Some("end"), true, false);
    check(b"GET / HTTP/1.0\r\n\r\n", Some("head"), false, false);
    check(b"", Some("end"), true, false);
    check(b"", None, true, false);
}

#[test]
fn what_is_left_of_a_body() {
    let mut reader = Reader::new(Limits::default());
    let mut check = |input: &[u8], left: Option<u64>| {
        let mut rest = input;
        while let Step { consumed, item: Some(_) } = reader.read(rest).unwrap() {
            rest = &rest[consumed..];
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(reader.body_left(), left, "{}", input.escape_ascii());
    };
    check(b"POST / HTTP/1.0\r\nContent-Le", Some(0));
    check(b"ngth: 5\r\n\r\n", Some(5));
    check(b"ab", Some(3));
    check(b"cde", Some(0));
    check(b"", Some(0));
    check(CHUNKED, None);
    check(b"1\r\nx\r\n0\r\n\r\n", Some(0));
}

#[test]
fn whole_heads_and_chunks_are_not_copied() {
    let bytes = b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc".to_vec();
    let mut reader = Reader::new(Limits::default());
    let step = reader.read(&bytes).unwrap();
    let Some(Item::Head(head)) = step.item else { panic!() };
    assert!(std::ptr::eq(head.raw().as_ptr(), bytes.as_ptr()));
    let rest = &bytes[step.consumed..];
    let Some(Item::Chunk(data)) = reader.read(rest).unwrap().item else { panic!() };
    assert!(std::ptr::eq(data.as_ptr(), rest.as_ptr()));
}

#[test]
fn an_idle_reader_is_small() {
    assert!(size_of::<Reader>() <= 64, "{}", size_of::<Reader>());
}
