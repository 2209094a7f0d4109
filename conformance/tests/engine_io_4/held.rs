//! Requests that have to wait for others, and clients that leave meanwhile.

use std::net::SocketAddr;

use siomio_testkit::{
    http::Http,
    polling::{Polling, SEPARATOR},
    ws::Ws,
};

use super::{UNKNOWN_SID, echo, open};

fn request(method: &str, target: &str, body: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Waits until the session's shard has worked off what was sent to it before.
fn settle(session: &Polling) {
    let mut http = Http::connect(session.address);
    http.request("PUT", &session.target, &[], b"");
    assert_eq!(http.response().status, 500);
}

/// Sessions that live on different shards, where there are several.
fn sessions(address: SocketAddr) -> Vec<Polling> {
    let mut connections: Vec<_> = (0..4).map(|_| Http::connect(address)).collect();
    connections.iter_mut().map(|http| Polling::open_on(http, address, super::PATH)).collect()
}

fn is_noticed(leave: fn(Http)) {
    echo(|address| {
        let all = sessions(address);
        for other in &all[1..] {
            let waiting = open(address);
            let mut http = Http::connect(address);
            http.send(request("GET", &waiting.target, "") + &request("POST", &other.target, "4x"));
            settle(&waiting);
            leave(http);
            assert_eq!(waiting.get().text(), UNKNOWN_SID);
        }
    });
}

#[test]
fn a_client_that_ends_its_connection_while_a_request_is_held_is_noticed() {
    is_noticed(drop);
}

#[test]
fn a_client_that_resets_its_connection_while_a_request_is_held_is_noticed() {
    is_noticed(Http::reset);
}

#[test]
fn a_client_that_leaves_behind_more_requests_than_are_worked_on_is_noticed() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        http.send(
            request("GET", &session.target, "") + &request("PUT", &session.target, "").repeat(100),
        );
        settle(&session);
        drop(http);
        assert_eq!(session.get().text(), UNKNOWN_SID);
    });
}

#[test]
fn gets_that_can_be_answered_one_after_the_other_do_not_overlap() {
    echo(|address| {
        let session = open(address);
        let mut http = Http::connect(address);
        let round = request("POST", &session.target, "4x") + &request("GET", &session.target, "");
        http.send(round.repeat(2));
        assert_eq!(http.response().text(), "ok");
        let mut got = http.response().text().to_owned();
        assert_eq!(http.response().text(), "ok");
        // Whatever the first GET took, the second takes the rest.
        session.send(&["4end"]);
        while !got.ends_with("4end") {
            got += SEPARATOR;
            got += http.response().text();
        }
        assert_eq!(got.split(SEPARATOR).collect::<Vec<_>>(), ["4x", "4x", "4end"]);
    });
}

#[test]
fn nobody_polls_over_a_websocket() {
    echo(|address| Ws::connect(address, "/engine.io/?EIO=4&transport=polling").expect_close(None));
}

#[test]
fn the_answer_to_a_post_has_the_type_of_the_reference() {
    echo(|address| assert_eq!(open(address).post("4x").header("content-type"), Some("text/html")));
}
