//! 6: text is UTF-8, and what is not is refused with the byte that makes it so.

use siomio_testkit::ws::Got;

use crate::{Case, Chop, Frame, Peer, echo, run, text};

/// Greek, for five letters of two and three bytes.
const KOSME: &str = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}";

/// How many bytes there are up to and with the first after which nothing can make it UTF-8 any more.
fn hopeless(bytes: &[u8]) -> Option<usize> {
    (1..=bytes.len()).find(|end| {
        std::str::from_utf8(&bytes[..*end]).is_err_and(|error| error.error_len().is_some())
    })
}

fn by_bytes(bytes: &[u8]) -> Vec<Frame> {
    Frame::fragments(1, bytes.chunks(1))
}

/// It comes back, in one frame, in fragments of a byte each, and in writes of a byte each.
fn accepts(label: &str, valid: &[u8]) -> Vec<Case> {
    let answer = || [text(std::str::from_utf8(valid).expect(label))];
    let mut cases = vec![
        Case::new(label, [Frame::text(valid)]).answered(answer()),
        Case::new(label, [Frame::text(valid)]).chopped(Chop::Bytes(1)).answered(answer()),
    ];
    if !valid.is_empty() {
        cases.push(Case::new(label, by_bytes(valid)).answered(answer()));
    }
    cases
}

/// It is refused, in one frame, in fragments of a byte each, and in writes of a byte each.
fn refuses(label: &str, invalid: &[u8]) -> Vec<Case> {
    assert!(std::str::from_utf8(invalid).is_err(), "{label}");
    vec![
        Case::new(label, [Frame::text(invalid)]).fails(1007),
        Case::new(label, [Frame::text(invalid)]).chopped(Chop::Bytes(1)).fails(1007),
        Case::new(label, by_bytes(invalid)).fails(1007),
    ]
}

fn run_all(cases: impl IntoIterator<Item = Vec<Case>>) {
    run(&cases.into_iter().flatten().collect::<Vec<_>>());
}

fn utf8(code: u32) -> Vec<u8> {
    char::from_u32(code).expect("no surrogate").to_string().into_bytes()
}

#[test]
fn empty_text() {
    let nothing = || [text("")];
    run(&[
        Case::new("6.1.1", [Frame::text("")]).answered(nothing()),
        Case::new("6.1.2", Frame::fragments(1, ["", "", ""])).answered(nothing()),
        Case::new("6.1.3", Frame::fragments(1, ["", "middle", ""])).answered([text("middle")]),
    ]);
}

#[test]
fn valid_text_comes_back_however_it_is_cut() {
    let greeting = "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!";
    let (first, second) = greeting.split_at(15);
    let cut = Frame::fragments(1, [first, second]);
    run(&[Case::new("6.2.2", cut).answered([text(greeting)])]);
    run_all([accepts("6.2.1, 6.2.3", greeting.as_bytes()), accepts("6.2.4", KOSME.as_bytes())]);
}

/// Good, bad, good again.
fn spoilt(bad: &[u8]) -> Vec<u8> {
    [KOSME.as_bytes(), bad, b"edited"].concat()
}

#[test]
fn invalid_text_is_refused_however_it_is_cut() {
    run_all([refuses("6.3.1, 6.3.2", &spoilt(b"\xed\xa0\x80"))]);
}

#[test]
fn a_connection_fails_with_the_first_fragment_that_is_hopeless() {
    echo(|address| {
        for (label, at, bad) in [
            ("6.4.1", 0, 4), // the whole of what is wrong
            ("6.4.2", 1, 1), // the byte that makes it wrong, behind one that did not yet
        ] {
            let bytes = spoilt(b"\xf4\x90\x80\x80");
            let (good, rest) = bytes.split_at(KOSME.len() + at);
            let mut peer = Peer::connect(address, label);
            peer.send(&[Frame::text(good).unfinished(), Frame::ping("")], Chop::Whole);
            peer.expect(&Got::Pong(Vec::new()));
            peer.send(&[Frame::continuation(&rest[..bad]).unfinished()], Chop::Whole);
            // There is more to come, and nobody waits for it.
            peer.expect_failure(1007);
        }
    });
}

#[test]
fn a_connection_fails_in_the_middle_of_a_frame() {
    echo(|address| {
        for (label, cuts) in [("6.4.3", [0, 4]), ("6.4.4", [1, 2])] {
            let bytes = spoilt(b"\xf4\x90\x80\x80");
            let frame = Frame::text(&bytes).bytes();
            let payload = frame.len() - bytes.len() + KOSME.len();
            let mut peer = Peer::connect(address, label);
            peer.raw(&frame[..payload + cuts[0]]);
            peer.raw(&frame[payload + cuts[0]..payload + cuts[1]]);
            peer.expect_failure(1007);
        }
    });
}

/// What is wrong from some byte on, whatever follows.
const INVALID: &[(&str, &[u8])] = &[
    ("6.8.1", b"\xf8\x88\x80\x80\x80"),
    ("6.8.2", b"\xfc\x84\x80\x80\x80\x80"),
    ("6.10.1", b"\xf7\xbf\xbf\xbf"),
    ("6.10.2", b"\xfb\xbf\xbf\xbf\xbf"),
    ("6.10.3", b"\xfd\xbf\xbf\xbf\xbf\xbf"),
    ("6.11.5", b"\xf4\x90\x80\x80"),
    // Continuations of nothing.
    ("6.12.1", b"\x80"),
    ("6.12.2", b"\xbf"),
    ("6.12.3", b"\x80\xbf"),
    ("6.12.4", b"\x80\xbf\x80"),
    ("6.12.5", b"\x80\xbf\x80\xbf"),
    ("6.12.6", b"\x80\xbf\x80\xbf\x80"),
    ("6.12.7", b"\x80\xbf\x80\xbf\x80\xbf"),
    // Bytes that are in no text.
    ("6.16.1", b"\xfe"),
    ("6.16.2", b"\xff"),
    ("6.16.3", b"\xfe\xfe\xff\xff"),
    // A slash in more bytes than it needs.
    ("6.17.1", b"\xc0\xaf"),
    ("6.17.2", b"\xe0\x80\xaf"),
    ("6.17.3", b"\xf0\x80\x80\xaf"),
    ("6.17.4", b"\xf8\x80\x80\x80\xaf"),
    ("6.17.5", b"\xfc\x80\x80\x80\x80\xaf"),
    // The last of what would need fewer bytes.
    ("6.18.1", b"\xc1\xbf"),
    ("6.18.2", b"\xe0\x9f\xbf"),
    ("6.18.3", b"\xf0\x8f\xbf\xbf"),
    ("6.18.4", b"\xf8\x87\xbf\xbf\xbf"),
    ("6.18.5", b"\xfc\x83\xbf\xbf\xbf\xbf"),
    // NUL in more than one.
    ("6.19.1", b"\xc0\x80"),
    ("6.19.2", b"\xe0\x80\x80"),
    ("6.19.3", b"\xf0\x80\x80\x80"),
    ("6.19.4", b"\xf8\x80\x80\x80\x80"),
    ("6.19.5", b"\xfc\x80\x80\x80\x80\x80"),
    // Halves of surrogate pairs, and whole ones.
    ("6.20.1", b"\xed\xa0\x80"),
    ("6.20.2", b"\xed\xad\xbf"),
    ("6.20.3", b"\xed\xae\x80"),
    ("6.20.4", b"\xed\xaf\xbf"),
    ("6.20.5", b"\xed\xb0\x80"),
    ("6.20.6", b"\xed\xbe\x80"),
    ("6.20.7", b"\xed\xbf\xbf"),
    ("6.21.1", b"\xed\xa0\x80\xed\xb0\x80"),
    ("6.21.2", b"\xed\xa0\x80\xed\xbf\xbf"),
    ("6.21.3", b"\xed\xad\xbf\xed\xb0\x80"),
    ("6.21.4", b"\xed\xad\xbf\xed\xbf\xbf"),
    ("6.21.5", b"\xed\xae\x80\xed\xb0\x80"),
    ("6.21.6", b"\xed\xae\x80\xed\xbf\xbf"),
    ("6.21.7", b"\xed\xaf\xbf\xed\xb0\x80"),
    ("6.21.8", b"\xed\xaf\xbf\xed\xbf\xbf"),
];

/// Characters whose last byte is missing.
const CUT: &[(&str, &[u8])] = &[
    ("6.14.1", b"\xc0"),
    ("6.14.2", b"\xe0\x80"),
    ("6.14.3", b"\xf0\x80\x80"),
    ("6.14.4", b"\xf8\x80\x80\x80"),
    ("6.14.5", b"\xfc\x80\x80\x80\x80"),
    ("6.14.6", b"\xdf"),
    ("6.14.7", b"\xef\xbf"),
    ("6.14.8", b"\xf7\xbf\xbf"),
    ("6.14.9", b"\xfb\xbf\xbf\xbf"),
    ("6.14.10", b"\xfd\xbf\xbf\xbf\xbf"),
];

#[test]
fn invalid_sequences() {
    run_all(INVALID.iter().map(|(label, bytes)| refuses(label, bytes)));
    let continuations: Vec<u8> = (0x80..=0xbf).collect();
    run_all([refuses("6.12.8", &continuations)]);
}

#[test]
fn beginnings_without_an_end() {
    let spaced = |first: std::ops::RangeInclusive<u8>| {
        first.flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>()
    };
    for (label, range) in [
        ("6.13.1", 0xc0..=0xdf),
        ("6.13.2", 0xe0..=0xef),
        ("6.13.3", 0xf0..=0xf7),
        ("6.13.4", 0xf8..=0xfb),
        ("6.13.5", 0xfc..=0xfd),
    ] {
        run_all([refuses(label, &spaced(range))]);
    }
    run_all(CUT.iter().map(|(label, bytes)| refuses(label, bytes)));
    let all: Vec<u8> = CUT.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    run_all([refuses("6.15.1", &all)]);
}

#[test]
fn whatever_is_wrong_fails_with_its_byte_and_not_before() {
    echo(|address| {
        for (label, bytes) in INVALID.iter().chain(CUT) {
            let Some(at) = hopeless(bytes) else { continue };
            let (good, bad) = (&bytes[..at - 1], &bytes[at - 1..at]);
            // In fragments: a pong shows that nobody objects so far.
            let mut peer = Peer::connect(address, *label);
            let text = [b"x", good].concat();
            peer.send(&[Frame::text(text).unfinished(), Frame::ping(label)], Chop::Whole);
            peer.expect(&Got::Pong(label.as_bytes().to_vec()));
            peer.send(&[Frame::continuation(bad).unfinished()], Chop::Whole);
            peer.expect_failure(1007);
            // Inside of a frame that promises much more.
            let long = [b"x", &bytes[..at], &[b'y'; 1000]].concat();
            let frame = Frame::text(long).bytes();
            let mut peer = Peer::connect(address, *label);
            frame[..frame.len() - 1000].chunks(1).for_each(|byte| peer.raw(byte));
            peer.expect_failure(1007);
        }
    });
}

#[test]
fn valid_sequences() {
    run_all([
        accepts("6.5.1", b"hello$world"),
        accepts("6.5.2", "hello\u{a2}world".as_bytes()),
        accepts("6.5.3", "hello\u{20ac}world".as_bytes()),
        accepts("6.5.4", "hello\u{24b62}world".as_bytes()),
        accepts("6.5.5", KOSME.as_bytes()),
        // The first of each length, and the last.
        accepts("6.7.1", b"\x00"),
        accepts("6.7.2", b"\xc2\x80"),
        accepts("6.7.3", b"\xe0\xa0\x80"),
        accepts("6.7.4", b"\xf0\x90\x80\x80"),
        accepts("6.9.1", b"\x7f"),
        accepts("6.9.2", b"\xdf\xbf"),
        accepts("6.9.3", b"\xef\xbf\xbf"),
        accepts("6.9.4", b"\xf4\x8f\xbf\xbf"),
        // Right beside the surrogates, the replacement character, the very last.
        accepts("6.11.1", b"\xed\x9f\xbf"),
        accepts("6.11.2", b"\xee\x80\x80"),
        accepts("6.11.3", b"\xef\xbf\xbd"),
        accepts("6.11.4", b"\xf4\x8f\xbf\xbf"),
    ]);
}

#[test]
fn a_text_ends_with_a_whole_character() {
    // 6.6.1 to 6.6.11, from one byte to all of them.
    run_all((1..=KOSME.len()).map(|end| {
        let (label, bytes) = (format!("6.6.{end}"), &KOSME.as_bytes()[..end]);
        if KOSME.is_char_boundary(end) { accepts(&label, bytes) } else { refuses(&label, bytes) }
    }));
}

#[test]
fn code_points_that_are_no_characters_are_text_all_the_same() {
    let last_two = (0..=16).flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff]);
    run_all(last_two.map(|code| accepts(&format!("6.22, U+{code:X}"), &utf8(code))));
    run_all((0xfff9..=0xffff).map(|code| accepts(&format!("6.23, U+{code:X}"), &utf8(code))));
}
