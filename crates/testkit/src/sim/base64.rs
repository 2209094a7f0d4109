//! The little of base64 (RFC 4648) that a polling client needs.

/// Decodes padded base64.
///
/// # Panics
/// When it is none.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let digits = text.trim_end_matches('=').bytes().map(|byte| {
        u32::from(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => panic!("{:?} is no digit of base64", byte as char),
        })
    });
    let (mut bits, mut held, mut bytes) = (0, 0_u32, Vec::new());
    for digit in digits {
        held = held << 6 | digit;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    assert_eq!((text.len() % 4, held), (0, 0), "cut off: {text:?}");
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn decodes_the_samples_of_rfc_4648() {
        let samples =
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")];
        for (text, bytes) in samples {
            assert_eq!(super::decode(text), bytes.as_bytes());
        }
        assert_eq!(super::decode("+/8="), [0xfb, 0xff]);
    }
}
