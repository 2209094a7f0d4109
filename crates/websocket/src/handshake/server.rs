use std::{fmt, str};

use super::{Misuse, accept_key, field, key, protocols};

/// What the handshake needs to see of a request.
///
/// `headers` gives the values of a field by its name: a closure, or a method of a parsed head. A
/// field that stands there several times should give all of its values, in order.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a, H> {
    /// The request method.
    pub method: &'a str,
    /// The minor version of HTTP/1.
    pub http_minor: u8,
    /// From the name of a header field, in any case, to its values.
    pub headers: H,
}

/// A request to open a WebSocket that is in order, and waits for its response.
///
/// ```
/// use siomio_websocket::handshake::{RequestParts, ServerHandshake};
///
/// let head: [(&str, &[u8]); 5] = [
///     ("Host", b"example.com"),
///     ("Upgrade", b"websocket"),
///     ("Connection", b"keep-alive, Upgrade"),
///     ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Version", b"13"),
/// ];
/// let headers = |name: &'static str| {
///     head.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
/// };
///
/// let request = RequestParts { method: "GET", http_minor: 1, headers };
/// let handshake = ServerHandshake::check(&request)?;
/// let mut out = Vec::new();
/// handshake.write_response(&mut out, None, None, [("X-Shard", "1")])?;
/// assert!(out.ends_with(b"Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Shard: 1\r\n\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandshake<'a> {
    key: &'a str,
    protocols: Vec<&'a str>,
    extensions: Vec<&'a [u8]>,
}

/// The fields of the response that are written here and nowhere else.
const RESERVED: &[&str] = &[
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
];

impl<'a> ServerHandshake<'a> {
    /// Checks a request against RFC 6455 section 4.2.1.
    ///
    /// Versions 13 and 8 are taken; their framing is the same. `Host` and `Origin` are not looked
    /// at: the one is up to the HTTP layer, the other to the application.
    ///
    /// # Errors
    /// What is wrong with it first, in the order of [`Rejection`].
    pub fn check<H, I>(request: &RequestParts<'_, H>) -> Result<Self, Rejection>
    where
        H: Fn(&'static str) -> I,
        I: IntoIterator<Item = &'a [u8]>,
    {
        let header = &request.headers;
        if request.method != "GET" {
            return Err(Rejection::Method);
        }
        if request.http_minor == 0 {
            return Err(Rejection::HttpVersion);
        }
        if !field::lists(header("upgrade"), "websocket") {
            return Err(Rejection::Upgrade);
        }
        if !field::lists(header("connection"), "upgrade") {
            return Err(Rejection::Connection);
        }
        let key = field::single(header("sec-websocket-key"))
            .filter(|key| key::is_nonce(key))
            .and_then(|key| str::from_utf8(key).ok())
            .ok_or(Rejection::Key)?;
        if !matches!(field::single(header("sec-websocket-version")), Some(b"13" | b"8")) {
            return Err(Rejection::Version);
        }
        let protocols =
            protocols::parse(header("sec-websocket-protocol")).ok_or(Rejection::Protocol)?;
        let extensions = header("sec-websocket-extensions").into_iter().collect();
        Ok(Self { key, protocols, extensions })
    }

    /// The subprotocols the client offers, tokens without duplicates, those it likes best first.
    pub fn protocols(&self) -> &[&'a str] {
        &self.protocols
    }

    /// The values of the `Sec-WebSocket-Extensions` fields, as they came: one list of offers, even
    /// where it is spread over several fields.
    pub fn extensions(&self) -> &[&'a [u8]] {
        &self.extensions
    }

    /// Appends the whole head of the response to `out`: `101 Switching Protocols`, with the
    /// subprotocol and the extensions agreed upon, and the caller's own fields. Frames follow
    /// right behind it.
    ///
    /// # Errors
    /// A [`Misuse`] if a subprotocol or extensions are chosen that were not offered, or if a field
    /// of the caller's is not well formed or is the handshake's own. Then `out` is as before.
    pub fn write_response<'h>(
        &self,
        out: &mut Vec<u8>,
        protocol: Option<&str>,
        extensions: Option<&str>,
        extra: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Result<(), Misuse> {
        field::all_or_nothing(out, |out| {
            out.extend_from_slice(
                b"HTTP/1.1 101 Switching Protocols\r\n\
                  Upgrade: websocket\r\n\
                  Connection: Upgrade\r\n\
                  Sec-WebSocket-Accept: ",
            );
            out.extend_from_slice(&accept_key(self.key));
            out.extend_from_slice(b"\r\n");
            if let Some(protocol) = protocol {
                if !self.protocols.contains(&protocol) {
                    return Err(Misuse::ProtocolNotOffered(protocol.into()));
                }
                field::write(out, "Sec-WebSocket-Protocol", protocol)?;
            }
            if let Some(extensions) = extensions {
                if self.extensions.is_empty() {
                    return Err(Misuse::ExtensionsNotOffered);
                }
                field::write(out, "Sec-WebSocket-Extensions", extensions)?;
            }
            field::write_extra(out, extra, RESERVED)?;
            out.extend_from_slice(b"\r\n");
            Ok(())
        })
    }
}

/// Why a request does not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The method is not `GET`.
    Method,
    /// The request is HTTP/1.0, which cannot be upgraded.
    HttpVersion,
    /// `Upgrade` does not name `websocket`.
    Upgrade,
    /// `Connection` does not name `Upgrade`.
    Connection,
    /// There is not exactly one `Sec-WebSocket-Key`, or it is not 16 bytes in base64.
    Key,
    /// `Sec-WebSocket-Version` is neither 13 nor 8.
    Version,
    /// `Sec-WebSocket-Protocol` is not a list of different tokens.
    Protocol,
}

impl Rejection {
    /// The HTTP status to answer with: 405 for a wrong method, else 400.
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            _ => 400,
        }
    }

    /// A short text for the body.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Method => "Invalid HTTP method",
            Self::HttpVersion => "Invalid HTTP version",
            Self::Upgrade => "Invalid Upgrade header",
            Self::Connection => "Invalid Connection header",
            Self::Key => "Missing or invalid Sec-WebSocket-Key header",
            Self::Version => "Missing or invalid Sec-WebSocket-Version header",
            Self::Protocol => "Invalid Sec-WebSocket-Protocol header",
        }
    }

    /// The header field to answer with, which says what would be right.
    pub const fn header(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Method => Some(("Allow", "GET")),
            Self::Version => Some(("Sec-WebSocket-Version", "13, 8")),
            _ => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests;
