//! WebSocket frames in numbers: fragments without end, and every rule broken by many at once.

use siomio_testkit::polling::Polling;

use crate::{
    IDLE, KIB, PATH, besiege,
    peer::{Peer, crowd, frame, upgrade},
};

/// As many as a message may have.
const FRAGMENTS: usize = 16_384;

#[test]
fn fragments_without_end_come_to_an_end() {
    for payload in ["", "x"] {
        besiege(&[], 40 * (2 * FRAGMENTS + IDLE), |victim| {
            let fragments = [frame(0x01, payload), frame(0x00, payload).repeat(FRAGMENTS)].concat();
            let mut peers = crowd(40, || Peer::joined(victim.address));
            for peer in &mut peers {
                peer.say(&fragments);
                peer.say(frame(0x88, ""));
            }
            for peer in &mut peers {
                // The code is 1008.
                let words = peer.last_words("one fragment too many");
                assert!(words.ends_with("\u{3}\u{fffd}"), "{words:?}");
            }
        });
    }
}

#[test]
fn messages_that_never_end_cost_what_has_come_of_them() {
    const BROUGHT: usize = 100 * KIB;
    besiege(&[], 100 * (2 * BROUGHT + IDLE), |victim| {
        let beginning = [frame(0x01, "x".repeat(BROUGHT)), frame(0x89, "seen")].concat();
        let mut peers = crowd(100, || Peer::joined(victim.address));
        for peer in &mut peers {
            peer.say(&beginning);
            peer.hear("seen", 1);
        }
    });
}

/// What is wrong, and the frame.
const BROKEN: &[(&str, &[u8])] = &[
    ("no mask", b"\x81\x014"),
    ("RSV1", b"\xc1\x81\0\0\0\x004"),
    ("RSV2", b"\xa1\x81\0\0\0\x004"),
    ("RSV3", b"\x91\x81\0\0\0\x004"),
    ("all reserved bits on a ping", b"\xf9\x80\0\0\0\0"),
    ("a reserved opcode", b"\x83\x81\0\0\0\x004"),
    ("a reserved control opcode", b"\x8b\x80\0\0\0\0"),
    ("a ping in fragments", b"\x09\x80\0\0\0\0"),
    ("a close in fragments", b"\x08\x80\0\0\0\0"),
    ("a ping of 126 bytes", b"\x89\xfe\0\x7e\0\0\0\0"),
    ("a ping of a gibibyte", b"\x89\xff\0\0\0\0\x40\0\0\0\0\0\0\0"),
    ("a close of one byte", b"\x88\x81\0\0\0\0\x03"),
    ("code 0", b"\x88\x82\0\0\0\0\0\0"),
    ("code 999", b"\x88\x82\0\0\0\0\x03\xe7"),
    ("code 1005", b"\x88\x82\0\0\0\0\x03\xed"),
    ("code 1006", b"\x88\x82\0\0\0\0\x03\xee"),
    ("code 65535", b"\x88\x82\0\0\0\0\xff\xff"),
    ("a reason that is no text", b"\x88\x83\0\0\0\0\x03\xe8\xff"),
    ("nothing to continue", b"\x80\x80\0\0\0\0"),
    ("text that is none", b"\x81\x82\0\0\0\x004\xff"),
    ("a surrogate", b"\x81\x84\0\0\0\x004\xed\xa0\x80"),
    ("an overlong slash", b"\x81\x83\0\0\0\x004\xc0\xaf"),
    ("half a character", b"\x81\x82\0\0\0\x004\xc3"),
];

#[test]
fn whoever_breaks_the_rules_is_alone_with_it() {
    besiege(&[], 10 * BROKEN.len() * IDLE, |victim| {
        let mut peers = Vec::new();
        for (what, frame) in BROKEN {
            for _ in 0..10 {
                let mut peer = Peer::joined(victim.address);
                peer.say(frame);
                peers.push((what, peer));
            }
        }
        for (what, peer) in &mut peers {
            // The answer to the server's own close frame, should it wait for one.
            peer.say(frame(0x88, ""));
            peer.last_words(what);
        }
    });
}

#[test]
fn a_frame_right_behind_the_request_for_a_websocket_harms_only_its_connection() {
    besiege(&[], 4 * BROKEN.len() * IDLE, |victim| {
        for (what, broken) in BROKEN {
            let session = Polling::open(victim.address, PATH);
            let mut peers = Vec::new();
            for target in [crate::WEBSOCKET, &session.upgrade_target()] {
                // In one segment, so that nothing is set up yet when the frame is read.
                let together = [upgrade(target).as_bytes(), broken].concat();
                peers.extend(crowd(2, || Peer::saying(victim.address, &together)));
            }
            for peer in &mut peers {
                peer.say(frame(0x88, ""));
                peer.last_words(what);
            }
            // The session polls on as if nothing had happened.
            session.send(&["40"]);
            assert!(session.receive()[0].starts_with("40{"), "{what}");
            assert_eq!(session.post("1").text(), "ok");
        }
    });
}
