use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

fn head(lines: &str) -> Head<'static> {
    let raw = format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    Head::parse(Cow::Owned(raw.into_bytes()), 9).unwrap()
}

fn ready(text: &str, close: bool) -> Option<Ready> {
    Some(Ready { bytes: text.into(), body: Bytes::new(), close })
}

#[test]
fn responses_leave_in_order_and_only_once() {
    let (mut pipeline, head) = (Pipeline::new(), head(""));
    let [a, b, c] = [(); 3].map(|()| pipeline.open(&head));
    assert_eq!(pipeline.len(), 3);
    assert!(pipeline.is_first(a) && !pipeline.is_first(b));
    assert!(pipeline.fill(b, "b".into(), false));
    assert!(!pipeline.fill(b, "again".into(), false), "filled before");
    assert_eq!(pipeline.next_ready(), None);
    assert!(pipeline.fill(a, "a".into(), false));
    assert!(!pipeline.is_first(a), "it has its response");
    assert_eq!(pipeline.next_ready(), ready("a", false));
    assert!(!pipeline.fill(a, "again".into(), false), "taken before");
    assert_eq!(pipeline.next_ready(), ready("b", false));
    assert_eq!(pipeline.next_ready(), None);
    assert!(pipeline.is_first(c));
    assert!(!pipeline.fill(Ticket(c.0 + 1), "never opened".into(), false));
    assert!(pipeline.fill(c, "c".into(), false));
    assert_eq!(pipeline.next_ready(), ready("c", false));
    assert!(pipeline.is_empty() && !pipeline.is_closing());
    assert_eq!(pipeline.len(), 0);
    assert!(!pipeline.fill(c, "late".into(), false));
}

#[test]
fn a_response_takes_the_form_its_request_asks_for() {
    let request = |line: &str| {
        Head::parse(Cow::Owned(format!("{line}\r\nHost: h\r\n\r\n").into_bytes()), 9).unwrap()
    };
    let (mut pipeline, hi) = (Pipeline::new(), Response::new(200).text("hi"));
    let head = pipeline.open(&request("HEAD / HTTP/1.1"));
    let closing = pipeline.open(&request("GET / HTTP/1.1"));
    let late = pipeline.open(&request("GET / HTTP/1.1"));
    assert!(pipeline.respond(head, &hi, Some("now"), false));
    assert!(!pipeline.respond(head, &hi, None, false), "answered before");
    assert!(pipeline.respond(closing, &hi, None, true));
    assert!(!pipeline.respond(late, &hi, None, false), "given up");
    let mut next = || {
        let ready = pipeline.next_ready()?;
        Some((String::from_utf8(ready.bytes).unwrap(), ready.close))
    };
    let content_type = "Content-Type: text/plain; charset=UTF-8\r\n";
    let (text, close) = next().unwrap();
    assert_eq!(
        text,
        format!("HTTP/1.1 200 OK\r\n{content_type}Date: now\r\nContent-Length: 2\r\n\r\n")
    );
    assert!(!close);
    let (text, close) = next().unwrap();
    assert!(text.ends_with("Connection: close\r\n\r\nhi") && close, "{text}");
    assert_eq!(next(), None);

    let mut pipeline = Pipeline::new();
    let old = pipeline.open(&request("GET / HTTP/1.0"));
    assert!(pipeline.respond(old, &hi, None, false));
    let ready = pipeline.next_ready().unwrap();
    assert!(ready.bytes.ends_with(b"Connection: close\r\n\r\nhi") && ready.close);
}

#[test]
fn a_body_that_is_given_apart_stays_apart() {
    let (mut pipeline, head) = (Pipeline::new(), head(""));
    let [a, b] = [(); 2].map(|()| pipeline.open(&head));
    let body = Bytes::from(vec![b'x'; 100]);
    assert!(pipeline.fill_shared(b, "b".into(), body.clone(), true));
    assert!(!pipeline.fill_shared(b, "again".into(), body.clone(), false), "filled before");
    assert!(pipeline.fill(a, "a".into(), false));
    assert_eq!(pipeline.next_ready(), ready("a", false));
    let shared = pipeline.next_ready().unwrap();
    assert_eq!((&shared.bytes[..], shared.close), (&b"b"[..], true));
    assert_eq!(shared.body.as_ptr(), body.as_ptr(), "shared, not copied");
}

#[test]
fn nothing_follows_a_response_that_closes() {
    let (mut pipeline, head) = (Pipeline::new(), head(""));
    let [a, b, c] = [(); 3].map(|()| pipeline.open(&head));
    assert!(pipeline.fill(c, "c".into(), false));
    assert!(pipeline.fill(b, "b".into(), true));
    assert!(pipeline.is_closing());
    assert_eq!(pipeline.len(), 2, "c is given up");
    assert!(!pipeline.fill(c, "c".into(), false));
    let late = pipeline.open(&head);
    assert!(!pipeline.fill(late, "late".into(), false));
    assert!(pipeline.fill(a, "a".into(), false));
    assert_eq!(pipeline.next_ready(), ready("a", false));
    assert_eq!(pipeline.next_ready(), ready("b", true));
    assert_eq!(pipeline.next_ready(), None);
    let later = pipeline.open(&head);
    assert!(!pipeline.fill(later, "later".into(), true));
    assert!(pipeline.is_empty() && pipeline.is_closing());
}

#[test]
fn a_request_without_keep_alive_closes() {
    let mut pipeline = Pipeline::new();
    let a = pipeline.open(&head(""));
    let b = pipeline.open(&head("Connection: close\r\n"));
    let c = pipeline.open(&head(""));
    assert_eq!(pipeline.len(), 2);
    assert!(!pipeline.fill(c, "c".into(), false));
    assert!(pipeline.fill(b, "b".into(), false));
    assert!(pipeline.fill(a, "a".into(), false));
    assert_eq!(pipeline.next_ready(), ready("a", false));
    assert_eq!(pipeline.next_ready(), ready("b", true));
}

#[test]
fn an_earlier_close_overtakes_a_later_one() {
    let (mut pipeline, head) = (Pipeline::new(), head(""));
    let [a, b] = [(); 2].map(|()| pipeline.open(&head));
    assert!(pipeline.fill(b, "b".into(), true));
    assert!(pipeline.fill(a, "a".into(), true));
    assert_eq!(pipeline.next_ready(), ready("a", true));
    assert_eq!(pipeline.next_ready(), None);
}

#[test]
fn the_last_response_waits_for_those_before_it() {
    let (mut pipeline, head) = (Pipeline::new(), head(""));
    let a = pipeline.open(&head);
    let last = pipeline.open_last();
    assert!(pipeline.is_closing());
    assert!(pipeline.fill(last, "last".into(), true));
    assert_eq!(pipeline.next_ready(), None);
    assert!(pipeline.fill(a, "a".into(), false));
    assert_eq!(pipeline.next_ready(), ready("a", false));
    assert_eq!(pipeline.next_ready(), ready("last", true));
    let late = pipeline.open_last();
    assert!(!pipeline.fill(late, "late".into(), true), "there is one last response");
}

#[test]
fn a_pipeline_that_is_closed_ends_with_what_it_has() {
    let (mut pipeline, head) = (Pipeline::new(), head(""));
    let [a, b] = [(); 2].map(|()| pipeline.open(&head));
    pipeline.close();
    let late = pipeline.open(&head);
    assert!(!pipeline.fill(late, "late".into(), false));
    assert!(pipeline.fill(b, "b".into(), false) && pipeline.fill(a, "a".into(), false));
    assert_eq!(pipeline.next_ready(), ready("a", false));
    assert_eq!(pipeline.next_ready(), ready("b", true));

    let mut pipeline = Pipeline::new();
    let first = pipeline.open_last();
    pipeline.open(&head);
    pipeline.close();
    assert!(pipeline.fill(first, "first".into(), true));
    assert_eq!(pipeline.next_ready(), ready("first", true), "an earlier end stays");
}

#[test]
fn an_empty_pipeline_holds_no_heap() {
    let (mut pipeline, head) = (Pipeline::new(), head(""));
    for outstanding in 1..5 {
        let tickets: Vec<_> = (0..outstanding).map(|_| pipeline.open(&head)).collect();
        assert_eq!(pipeline.rest.capacity() > 0, outstanding > 1, "one needs no queue");
        for ticket in tickets {
            assert!(pipeline.fill(ticket, Vec::new(), false));
            assert!(pipeline.next_ready().is_some());
        }
        assert_eq!(pipeline.rest.capacity(), 0);
    }
    let [a, _, _] = [(); 3].map(|()| pipeline.open(&head));
    assert!(pipeline.fill(a, Vec::new(), true));
    assert_eq!(pipeline.rest.capacity(), 0);
}

proptest! {
    #[test]
    fn any_order_of_filling_gives_the_order_of_requests(
        order in (1..20usize).prop_flat_map(|len| Just((0..len).collect::<Vec<_>>()).prop_shuffle()),
        opened_first in 0..20usize,
        close_at in proptest::option::of(0..20usize),
        drain_early in any::<bool>(),
    ) {
        let (mut pipeline, head) = (Pipeline::new(), head(""));
        let mut tickets = Vec::new();
        let mut taken = Vec::new();
        // Some requests are opened at the start, the others just before they are filled.
        for &number in &order {
            while tickets.len() <= number.max(opened_first.min(order.len() - 1)) {
                tickets.push(pipeline.open(&head));
            }
            pipeline.fill(tickets[number], vec![number as u8], close_at == Some(number));
            if drain_early {
                taken.extend(std::iter::from_fn(|| pipeline.next_ready()));
            }
        }
        taken.extend(std::iter::from_fn(|| pipeline.next_ready()));
        let last = close_at.map_or(order.len(), |close| order.len().min(close + 1));
        let expected: Vec<_> = (0..last)
            .map(|number| Ready {
                bytes: vec![number as u8],
                body: Bytes::new(),
                close: close_at == Some(number),
            })
            .collect();
        prop_assert_eq!(taken, expected);
        prop_assert!(pipeline.is_empty());
    }
}
