//! Peers that take their time: heads and bodies that drip, answers that nobody reads.

use std::{
    thread,
    time::{Duration, Instant},
};

use siomio_testkit::{PATIENCE, polling::Polling};

use crate::{
    IDLE, KIB, MIB, PATH, POLLING, besiege,
    bystanders::Guest,
    peer::{Peer, crowd, frame, request, text},
    victim::Victim,
};

/// Deadlines that a test can wait for.
const HASTE: [(&str, &str); 3] =
    [("HEAD_TIMEOUT", "1000"), ("REQUEST_TIMEOUT", "1500"), ("SEND_TIMEOUT", "1000")];

/// A client for which more waits is cut off.
const CAP: usize = MIB;

/// Those who read nothing are soon known.
const SHORT: [(&str, &str); 4] = [
    ("MAX_BUFFERED", "1048576"),
    ("HIGH_WATER", "262144"),
    ("SEND_TIMEOUT", "1000"),
    ("CLOSE_TIMEOUT", "1000"),
];

/// All of them say a byte in turn, over and over, until the server has ended them all.
fn drip(mut peers: Vec<Peer>, bytes: &[u8]) {
    let deadline = Instant::now() + PATIENCE;
    for byte in bytes.iter().cycle() {
        peers.retain_mut(|peer| peer.say([*byte]) && peer.is_answered());
        if peers.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{} are still listened to", peers.len());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn heads_that_drip_end_in_time() {
    besiege(&HASTE, 300 * IDLE, |victim| {
        let head = request("GET", POLLING, &format!("X: {}\r\n", "x".repeat(8 * KIB)), "");
        drip(crowd(300, || Peer::connect(victim.address)), head.as_bytes());
    });
}

#[test]
fn heads_that_stop_before_their_end_cost_what_has_come_of_them() {
    const BROUGHT: usize = 15 * KIB;
    besiege(&HASTE, 300 * (2 * BROUGHT + IDLE), |victim| {
        let head = request("GET", POLLING, "", "");
        let head = format!("{}X: {}", head.trim_end_matches("\r\n"), "x".repeat(BROUGHT));
        let mut peers = crowd(300, || {
            Peer::saying(victim.address, head.replace("HTTP/1.1", "HTTP/1.1\r\nX: y"))
        });
        for peer in &mut peers {
            assert!(peer.last_words("a head without an end").starts_with("HTTP/1.1 408"));
        }
    });
}

#[test]
fn bodies_that_drip_cost_what_has_come_of_them() {
    const BROUGHT: usize = 100 * KIB;
    besiege(&HASTE, 60 * (2 * BROUGHT + IDLE), |victim| {
        for (line, beginning, drops) in [
            ("Content-Length: 1000000\r\n", format!("4{}", "x".repeat(BROUGHT)), "x"),
            (
                "Transfer-Encoding: chunked\r\n",
                format!("{BROUGHT:x}\r\n4{}\r\n", "x".repeat(BROUGHT - 1)),
                "1\r\nx\r\n",
            ),
        ] {
            let peers = crowd(30, || {
                let session = Polling::open(victim.address, PATH);
                Peer::saying(victim.address, request("POST", &session.target, line, &beginning))
            });
            drip(peers, drops.as_bytes());
        }
    });
}

#[test]
fn who_reads_nothing_or_too_slowly_of_what_all_are_sent_is_cut_off() {
    besiege(&SHORT, 10 * CAP, |victim| {
        let mut loud = Guest::join(victim.address, "/");
        let mut deaf = crowd(10, || Peer::joined(victim.address));
        let news = format!("\"{}\"", "x".repeat(64 * KIB));
        let deadline = Instant::now() + PATIENCE;
        while !deaf.is_empty() {
            loud.ask("broadcast", &news);
            // Some of them take a byte from time to time.
            deaf.iter_mut().step_by(2).for_each(Peer::sip);
            deaf.retain_mut(|peer| peer.say(text("3")));
            assert!(Instant::now() < deadline, "{} are not cut off", deaf.len());
        }
    });
}

#[test]
fn who_asks_or_pings_and_never_reads_is_cut_off() {
    besiege(&SHORT, 20 * (CAP + 128 * KIB), |victim| {
        let question = text(format!("42[\"message\",\"{}\"]", "x".repeat(64 * KIB)));
        let pings = frame(0x89, [b'x'; 125]).repeat(500);
        let words = [question, pings];
        let mut deaf: Vec<_> =
            (0..20).map(|n| (Peer::joined(victim.address), &words[n % 2])).collect();
        let deadline = Instant::now() + PATIENCE;
        while !deaf.is_empty() {
            deaf.retain_mut(|(peer, words)| peer.say(words));
            assert!(Instant::now() < deadline, "{} are not cut off", deaf.len());
        }
    });
}

#[test]
fn who_posts_and_never_polls_is_cut_off() {
    besiege(&SHORT, 20 * (CAP + 128 * KIB), |victim| {
        let question = format!("42[\"message\",\"{}\"]", "x".repeat(64 * KIB));
        let mut deaf: Vec<_> = (0..20).map(|_| joined(victim)).collect();
        for _ in 0..=CAP / (64 * KIB) {
            deaf.retain(|session| session.post(&question).status == 200);
        }
        assert!(deaf.is_empty(), "{} are not cut off", deaf.len());
    });
}

/// A session on long-polling in the main namespace, that has polled nothing yet.
fn joined(victim: &Victim) -> Polling {
    let session = Polling::open(victim.address, PATH);
    session.send(&["40"]);
    session
}
