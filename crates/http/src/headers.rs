use std::borrow::Cow;
use std::error;
use std::fmt;

use crate::table::alphanumeric_and;

/// Header lines for a response, checked when they are added.
///
/// ```
/// use siomio_http::Headers;
///
/// let mut headers = Headers::default();
/// headers.append("Set-Cookie", "a=1")?;
/// headers.append("Set-Cookie", "b=2")?;
/// headers.set("X-Powered-By", "coffee")?;
/// headers.set("x-powered-by", "tea")?;
/// let lines: Vec<_> = headers.iter().collect();
/// assert_eq!(lines, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("x-powered-by", "tea")]);
/// # Ok::<(), siomio_http::InvalidHeader>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderText, HeaderText)>);

pub(crate) type HeaderText = Cow<'static, str>;

/// A header that a response cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// The name is not a token (RFC 9110 §5.1).
    Name(String),
    /// The value of the header of this name contains CR, LF, NUL or another control byte.
    Value(String),
    /// The header of this name is written by the response itself: `Content-Length` (but see
    /// [`Response::header`](crate::Response::header)), `Transfer-Encoding`, and `Connection` except
    /// with status 101.
    Managed(String),
}

impl Headers {
    /// Adds a line behind those already there, its name spelt as given.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for a name or value that HTTP does not allow, and for `Content-Length`,
    /// `Transfer-Encoding` and `Connection`, which responses see to themselves.
    pub fn append(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<(), InvalidHeader> {
        let (name, value) = unmanaged(name.into(), value.into())?;
        self.push(name, value);
        Ok(())
    }

    /// Sets a header in place of all lines of that name.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append); the headers stay as they were.
    pub fn set(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<(), InvalidHeader> {
        let (name, value) = unmanaged(name.into(), value.into())?;
        self.replace(name, value);
        Ok(())
    }

    /// Removes all lines of a name, whatever its case.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
    }

    /// The value of the first line of a name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(present, _)| present.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The lines, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the lines of others behind the own.
    pub fn extend(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    /// Adds a line that has been checked.
    pub(crate) fn push(&mut self, name: HeaderText, value: HeaderText) {
        self.0.push((name, value));
    }

    pub(crate) fn replace(&mut self, name: HeaderText, value: HeaderText) {
        self.remove(&name);
        self.push(name, value);
    }
}

/// Whether HTTP allows a header line.
pub(crate) fn check(name: &str, value: &str) -> Result<(), InvalidHeader> {
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(InvalidHeader::Name(name.to_owned()));
    }
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(InvalidHeader::Value(name.to_owned()));
    }
    Ok(())
}

fn unmanaged(
    name: HeaderText,
    value: HeaderText,
) -> Result<(HeaderText, HeaderText), InvalidHeader> {
    check(&name, &value)?;
    let is_managed = ["Content-Length", "Transfer-Encoding", "Connection"]
        .iter()
        .any(|managed| name.eq_ignore_ascii_case(managed));
    match is_managed {
        true => Err(InvalidHeader::Managed(name.into_owned())),
        false => Ok((name, value)),
    }
}

/// `tchar` of RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    const TOKEN: [bool; 256] = alphanumeric_and(b"!#$%&'*+-.^_`|~");
    TOKEN[usize::from(byte)]
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "invalid header name \"{}\"", name.escape_debug()),
            Self::Value(name) => write!(f, "control byte in the value of header {name}"),
            Self::Managed(name) => write!(f, "header {name} is set by the response itself"),
        }
    }
}

impl error::Error for InvalidHeader {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_http_or_the_response_forbids_is_refused() {
        let mut headers = Headers::default();
        let table = [
            ("", "x", InvalidHeader::Name(String::new())),
            ("a b", "x", InvalidHeader::Name("a b".to_owned())),
            ("A", "x\r\nB: y", InvalidHeader::Value("A".to_owned())),
            ("content-length", "5", InvalidHeader::Managed("content-length".to_owned())),
            (
                "Transfer-Encoding",
                "chunked",
                InvalidHeader::Managed("Transfer-Encoding".to_owned()),
            ),
            ("Connection", "close", InvalidHeader::Managed("Connection".to_owned())),
        ];
        for (name, value, error) in table {
            assert_eq!(headers.append(name, value), Err(error.clone()), "{name}: {value}");
            assert_eq!(headers.set(name, value), Err(error), "{name}: {value}");
        }
        assert!(headers.is_empty());
    }
}
