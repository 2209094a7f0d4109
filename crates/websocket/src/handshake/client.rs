use std::{fmt, str};

use super::key::encode_nonce;
use super::{Misuse, accept_key, field, protocols};

/// The client's side of one opening handshake: writes the request, judges the response.
///
/// ```
/// use siomio_websocket::handshake::ClientHandshake;
///
/// let nonce = *b"the sample nonce"; // of course: 16 random bytes
/// let mut handshake = ClientHandshake::new(nonce);
/// let mut out = Vec::new();
/// handshake.write_request(&mut out, "example.com", "/chat", &["superchat"], [])?;
///
/// // ... the response is read by any HTTP parser
/// let headers = |name: &str| -> Option<&[u8]> {
///     Some(match name {
///         "upgrade" => b"websocket",
///         "connection" => b"Upgrade",
///         "sec-websocket-accept" => b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
///         "sec-websocket-protocol" => b"superchat",
///         _ => return None,
///     })
/// };
/// let accepted = handshake.verify(101, headers)?;
/// assert_eq!(accepted.protocol, Some("superchat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    key: String,
    /// What the last request offered.
    protocols: Vec<String>,
    extensions: bool,
}

/// The fields of the request that are written here and nowhere else.
const RESERVED: &[&str] = &[
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
];

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

impl ClientHandshake {
    /// A handshake with a fresh, unpredictable nonce.
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { key: encode_nonce(nonce), protocols: Vec::new(), extensions: false }
    }

    /// Appends the whole head of the request to `out` (RFC 6455 section 4.1), and remembers what
    /// it offers.
    ///
    /// `host` is the host with the port unless that is the scheme's own, `target` the path and the
    /// query. Extensions are offered by a `Sec-WebSocket-Extensions` field among `extra`.
    ///
    /// # Errors
    /// A [`Misuse`] if the target, a subprotocol or a field is not well formed, or a field is the
    /// handshake's own. Then `out` is as before.
    pub fn write_request<'h>(
        &mut self,
        out: &mut Vec<u8>,
        host: &str,
        target: &str,
        protocols: &[&str],
        extra: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Result<(), Misuse> {
        if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Misuse::Target(target.into()));
        }
        if let Some(bad) = protocols.iter().find(|name| !field::is_token(name.as_bytes())) {
            return Err(Misuse::Protocol((*bad).into()));
        }
        if let Some(twice) = protocols::duplicate(protocols) {
            return Err(Misuse::Protocol(twice.into()));
        }

        let mut extensions = false;
        let extra = extra.into_iter().inspect(|(name, _)| {
            extensions |= name.eq_ignore_ascii_case(EXTENSIONS);
        });
        field::all_or_nothing(out, |out| {
            for part in ["GET ", target, " HTTP/1.1\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
            field::write(out, "Host", host)?;
            field::write(out, "Upgrade", "websocket")?;
            field::write(out, "Connection", "Upgrade")?;
            field::write(out, "Sec-WebSocket-Key", &self.key)?;
            field::write(out, "Sec-WebSocket-Version", "13")?;
            if !protocols.is_empty() {
                field::write(out, "Sec-WebSocket-Protocol", &protocols.join(", "))?;
            }
            field::write_extra(out, extra, RESERVED)?;
            out.extend_from_slice(b"\r\n");
            Ok(())
        })?;
        self.protocols = protocols.iter().copied().map(String::from).collect();
        self.extensions = extensions;
        Ok(())
    }

    /// Checks the head of the response; frames follow right behind it.
    ///
    /// `headers` is as in [`RequestParts`](super::RequestParts).
    ///
    /// # Errors
    /// What is wrong with it first, in the order of [`Refusal`].
    pub fn verify<'a, H, I>(&self, status: u16, headers: H) -> Result<Accepted<'a>, Refusal>
    where
        H: Fn(&'static str) -> I,
        I: IntoIterator<Item = &'a [u8]>,
    {
        if status != 101 {
            return Err(Refusal::Status(status));
        }
        if !field::lists(headers("upgrade"), "websocket") {
            return Err(Refusal::Upgrade);
        }
        if !field::lists(headers("connection"), "upgrade") {
            return Err(Refusal::Connection);
        }
        if field::single(headers("sec-websocket-accept")) != Some(&accept_key(&self.key)) {
            return Err(Refusal::AcceptKey);
        }
        let protocol = match headers("sec-websocket-protocol").into_iter().count() {
            0 => None,
            _ => Some(
                field::single(headers("sec-websocket-protocol"))
                    .and_then(|name| str::from_utf8(name).ok())
                    .filter(|name| self.protocols.iter().any(|offered| offered == name))
                    .ok_or(Refusal::Protocol)?,
            ),
        };
        let extensions: Vec<_> = headers("sec-websocket-extensions").into_iter().collect();
        if !extensions.is_empty() && !self.extensions {
            return Err(Refusal::Extensions);
        }
        Ok(Accepted { protocol, extensions })
    }
}

/// What the server agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// The subprotocol it chose among those offered.
    pub protocol: Option<&'a str>,
    /// The values of its `Sec-WebSocket-Extensions` fields, as they came; empty if none were
    /// offered.
    pub extensions: Vec<&'a [u8]>,
}

/// Why a response does not open a WebSocket (RFC 6455 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The status is this one and not 101: an ordinary HTTP response, such as a redirection.
    Status(u16),
    /// `Upgrade` does not name `websocket`.
    Upgrade,
    /// `Connection` does not name `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` does not answer our key.
    AcceptKey,
    /// `Sec-WebSocket-Protocol` names something we did not offer.
    Protocol,
    /// `Sec-WebSocket-Extensions` agrees to something though we offered nothing.
    Extensions,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status(status) => return write!(f, "the server answered with status {status}"),
            Self::Upgrade => "the server does not upgrade to websocket",
            Self::Connection => "the server does not upgrade the connection",
            Self::AcceptKey => "the server's accept key does not answer ours",
            Self::Protocol => "the server chose a subprotocol that was not offered",
            Self::Extensions => "the server chose extensions though none were offered",
        })
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests;
