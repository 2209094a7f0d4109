//! From MessagePack to JSON, attachments set aside.

use bytes::Bytes;

use super::date;
use super::read::{Reader, Token};
use crate::error::{DecodeError, PayloadError};
use crate::limits::Limits;
use crate::payload::write_json_string;
use crate::placeholder;

/// How much longer than the limit for a message its JSON may be. Nothing but a host of empty
/// attachments comes near: a control character grows from one byte to six, all else less.
const GROWTH: usize = 8;

/// The JSON of one value, and its attachments.
#[derive(Debug, Default)]
pub(super) struct Json {
    text: Vec<u8>,
    attachments: Vec<Bytes>,
    /// Bytes in them.
    attached: usize,
    /// Where the key began whose value is due.
    key_at: usize,
    /// That key is the one that marks placeholders.
    is_mark: bool,
    /// There is an object that would pass for a placeholder.
    has_lookalike: bool,
}

impl Json {
    /// Reads one value; the text is empty if that is `undefined`.
    pub(super) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, DecodeError> {
        let mut json = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let max_depth = usize::from(limits.max_json_depth);
        let too_deep = PayloadError::TooDeep { limit: limits.max_json_depth };
        let room = limits.max_packet_bytes.saturating_mul(GROWTH);
        loop {
            let token = reader.token()?;
            let nests = matches!(token, Token::Array(_) | Token::Map(_) | Token::Extension(..));
            if nests && open.len() >= max_depth {
                return Err(too_deep.into());
            }
            match token {
                Token::Array(len) => open.push(json.open(b'[', b']', len)),
                Token::Map(len) => open.push(json.open(b'{', b'}', len)),
                scalar => json.scalar(scalar),
            }
            if json.text.len().saturating_add(json.attached) > room {
                return Err(DecodeError::TooLarge { limit: limits.max_packet_bytes });
            }
            // Close what ends here, until one more value is due.
            loop {
                let Some(container) = open.last_mut() else { return json.whole() };
                if let Some(left) = container.left.checked_sub(1) {
                    container.left = left;
                    if container.end == b'}' {
                        json.key(&reader.key()?);
                    }
                    break;
                }
                json.text.push(container.end);
                open.pop();
            }
        }
    }

    /// Text and attachments.
    pub(super) fn into_parts(self) -> (String, Vec<Bytes>) {
        // Strings free of errors, and ASCII.
        (String::from_utf8(self.text).unwrap_or_default(), self.attachments)
    }

    /// An object that a peer made to look like a placeholder would become one beside attachments.
    /// Without them it is an object like others.
    fn whole(self) -> Result<Self, DecodeError> {
        if self.has_lookalike && !self.attachments.is_empty() {
            return Err(DecodeError::IllegalPlaceholder);
        }
        Ok(self)
    }

    fn open(&mut self, start: u8, end: u8, left: u32) -> Open {
        self.separate();
        self.text.push(start);
        self.is_mark = false;
        Open { left, end }
    }

    fn key(&mut self, key: &str) {
        self.key_at = self.text.len();
        self.separate();
        write_json_string(&mut self.text, key);
        self.text.push(b':');
        self.is_mark = key == placeholder::FLAG;
    }

    fn scalar(&mut self, token: Token<'_>) {
        self.has_lookalike |= std::mem::take(&mut self.is_mark) && token == Token::Bool(true);
        if token == Token::Undefined {
            match self.text.last() {
                None => {}
                // As `JSON.stringify` does: a member vanishes, an element is `null`.
                Some(b':') => self.text.truncate(self.key_at),
                Some(_) => self.scalar(Token::Nil),
            }
            return;
        }
        self.separate();
        match token {
            Token::Bool(true) => self.literal("true"),
            Token::Bool(false) => self.literal("false"),
            Token::Unsigned(number) => self.literal(&number.to_string()),
            Token::Signed(number) => self.literal(&number.to_string()),
            // The shortest text that reads as the same number.
            Token::Float(number) if number.is_finite() => self.literal(&format!("{number:?}")),
            Token::Text(text) => {
                write_json_string(&mut self.text, &String::from_utf8_lossy(text));
            }
            Token::Binary(bytes) => self.attach(bytes),
            Token::Date(ms) => match ms.and_then(date::iso) {
                Some(date) => write_json_string(&mut self.text, &date),
                None => self.literal("null"),
            },
            Token::Extension(number, content) => {
                self.literal("[");
                self.literal(&number.to_string());
                self.separate();
                self.attach(content);
                self.literal("]");
            }
            Token::Nil | Token::Float(_) => self.literal("null"),
            Token::Undefined | Token::Array(_) | Token::Map(_) => {}
        }
    }

    fn attach(&mut self, bytes: &[u8]) {
        // A write to memory cannot fail.
        _ = placeholder::write(&mut self.text, self.attachments.len());
        self.attached = self.attached.saturating_add(bytes.len());
        self.attachments.push(Bytes::copy_from_slice(bytes));
    }

    fn literal(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    /// A comma, but not at the beginning, and not between key and value.
    fn separate(&mut self) {
        if !matches!(self.text.last(), None | Some(b'[' | b'{' | b':')) {
            self.text.push(b',');
        }
    }
}

/// A container of which parts are due.
struct Open {
    /// Values, or pairs of key and value.
    left: u32,
    /// What closes it.
    end: u8,
}
