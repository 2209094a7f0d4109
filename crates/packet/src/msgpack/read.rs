//! MessagePack taken apart, token by token.

use std::borrow::Cow;

use crate::error::DecodeError;

/// A scalar, or the head of a container whose parts follow as tokens of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    /// JavaScript's `undefined`, as the reference writes it.
    Undefined,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    /// What should be UTF-8.
    Text(&'a [u8]),
    Binary(&'a [u8]),
    /// Milliseconds since 1970; `None` where they exceed 64 bits.
    Date(Option<i64>),
    Extension(i8, &'a [u8]),
    /// As many values as announced.
    Array(u32),
    /// As many pairs of key and value as announced.
    Map(u32),
}

impl Token<'_> {
    /// The number, if it is an integer from 0 on that both ends can write.
    pub(super) fn index(self) -> Option<u64> {
        const EXACT: f64 = (1_u64 << 53) as f64;
        match self {
            Self::Unsigned(number) => Some(number),
            Self::Signed(number) => u64::try_from(number).ok(),
            // To JavaScript 1 and 1.0 are the same.
            Self::Float(number) if number.fract() == 0.0 && (0.0..=EXACT).contains(&number) => {
                Some(number as u64)
            }
            _ => None,
        }
    }
}

/// Where in a message the next token begins. Nothing is allocated by the lengths in it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    pub(super) fn malformed<T>(&self, reason: &'static str) -> Result<T, DecodeError> {
        Err(DecodeError::Malformed { at: self.at, reason })
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), DecodeError> {
        if self.at == self.message.len() { Ok(()) } else { self.malformed("trailing bytes") }
    }

    pub(super) fn token(&mut self) -> Result<Token<'a>, DecodeError> {
        let at = self.at;
        let [code] = self.array()?;
        Ok(match code {
            0x00..=0x7f => Token::Unsigned(code.into()),
            0x80..=0x8f => Token::Map(u32::from(code & 0x0f)),
            0x90..=0x9f => Token::Array(u32::from(code & 0x0f)),
            0xa0..=0xbf => Token::Text(self.take(usize::from(code & 0x1f))?),
            0xc0 => Token::Nil,
            0xc1 => {
                self.at = at;
                return self.malformed("unknown code");
            }
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            0xc4..=0xc6 => Token::Binary(self.sized(code - 0xc4)?),
            0xc7..=0xc9 => {
                let len = self.length(code - 0xc7)?;
                self.extension(len)?
            }
            // JavaScript, too, knows only one width of floats.
            0xca => Token::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Token::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Token::Unsigned(u8::from_be_bytes(self.array()?).into()),
            0xcd => Token::Unsigned(u16::from_be_bytes(self.array()?).into()),
            0xce => Token::Unsigned(u32::from_be_bytes(self.array()?).into()),
            0xcf => Token::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => Token::Signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Token::Signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Token::Signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Token::Signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.fixed_extension(1 << (code - 0xd4))?,
            0xd9..=0xdb => Token::Text(self.sized(code - 0xd9)?),
            0xdc => Token::Array(self.length(1)?),
            0xdd => Token::Array(self.length(2)?),
            0xde => Token::Map(self.length(1)?),
            0xdf => Token::Map(self.length(2)?),
            0xe0..=0xff => Token::Signed(i8::from_be_bytes([code]).into()),
        })
    }

    /// The key of a map. JavaScript makes strings of all keys; here integers become strings, and
    /// what else is none is refused.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        let at = self.at;
        match self.token()? {
            Token::Text(text) => Ok(String::from_utf8_lossy(text)),
            Token::Unsigned(number) => Ok(number.to_string().into()),
            Token::Signed(number) => Ok(number.to_string().into()),
            _ => {
                self.at = at;
                self.malformed("key that is neither a string nor an integer")
            }
        }
    }

    /// A token together with what belongs to it: the parts of a container are passed over.
    pub(super) fn whole(&mut self) -> Result<Token<'a>, DecodeError> {
        let first = self.token()?;
        let mut due = parts(first);
        while let Some(rest) = due.checked_sub(1) {
            // Each token in memory adds less than 2³³, so this never saturates.
            due = rest.saturating_add(parts(self.token()?));
        }
        Ok(first)
    }

    /// Extensions of a length in their code. Two of them have a meaning in this form alone.
    fn fixed_extension(&mut self, len: usize) -> Result<Token<'a>, DecodeError> {
        match (self.extension(len)?, len) {
            (Token::Binary(_), 1) => Ok(Token::Undefined),
            (Token::Binary(&[a, b, c, d, e, f, g, h]), 8) => {
                Ok(Token::Date(Some(i64::from_be_bytes([a, b, c, d, e, f, g, h]))))
            }
            (token, _) => Ok(token),
        }
    }

    fn extension(&mut self, len: usize) -> Result<Token<'a>, DecodeError> {
        let number = i8::from_be_bytes(self.array()?);
        let content = self.take(len)?;
        Ok(match (number, content) {
            // The reference's `ArrayBuffer`.
            (0, _) => Token::Binary(content),
            (-1, _) => timestamp(content).unwrap_or(Token::Extension(number, content)),
            _ => Token::Extension(number, content),
        })
    }

    /// Bytes behind their length.
    fn sized(&mut self, width: u8) -> Result<&'a [u8], DecodeError> {
        let len = self.length(width)?;
        self.take(len)
    }

    /// A length of 1, 2 or 4 bytes: width 0, 1 or 2.
    fn length<N: TryFrom<u32>>(&mut self, width: u8) -> Result<N, DecodeError> {
        let len = match width {
            0 => u8::from_be_bytes(self.array()?).into(),
            1 => u16::from_be_bytes(self.array()?).into(),
            _ => u32::from_be_bytes(self.array()?),
        };
        N::try_from(len).or_else(|_| self.malformed("length beyond this machine"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.take(N)?;
        bytes.try_into().or_else(|_| self.malformed(CUT))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(len);
        match end.and_then(|end| self.message.get(self.at..end)) {
            Some(bytes) => {
                self.at += len;
                Ok(bytes)
            }
            None => self.malformed(CUT),
        }
    }
}

const CUT: &str = "message cut short";

/// How many tokens belong to one.
fn parts(token: Token<'_>) -> u64 {
    match token {
        Token::Array(len) => len.into(),
        Token::Map(len) => u64::from(len) * 2,
        _ => 0,
    }
}

/// The timestamp of the MessagePack specification, in its three lengths.
fn timestamp<'a>(content: &[u8]) -> Option<Token<'a>> {
    let (seconds, nanoseconds) = match *content {
        [a, b, c, d] => (u32::from_be_bytes([a, b, c, d]).into(), 0),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            ((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
        }
        [n0, n1, n2, n3, a, b, c, d, e, f, g, h] => {
            let seconds = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
            (seconds, u32::from_be_bytes([n0, n1, n2, n3]))
        }
        _ => return None,
    };
    let milliseconds = i64::from(nanoseconds / 1_000_000);
    Some(Token::Date(seconds.checked_mul(1000).and_then(|ms| ms.checked_add(milliseconds))))
}
