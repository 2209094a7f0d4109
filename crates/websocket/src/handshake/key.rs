use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// What every server appends to the key before hashing it (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The length of a `Sec-WebSocket-Accept` value in bytes: 20 bytes of SHA-1 in base64.
pub const ACCEPT_KEY_LEN: usize = 28;

/// The `Sec-WebSocket-Accept` value that answers a `Sec-WebSocket-Key`: ASCII.
///
/// ```
/// use siomio_websocket::handshake::accept_key;
///
/// assert_eq!(&accept_key("dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &str) -> [u8; ACCEPT_KEY_LEN] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; ACCEPT_KEY_LEN];
    let written = STANDARD.encode_slice(digest, &mut accept);
    debug_assert_eq!(written, Ok(ACCEPT_KEY_LEN));
    accept
}

/// The `Sec-WebSocket-Key` of a nonce.
pub(super) fn encode_nonce(nonce: [u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// Whether `key` is 16 bytes in base64: 22 digits and the padding.
///
/// The four bits of the last digit that carry nothing may be set: some clients draw 22 random
/// digits, and the key is never decoded.
pub(super) fn is_nonce(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_a_key() {
        let table: [(&[u8], bool); 11] = [
            (b"dGhlIHNhbXBsZSBub25jZQ==", true),
            (b"AQIDBAUGBwgJCgsMDQ4PEC==", true),
            (b"+/////////////////////==", true),
            (b"", false),
            (b"==", false),
            (b"dGhlIHNhbXBsZSBub25jZQ", false),
            (b"dGhlIHNhbXBsZSBub25jZQ=a", false),
            (b"dGhlIHNhbXBsZSBub25jZ==", false),
            (b"dGhlIHNhbXBsZSBub25jZQA==", false),
            (b"dGhlIHNhbXBsZSBub25jZSE=", false), // 17 bytes
            (b"dGhlIHNhbXBsZSBub25j\nQ==", false),
        ];
        for (key, expected) in table {
            assert_eq!(is_nonce(key), expected, "{}", key.escape_ascii());
        }
    }

    #[test]
    fn a_nonce_makes_a_key() {
        let key = encode_nonce(*b"the sample nonce");
        assert_eq!(key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert!(is_nonce(key.as_bytes()));
    }
}
