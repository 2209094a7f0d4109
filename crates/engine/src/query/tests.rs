use std::{sync::Arc, time::Instant};

use super::*;
use crate::{Config, Sid};

const BOTH: Transports = Transports { polling: true, websocket: true };

fn parse(query: &str) -> Query<'_> {
    Query::from_pairs(query.split('&').filter(|p| !p.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.into(), value.into())
    }))
}

fn check(
    query: &str,
    method: &str,
    origin: Option<&[u8]>,
    session: Option<&Session>,
) -> Result<Admission, Refusal> {
    let query = parse(query);
    let (is_get, is_upgrade) = (method == "GET" || method == "WS", method == "WS");
    verify(Request { query: &query, is_get, is_upgrade, origin }, BOTH, session)
}

#[allow(clippy::disallowed_methods, reason = "tests need some instant to start from")]
fn polling_session() -> Session {
    let (config, sid) = (Arc::new(Config::default()), Sid::new(0, [1; 15]));
    Session::open_polling(Instant::now(), config, sid, Protocol::V4)
}

#[test]
fn protocol_is_4_only_when_it_says_exactly_4() {
    for (query, protocol) in [
        ("EIO=4", Protocol::V4),
        ("", Protocol::V3),
        ("EIO=3", Protocol::V3),
        ("EIO=abc", Protocol::V3),
        ("EIO=4.0", Protocol::V3),
    ] {
        assert_eq!(parse(query).protocol, protocol, "{query}");
    }
    assert_eq!(parse("EIO=3&EIO=4").protocol, Protocol::V4, "the last duplicate counts");
}

#[test]
fn refuses_in_the_order_of_the_protocol() {
    use BadRequest::{InvalidOrigin, ProtocolMismatch, TransportHandshake, TransportMismatch};
    let session = polling_session();
    let known = Some(&session);
    let bad = |why| Err(Refusal::BadRequest(why));
    type Case<'a> =
        (&'a str, &'a str, Option<&'a [u8]>, Option<&'a Session>, Result<Admission, Refusal>);
    let table: [Case<'_>; 19] = [
        (
            "EIO=4&transport=polling",
            "GET",
            None,
            None,
            Ok(Admission::Handshake(Transport::Polling)),
        ),
        (
            "EIO=4&transport=websocket",
            "WS",
            None,
            None,
            Ok(Admission::Handshake(Transport::WebSocket)),
        ),
        ("EIO=4&transport=polling&sid=x", "GET", None, known, Ok(Admission::Session)),
        ("EIO=4&transport=polling&sid=x", "POST", None, known, Ok(Admission::Session)),
        ("EIO=4&transport=websocket&sid=x", "WS", None, known, Ok(Admission::Session)),
        ("EIO=4", "GET", None, None, Err(Refusal::TransportUnknown)),
        ("EIO=4&transport=webtransport", "GET", None, None, Err(Refusal::TransportUnknown)),
        (
            "EIO=4&transport=__proto__&sid=x",
            "POST",
            Some(b"\x01"),
            None,
            Err(Refusal::TransportUnknown),
        ),
        ("EIO=4&transport=polling&sid=x", "GET", Some(b"a\x01"), None, bad(InvalidOrigin)),
        ("EIO=4&transport=polling", "GET", Some(b"a\x7f"), None, bad(InvalidOrigin)),
        (
            "EIO=4&transport=polling",
            "GET",
            Some(b"a\tb"),
            None,
            Ok(Admission::Handshake(Transport::Polling)),
        ),
        ("EIO=4&transport=polling&sid=x", "GET", None, None, Err(Refusal::UnknownSid)),
        ("EIO=4&transport=websocket&sid=x", "GET", None, known, bad(TransportMismatch)),
        ("transport=polling&sid=x", "GET", None, known, bad(ProtocolMismatch)),
        ("EIO=abc&transport=polling", "POST", None, None, Err(Refusal::BadHandshakeMethod)),
        ("EIO=4&transport=polling", "OPTIONS", None, None, Err(Refusal::BadHandshakeMethod)),
        ("EIO=4&transport=websocket", "GET", None, None, bad(TransportHandshake)),
        ("transport=polling", "GET", None, None, Err(Refusal::UnsupportedProtocol)),
        (
            "EIO=4&transport=polling&sid=",
            "GET",
            None,
            None,
            Ok(Admission::Handshake(Transport::Polling)),
        ),
    ];
    for (query, method, origin, session, expected) in table {
        assert_eq!(check(query, method, origin, session), expected, "{method} {query} {origin:?}");
    }
}

#[test]
fn offers_only_what_is_enabled() {
    let query = parse("EIO=4&transport=polling");
    let request = Request { query: &query, is_get: true, is_upgrade: false, origin: None };
    let websocket_only = Transports { polling: false, websocket: true };
    assert_eq!(verify(request, websocket_only, None), Err(Refusal::TransportUnknown));
}
