use std::borrow::Cow;
use std::fmt;

use crate::{Error, MAX_CONTROL_PAYLOAD, Violation};

/// Why a connection is closed, as a number (RFC 6455 section 7.4).
///
/// ```
/// use siomio_websocket::CloseCode;
///
/// assert!(CloseCode::NORMAL.is_valid_on_wire());
/// assert!(CloseCode(4001).is_valid_on_wire()); // 4000 to 4999 belong to the application
/// assert!(!CloseCode::NO_STATUS.is_valid_on_wire());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose is fulfilled (1000).
    pub const NORMAL: Self = Self(1000);
    /// The server goes down or the browser leaves the page (1001).
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol (1002).
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The peer sent a kind of data this side does not take (1003).
    pub const UNSUPPORTED: Self = Self(1003);
    /// The close frame had no code (1005). Never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// The connection ended without a close frame (1006). Never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// The peer sent text that is not UTF-8, or data that does not fit its type (1007).
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The peer broke a rule of this side, and no other code fits (1008).
    pub const POLICY: Self = Self(1008);
    /// The peer sent a message longer than this side takes (1009).
    pub const TOO_BIG: Self = Self(1009);
    /// The server did not agree to an extension the client needs (1010).
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// The server met a condition it did not expect (1011).
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts (1012).
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server is overloaded (1013).
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// The server, a gateway, got an invalid response from behind (1014).
    pub const BAD_GATEWAY: Self = Self(1014);
    /// The TLS handshake failed (1015). Never sent.
    pub const TLS: Self = Self(1015);

    /// Whether the code may stand in a close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999.
    pub const fn is_valid_on_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a peer says when it closes (RFC 6455 section 5.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame<'a> {
    /// The code, always [valid on the wire](CloseCode::is_valid_on_wire).
    pub code: CloseCode,
    /// The reason, at most 123 bytes, often empty.
    pub reason: Cow<'a, str>,
}

impl<'a> CloseFrame<'a> {
    /// Reads the payload of a close frame; an empty one says nothing.
    pub(crate) fn parse(payload: Cow<'a, [u8]>) -> Result<Option<Self>, Error> {
        let code = match *payload {
            [] => return Ok(None),
            [_] => return Err(Violation::TruncatedCloseCode.into()),
            [high, low, ..] => CloseCode(u16::from_be_bytes([high, low])),
        };
        if !code.is_valid_on_wire() {
            return Err(Violation::InvalidCloseCode(code.0).into());
        }
        let reason = match payload {
            Cow::Borrowed(bytes) => std::str::from_utf8(&bytes[2..]).ok().map(Cow::Borrowed),
            Cow::Owned(mut bytes) => String::from_utf8(bytes.split_off(2)).ok().map(Cow::Owned),
        };
        Ok(Some(Self { code, reason: reason.ok_or(Error::InvalidUtf8)? }))
    }

    /// The same, borrowing nothing.
    pub fn into_owned(self) -> CloseFrame<'static> {
        CloseFrame { code: self.code, reason: Cow::Owned(self.reason.into_owned()) }
    }
}

/// The longest prefix of `reason` that fits a close frame beside the code.
pub(crate) fn fitting(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_CONTROL_PAYLOAD - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_that_may_be_sent() {
        let valid = [1000..=1003, 1007..=1014, 3000..=4999];
        for code in 0..=u16::MAX {
            let expected = valid.iter().any(|range| range.contains(&code));
            assert_eq!(CloseCode(code).is_valid_on_wire(), expected, "{code}");
        }
    }

    #[test]
    fn payloads() {
        type Expected = Result<Option<(u16, &'static str)>, Error>;
        let table: [(&[u8], Expected); 8] = [
            (b"", Ok(None)),
            (b"\x03", Err(Violation::TruncatedCloseCode.into())),
            (b"\x03\xe8", Ok(Some((1000, "")))),
            (b"\x03\xe8bye", Ok(Some((1000, "bye")))),
            (b"\x0f\xa1\xe2\x82\xac", Ok(Some((4001, "\u{20ac}")))),
            (b"\x03\xee", Err(Violation::InvalidCloseCode(1006).into())),
            (b"\x00\x00", Err(Violation::InvalidCloseCode(0).into())),
            (b"\x03\xe8\xe2\x82", Err(Error::InvalidUtf8)),
        ];
        for (payload, expected) in table {
            let expected = expected.map(|close| {
                close.map(|(code, reason)| CloseFrame {
                    code: CloseCode(code),
                    reason: Cow::Borrowed(reason),
                })
            });
            assert_eq!(CloseFrame::parse(Cow::Borrowed(payload)), expected, "{payload:x?}");
            assert_eq!(CloseFrame::parse(Cow::Owned(payload.to_vec())), expected, "{payload:x?}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(fitting("short"), "short");
        assert_eq!(fitting(&"x".repeat(123)).len(), 123);
        assert_eq!(fitting(&"x".repeat(124)).len(), 123);
        let reason = format!("{}\u{20ac}", "x".repeat(121));
        assert_eq!(fitting(&reason), "x".repeat(121));
    }
}
