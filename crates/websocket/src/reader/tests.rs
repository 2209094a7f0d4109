use std::borrow::Cow;
use std::mem::size_of;

use super::*;
use crate::{CloseCode, write_close, write_frame};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn server() -> Reader {
    Reader::new(Role::Server, Limits::default())
}

fn client() -> Reader {
    Reader::new(Role::Client, Limits::default())
}

/// A frame of a client. `first` is its first byte: FIN 0x80, RSV1 0x40, opcode.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, OpCode::Binary, payload, Some(KEY));
    frame[0] = first;
    frame
}

/// What came out of a reader: items, and the error that ended them.
pub(super) type Outcome = (Vec<Item<'static>>, Option<Error>);

/// Gives a reader these bytes in pieces of these sizes, over and over.
pub(super) fn read(reader: &mut Reader, bytes: &[u8], pieces: &[usize]) -> Outcome {
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    let mut items = Vec::new();
    for size in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (mut piece, behind) = rest.split_at_mut((*size).min(rest.len()));
        rest = behind;
        while !piece.is_empty() {
            let available = piece.len();
            match reader.read(piece) {
                Ok(Step { consumed, item }) => {
                    assert!(consumed > 0, "no progress");
                    assert!(item.is_some() || consumed == available, "input left");
                    items.extend(item.map(Item::into_owned));
                    piece = &mut piece[consumed..];
                }
                Err(error) => return (items, Some(error)),
            }
        }
    }
    (items, None)
}

/// Gives a reader these bytes at once.
fn read_all(reader: &mut Reader, bytes: impl AsRef<[u8]>) -> Outcome {
    read(reader, bytes.as_ref(), &[usize::MAX])
}

fn text(text: &'static str) -> Item<'static> {
    Item::Text(text.into())
}

fn binary(payload: &'static [u8]) -> Item<'static> {
    Item::Binary(payload.into())
}

fn ping(payload: &'static [u8]) -> Item<'static> {
    Item::Ping(payload.into())
}

#[test]
fn an_idle_reader_is_small() {
    assert!(size_of::<Reader>() <= 64, "{}", size_of::<Reader>());
}

#[test]
fn the_samples_of_rfc_6455_section_5_7() {
    let hello = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let mut long = vec![0x82, 0x7e, 0x01, 0x00];
    long.extend([7; 256]);
    let mut longer = vec![0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0];
    longer.extend([7; 65_536]);
    let table: [(Reader, Vec<u8>, Item<'_>); 7] = [
        (client(), b"\x81\x05Hello".to_vec(), text("Hello")),
        (server(), [&[0x81, 0x85], &KEY[..], &hello].concat(), text("Hello")),
        (client(), b"\x01\x03Hel\x80\x02lo".to_vec(), text("Hello")),
        (client(), b"\x89\x05Hello".to_vec(), ping(b"Hello")),
        (server(), [&[0x8a, 0x85], &KEY[..], &hello].concat(), Item::Pong(b"Hello".into())),
        (client(), long, Item::Binary(vec![7; 256].into())),
        (client(), longer, Item::Binary(vec![7; 65_536].into())),
    ];
    for (mut reader, bytes, item) in table {
        assert_eq!(read_all(&mut reader, bytes), (vec![item], None));
        assert!(reader.is_idle());
    }
}

#[test]
fn what_lies_whole_in_the_input_is_borrowed_from_it() {
    let close = masked(0x88, b"\x03\xe8bye");
    for mut frame in [0x81, 0x82, 0xc1, 0x89, 0x8a].map(|first| masked(first, b"hello")) {
        let mut reader = server().accept_rsv1(true);
        let step = reader.read(&mut frame).unwrap();
        let borrowed = match step.item.unwrap() {
            Item::Text(text) => matches!(text, Cow::Borrowed("hello")),
            Item::Binary(payload)
            | Item::Extended { payload, .. }
            | Item::Ping(payload)
            | Item::Pong(payload) => matches!(payload, Cow::Borrowed(b"hello")),
            Item::Close(_) => false,
        };
        assert!(borrowed, "{frame:x?}");
    }
    let mut frame = close;
    let Some(Item::Close(Some(close))) = server().read(&mut frame).unwrap().item else { panic!() };
    assert!(matches!(close.reason, Cow::Borrowed("bye")));
}

#[test]
fn a_step_ends_with_its_item_and_leaves_the_rest_untouched() {
    let mut bytes = masked(0x82, b"one");
    let end = bytes.len();
    bytes.extend(masked(0x82, b"two"));
    let rest = bytes[end..].to_vec();
    let step = server().read(&mut bytes).unwrap();
    assert_eq!(step, Step { consumed: end, item: Some(binary(b"one")) });
    assert_eq!(bytes[end..], rest);
}

#[test]
fn empty_payloads_need_no_further_byte() {
    let table = [
        (masked(0x81, b""), text("")),
        (masked(0x82, b""), binary(b"")),
        (masked(0x89, b""), ping(b"")),
        (masked(0x88, b""), Item::Close(None)),
        ([masked(0x01, b""), masked(0x00, b""), masked(0x80, b"")].concat(), text("")),
    ];
    for (bytes, item) in table {
        assert_eq!(read_all(&mut server(), &bytes), (vec![item], None), "{bytes:x?}");
    }
}

#[test]
fn control_frames_are_delivered_between_fragments_and_in_the_middle_of_reads() {
    let bytes = [
        masked(0x01, b"a\xe2"),
        masked(0x89, b"ping"),
        masked(0x00, b"\x82"),
        masked(0x8a, b""),
        masked(0x80, b"\xacz"),
        masked(0x82, b"next"),
    ]
    .concat();
    let expected = [ping(b"ping"), Item::Pong(b"".into()), text("a\u{20ac}z"), binary(b"next")];
    assert_eq!(read_all(&mut server(), &bytes), (expected.to_vec(), None));

    let mut reader = server();
    assert_eq!(read(&mut reader, &bytes, &[1]), (expected.to_vec(), None));
    assert!(reader.is_idle());
}

#[test]
fn what_is_held_is_what_has_arrived() {
    let mut reader = server();
    let mut bytes = masked(0x82, &[1; 100]);
    assert!(reader.is_idle());
    for (piece, held) in [(0..3, 0), (3..6, 0), (6..7, 1), (7..56, 50)] {
        assert_eq!(reader.read(&mut bytes[piece.clone()]).unwrap().item, None);
        assert_eq!((reader.buffered(), reader.is_idle()), (held, false), "{piece:?}");
    }
    let step = reader.read(&mut bytes[56..]).unwrap();
    let Some(Item::Binary(Cow::Owned(payload))) = step.item else { panic!("{step:?}") };
    assert_eq!((payload.len(), payload.capacity()), (100, 100));
    assert_eq!((reader.buffered(), reader.is_idle()), (0, true));

    let mut reader = server();
    read_all(&mut reader, masked(0x01, b"ab\xe2"));
    assert_eq!((reader.buffered(), reader.is_idle()), (3, false));
    read_all(&mut reader, &masked(0x89, b"ping")[..8]);
    assert_eq!(reader.buffered(), 5);
}

#[test]
fn violations() {
    use Violation::*;
    let whole = |first| masked(first, b"xy");
    let table: [(&str, Vec<u8>, Violation); 20] = [
        ("RSV1", whole(0xc1), ReservedBits),
        ("RSV2", whole(0xa1), ReservedBits),
        ("RSV3", whole(0x91), ReservedBits),
        ("opcode 3", whole(0x83), ReservedOpCode(3)),
        ("opcode 15", whole(0x8f), ReservedOpCode(15)),
        ("no mask", b"\x81\x05Hello".to_vec(), NotMasked),
        ("control frame without a mask", b"\x89\x00".to_vec(), NotMasked),
        ("ping in fragments", whole(0x09), FragmentedControl),
        ("long ping", masked(0x89, &[0; 126]), ControlTooLong),
        ("length of 2^63", b"\x82\xff\x80\0\0\0\0\0\0\0".to_vec(), LengthOutOfRange),
        ("continuation first", whole(0x80), NothingToContinue),
        ("unfinished continuation first", whole(0x00), NothingToContinue),
        ("text in text", [whole(0x01), whole(0x81)].concat(), MessageNotFinished),
        ("binary in text", [whole(0x01), whole(0x02)].concat(), MessageNotFinished),
        (
            "continuation after the end",
            [whole(0x02), whole(0x80), whole(0x80)].concat(),
            NothingToContinue,
        ),
        ("half a close code", masked(0x88, b"\x03"), TruncatedCloseCode),
        ("half a close code, announced", masked(0x88, b"\x03")[..6].to_vec(), TruncatedCloseCode),
        ("close code 0", masked(0x88, b"\0\0"), InvalidCloseCode(0)),
        ("close code 1005", masked(0x88, b"\x03\xed"), InvalidCloseCode(1005)),
        ("close code 5000", masked(0x88, b"\x13\x88"), InvalidCloseCode(5000)),
    ];
    for (name, bytes, violation) in table {
        let mut reader = server();
        let (_, error) = read_all(&mut reader, bytes);
        assert_eq!(error, Some(violation.into()), "{name}");
        // Nothing is held any more, and nothing else is said.
        assert_eq!((reader.buffered(), reader.is_idle()), (0, true), "{name}");
        assert_eq!(reader.read(&mut masked(0x82, b"good")), Err(violation.into()), "{name}");
        assert_eq!(reader.read(&mut []), Err(violation.into()), "{name}");
    }
    assert_eq!(client().read(&mut masked(0x81, b"")), Err(Masked.into()));
}

#[test]
fn rsv1_marks_whole_messages_for_an_extension() {
    let extended =
        |opcode, payload: &'static [u8]| Item::Extended { opcode, payload: payload.into() };
    let mut reader = server().accept_rsv1(true);
    let bytes = [
        masked(0xc1, b"\xff\xfe"), // not UTF-8: so far it is nobody's text
        masked(0x42, b"\x01"),
        masked(0x89, b""),
        masked(0x80, b"\x02"),
        masked(0x81, b"plain"),
    ]
    .concat();
    let items = vec![
        extended(OpCode::Text, b"\xff\xfe"),
        ping(b""),
        extended(OpCode::Binary, b"\x01\x02"),
        text("plain"),
    ];
    assert_eq!(read_all(&mut reader, bytes), (items, None));

    let misplaced = [masked(0xc9, b""), [masked(0x41, b""), masked(0xc0, b"")].concat()];
    for bytes in misplaced {
        let mut reader = server().accept_rsv1(true);
        let (_, error) = read_all(&mut reader, bytes);
        assert_eq!(error, Some(Violation::ReservedBits.into()));
    }
}

#[test]
fn limits_hold_as_soon_as_a_header_exceeds_them() {
    let limits = Limits { max_message: 10, max_frame: 8, max_fragments: 3 };
    let header = |first, len| masked(first, &vec![b'x'; len])[..6].to_vec();
    let frame = |first, len| masked(first, &vec![b'x'; len]);
    let long = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec();
    let table: [(&str, Vec<u8>, Option<Limit>); 12] = [
        ("a frame of the limit", frame(0x82, 8), None),
        ("a frame beyond", header(0x82, 9), Some(Limit::Frame)),
        ("the longest frame there is", long, Some(Limit::Frame)),
        ("a message of the limit", [frame(0x01, 8), frame(0x80, 2)].concat(), None),
        ("a message beyond", [frame(0x01, 8), header(0x80, 3)].concat(), Some(Limit::Message)),
        ("in the next fragment", [frame(0x02, 8), header(0x00, 3)].concat(), Some(Limit::Message)),
        ("most fragments", [frame(0x02, 1), frame(0, 1), frame(0x80, 1)].concat(), None),
        (
            "too many",
            [frame(0x02, 1), frame(0, 1), frame(0, 1), header(0x80, 1)].concat(),
            Some(Limit::Fragments),
        ),
        (
            "too many empty ones",
            [frame(0x02, 0), frame(0, 0), frame(0, 0), header(0, 0)].concat(),
            Some(Limit::Fragments),
        ),
        (
            "control frames are no fragments",
            [frame(0x02, 1), frame(0x89, 0), frame(0x89, 0), frame(0x89, 0), frame(0x80, 1)]
                .concat(),
            None,
        ),
        ("control frames have a limit of their own", frame(0x89, 125), None),
        (
            "each message counts anew",
            [frame(0x82, 8), frame(0x82, 8), frame(0x82, 8)].concat(),
            None,
        ),
    ];
    for (name, bytes, limit) in table {
        let mut reader = Reader::new(Role::Server, limits);
        let (_, error) = read_all(&mut reader, bytes);
        assert_eq!(error, limit.map(Error::Limit), "{name}");
    }

    let mut reader = Reader::new(Role::Server, Limits { max_fragments: 0, ..limits });
    assert_eq!(read_all(&mut reader, frame(0x82, 1)).1, None);
}

#[test]
fn text_is_refused_with_the_byte_that_makes_it_invalid() {
    let cut = |bytes: Vec<u8>, len: usize| bytes[..len].to_vec();
    let table: [(&str, Vec<u8>); 7] = [
        ("whole frame", masked(0x81, b"a\xff")),
        ("ends inside a character", masked(0x81, b"a\xe2\x82")),
        (
            "ends inside a character, in fragments",
            [masked(0x01, b"a\xe2"), masked(0x80, b"\x82")].concat(),
        ),
        ("inside a frame", cut(masked(0x81, b"a\xffbcdefgh"), 8)),
        ("inside a frame, a surrogate", cut(masked(0x81, b"\xed\xa0\x80"), 8)),
        ("in an unfinished fragment", masked(0x01, b"\xf4\x90")),
        ("across fragments", [masked(0x01, b"\xf4"), masked(0x00, b"\x90")].concat()),
    ];
    for (name, bytes) in table {
        assert_eq!(read_all(&mut server(), bytes).1, Some(Error::InvalidUtf8), "{name}");
    }
    assert_eq!(read_all(&mut server(), masked(0x88, b"\x03\xe8\xff")).1, Some(Error::InvalidUtf8));
    assert_eq!(read_all(&mut server(), masked(0x82, b"\xff")).1, None);
}

#[test]
fn a_close_frame_is_the_last_word() {
    let mut reader = server();
    let mut bytes = masked(0x02, b"unfinished");
    write_close(&mut bytes, Some((CloseCode(4000), "done")), Some(KEY));
    bytes.extend(masked(0x8f, b"whatever"));
    let close = CloseFrame { code: CloseCode(4000), reason: "done".into() };
    assert_eq!(read_all(&mut reader, bytes), (vec![Item::Close(Some(close))], None));
    assert_eq!((reader.buffered(), reader.is_idle()), (0, true));
    assert_eq!(reader.read(&mut [0xff; 3]), Ok(Step { consumed: 3, item: None }));
}
