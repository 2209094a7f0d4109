//! Which number is which, for sessions and requests.

use siomio_engine::{CloseReason, Refusal, Transport};

use super::{Counts, count::Count};

impl Counts {
    /// Sessions that are open on a transport.
    pub(crate) fn sessions(&self, transport: Transport) -> &Count {
        match transport {
            Transport::Polling => &self.sessions_polling,
            Transport::WebSocket => &self.sessions_websocket,
        }
    }

    /// Sessions that were opened on a transport.
    pub(crate) fn opened(&self, transport: Transport) -> &Count {
        match transport {
            Transport::Polling => &self.opened_polling,
            Transport::WebSocket => &self.opened_websocket,
        }
    }

    /// Sessions that ended for a reason.
    pub(crate) fn closed(&self, reason: CloseReason) -> &Count {
        match reason {
            CloseReason::TransportError(_) => &self.closed_transport_error,
            CloseReason::TransportClose => &self.closed_transport_close,
            CloseReason::PingTimeout => &self.closed_ping_timeout,
            CloseReason::ParseError => &self.closed_parse_error,
            CloseReason::SlowConsumer => &self.closed_slow_consumer,
            CloseReason::Overloaded => &self.closed_overloaded,
            // There are no others.
            _ => &self.closed_forced,
        }
    }

    /// Requests that were refused so.
    pub(crate) fn refused(&self, refusal: &Refusal) -> &Count {
        match refusal.code() {
            0 => &self.refused_transport_unknown,
            1 => &self.refused_unknown_sid,
            2 => &self.refused_handshake_method,
            4 => &self.refused_forbidden,
            5 => &self.refused_protocol,
            _ => &self.refused_bad_request,
        }
    }
}
