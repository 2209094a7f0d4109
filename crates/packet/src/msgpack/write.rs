//! Tokens of MessagePack, each in its shortest form, as the reference writes them.

pub(super) const NIL: u8 = 0xc0;

/// JavaScript's `undefined`.
pub(super) const UNDEFINED: [u8; 3] = [0xd4, 0, 0];

pub(super) fn bool(out: &mut Vec<u8>, bool: bool) {
    out.push(if bool { 0xc3 } else { 0xc2 });
}

pub(super) fn unsigned(out: &mut Vec<u8>, number: u64) {
    let [.., b4, b5, b6, b7] = number.to_be_bytes();
    match number {
        0..=0x7f => out.push(b7),
        0x80..=0xff => out.extend_from_slice(&[0xcc, b7]),
        0x100..=0xffff => out.extend_from_slice(&[0xcd, b6, b7]),
        0x1_0000..=0xffff_ffff => out.extend_from_slice(&[0xce, b4, b5, b6, b7]),
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

pub(super) fn signed(out: &mut Vec<u8>, number: i64) {
    let [.., b4, b5, b6, b7] = number.to_be_bytes();
    match number {
        0.. => unsigned(out, number.unsigned_abs()),
        -0x20.. => out.push(b7),
        -0x80.. => out.extend_from_slice(&[0xd0, b7]),
        -0x8000.. => out.extend_from_slice(&[0xd1, b6, b7]),
        -0x8000_0000.. => out.extend_from_slice(&[0xd2, b4, b5, b6, b7]),
        _ => {
            out.push(0xd3);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

pub(super) fn float(out: &mut Vec<u8>, number: f64) {
    out.push(0xcb);
    out.extend_from_slice(&number.to_be_bytes());
}

pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    head(out, text.len(), Some((0xa0, 32)), Some(0xd9), 0xda);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    head(out, bytes.len(), None, Some(0xc4), 0xc5);
    out.extend_from_slice(bytes);
}

pub(super) fn array(out: &mut Vec<u8>, len: usize) {
    head(out, len, Some((0x90, 16)), None, 0xdc);
}

pub(super) fn map(out: &mut Vec<u8>, len: usize) {
    head(out, len, Some((0x80, 16)), None, 0xde);
}

/// A length in the first form that has room for it: within the code, where `tiny` says which and
/// below what length; or behind one, in 8, 16 or 32 bits. The code for 32 bits follows on that for
/// 16.
fn head(out: &mut Vec<u8>, len: usize, tiny: Option<(u8, u8)>, short: Option<u8>, middle: u8) {
    // The format ends at 4 GiB, and with it what a message can be.
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    let [_, _, b2, b3] = len.to_be_bytes();
    match (tiny, short) {
        (Some((code, below)), _) if len < below.into() => out.push(code | b3),
        (_, Some(code)) if len <= 0xff => out.extend_from_slice(&[code, b3]),
        _ if len <= 0xffff => out.extend_from_slice(&[middle, b2, b3]),
        _ => {
            out.push(middle + 1);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
}
