use std::{sync::Arc, time::Instant};

use super::*;
use crate::{Sid, Transports};

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
    verify(Request { query: &query, is_get, is_upgrade, origin }, &Config::default(), session)
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
fn a_closed_session_is_not_known_any_more() {
    let mut session = polling_session();
    session.discard(crate::CloseReason::ForcedClose, &mut Vec::new());
    let query = parse("EIO=4&transport=polling&sid=x");
    let request = Request { query: &query, is_get: true, is_upgrade: false, origin: None };
    assert_eq!(verify(request, &Config::default(), Some(&session)), Err(Refusal::UnknownSid));
}

#[test]
fn offers_only_what_is_enabled() {
    let query = parse("EIO=4&transport=polling");
    let request = Request { query: &query, is_get: true, is_upgrade: false, origin: None };
    let transports = Transports { polling: false, websocket: true };
    let websocket_only = Config { transports, ..Config::default() };
    assert_eq!(verify(request, &websocket_only, None), Err(Refusal::TransportUnknown));
}

#[test]
fn revision_3_is_let_in_where_it_is_allowed_and_kept_to_itself() {
    let config = Config { allow_eio3: true, ..Config::default() };
    let session = polling_session();
    let check = |query: &str, session| {
        let query = parse(query);
        let request = Request { query: &query, is_get: true, is_upgrade: false, origin: None };
        verify(request, &config, session)
    };
    let handshake = Ok(Admission::Handshake(Transport::Polling));
    for query in ["transport=polling", "EIO=3&transport=polling", "EIO=abc&transport=polling"] {
        assert_eq!(check(query, None), handshake, "{query}");
    }
    assert_eq!(check("EIO=4&transport=polling", None), handshake);
    let mismatch = Err(Refusal::BadRequest(BadRequest::ProtocolMismatch));
    assert_eq!(check("EIO=3&transport=polling&sid=x", Some(&session)), mismatch);
}

#[test]
fn the_number_of_the_clients_function_is_made_of_digits() {
    for (query, jsonp) in [
        ("", None),
        ("j=3", Some("3")),
        ("j=", Some("")),
        ("j=a1b2);alert(3", Some("123")),
        ("j=1&j=2", Some("2")),
    ] {
        assert_eq!(parse(query).jsonp.as_deref(), jsonp, "{query}");
    }
}
