use std::fmt;

use crate::error::PayloadError;
use crate::scan::{Scalar, Sink, scan};

/// A JSON number that keeps its text: `1.0`, `1e2` and integers of any length come back as they
/// were written. Two numbers are equal if their texts are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Text);

/// Short texts, which means nearly all, need no heap.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Text {
    /// The bytes behind `len` are zero.
    Inline {
        len: u8,
        bytes: [u8; INLINE],
    },
    Heap(Box<str>),
}

const INLINE: usize = 30;

/// The machine number a text becomes where serde has to carry it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Class {
    Unsigned(u64),
    Signed(i64),
    /// Printing it may not give the same text again.
    Float(f64),
}

impl Number {
    /// A number from its text.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if the text is not a JSON number.
    pub fn parse(text: &str) -> Result<Self, PayloadError> {
        let mut is_number = IsNumber(false);
        scan(text, 0, &mut is_number)?;
        // The scanner allows for whitespace.
        match text.bytes().last() {
            Some(b'0'..=b'9') if is_number.0 && !text.starts_with(char::is_whitespace) => {
                Ok(Self::from_text(text))
            }
            _ => Err(PayloadError::WrongShape { expected: "a number" }),
        }
    }

    /// `text` must be a JSON number.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        Self(match bytes.get_mut(..text.len()) {
            Some(inline) => {
                inline.copy_from_slice(text.as_bytes());
                Text::Inline { len: text.len() as u8, bytes }
            }
            None => Text::Heap(text.into()),
        })
    }

    /// A finite float in its shortest form; `None` for the others, which JSON does not have.
    #[must_use]
    pub fn from_f64(number: f64) -> Option<Self> {
        number.is_finite().then(|| Self::from_text(&format!("{number:?}")))
    }

    /// The number as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Inline { len, bytes } => {
                let text = bytes.get(..usize::from(*len)).unwrap_or_default();
                std::str::from_utf8(text).unwrap_or_default()
            }
            Text::Heap(text) => text,
        }
    }

    /// The number as `u64`, if it is written as an integer and in range.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_str().parse().ok()
    }

    /// The number as `i64`, if it is written as an integer and in range.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_str().parse().ok()
    }

    /// The nearest `f64`, if the number is in range.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        Some(self.to_f64()).filter(|number| number.is_finite())
    }

    /// The nearest `f64`; infinite beyond its range.
    pub(crate) fn to_f64(&self) -> f64 {
        self.as_str().parse().unwrap_or(f64::NAN)
    }

    pub(crate) fn class(&self) -> Class {
        match (self.as_u64(), self.as_i64()) {
            (Some(number), _) => Class::Unsigned(number),
            (None, Some(number)) if number != 0 => Class::Signed(number),
            // Fractions, exponents, integers beyond 64 bits, and `-0`.
            _ => Class::Float(self.to_f64()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Number {
    type Err = PayloadError;

    fn from_str(text: &str) -> Result<Self, PayloadError> {
        Self::parse(text)
    }
}

macro_rules! from_integers {
    ($($type:ty)*) => {$(
        impl From<$type> for Number {
            fn from(number: $type) -> Self {
                Self::from_text(&number.to_string())
            }
        }
    )*};
}

from_integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

struct IsNumber(bool);

impl Sink for IsNumber {
    fn open(&mut self, _: crate::scan::Container) {}

    fn close(&mut self) -> Result<(), PayloadError> {
        Ok(())
    }

    fn key(&mut self, _: &str) {}

    fn scalar(&mut self, scalar: Scalar<'_>) {
        self.0 = matches!(scalar, Scalar::Number(_));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let cases = [
            ("0", Class::Unsigned(0)),
            ("18446744073709551615", Class::Unsigned(u64::MAX)),
            ("-9223372036854775808", Class::Signed(i64::MIN)),
            ("18446744073709551616", Class::Float(18_446_744_073_709_551_616.0)),
            ("-0", Class::Float(-0.0)),
            ("1.0", Class::Float(1.0)),
            ("1e2", Class::Float(100.0)),
            ("-1e400", Class::Float(f64::NEG_INFINITY)),
        ];
        for (text, class) in cases {
            let number = Number::parse(text).unwrap();
            assert_eq!(number.class(), class, "{text}");
            assert_eq!(number.as_str(), text);
        }
        assert_eq!(Number::parse("1e400").unwrap().as_f64(), None);
        assert_eq!(Number::parse("1.0").unwrap().as_i64(), None);
    }

    #[test]
    fn only_numbers_are_numbers() {
        let long = "9".repeat(1000);
        assert_eq!(Number::parse(&long).unwrap().as_str(), long);
        for text in ["", "-", "+1", "01", "1.", ".5", "1e", "0x1", " 1", "1 ", "1,2", "true", "NaN"]
        {
            assert!(Number::parse(text).is_err(), "{text:?}");
        }
        assert!(Number::from_f64(f64::NAN).is_none());
        for number in [0.0, -0.0, 5.0, 1e300, 1e-300, f64::MIN_POSITIVE, f64::MAX, 0.1] {
            let text = Number::from_f64(number).unwrap();
            assert_eq!(Number::parse(text.as_str()), Ok(text.clone()));
            assert_eq!(text.as_f64(), Some(number));
        }
    }

    #[test]
    fn numbers_of_thirty_characters_need_no_heap() {
        let inline = Number::from_text(&"1".repeat(INLINE));
        assert!(matches!(inline.0, Text::Inline { .. }));
        assert_eq!(inline.as_str().len(), INLINE);
        assert_eq!(Number::from_text(&"1".repeat(INLINE + 1)).as_str().len(), INLINE + 1);
        assert!(size_of::<Number>() <= 32);
    }
}
