//! The request that a connection is in the middle of.

use std::time::Instant;

use siomio_http::Head;

use crate::config::MAX_DISCARD;

/// What is known of the request that is being read.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// When its first byte came; for the first one of a connection, when that did.
    pub(crate) begun: Instant,
    /// Its number, from the end of its head to the end of its body.
    pub(crate) number: Option<u64>,
    pub(crate) leave: Leave,
    /// Bytes of its body that nobody wanted.
    pub(crate) discarded: usize,
}

/// The `100 Continue` of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// The client waits for it, or for an answer in its place.
    Owed,
    /// It was given, taken without asking, or is not needed.
    Given,
}

impl Incoming {
    /// Nothing yet.
    pub(crate) const fn new(begun: Instant) -> Self {
        Self { begun, number: None, leave: Leave::Given, discarded: 0 }
    }

    /// A request whose head was read.
    pub(crate) fn of(head: &Head<'_>, number: u64, begun: Instant) -> Self {
        let expects = head.expects_continue() || head.expects_more();
        let leave = if expects && head.has_body() { Leave::Owed } else { Leave::Given };
        Self { begun, number: Some(number), leave, discarded: 0 }
    }

    /// Whether the connection has to end with the answer to a request, because the rest of that is too long to be read away,
    /// or nobody knows whether it comes at all: the client was never told to send it (RFC 9110 §10.1.1).
    pub(crate) fn ends_with(&self, number: u64, body_left: Option<u64>) -> bool {
        let is_long = body_left.is_some_and(|left| left > MAX_DISCARD as u64);
        self.number == Some(number) && (is_long || self.leave == Leave::Owed)
    }
}
