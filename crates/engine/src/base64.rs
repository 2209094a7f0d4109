//! Base64, strict on the way out and forgiving on the way in.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

/// How long the encoding of so many bytes is. Never overflows: they are in memory and their encoding is a third longer.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Appends the standard alphabet with padding.
pub(crate) fn encode(out: &mut Vec<u8>, data: &[u8]) {
    let start = out.len();
    out.resize(start + encoded_len(data.len()), 0);
    let _ = STANDARD.encode_slice(data, &mut out[start..]);
}

/// Reads either alphabet, passes over what belongs to neither, and ends at the padding.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    const FORGIVING: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if let Ok(data) = STANDARD.decode(text) {
        return data;
    }
    let mut clean = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => clean.push(byte),
            b'-' => clean.push(b'+'),
            b'_' => clean.push(b'/'),
            b'=' => break,
            _ => {}
        }
    }
    if clean.len() % 4 == 1 {
        clean.pop();
    }
    FORGIVING.decode(&clean).unwrap_or_default()
}
