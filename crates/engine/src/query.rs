//! What a request says about itself, and whether it may proceed.

use std::borrow::Cow;

use crate::{BadRequest, Config, Refusal, Session};

/// Revision of the Engine.IO protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Revision 3: clients of Socket.IO 1 and 2.
    V3,
    /// Revision 4: clients of Socket.IO 3 and 4.
    V4,
}

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// The query parameters that the protocol knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// `EIO`: exactly `4` is revision 4; everything else, and nothing, is 3.
    pub protocol: Protocol,
    /// `transport`; `None` when absent or unknown.
    pub transport: Option<Transport>,
    /// `sid`; an empty one counts as absent.
    pub sid: Option<Cow<'a, str>>,
    /// `b64`: binary messages must travel as base64.
    pub base64: bool,
    /// `j`, its digits: a client of revision 3 polls with script elements. The first request of a session decides.
    pub jsonp: Option<Box<str>>,
}

impl<'a> Query<'a> {
    /// Picks the protocol's parameters out of decoded pairs; of duplicates the last counts.
    pub fn from_pairs(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        let mut query =
            Self { protocol: Protocol::V3, transport: None, sid: None, base64: false, jsonp: None };
        for (name, value) in pairs {
            match &*name {
                "EIO" => query.protocol = if value == "4" { Protocol::V4 } else { Protocol::V3 },
                "transport" => {
                    query.transport = match &*value {
                        "polling" => Some(Transport::Polling),
                        "websocket" => Some(Transport::WebSocket),
                        _ => None,
                    };
                }
                "sid" => query.sid = (!value.is_empty()).then_some(value),
                "b64" => query.base64 = !value.is_empty(),
                "j" => query.jsonp = Some(value.chars().filter(char::is_ascii_digit).collect()),
                _ => {}
            }
        }
        query
    }
}

/// What [`verify`] needs to know of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its query.
    pub query: &'a Query<'a>,
    /// Whether the method is GET.
    pub is_get: bool,
    /// Whether it asks to become a WebSocket.
    pub is_upgrade: bool,
    /// The Origin header, if any.
    pub origin: Option<&'a [u8]>,
}

/// What an accepted request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It opens a session on this transport.
    Handshake(Transport),
    /// It belongs to the session it names.
    Session,
}

/// Checks a request in the order that the protocol prescribes; `session` is the one that its `sid` names. A closed one
/// is as good as none. Whoever reads HTTP strictly has refused a bad `Origin` before.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn verify(
    request: Request<'_>,
    config: &Config,
    session: Option<&Session>,
) -> Result<Admission, Refusal> {
    let query = request.query;
    let transport = query
        .transport
        .filter(|transport| match transport {
            Transport::Polling => config.transports.polling,
            Transport::WebSocket => config.transports.websocket,
        })
        .ok_or(Refusal::TransportUnknown)?;
    if request.origin.is_some_and(|origin| {
        origin.iter().any(|&byte| (byte < b' ' && byte != b'\t') || byte == 0x7f)
    }) {
        return Err(Refusal::BadRequest(BadRequest::InvalidOrigin));
    }
    if query.sid.is_some() {
        let session = session.filter(|session| !session.is_closed()).ok_or(Refusal::UnknownSid)?;
        if !request.is_upgrade && session.transport() != transport {
            return Err(Refusal::BadRequest(BadRequest::TransportMismatch));
        }
        if session.protocol() != query.protocol {
            return Err(Refusal::BadRequest(BadRequest::ProtocolMismatch));
        }
        return Ok(Admission::Session);
    }
    if !request.is_get {
        return Err(Refusal::BadHandshakeMethod);
    }
    if transport == Transport::WebSocket && !request.is_upgrade {
        return Err(Refusal::BadRequest(BadRequest::TransportHandshake));
    }
    match query.protocol {
        Protocol::V3 if !config.allow_eio3 => Err(Refusal::UnsupportedProtocol),
        Protocol::V3 | Protocol::V4 => Ok(Admission::Handshake(transport)),
    }
}

#[cfg(test)]
mod tests;
