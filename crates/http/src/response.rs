mod write;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::{Head, Method};

/// The interim response to a request that [`expects_continue`](Head::expects_continue).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A response with its whole body.
///
/// `Content-Length` and `Connection` follow from the body and the [`ResponseContext`] and are not
/// set by hand.
///
/// ```
/// use siomio_http::{Response, ResponseContext};
///
/// let response = Response::new(200).header("Cache-Control", "no-store")?.text("ok");
/// let mut out = Vec::new();
/// let context = ResponseContext { keep_alive: true, ..ResponseContext::default() };
/// response.write_to(&mut out, context);
/// assert_eq!(
///     out,
///     b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: text/plain; charset=UTF-8\r\n\
///       Content-Length: 2\r\n\r\nok",
/// );
/// # Ok::<(), siomio_http::InvalidHeader>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(HeaderText, HeaderText)>,
    body: Bytes,
}

type HeaderText = Cow<'static, str>;

/// What a response has to know of its request and connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseContext<'a> {
    /// The minor version of the request, [`Head::minor_version`].
    pub minor_version: u8,
    /// Whether the connection stays open after the response.
    pub keep_alive: bool,
    /// Whether the request was `HEAD`, so that the body is left out.
    pub is_head: bool,
    /// The value of the `Date` header, as [`http_date`](crate::http_date) makes it; `None` leaves
    /// the header out.
    pub date: Option<&'a str>,
}

/// A header that a response cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// The name is not a token (RFC 9110 §5.1).
    Name(String),
    /// The value of the header of this name contains CR, LF, NUL or another control byte.
    Value(String),
    /// The header of this name is written by the response itself: `Content-Length` (but see
    /// [`Response::header`]), `Transfer-Encoding`, and `Connection` except with status 101.
    Managed(String),
}

impl Response {
    /// A response without headers and body. A `status` outside 100 to 999 becomes 500.
    pub fn new(status: u16) -> Self {
        let status = if (100..=999).contains(&status) { status } else { 500 };
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Adds a header line behind those already there, its name spelt as given.
    ///
    /// Responses that never have a body (204 and 304) take a `Content-Length` here.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for a name or value that HTTP does not allow, or a header that is not the
    /// caller's to set.
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<Self, InvalidHeader> {
        let header = self.check(name.into(), value.into())?;
        self.headers.push(header);
        Ok(self)
    }

    /// Sets a header in place of all lines of that name.
    ///
    /// # Errors
    ///
    /// As for [`header`](Self::header); the response stays as it was.
    pub fn set_header(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<(), InvalidHeader> {
        let (name, value) = self.check(name.into(), value.into())?;
        self.replace(name, value);
        Ok(())
    }

    /// Sets the body and leaves the headers alone.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body as `text/plain; charset=UTF-8`.
    pub fn text(self, body: impl Into<Bytes>) -> Self {
        self.typed("text/plain; charset=UTF-8", body)
    }

    /// Sets the body as `text/html; charset=UTF-8`.
    pub fn html(self, body: impl Into<Bytes>) -> Self {
        self.typed("text/html; charset=UTF-8", body)
    }

    /// Sets the body as `application/json`.
    pub fn json(self, body: impl Into<Bytes>) -> Self {
        self.typed("application/json", body)
    }

    /// Sets the body as `application/octet-stream`.
    pub fn binary(self, body: impl Into<Bytes>) -> Self {
        self.typed("application/octet-stream", body)
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header lines set so far, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The body.
    pub fn content(&self) -> &Bytes {
        &self.body
    }

    fn typed(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.replace("Content-Type".into(), content_type.into());
        self.body(body)
    }

    fn replace(&mut self, name: HeaderText, value: HeaderText) {
        self.headers.retain(|(present, _)| !present.eq_ignore_ascii_case(&name));
        self.headers.push((name, value));
    }

    fn check(
        &self,
        name: HeaderText,
        value: HeaderText,
    ) -> Result<(HeaderText, HeaderText), InvalidHeader> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(InvalidHeader::Name(name.into_owned()));
        }
        if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(InvalidHeader::Value(name.into_owned()));
        }
        let is = |managed: &str| name.eq_ignore_ascii_case(managed);
        let is_managed = match name.len() {
            10 => is("Connection") && self.status != 101,
            14 => is("Content-Length") && !self.takes_content_length(&value),
            17 => is("Transfer-Encoding"),
            _ => false,
        };
        match is_managed {
            true => Err(InvalidHeader::Managed(name.into_owned())),
            false => Ok((name, value)),
        }
    }

    /// Only where no body follows can a given length not be wrong; it is said once, and is 0 for
    /// 204.
    fn takes_content_length(&self, value: &str) -> bool {
        let is_first = !self.headers().any(|(name, _)| name.eq_ignore_ascii_case("Content-Length"));
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        is_first && (self.status == 204 && value == "0" || self.status == 304 && is_number)
    }
}

impl<'a> ResponseContext<'a> {
    /// The context of the response to `head`.
    pub fn new(head: &Head<'_>, date: Option<&'a str>) -> Self {
        Self {
            minor_version: head.minor_version(),
            keep_alive: head.keep_alive(),
            is_head: head.method() == Method::Head,
            date,
        }
    }
}

impl Default for ResponseContext<'_> {
    /// A last response on the connection, for when a request could not be read.
    fn default() -> Self {
        Self { minor_version: 1, keep_alive: false, is_head: false, date: None }
    }
}

/// `tchar` of RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
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

impl std::error::Error for InvalidHeader {}

#[cfg(test)]
mod tests;
