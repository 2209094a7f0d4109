//! 9: large messages, small fragments, chopped writes, many messages. No times are measured; all of it has to arrive.

use std::thread;

use siomio_testkit::ws::{Got, Ws};

use crate::{Chop, Frame, Peer, echo, text};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Text that is not all ASCII, of so many bytes.
fn letters(bytes: usize) -> String {
    let mut letters = "siomio \u{e9} \u{20ac} \u{1f600} ".repeat(bytes / 19);
    letters.extend(std::iter::repeat_n('.', bytes - letters.len()));
    letters
}

fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn large_messages_in_one_frame() {
    echo(|address| {
        let mut peer = Peer::connect(address, "9.1, 9.2");
        for size in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB] {
            let payload = letters(size);
            peer.raw(&Frame::text(&payload).bytes());
            peer.expect(&text(payload));
            let payload = noise(size);
            peer.raw(&Frame::binary(&payload).bytes());
            peer.expect(&Got::Binary(payload));
        }
        peer.expect_good_end();
    });
}

#[test]
fn four_mebibytes_in_fragments_of_any_size() {
    echo(|address| {
        let mut peer = Peer::connect(address, "9.3, 9.4");
        let (words, data) = (letters(4 * MIB), noise(4 * MIB));
        for size in [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB] {
            peer.send(&Frame::fragments(1, words.as_bytes().chunks(size)), Chop::Whole);
            peer.expect(&text(words.clone()));
            peer.send(&Frame::fragments(2, data.chunks(size)), Chop::Whole);
            peer.expect(&Got::Binary(data.clone()));
        }
        peer.expect_good_end();
    });
}

#[test]
fn a_mebibyte_in_writes_of_any_size() {
    echo(|address| {
        let mut peer = Peer::connect(address, "9.5, 9.6");
        let (words, data) = (letters(MIB), noise(MIB));
        for size in [64, 128, 256, 512, KIB, 2 * KIB] {
            peer.send(&[Frame::text(&words)], Chop::Bytes(size));
            peer.expect(&text(words.clone()));
            peer.send(&[Frame::binary(&data)], Chop::Bytes(size));
            peer.expect(&Got::Binary(data.clone()));
        }
        peer.expect_good_end();
    });
}

#[test]
fn a_thousand_messages_one_after_the_other() {
    echo(|address| {
        let mut peer = Peer::connect(address, "9.7, 9.8");
        for size in [0, 16, 64, 256, KIB, 4 * KIB] {
            for n in 0..1000 {
                let mut payload = "*".repeat(size);
                payload.replace_range(..size.min(4), &format!("{n:04}")[..size.min(4)]);
                let binary = n % 2 == 1;
                let frame = if binary { Frame::binary(&payload) } else { Frame::text(&payload) };
                peer.raw(&frame.bytes());
                let data = payload.into_bytes();
                peer.expect(&if binary {
                    Got::Binary(data)
                } else {
                    text(String::from_utf8(data).expect("ASCII"))
                });
            }
        }
        peer.expect_good_end();
    });
}

#[test]
fn a_thousand_messages_without_waiting() {
    echo(|address| {
        let mut ws = Ws::connect(address, "/");
        let mut sender = ws.sender();
        let sending = thread::spawn(move || {
            for n in 0..1000 {
                sender.send(&format!("{n:0width$}", width = n % 5 * 700 + 1));
            }
        });
        for n in 0..1000 {
            assert_eq!(ws.text(), format!("{n:0width$}", width = n % 5 * 700 + 1));
        }
        sending.join().expect("a sender that ends well");
    });
}

#[test]
fn a_ping_behind_a_large_message_is_answered_behind_it() {
    echo(|address| {
        let mut peer = Peer::connect(address, "9, ping");
        let payload = noise(16 * MIB);
        let frames =
            [Frame::binary(&payload), Frame::ping("a"), Frame::text("x"), Frame::ping("b")];
        peer.send(&frames, Chop::Whole);
        peer.expect(&Got::Binary(payload));
        // RFC 6455, section 5.5.3: of several pings that wait, the last one has to be answered.
        let mut answers = vec![peer.next(), peer.next()];
        if answers.contains(&Got::Pong(b"a".to_vec())) {
            answers.push(peer.next());
        }
        assert!(
            answers.contains(&text("x")) && answers.contains(&Got::Pong(b"b".to_vec())),
            "{answers:?}"
        );
        peer.expect_good_end();
    });
}

#[test]
fn one_byte_more_than_is_taken_is_refused_however_it_comes() {
    const MAX: usize = siomio_conformance::ws_echo::MAX_PAYLOAD;
    echo(|address| {
        let data = noise(MAX + 1);
        let mut peer = Peer::connect(address, "9, the largest");
        peer.raw(&Frame::binary(&data[1..]).bytes());
        peer.expect(&Got::Binary(data[1..].to_vec()));
        peer.expect_good_end();

        let mut peer = Peer::connect(address, "9, in one frame");
        // The header says it all.
        peer.raw(&Frame::binary(&data).bytes()[..14]);
        peer.expect_failure(1009);

        let mut peer = Peer::connect(address, "9, in fragments");
        let pieces = Frame::fragments(2, data.chunks(MIB));
        let (last, rest) = pieces.split_last().expect("many pieces");
        peer.send(rest, Chop::Whole);
        peer.raw(&last.bytes()[..10]);
        peer.expect_failure(1009);
    });
}
