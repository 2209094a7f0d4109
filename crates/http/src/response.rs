mod write;

use std::borrow::Cow;

use bytes::Bytes;

use crate::{
    Head, Headers, InvalidHeader, Method,
    headers::{self, HeaderText},
};

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
    headers: Headers,
    body: Bytes,
}

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

impl Response {
    /// A response without headers and body. A `status` outside 100 to 999 becomes 500.
    pub fn new(status: u16) -> Self {
        let status = if (100..=999).contains(&status) { status } else { 500 };
        Self { status, headers: Headers::default(), body: Bytes::new() }
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
        self.add_header(name, value)?;
        Ok(self)
    }

    /// Adds a header line, like [`header`](Self::header), to a response in its place.
    ///
    /// # Errors
    ///
    /// As for [`header`](Self::header); the response stays as it was.
    pub fn add_header(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<(), InvalidHeader> {
        let (name, value) = self.check(name.into(), value.into())?;
        self.headers.push(name, value);
        Ok(())
    }

    /// Adds header lines that have been checked before, in place of those already there of the same names. `Set-Cookie` and
    /// `Vary`, of which there may be several, are kept beside the new ones.
    pub fn merge_headers(&mut self, headers: &Headers) {
        for (name, _) in headers.iter() {
            if !["Set-Cookie", "Vary"].iter().any(|several| name.eq_ignore_ascii_case(several)) {
                self.headers.remove(name);
            }
        }
        self.headers.extend(headers);
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
        self.headers.replace(name, value);
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
        self.headers.iter()
    }

    /// The body.
    pub fn content(&self) -> &Bytes {
        &self.body
    }

    fn typed(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.replace("Content-Type".into(), content_type.into());
        self.body(body)
    }

    fn check(
        &self,
        name: HeaderText,
        value: HeaderText,
    ) -> Result<(HeaderText, HeaderText), InvalidHeader> {
        headers::check(&name, &value)?;
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

#[cfg(test)]
mod tests;
