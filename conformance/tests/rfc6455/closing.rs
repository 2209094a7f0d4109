//! 7: the closing handshake.

use siomio_testkit::ws::Got;

use crate::{Chop, Frame, Peer, echo, text};

/// Sends these frames in one piece; only these answers must come, then a close frame with this payload, and the end.
fn closes(label: &str, frames: &[Frame], answers: &[Got], close: &[u8]) {
    echo(|address| {
        let mut peer = Peer::connect(address, label);
        peer.send(frames, Chop::Whole);
        answers.iter().for_each(|answer| peer.expect(answer));
        peer.expect_close_payload(close);
    });
}

#[test]
fn everything_before_the_close_frame_is_answered_and_nothing_behind_it() {
    let close = || Frame::close(1000, "");
    let normal = [3, 0xe8];
    let hello = Frame::text("Hello World!");
    closes("7.1.1", &[hello.clone(), close()], &[text("Hello World!")], &normal);
    closes("7.1.2", &[close(), close()], &[], &normal);
    closes("7.1.3", &[close(), Frame::ping("after")], &[], &normal);
    closes("7.1.4", &[close(), hello], &[], &normal);
    let torn = [Frame::text("fragment1").unfinished(), close(), Frame::continuation("fragment2")];
    closes("7.1.5", &torn, &[], &normal);
    let large = "BAsd7&jh23".repeat(26_214);
    let frames = [Frame::text(&large), close(), Frame::ping("after")];
    closes("7.1.6", &frames, &[text(large)], &normal);
    // Nor is it looked at: after the close frame anything may follow.
    closes("7.1.x", &[close(), Frame::new(15, "").reserved(7)], &[], &normal);
}

#[test]
fn a_close_frame_is_empty_or_begins_with_a_code() {
    let fails = |label, frame| closes(label, &[frame], &[], &[3, 0xea]);
    closes("7.3.1", &[Frame::new(8, "")], &[], &[]);
    fails("7.3.2", Frame::new(8, [3]));
    closes("7.3.3", &[Frame::close(1000, "")], &[], &[3, 0xe8]);
    // The code comes back, the reason does not.
    closes("7.3.4", &[Frame::close(1000, "Hello World!")], &[], &[3, 0xe8]);
    closes("7.3.5", &[Frame::close(1000, [b'*'; 123])], &[], &[3, 0xe8]);
    fails("7.3.6", Frame::close(1000, [b'*'; 124]));
}

#[test]
fn reasons_are_utf8() {
    let bad = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}".as_bytes();
    let bad = [bad, b"\xed\xa0\x80edited"].concat();
    closes("7.5.1", &[Frame::close(1000, bad)], &[], &[3, 0xef]);
    closes("7.5.x, cut off", &[Frame::close(1000, b"a\xe2\x82")], &[], &[3, 0xef]);
    closes("7.5.x, good", &[Frame::close(1000, "\u{1f600}")], &[], &[3, 0xe8]);
}

#[test]
fn codes_that_may_be_sent_come_back() {
    echo(|address| {
        let codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
        // Registered later.
        for code in codes.into_iter().chain([1012, 1013, 1014]) {
            let mut peer = Peer::connect(address, format!("7.7: {code}"));
            peer.raw(&Frame::close(code, "").bytes());
            peer.expect_close_payload(&code.to_be_bytes());
        }
    });
}

#[test]
fn codes_that_may_not_be_sent_are_a_violation() {
    echo(|address| {
        let reserved = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999];
        let unassigned = [5000, 9999, 65_535];
        for code in reserved.into_iter().chain(unassigned) {
            for reason in ["", "reason"] {
                let mut peer = Peer::connect(address, format!("7.9, 7.13: {code}"));
                peer.raw(&Frame::close(code, reason).bytes());
                peer.expect_failure(1002);
            }
        }
    });
}

#[test]
fn a_close_frame_in_pieces_is_one() {
    echo(|address| {
        let mut peer = Peer::connect(address, "7, byte by byte");
        peer.send(&[Frame::text("x"), Frame::close(4321, "bye")], Chop::Bytes(1));
        peer.expect(&text("x"));
        peer.expect_close_payload(&[0x10, 0xe1]);
    });
}
