mod fields;
mod framing;
mod parse;
mod target;

use std::borrow::Cow;
use std::fmt;
use std::str;

use crate::{Error, Method, query};
use fields::Fields;
use parse::{Facts, Traits};

/// The head of a request: a view over its raw bytes, read on demand.
///
/// The bytes were checked once; only what framing needs is kept beside them. An owned head costs
/// the length of the raw head and 48 bytes.
///
/// ```
/// use siomio_http::{Item, Limits, Method, Reader};
///
/// let mut reader = Reader::new(Limits::default());
/// let step = reader.read(b"GET /chat/?EIO=4&sid=x HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\n\r\n")?;
/// let Some(Item::Head(head)) = step.item else { unreachable!() };
/// assert_eq!(head.method(), Method::Get);
/// assert_eq!(head.path(), "/chat/");
/// assert_eq!(head.query_param("EIO").as_deref(), Some("4"));
/// assert_eq!(head.header("cookie"), Some("a=b"));
/// assert!(head.keep_alive());
/// # Ok::<(), siomio_http::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Head<'a> {
    raw: Cow<'a, [u8]>,
    facts: Facts,
}

/// How the body behind a head is delimited (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// Neither `Content-Length` nor `Transfer-Encoding`: there is no body.
    None,
    /// As many bytes as `Content-Length` says, possibly none.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

impl<'a> Head<'a> {
    /// Checks a whole head, from the first byte of the request line through the empty line.
    pub(crate) fn parse(raw: Cow<'a, [u8]>, max_headers: usize) -> Result<Self, Error> {
        let facts = parse::facts(&raw, max_headers)?;
        Ok(Self { raw, facts })
    }

    /// The request method.
    pub fn method(&self) -> Method<'_> {
        Method::read(self.raw.get(..usize::from(self.facts.method_len)).unwrap_or_default())
    }

    /// The request target as it stands in the request line.
    pub fn target(&self) -> &str {
        text(self.raw.get(usize::from(self.facts.method_len) + 1..self.facts.target_end as usize))
    }

    /// The path of the target, not decoded: what precedes `?`, without the scheme and authority of
    /// an absolute-form target. It is `*` for `OPTIONS *` and `host:port` for `CONNECT`.
    pub fn path(&self) -> &str {
        target::split(self.target()).0
    }

    /// What follows the first `?` of the target, not decoded.
    pub fn query(&self) -> Option<&str> {
        target::split(self.target()).1
    }

    /// The decoded pairs of the query, as [`query::pairs`] reads them.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        query::pairs(self.query().unwrap_or_default())
    }

    /// The decoded value of the last query pair called `name`.
    pub fn query_param(&self, name: &str) -> Option<Cow<'_, str>> {
        query::last(self.query()?, name)
    }

    /// 1 for `HTTP/1.1`, 0 for `HTTP/1.0`.
    pub fn minor_version(&self) -> u8 {
        u8::from(self.facts.traits.has(Traits::HTTP_1_1))
    }

    /// The value of the first header line called `name`, in any case; `None` also if it is not
    /// UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.header_bytes(name)?).ok()
    }

    /// The value of the first header line called `name`, in any case.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.header_values(name).next()
    }

    /// The values of all header lines called `name`, in any case, in order.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields().filter_map(move |field| field.value_of(name))
    }

    /// All header lines in order, names as they were sent, values without surrounding blanks.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields().map(|field| (text(Some(field.name())), field.value()))
    }

    /// Whether a header called `name` lists `token`, both in any case, over all lines of that name
    /// (RFC 9110 §5.6.1).
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.header_values(name).any(|value| fields::lists(value, token))
    }

    /// Whether the connection may serve another request after this one (RFC 9112 §9.3).
    pub fn keep_alive(&self) -> bool {
        self.facts.traits.has(Traits::KEEP_ALIVE)
    }

    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.facts.traits.has(Traits::EXPECTS_CONTINUE)
    }

    /// Whether the client expects something that is no `100-continue`, which a server answers with
    /// 417 (RFC 9110 §10.1.1).
    pub fn expects_more(&self) -> bool {
        self.facts.traits.has(Traits::EXPECTS_MORE)
    }

    /// How the body is delimited.
    pub fn body(&self) -> BodyLength {
        self.facts.body
    }

    /// Whether a body follows: not if its length is said to be 0.
    pub fn has_body(&self) -> bool {
        !matches!(self.facts.body, BodyLength::None | BodyLength::Length(0))
    }

    /// Whether the client asks for a WebSocket: HTTP/1.1, `Connection` lists `upgrade`, and
    /// `Upgrade` lists `websocket` (RFC 9110 §7.8). A request for any other protocol is an ordinary
    /// one: who does not speak that answers in HTTP/1.1.
    pub fn is_upgrade(&self) -> bool {
        self.facts.traits.has(Traits::UPGRADE)
    }

    /// The head byte for byte, through its empty line.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The same head in one allocation of exactly its length.
    pub fn into_owned(self) -> Head<'static> {
        let raw = match self.raw {
            Cow::Borrowed(raw) => raw.into(),
            Cow::Owned(raw) => raw.into_boxed_slice(),
        };
        Head { raw: Cow::Owned(raw.into_vec()), facts: self.facts }
    }

    /// A copy that remembers only the header lines whose name `keep` accepts; everything else
    /// about the head stays as it was. One allocation, of exactly what is kept.
    pub fn with_headers(&self, mut keep: impl FnMut(&str) -> bool) -> Head<'static> {
        let mut raw = Vec::with_capacity(self.raw.len());
        raw.extend_from_slice(self.raw.get(..self.facts.fields_start()).unwrap_or_default());
        for field in self.fields().filter(|field| keep(text(Some(field.name())))) {
            raw.extend_from_slice(field.line);
        }
        raw.extend_from_slice(b"\r\n");
        Head { raw: Cow::Owned(raw), facts: self.facts }.into_owned()
    }

    fn fields(&self) -> Fields<'_> {
        Fields::new(self.raw.get(self.facts.fields_start()..).unwrap_or_default())
    }
}

impl fmt::Debug for Head<'_> {
    /// The request line only: headers carry credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("minor_version", &self.minor_version())
            .field("body", &self.body())
            .finish_non_exhaustive()
    }
}

/// Bytes that were found to be UTF-8 when the head was checked.
fn text(bytes: Option<&[u8]>) -> &str {
    str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
