use bytes::Bytes;

use crate::close::fitting;
use crate::{CloseCode, FrameHeader, MAX_CONTROL_PAYLOAD, OpCode, mask};

/// Appends one whole frame to `out`: a message in one piece, or a control frame.
///
/// A server passes no mask; a client passes a new, unpredictable one for every frame (RFC 6455
/// section 5.3), and the copy in `out` is masked. Fragments are written with
/// [`FrameHeader::encode`].
///
/// The payload of a control frame has at most [`MAX_CONTROL_PAYLOAD`] bytes, which debug builds
/// assert.
///
/// ```
/// use siomio_websocket::{OpCode, write_frame};
///
/// let mut out = Vec::new();
/// write_frame(&mut out, OpCode::Text, b"Hello", None);
/// assert_eq!(out, b"\x81\x05Hello");
/// ```
#[inline]
pub fn write_frame(out: &mut Vec<u8>, opcode: OpCode, payload: &[u8], mask: Option<[u8; 4]>) {
    let header = header(opcode, payload.len(), mask).encode();
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        mask::apply(&mut out[start..], key, 0);
    }
}

/// Appends the header of a whole server frame to `out`; the caller appends the `len` bytes of the
/// payload after it, in as many pieces as it likes.
#[inline]
pub fn write_header(out: &mut Vec<u8>, opcode: OpCode, len: usize) {
    out.extend_from_slice(&header(opcode, len, None).encode());
}

/// Appends a close frame to `out`; `None` has no payload (`88 00` from a server).
///
/// A reason of more than 123 bytes is cut between two characters. A code that [may not be
/// sent](CloseCode::is_valid_on_wire), such as [`CloseCode::NO_STATUS`], leaves the payload empty.
pub fn write_close(out: &mut Vec<u8>, close: Option<(CloseCode, &str)>, mask: Option<[u8; 4]>) {
    let Some((code, reason)) = close.filter(|(code, _)| code.is_valid_on_wire()) else {
        return write_frame(out, OpCode::Close, &[], mask);
    };
    let reason = fitting(reason);
    let mut payload = [0; MAX_CONTROL_PAYLOAD];
    payload[..2].copy_from_slice(&code.0.to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
    write_frame(out, OpCode::Close, &payload[..2 + reason.len()], mask);
}

/// A whole server frame whose payload is the concatenation of `parts`: encoded once, shared by any
/// number of connections.
///
/// ```
/// use siomio_websocket::{OpCode, frame};
///
/// assert_eq!(&*frame(OpCode::Text, &[b"4", b"Hello"]), b"\x81\x064Hello");
/// ```
pub fn frame(opcode: OpCode, parts: &[&[u8]]) -> Bytes {
    let len = parts.iter().map(|part| part.len()).sum();
    let header = header(opcode, len, None).encode();
    let mut out = Vec::with_capacity(header.len() + len);
    out.extend_from_slice(&header);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.into()
}

#[inline]
fn header(opcode: OpCode, len: usize, mask: Option<[u8; 4]>) -> FrameHeader {
    debug_assert!(
        !opcode.is_control() || len <= MAX_CONTROL_PAYLOAD,
        "a control frame of {len} bytes"
    );
    FrameHeader { fin: true, rsv1: false, opcode, mask, len: len as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn the_samples_of_rfc_6455_section_5_7() {
        let mut out = Vec::new();
        write_frame(&mut out, OpCode::Text, b"Hello", None);
        assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);

        out.clear();
        write_frame(&mut out, OpCode::Text, b"Hello", Some(KEY));
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);

        out.clear();
        write_frame(&mut out, OpCode::Pong, b"Hello", Some(KEY));
        assert_eq!(out, [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);

        out.clear();
        write_header(&mut out, OpCode::Binary, 256);
        assert_eq!(out, [0x82, 0x7e, 0x01, 0x00]);

        out.clear();
        write_header(&mut out, OpCode::Binary, 65_536);
        assert_eq!(out, [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn writing_appends() {
        let mut out = b"before".to_vec();
        write_frame(&mut out, OpCode::Binary, &[0; 5], Some(KEY));
        assert_eq!(&out[..6], b"before");
        assert_eq!(&out[6..], [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x37, 0xfa, 0x21, 0x3d, 0x37]);
    }

    #[test]
    fn close_frames() {
        let long = "x".repeat(200);
        let mut longest = vec![0x88, 125, 0x03, 0xe8];
        longest.extend([b'x'; 123]);
        type Close<'a> = Option<(CloseCode, &'a str)>;
        let table: [(Close<'_>, &[u8]); 5] = [
            (None, &[0x88, 0]),
            (Some((CloseCode::TOO_BIG, "")), &[0x88, 2, 0x03, 0xf1]),
            (Some((CloseCode::NORMAL, "ok")), &[0x88, 4, 0x03, 0xe8, b'o', b'k']),
            (Some((CloseCode::NORMAL, &long)), &longest),
            (Some((CloseCode::NO_STATUS, "no")), &[0x88, 0]),
        ];
        for (close, expected) in table {
            let mut out = Vec::new();
            write_close(&mut out, close, None);
            assert_eq!(out, expected, "{close:?}");
        }

        let mut out = Vec::new();
        write_close(&mut out, None, Some(KEY));
        assert_eq!(out, [0x88, 0x80, 0x37, 0xfa, 0x21, 0x3d]);
    }

    #[test]
    fn a_shared_frame_equals_a_written_one() {
        let mut out = Vec::new();
        write_frame(&mut out, OpCode::Text, b"one two", None);
        assert_eq!(frame(OpCode::Text, &[b"one", b"", b" two"]), out);
        assert_eq!(&*frame(OpCode::Binary, &[]), [0x82, 0]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "a control frame of 126 bytes")]
    fn an_oversized_control_frame_is_a_bug_of_the_caller() {
        write_frame(&mut Vec::new(), OpCode::Ping, &[0; 126], None);
    }
}
