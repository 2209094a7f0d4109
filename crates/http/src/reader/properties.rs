use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::tests::{Event, Transcript, transcribe};
use super::*;

/// A valid request: its head and what its body comes to, and how both look on the wire.
#[derive(Clone, Debug)]
struct Request {
    wire: Vec<u8>,
    head: Vec<u8>,
    body: Vec<u8>,
}

fn request() -> impl Strategy<Value = Request> {
    let method = select(vec!["GET", "POST", "DELETE", "OPTIONS", "HEAD", "X-Y"]);
    let target = "(/[a-z0-9%+]{0,12}(\\?[a-z0-9&=%+/?]{0,12})?|http://[a-z]{1,4}(/[a-z?]{0,6})?)";
    let lines = vec("X-[A-Za-z0-9-]{0,8}:[ \t]{0,2}([!-~]([ -~]{0,12}[!-~])?)?[ \t]{0,2}", 0..5);
    let body = vec(any::<u8>(), 0..40);
    let sizes = vec(1..9usize, 0..12);
    let blank_lines = 0..=usize::from(Limits::BLANK_LINES);
    (method, target, lines, body, sizes, 0..3, blank_lines).prop_map(
        |(method, target, lines, body, sizes, framing, blank_lines)| {
            let mut head = format!("{method} {target} HTTP/1.1\r\nHost: h\r\n");
            lines.iter().for_each(|line| head += &format!("{line}\r\n"));
            let (body, coded) = match framing {
                0 => (Vec::new(), Vec::new()),
                1 => {
                    head += &format!("Content-Length: {}\r\n", body.len());
                    (body.clone(), body)
                }
                _ => {
                    head += "Transfer-Encoding: chunked\r\n";
                    (body.clone(), chunked(&body, &sizes))
                }
            };
            let head = (head + "\r\n").into_bytes();
            let wire = [&b"\r\n".repeat(blank_lines)[..], &head, &coded].concat();
            Request { wire, head, body }
        },
    )
}

/// Codes a body in chunks of the given sizes, the rest in one, with some extensions and trailers.
fn chunked(mut body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut coded = Vec::new();
    let mut sizes = sizes.iter().copied();
    while !body.is_empty() {
        let size = sizes.next().unwrap_or(body.len()).min(body.len());
        let (chunk, rest) = body.split_at(size);
        let extension = if size % 2 == 0 { ";a=b" } else { "" };
        coded.extend_from_slice(format!("{size:X}{extension}\r\n").as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
        body = rest;
    }
    coded.extend_from_slice(if sizes.len() > 4 { b"0\r\nT: x\r\n\r\n" } else { b"0\r\n\r\n" });
    coded
}

/// Cuts a stream at any places, also into empty pieces.
fn cut<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

fn small_limits() -> impl Strategy<Value = Limits> {
    (0..200usize, 0..6usize).prop_map(|(max_head, max_headers)| Limits { max_head, max_headers })
}

/// Bytes that look enough like requests to get deep into the reader.
fn almost_requests() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<Index>(), any::<u8>(), 0..4);
    (vec(request(), 1..4), vec(edit, 0..4)).prop_map(|(requests, edits)| {
        let mut stream: Vec<u8> =
            requests.iter().flat_map(|request| request.wire.clone()).collect();
        for (at, byte, kind) in edits {
            let at = at.index(stream.len());
            match kind {
                0 => stream[at] = byte,
                1 => stream.insert(at, byte),
                2 => stream.insert(at, b"\r\n \t:;0,"[usize::from(byte) % 8]),
                _ => drop(stream.remove(at)),
            }
        }
        stream
    })
}

proptest! {
    #[test]
    fn any_split_of_pipelined_requests_reads_the_same(
        requests in vec(request(), 0..6),
        cuts in vec(any::<Index>(), 0..24),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(|request| request.wire.clone()).collect();
        let transcript = transcribe(Limits::default(), cut(&stream, &cuts));
        prop_assert_eq!(transcript.error, None);
        let mut events = transcript.events.into_iter();
        for request in &requests {
            let Some(Event::Head(head)) = events.next() else { panic!("no head") };
            prop_assert_eq!(head.raw(), &request.head[..]);
            if !request.body.is_empty() {
                prop_assert_eq!(events.next(), Some(Event::Body(request.body.clone())));
            }
            prop_assert_eq!(events.next(), Some(Event::End));
        }
        prop_assert_eq!(events.next(), None);
    }

    #[test]
    fn any_split_of_anything_reads_the_same(
        stream in prop_oneof![almost_requests(), vec(any::<u8>(), 0..300)],
        cuts in vec(any::<Index>(), 0..24),
        limits in prop_oneof![Just(Limits::default()), small_limits()],
    ) {
        let whole = transcribe(limits, [&stream[..]]);
        let torn = transcribe(limits, cut(&stream, &cuts));
        prop_assert_eq!(&whole, &torn);
        look_at_everything(&whole);
    }
}

/// Calls every accessor: none may panic, whatever the peer sent.
fn look_at_everything(transcript: &Transcript) {
    for event in &transcript.events {
        let Event::Head(head) = event else { continue };
        assert!(head.raw().starts_with(head.method().as_str().as_bytes()));
        assert!(head.target().contains(head.query().unwrap_or_default()));
        assert!(!head.target().is_empty() && !head.path().is_empty());
        for (name, value) in head.headers() {
            assert!(!name.is_empty());
            assert!(head.header_bytes(name).is_some());
            assert_eq!(value, value.trim_ascii());
        }
        let _ = (head.query_pairs().count(), head.query_param("a"), head.has_token("x-", "a"));
        let bare = head.with_headers(|_| false);
        assert_eq!((bare.target(), bare.body()), (head.target(), head.body()));
        assert_eq!(bare.headers().count(), 0);
        assert_eq!(&head.with_headers(|_| true), head);
    }
}
