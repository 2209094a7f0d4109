//! The masking of client frames (RFC 6455 section 5.3): payload XOR a repeated four-byte key.

/// XORs `buf` with the repeated `key`, in place; applied twice it restores the input.
///
/// `phase` is how many payload bytes lie before `buf`: a payload masked in pieces at the right
/// phases equals the payload masked at once. Any value is fine, only `phase % 4` counts.
///
/// ```
/// use siomio_websocket::mask;
///
/// let key = [0x37, 0xfa, 0x21, 0x3d];
/// let mut payload = *b"Hello";
/// let (head, tail) = payload.split_at_mut(2);
/// mask::apply(head, key, 0);
/// mask::apply(tail, key, 2);
/// assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// ```
#[inline]
pub fn apply(buf: &mut [u8], key: [u8; 4], phase: usize) {
    let key = rotated(key, phase);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);

    // Whole words first; the compiler turns this loop into vector instructions.
    let mut words = buf.chunks_exact_mut(8);
    for word in &mut words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// The key as seen by a piece that begins `phase` bytes into the payload.
#[inline]
pub(crate) const fn rotated(key: [u8; 4], phase: usize) -> [u8; 4] {
    let [a, b, c, d] = key;
    match phase % 4 {
        0 => key,
        1 => [b, c, d, a],
        2 => [c, d, a, b],
        _ => [d, a, b, c],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytewise(buf: &mut [u8], key: [u8; 4], phase: usize) {
        for (i, byte) in buf.iter_mut().enumerate() {
            *byte ^= key[(phase % 4 + i) % 4];
        }
    }

    proptest! {
        #[test]
        fn equals_the_bytewise_definition_at_any_phase(
            data in proptest::collection::vec(any::<u8>(), 0..200),
            key: [u8; 4],
            phase: usize,
        ) {
            let mut fast = data.clone();
            let mut slow = data;
            apply(&mut fast, key, phase);
            bytewise(&mut slow, key, phase);
            prop_assert_eq!(fast, slow);
        }

        #[test]
        fn twice_is_the_identity_also_in_pieces(
            data in proptest::collection::vec(any::<u8>(), 0..200),
            key: [u8; 4],
            phase in 0usize..8,
            cut: prop::sample::Index,
        ) {
            let cut = cut.index(data.len() + 1);
            let mut masked = data.clone();
            apply(&mut masked, key, phase);
            let (head, tail) = masked.split_at_mut(cut);
            apply(head, key, phase);
            apply(tail, key, phase + cut);
            prop_assert_eq!(masked, data);
        }
    }
}
