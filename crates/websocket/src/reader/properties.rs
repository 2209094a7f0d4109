use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::tests::read;
use super::*;
use crate::utf8::tests::{hopeless, nearly_text};
use crate::{CloseCode, mask};

/// A message cut into fragments, with control frames after some of them.
#[derive(Clone, Debug)]
struct Scripted {
    message: Item<'static>,
    cuts: Vec<Index>,
    between: Vec<Option<Item<'static>>>,
}

impl Scripted {
    fn write(&self, out: &mut Vec<u8>, items: &mut Vec<Item<'static>>, key: Option<[u8; 4]>) {
        let (mut opcode, mut rsv1, payload) = match &self.message {
            Item::Text(text) => (OpCode::Text, false, text.as_bytes()),
            Item::Binary(payload) => (OpCode::Binary, false, &payload[..]),
            Item::Extended { opcode, payload } => (*opcode, true, &payload[..]),
            other => unreachable!("not a message: {other:?}"),
        };
        let mut ends: Vec<_> = self.cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(payload.len());

        let mut start = 0;
        for (i, &end) in ends.iter().enumerate() {
            let fin = i + 1 == ends.len();
            write(out, fin, rsv1, opcode, &payload[start..end], key);
            (start, rsv1, opcode) = (end, false, OpCode::Continuation);
            if let (false, Some(Some(control))) = (fin, self.between.get(i)) {
                write_control(out, control, key);
                items.push(control.clone());
            }
        }
        items.push(self.message.clone());
    }
}

fn write(
    out: &mut Vec<u8>,
    fin: bool,
    rsv1: bool,
    opcode: OpCode,
    payload: &[u8],
    key: Option<[u8; 4]>,
) {
    let len = payload.len() as u64;
    out.extend_from_slice(&FrameHeader { fin, rsv1, opcode, mask: key, len }.encode());
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[start..], key.unwrap_or_default(), 0);
}

fn write_control(out: &mut Vec<u8>, control: &Item<'_>, key: Option<[u8; 4]>) {
    match control {
        Item::Ping(payload) => write(out, true, false, OpCode::Ping, payload, key),
        Item::Pong(payload) => write(out, true, false, OpCode::Pong, payload, key),
        Item::Close(close) => {
            let close = close.as_ref().map(|close| (close.code, &*close.reason));
            crate::write_close(out, close, key);
        }
        other => unreachable!("not a control frame: {other:?}"),
    }
}

fn payload(max: usize) -> impl Strategy<Value = Cow<'static, [u8]>> {
    vec(any::<u8>(), 0..=max).prop_map(Cow::Owned)
}

fn control() -> impl Strategy<Value = Item<'static>> {
    prop_oneof![payload(125).prop_map(Item::Ping), payload(125).prop_map(Item::Pong)]
}

fn message() -> impl Strategy<Value = Item<'static>> {
    let opcode = prop_oneof![Just(OpCode::Text), Just(OpCode::Binary)];
    prop_oneof![
        ".{0,100}".prop_map(|text| Item::Text(text.into())),
        payload(300).prop_map(Item::Binary),
        (opcode, payload(300)).prop_map(|(opcode, payload)| Item::Extended { opcode, payload }),
    ]
}

fn scripted() -> impl Strategy<Value = Scripted> {
    (message(), vec(any::<Index>(), 0..4), vec(proptest::option::of(control()), 0..4))
        .prop_map(|(message, cuts, between)| Scripted { message, cuts, between })
}

fn close() -> impl Strategy<Value = Item<'static>> {
    let code = prop_oneof![1000..=1003u16, 1007..=1014u16, 3000..=4999u16].prop_map(CloseCode);
    let frame = (code, "[a-z\u{e0}-\u{ff}]{0,40}")
        .prop_map(|(code, reason)| CloseFrame { code, reason: reason.into() });
    proptest::option::of(frame).prop_map(Item::Close)
}

/// A conversation in order, as one side sends it, and what the other should make of it.
fn conversation() -> impl Strategy<Value = (Role, Vec<u8>, Vec<Item<'static>>)> {
    (any::<Option<[u8; 4]>>(), vec(scripted(), 0..5), proptest::option::of(close())).prop_map(
        |(key, script, close)| {
            let (mut bytes, mut items) = (Vec::new(), Vec::new());
            for scripted in &script {
                scripted.write(&mut bytes, &mut items, key);
            }
            if let Some(close) = close {
                write_control(&mut bytes, &close, key);
                items.push(close);
            }
            let role = if key.is_some() { Role::Server } else { Role::Client };
            (role, bytes, items)
        },
    )
}

/// Frames that are each fairly likely to be valid, in an order that is not; then one byte of
/// damage, maybe.
fn mess() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => proptest::sample::select(vec![0x00u8, 0x01, 0x02, 0x80, 0x80, 0x81, 0x82, 0x89, 0x8a]),
        1 => Just(0x88),
        1 => Just(0xc1),
        1 => any::<u8>(),
    ];
    let body = prop_oneof![
        4 => ".{0,6}".prop_map(String::into_bytes),
        1 => vec(0x80..=0xffu8, 0..4),
        1 => Just(b"\x03\xe8x".to_vec()),
        1 => vec(any::<u8>(), 120..140),
    ];
    let frame = (first, body, proptest::option::weighted(0.95, any::<[u8; 4]>()));
    (vec(frame, 0..8), proptest::option::of((any::<Index>(), any::<u8>()))).prop_map(
        |(frames, damage)| {
            let mut bytes = Vec::new();
            for (first, body, key) in frames {
                let start = bytes.len();
                write(&mut bytes, true, false, OpCode::Binary, &body, key);
                bytes[start] = first;
            }
            if let (Some((at, bits)), false) = (damage, bytes.is_empty()) {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            bytes
        },
    )
}

fn small() -> Limits {
    Limits { max_message: 140, max_frame: 130, max_fragments: 3 }
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1usize..8, 1usize..200], 1..20)
}

proptest! {
    #[test]
    fn reading_undoes_writing_at_any_split(
        (role, bytes, items) in conversation(),
        pieces in pieces(),
    ) {
        for pieces in [&[usize::MAX][..], &pieces, &[1]] {
            let mut reader = Reader::new(role, Limits::default()).accept_rsv1(true);
            prop_assert_eq!(read(&mut reader, &bytes, pieces), (items.clone(), None));
            prop_assert!(reader.is_idle());
            prop_assert_eq!(reader.buffered(), 0);
        }
    }

    #[test]
    fn any_split_of_a_mess_gives_the_same_items_and_the_same_error(
        bytes in mess(),
        pieces in pieces(),
        rsv1: bool,
    ) {
        let run = |pieces: &[usize]| {
            let mut reader = Reader::new(Role::Server, small()).accept_rsv1(rsv1);
            let outcome = read(&mut reader, &bytes, pieces);
            (outcome, reader.buffered(), reader.is_idle())
        };
        let whole = run(&[usize::MAX]);
        prop_assert_eq!(&run(&pieces), &whole);
        prop_assert_eq!(&run(&[1]), &whole);
    }

    #[test]
    fn text_is_refused_with_the_byte_that_spoils_it_and_not_before(
        payload in nearly_text(),
        cuts in vec(any::<Index>(), 0..4),
        pieces in pieces(),
        key: [u8; 4],
    ) {
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(payload.len());
        let spoilt = hopeless(&payload);
        let (mut bytes, mut opcode, mut start) = (Vec::new(), OpCode::Text, 0);
        // How much of it has to be seen before it is known to be wrong.
        let mut known = None;
        for (i, &end) in ends.iter().enumerate() {
            let (fin, piece) = (i + 1 == ends.len(), &payload[start..end]);
            write(&mut bytes, fin, false, opcode, piece, Some(key));
            let here = spoilt.filter(|at| (start + 1..=end).contains(at));
            known = known.or(here.map(|at| bytes.len() - (end - at)));
            (opcode, start) = (OpCode::Continuation, end);
        }
        let text = String::from_utf8(payload).ok();
        if text.is_none() {
            // A character cut off by the end of the message is wrong with its last byte.
            known = known.or(Some(bytes.len()));
        }
        for pieces in [&pieces[..], &[1]] {
            let mut reader = Reader::new(Role::Server, Limits::default());
            let (mut seen, mut outcome) = (0, (Vec::new(), None));
            for size in pieces.iter().cycle() {
                if seen == bytes.len() || outcome.1.is_some() {
                    break;
                }
                let end = bytes.len().min(seen + size);
                outcome = read(&mut reader, &bytes[seen..end], &[usize::MAX]);
                seen = end;
                let is_known = known.is_some_and(|known| known <= seen);
                prop_assert_eq!(outcome.1, is_known.then_some(Error::InvalidUtf8), "at {}", seen);
            }
            let expected = text.clone().map(|text| Item::Text(text.into()));
            prop_assert_eq!(outcome.0.pop(), expected);
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(
        bytes in vec(any::<u8>(), 0..400),
        pieces in pieces(),
        server: bool,
        rsv1: bool,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut reader = Reader::new(role, small()).accept_rsv1(rsv1);
        let (_, error) = read(&mut reader, &bytes, &pieces);
        prop_assert!(reader.buffered() <= small().max_message + crate::MAX_CONTROL_PAYLOAD);
        if let Some(error) = error {
            prop_assert_eq!(reader.read(&mut []), Err(error));
            let mut more = [0x82];
            prop_assert_eq!(reader.read(&mut more), Err(error));
        }
    }
}
