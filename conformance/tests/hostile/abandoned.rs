//! Sessions and requests that nobody wants any more.

use siomio_testkit::{http::Http, polling::Polling};

use crate::{
    IDLE, KIB, PATH, POLLING, WEBSOCKET, besiege,
    peer::{Peer, crowd, post, request, upgrade},
    wait_until,
};

#[test]
fn sessions_that_are_opened_and_left_by_the_ten_thousand_are_forgotten() {
    const SESSIONS: usize = 50_000;
    // A kilobyte or two each, which have to be given back when their time is over.
    besiege(&[], SESSIONS * 3 * KIB, |victim| {
        let handshakes = request("GET", POLLING, "", "").repeat(50);
        let mut peers = crowd(20, || Peer::connect(victim.address));
        for _ in 0..SESSIONS / 1_000 {
            for peer in &mut peers {
                assert!(peer.say(&handshakes));
            }
            for peer in &mut peers {
                peer.hear("\"sid\"", 50);
            }
        }
    });
}

#[test]
fn websockets_that_join_nothing_are_sent_away() {
    besiege(&[("CONNECT_TIMEOUT", "700")], 300 * IDLE, |victim| {
        for _ in 0..2 {
            let mut peers = crowd(300, || Peer::saying(victim.address, upgrade(WEBSOCKET)));
            for peer in &mut peers {
                peer.hear("\"sid\"", 1);
            }
            for peer in &mut peers {
                // The empty close frame.
                peer.hear("\u{fffd}\0", 1);
            }
        }
    });
}

#[test]
fn posts_of_bytes_are_answered_and_their_connections_go_on() {
    besiege(&[("CLOSE_TIMEOUT", "1000")], 50 * IDLE, |victim| {
        for _ in 0..30 {
            let mut http = Http::connect(victim.address);
            let session = Polling::open_on(&mut http, victim.address, PATH);
            let bytes = [("Content-Type", "application/octet-stream")];
            http.request("POST", &session.target, &bytes, &[1; 100]);
            assert_eq!(http.response().status, 400);
            // As often as anybody likes: each has its answer.
            for _ in 0..5 {
                http.request("POST", &session.target, &bytes, &[1; 100]);
            }
            for _ in 0..5 {
                http.response();
            }
            assert_eq!(http.get(POLLING).status, 200);
        }
    });
}

#[test]
fn polls_that_overlap_are_answered_all() {
    besiege(&[("CLOSE_TIMEOUT", "1000")], 200 * IDLE, |victim| {
        for _ in 0..30 {
            let session = Polling::open(victim.address, PATH);
            let get = request("GET", &session.target, "", "");
            let mut peers = crowd(5, || Peer::saying(victim.address, &get));
            for peer in &mut peers {
                peer.hear("HTTP/1.1 ", 1);
            }
            let session = Polling::open(victim.address, PATH);
            let body = post(&session.target, &format!("4{}", "x".repeat(100)));
            let (beginning, rest) = body.split_at(body.len() - 1);
            let mut peers = crowd(5, || Peer::saying(victim.address, beginning));
            for peer in &mut peers {
                // Answered, or ended with the session that they have overlapped in.
                peer.say(rest);
                peer.say(request("GET", "/socket.io/", "Connection: close\r\n", ""));
                peer.last_words("a post that overlaps");
            }
        }
    });
}

#[test]
fn polls_that_are_given_up_take_their_sessions_along() {
    besiege(&[], 400 * IDLE, |victim| {
        for n in 0..300 {
            let session = Polling::open(victim.address, PATH);
            let get = session.start_get();
            if n % 2 == 0 {
                get.reset()
            } else {
                drop(get)
            }
            if n % 10 == 0 {
                wait_until("the session is gone", || session.post("3").status == 400);
            }
        }
    });
}
