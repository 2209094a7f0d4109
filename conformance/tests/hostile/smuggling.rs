//! Requests that hide in others and mean sessions of other shards.
//!
//! Whoever accepts a connection looks for an id in its first line, to find the shard that it belongs to. What it finds has to be
//! what the shard finds, and nothing else may move a connection.

use siomio_testkit::polling::Polling;

use crate::{
    IDLE, PATH, besiege,
    peer::{Peer, post, request},
    victim::Victim,
};

/// Sessions live as long as a test needs them.
const PATIENT: [(&str, &str); 1] = [("PING_TIMEOUT", "10000")];

/// Sessions on all shards, where there are several.
fn sessions(victim: &Victim) -> Vec<Polling> {
    (0..8).map(|_| Polling::open(victim.address, PATH)).collect()
}

/// All of them have to be there.
fn assert_alive(sessions: &[Polling], what: &str) {
    for session in sessions {
        assert_eq!(session.post("3").text(), "ok", "{what}");
    }
}

#[test]
fn a_farewell_in_a_body_reaches_no_other_session() {
    besiege(&PATIENT, 200 * IDLE, |victim| {
        let sessions = sessions(victim);
        for (n, session) in sessions.iter().enumerate() {
            let other = &sessions[(n + 1) % sessions.len()];
            let hidden = post(&other.target, "1");
            let stranger = format!("{PATH}?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA");
            let length = format!("Content-Length: {}\r\n", hidden.len());
            for outer in [
                // A body that nobody wants, of requests that are answered and of such that are refused.
                request("GET", "/socket.io/?EIO=4&transport=polling", &length, &hidden),
                request("POST", &stranger, &length, &hidden),
                request("DELETE", &stranger, &length, &hidden),
                request(
                    "POST",
                    &stranger,
                    "Transfer-Encoding: chunked\r\n",
                    &format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len()),
                ),
            ] {
                let mut peer = Peer::saying(
                    victim.address,
                    outer.clone() + &request("GET", "/next", "Connection: close\r\n", ""),
                );
                let words = peer.last_words(&outer);
                assert_eq!(words.matches("HTTP/1.1 ").count(), 2, "{outer}: {words}");
            }
            // What is in doubt is refused, and what is behind it is not looked at.
            for doubt in [
                "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                "Content-Length: 0\r\nContent-Length: 5\r\n",
                "Transfer-Encoding: chunked, identity\r\n",
            ] {
                let outer = request("POST", &session.target, doubt, &format!("0\r\n\r\n{hidden}"));
                let words = Peer::saying(victim.address, &outer).last_words(&outer);
                assert_eq!(words.matches("HTTP/1.1 ").count(), 1, "{outer}: {words}");
                assert!(words.starts_with("HTTP/1.1 400"), "{outer}: {words}");
            }
        }
        assert_alive(&sessions, "a farewell was read out of a body");
    });
}

#[test]
fn the_door_and_the_shards_read_the_same_first_line() {
    besiege(&PATIENT, 200 * IDLE, |victim| {
        let sessions = sessions(victim);
        for (n, session) in sessions.iter().enumerate() {
            let other = &sessions[(n + 1) % sessions.len()];
            let (own, others) = (&session.target, &other.target);
            // Two ids: the last one counts, wherever the first one lives. Nobody says goodbye here.
            let both = format!("{own}&sid={}", other.sid);
            let mut peer = Peer::saying(victim.address, post(&both, "3"));
            assert!(peer.hear("HTTP/1.1 ", 1).contains("200 OK"));
            for line in [
                format!("POST {own}\rPOST {others} HTTP/1.1\r\n"),
                format!("POST {own}\nPOST {others} HTTP/1.1\r\n"),
                format!("POST {own}\0 {others} HTTP/1.1\r\n"),
                format!("POST {own} {others} HTTP/1.1\r\n"),
                format!("POST\t{own} HTTP/1.1\r\n"),
                format!("POST {own}#&sid={} HTTP/1.1\r\n", other.sid),
                format!("POST http://x{own} http://y{others} HTTP/1.1\r\n"),
            ] {
                let request = format!("{line}Host: x\r\nContent-Length: 1\r\n\r\n1");
                let words = Peer::saying(victim.address, &request).last_words(&line);
                assert!(words.starts_with("HTTP/1.1 400"), "{line:?}: {words}");
            }
        }
        assert_alive(&sessions, "a first line was read in two ways");
    });
}
