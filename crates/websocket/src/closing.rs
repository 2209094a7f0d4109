use crate::{CloseCode, CloseFrame, Role};

/// How far the closing handshake of one connection has come (RFC 6455 section 7).
///
/// ```text
///          we send                          peer's close arrives
///   Open ───────────────► LocalSent ──────────────────────────────► Done
///     │                                                              ▲
///     │ peer's close arrives                                we send  │
///     └────────────────────────► RemoteReceived ─────────────────────┘
/// ```
///
/// The caller says what happened ([`received`](Self::received), [`sent`](Self::sent)) and asks what
/// follows from it. Deadlines are the caller's: a peer that never answers our close, or a server
/// that never closes the TCP connection, is cut off by them. A connection whose
/// [`Reader`](crate::Reader) failed waits for nothing: it sends its close, if it
/// [may](Self::may_send), and ends.
///
/// ```
/// use siomio_websocket::{Answer, CloseCode, CloseFrame, Closing, Role, write_close};
///
/// let mut closing = Closing::Open;
/// let close = CloseFrame { code: CloseCode::GOING_AWAY, reason: "".into() };
/// let mut out = Vec::new();
/// if let Answer::Echo(code) = closing.received(Some(&close)) {
///     write_close(&mut out, code.map(|code| (code, "")), None);
///     closing.sent();
/// }
/// assert_eq!(out, [0x88, 0x02, 0x03, 0xe9]);
/// assert!(closing.ends_tcp(Role::Server));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Closing {
    /// Neither side has sent a close frame.
    #[default]
    Open,
    /// We have sent ours and wait for the peer's; messages that arrive meanwhile were sent before
    /// the peer saw it.
    LocalSent,
    /// The peer has sent its close and waits for ours; messages already begun may go out before.
    RemoteReceived,
    /// Both sides have sent theirs.
    Done,
}

/// What a peer's close frame asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Answer {
    /// Send a close frame with this code, without payload for `None`, and then call
    /// [`Closing::sent`].
    Echo(Option<CloseCode>),
    /// Nothing more is sent: ours went out before.
    Nothing,
}

impl Closing {
    /// The peer's close frame arrived: tells what to answer. Its code is echoed, an empty frame is
    /// answered by an empty one.
    pub fn received(&mut self, close: Option<&CloseFrame<'_>>) -> Answer {
        match self {
            Self::Open | Self::RemoteReceived => {
                *self = Self::RemoteReceived;
                Answer::Echo(close.map(|close| close.code))
            }
            Self::LocalSent | Self::Done => {
                *self = Self::Done;
                Answer::Nothing
            }
        }
    }

    /// Our close frame was written, whether on our own account or in answer.
    pub fn sent(&mut self) {
        *self = match self {
            Self::Open | Self::LocalSent => Self::LocalSent,
            Self::RemoteReceived | Self::Done => Self::Done,
        };
    }

    /// Whether a frame of any kind may still be written: no longer once our close frame was.
    pub const fn may_send(self) -> bool {
        matches!(self, Self::Open | Self::RemoteReceived)
    }

    /// Whether both close frames have gone their way.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }

    /// Whether it is now on this side to close the TCP connection, after what is written is
    /// flushed. The server closes first, so that the waiting of TCP after a close is the
    /// server's; a client reads to the end of the stream, up to a deadline.
    pub const fn ends_tcp(self, role: Role) -> bool {
        matches!((self, role), (Self::Done, Role::Server))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    const GOING_AWAY: CloseFrame<'_> =
        CloseFrame { code: CloseCode::GOING_AWAY, reason: Cow::Borrowed("bye") };

    #[test]
    fn the_peer_closes_and_is_answered_in_kind() {
        for (close, code) in [(Some(&GOING_AWAY), Some(CloseCode::GOING_AWAY)), (None, None)] {
            let mut closing = Closing::default();
            assert!(closing.may_send());
            assert_eq!(closing.received(close), Answer::Echo(code));
            assert_eq!(closing, Closing::RemoteReceived);
            assert!(closing.may_send() && !closing.is_done());
            closing.sent();
            assert!(closing.is_done() && !closing.may_send());
        }
    }

    #[test]
    fn we_close_and_the_peer_answers() {
        let mut closing = Closing::Open;
        closing.sent();
        assert_eq!(closing, Closing::LocalSent);
        assert!(!closing.may_send() && !closing.is_done());
        assert_eq!(closing.received(Some(&GOING_AWAY)), Answer::Nothing);
        assert!(closing.is_done() && !closing.may_send());
    }

    #[test]
    fn both_close_at_once() {
        let (mut server, mut client) = (Closing::Open, Closing::Open);
        server.sent();
        client.sent();
        assert_eq!(server.received(None), Answer::Nothing);
        assert_eq!(client.received(None), Answer::Nothing);
        assert!(server.is_done() && client.is_done());
    }

    #[test]
    fn only_the_server_ends_the_tcp_connection_and_only_when_done() {
        for state in [Closing::Open, Closing::LocalSent, Closing::RemoteReceived, Closing::Done] {
            assert_eq!(state.ends_tcp(Role::Server), state == Closing::Done);
            assert!(!state.ends_tcp(Role::Client));
        }
    }
}
