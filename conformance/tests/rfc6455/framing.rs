//! 1: messages in one frame.

use siomio_testkit::ws::Got;

use crate::{Case, Chop, Frame, Peer, echo, run, text};

/// Around the lengths of lengths.
const LENGTHS: [(usize, Chop); 8] = [
    (0, Chop::Whole),
    (125, Chop::Whole),
    (126, Chop::Whole),
    (127, Chop::Whole),
    (128, Chop::Whole),
    (65_535, Chop::Whole),
    (65_536, Chop::Whole),
    (65_536, Chop::Bytes(997)),
];

#[test]
fn text_of_any_length_comes_back() {
    let cases = (1..).zip(LENGTHS).map(|(n, (length, chop))| {
        let payload = "*".repeat(length);
        let case = Case::new(format!("1.1.{n}"), [Frame::text(&payload)]);
        case.chopped(chop).answered([text(payload)])
    });
    run(&cases.collect::<Vec<_>>());
}

#[test]
fn binary_of_any_length_comes_back() {
    let cases = (1..).zip(LENGTHS).map(|(n, (length, chop))| {
        let payload = vec![0xfe; length];
        let case = Case::new(format!("1.2.{n}"), [Frame::binary(&payload)]);
        case.chopped(chop).answered([Got::Binary(payload)])
    });
    run(&cases.collect::<Vec<_>>());
}

#[test]
fn lengths_may_be_written_longer_than_they_need_to_be() {
    // RFC 6455, section 5.2, tells senders to use the shortest form, and nobody to refuse another.
    echo(|address| {
        for header in [&b"\x82\xfe\x00\x03"[..], b"\x82\xff\0\0\0\0\0\0\0\x03"] {
            let mut peer = Peer::connect(address, "long length");
            peer.raw(&[header, &[0; 4], b"abc"].concat());
            peer.expect(&Got::Binary(b"abc".to_vec()));
            peer.expect_good_end();
        }
    });
}

#[test]
fn frames_without_a_mask_are_refused() {
    echo(|address| {
        for bytes in [&b"\x81\x05hello"[..], b"\x82\x00", b"\x89\x00", b"\x88\x00", b"\x8a\x00"] {
            let mut peer = Peer::connect(address, "no mask");
            peer.raw(bytes);
            peer.expect_failure(1002);
        }
    });
}

#[test]
fn lengths_beyond_all_limits_are_refused_by_their_headers() {
    echo(|address| {
        for (length, code) in [
            ([0x80, 0, 0, 0, 0, 0, 0, 0], 1002), // the most significant bit must be 0
            ([0xff; 8], 1002),
            ([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1009),
            ([0, 0, 0, 0, 1, 0, 4, 1], 1009), // one byte too many
        ] {
            let mut peer = Peer::connect(address, "length");
            peer.raw(&[&b"\x82\xff"[..], &length, &[0; 4]].concat());
            peer.expect_failure(code);
        }
    });
}
