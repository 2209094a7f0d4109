//! Lengths that are lies, and lengths that nobody can mean.

use siomio_testkit::{http::Http, polling::Polling, polling_v3};

use crate::{
    IDLE, KIB, NOISE, PATH, besiege,
    peer::{Peer, crowd, frame, request},
    victim::Victim,
};

/// So many peers have announced what has not come, and the server must not have made room for it.
fn assert_cheap(victim: &Victim, before: usize, peers: usize) {
    let claimed = victim.claimed().saturating_sub(before);
    assert!(claimed <= peers * IDLE + NOISE, "{} KiB for promises", claimed / KIB);
}

#[test]
fn bodies_that_are_announced_and_never_come_cost_nothing() {
    besiege(&[], 300 * IDLE, |victim| {
        for (line, beginning) in
            [("Content-Length: 1000000\r\n", "4"), ("Transfer-Encoding: chunked\r\n", "F4240\r\n4")]
        {
            let before = victim.claimed();
            let _peers = crowd(150, || {
                let session = Polling::open(victim.address, PATH);
                let lines = format!("{line}Expect: 100-continue\r\n");
                let head = request("POST", &session.target, &lines, "");
                let mut peer = Peer::saying(victim.address, head);
                peer.hear("HTTP/1.1 100 Continue\r\n\r\n", 1);
                peer.say(beginning);
                peer
            });
            assert_cheap(victim, before, 150);
        }
    });
}

#[test]
fn bodies_beyond_reason_are_refused_by_their_lengths() {
    let haste = [("HEAD_TIMEOUT", "500"), ("REQUEST_TIMEOUT", "500")];
    besiege(&haste, 300 * IDLE, |victim| {
        let lengths = [3_000_000, 1 << 31, 1 << 32, u64::MAX >> 1, u64::MAX].map(|length: u64| {
            let lines = format!("Content-Length: {length}\r\n");
            (lines, String::new())
        });
        let chunks = [3_000_000, 1 << 31, 1 << 32, u64::MAX >> 1, u64::MAX].map(|length: u64| {
            ("Transfer-Encoding: chunked\r\n".to_owned(), format!("{length:x}\r\n4"))
        });
        let bodies: Vec<_> = lengths.into_iter().chain(chunks).collect();
        let mut peers: Vec<_> = bodies
            .iter()
            .flat_map(|(lines, body)| {
                crowd(20, || {
                    let session = Polling::open(victim.address, PATH);
                    Peer::saying(victim.address, request("POST", &session.target, lines, body))
                })
            })
            .collect();
        for peer in &mut peers {
            // By its length, or because the rest of a chunk never comes.
            peer.hear("HTTP/1.1 4", 1);
        }
    });
}

/// The head of a frame that announces so many bytes.
fn announced(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

#[test]
fn frames_that_are_announced_and_never_come_cost_nothing() {
    besiege(&[], 300 * IDLE, |victim| {
        for first in [0x81, 0x82, 0x01] {
            let before = victim.claimed();
            let _peers = crowd(100, || {
                let mut peer = Peer::joined(victim.address);
                peer.say([frame(0x89, "seen"), announced(first, 1_000_000), vec![b'4']].concat());
                peer.hear("seen", 1);
                peer
            });
            assert_cheap(victim, before, 100);
        }
    });
}

#[test]
fn frames_beyond_reason_are_refused_by_their_lengths() {
    besiege(&[], 300 * IDLE, |victim| {
        for length in [1_000_001, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX] {
            for first in [0x81, 0x82, 0x01, 0x89] {
                let goodbye = [announced(first, length), frame(0x88, "")].concat();
                let mut peers = crowd(10, || Peer::joined(victim.address));
                for peer in &mut peers {
                    peer.say(&goodbye);
                }
                for peer in &mut peers {
                    peer.last_words("a frame beyond reason");
                }
            }
        }
    });
}

/// Payloads of revision 3 whose lengths are not theirs.
fn lying_payloads() -> Vec<String> {
    vec![
        "1000000000:4x".to_owned(),
        "99999999999999999999:4x".to_owned(),
        format!("{}:4x", "9".repeat(100 * KIB)),
        "9".repeat(100 * KIB),
        "0:".repeat(100 * KIB),
        ":".repeat(100 * KIB),
        "-1:4x".to_owned(),
        "1e9:4x".to_owned(),
        // It ends inside a character, or inside a surrogate pair.
        "2:4\u{1f600}".to_owned(),
        "1000:4\u{1f600}".to_owned(),
        "3:4é".to_owned(),
    ]
}

/// Payloads of bytes of revision 3 whose lengths are not theirs.
fn lying_bytes() -> Vec<Vec<u8>> {
    vec![
        [&[0][..], &[9; 300], &[0xff], b"4x"].concat(),
        [&[1][..], &[9; 10], &[0xff], b"\x04x"].concat(),
        [&[0][..], &[9; 100 * KIB]].concat(),
        [0, 0xff].repeat(100 * KIB),
        vec![0; 100 * KIB],
        vec![0xff; 100 * KIB],
        vec![1],
        [&[0, 2, 0xff][..], "4\u{1f600}".as_bytes()].concat(),
    ]
}

#[test]
fn payloads_of_revision_3_are_not_believed() {
    let settings = [("ALLOW_EIO3", "1"), ("CLOSE_TIMEOUT", "1000")];
    besiege(&settings, 8 * 300 * KIB, |victim| {
        let texts = lying_payloads().into_iter().map(|text| ("text/plain", text.into_bytes()));
        let bytes = lying_bytes().into_iter().map(|bytes| ("application/octet-stream", bytes));
        for (kind, body) in texts.chain(bytes) {
            for _ in 0..8 {
                let (session, _) = polling_v3::open(victim.address, PATH, "");
                let mut http = Http::connect(victim.address);
                http.request("POST", &session.target, &[("Content-Type", kind)], &body);
                // Whatever it is told, it is told something.
                http.response();
            }
        }
    });
}
