//! Upgrades that are only begun, come twice, or race with everything else.

use siomio_testkit::polling::Polling;

use crate::{
    IDLE, PATH, WEBSOCKET, besiege,
    peer::{Peer, crowd, frame, post, request, text, upgrade},
    victim::Victim,
};

/// Upgrades are given up soon, but not the sessions that poll meanwhile.
const HASTE: [(&str, &str); 3] =
    [("UPGRADE_TIMEOUT", "500"), ("CLOSE_TIMEOUT", "1000"), ("PING_TIMEOUT", "10000")];

/// A session on long-polling that is in the main namespace, and has heard so.
fn joined(victim: &Victim) -> Polling {
    let session = Polling::open(victim.address, PATH);
    session.send(&["40"]);
    assert!(session.receive()[0].starts_with("40{"));
    session
}

/// The session polls, and is answered.
fn polls(session: &Polling) {
    session.send(&["42[\"message\",\"polled\"]"]);
    let mut heard = String::new();
    while !heard.contains("[\"message-back\",\"polled\"]") {
        let response = session.get();
        assert_eq!(response.status, 200, "{response:?}");
        heard.push_str(response.text());
    }
}

#[test]
fn of_many_websockets_for_one_session_all_but_one_are_sent_away() {
    besiege(&HASTE, 200 * IDLE, |victim| {
        for _ in 0..5 {
            let session = joined(victim);
            let probe = [upgrade(&session.upgrade_target()).as_bytes(), &text("2probe")].concat();
            let mut peers = crowd(20, || Peer::saying(victim.address, &probe));
            // All are answered, most of them with the end; whoever is left is given up, and polling goes on.
            for peer in &mut peers {
                peer.say(frame(0x88, ""));
                peer.last_words("one websocket too many");
            }
            polls(&session);
        }
    });
}

#[test]
fn probes_that_lead_nowhere_are_given_up_and_their_sessions_poll_on() {
    besiege(&HASTE, 200 * IDLE, |victim| {
        let sessions: Vec<_> = (0..50).map(|_| joined(victim)).collect();
        for probe in [text(""), text("2probe"), text("2probe").repeat(100)] {
            let mut peers: Vec<_> = sessions
                .iter()
                .map(|session| {
                    let begin = [upgrade(&session.upgrade_target()).as_bytes(), &probe].concat();
                    Peer::saying(victim.address, begin)
                })
                .collect();
            for peer in &mut peers {
                peer.hear("HTTP/1.1 101", 1);
            }
            drop(peers);
        }
        let mut peers: Vec<_> = sessions
            .iter()
            .map(|session| Peer::saying(victim.address, upgrade(&session.upgrade_target())))
            .collect();
        for peer in &mut peers {
            // Nothing is said, so the server gives up, with an empty close frame.
            peer.hear("\u{fffd}\0", 1);
        }
        sessions.iter().for_each(polls);
    });
}

#[test]
fn whatever_is_in_flight_when_an_upgrade_comes_is_answered() {
    besiege(&HASTE, 400 * IDLE, |victim| {
        for upgrading in [text("5"), [text("2probe"), text("5")].concat()] {
            for _ in 0..30 {
                let session = joined(victim);
                let mut get = Peer::saying(victim.address, request("GET", &session.target, "", ""));
                let body = "42[\"message\",\"posted\"]";
                let whole = post(&session.target, body);
                let (beginning, rest) = whole.split_at(whole.len() - 5);
                let mut posting = Peer::saying(victim.address, beginning);
                let begin = [upgrade(&session.upgrade_target()).as_bytes(), &upgrading].concat();
                let mut websocket = Peer::saying(victim.address, begin);
                posting.say(rest);
                get.hear("HTTP/1.1 ", 1);
                posting.hear("HTTP/1.1 ", 1);
                websocket.say(text("42[\"message\",\"after\"]"));
                websocket.hear("[\"message-back\",\"after\"]", 1);
            }
        }
    });
}

#[test]
fn peers_that_vanish_while_they_are_refused_are_nobodys_trouble() {
    besiege(&HASTE, 300 * IDLE, |victim| {
        let stranger = format!("{WEBSOCKET}&sid=AAAAAAAAAAAAAAAAAAAA");
        let refused = [upgrade(&stranger), upgrade("/socket.io/?EIO=9&transport=websocket")];
        let taken = upgrade(WEBSOCKET);
        for request in refused.iter().chain([&taken]) {
            for _ in 0..100 {
                // Before the answer can be written, and while it is.
                Peer::saying(victim.address, request).reset();
                let mut peer = Peer::saying(victim.address, request);
                peer.hear("HTTP/1.1 ", 1);
                peer.reset();
            }
        }
        let session = joined(victim);
        for _ in 0..100 {
            Peer::saying(victim.address, upgrade(&session.upgrade_target())).reset();
        }
        polls(&session);
    });
}

/// A request for a WebSocket with more lines.
fn upgrade_with(lines: &str) -> String {
    upgrade(WEBSOCKET).replacen("Connection:", &format!("{lines}Connection:"), 1)
}

#[test]
fn fields_that_are_slow_or_odd_to_read_are_read_in_no_time() {
    // As long as a head may be: where time is quadratic, a hundred of them take minutes.
    const LENGTH: usize = 15_000;
    besiege(&[], 200 * 2 * IDLE, |victim| {
        let blanks = format!("b{}x", " ".repeat(LENGTH));
        let commas = ",".repeat(LENGTH);
        let quotes = format!("\"{}", "\\\"".repeat(LENGTH / 2));
        let parameters = format!("permessage-deflate{}", ";a".repeat(LENGTH / 2));
        for value in [&*blanks, &*commas, &*quotes, &*parameters, "constructor", "__proto__"] {
            for name in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Connection"] {
                let request = upgrade_with(&format!("{name}: {value}\r\n"));
                for peer in &mut crowd(20, || Peer::saying(victim.address, &request)) {
                    peer.hear("HTTP/1.1 ", 1);
                }
            }
        }
    });
}

#[test]
fn requests_with_too_many_lines_are_refused_and_nobody_elses_trouble() {
    besiege(&[], 200 * 2 * IDLE, |victim| {
        for lines in ["a:\r\n".repeat(101), "a:\r\n".repeat(3_000), "a: b\r\n".repeat(99)] {
            for peer in &mut crowd(50, || Peer::saying(victim.address, upgrade_with(&lines))) {
                let words = peer.last_words("too many lines");
                assert!(words.starts_with("HTTP/1.1 431"), "{words}");
            }
        }
    });
}
