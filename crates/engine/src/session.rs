//! The session machine.

mod closing;
mod get;
mod heartbeat;
mod open;
mod outgoing;
mod polling;
mod post;
mod upgrade;

use std::{sync::Arc, time::Instant};

pub use self::outgoing::Lane;
use self::{
    heartbeat::{Beat, Heartbeat},
    polling::Polling,
};
use crate::{
    Action, ChannelId, CloseReason, Config, InvalidPacket, Message, Outgoing, Packet, Protocol,
    RequestId, Response, Sid, Transport, TransportError,
};

/// One Engine.IO session: the polling slot, the WebSocket, the upgrade between them, heartbeat and end.
///
/// ```text
///  open(polling)                                     open(websocket)
///       │                                                  │
///       ▼                       "5" on the probe           ▼
///    Polling ────────────────────────────────────────► WebSocket
///    │  │ ▲ second WebSocket: a probe lives inside of      │
///    │  │ │ Polling until it completes, fails or is late   │
///    │  └─┘                                                │
///    │ close() with no GET to tell it                      │
///    ▼                                                     ▼
///  Closing ── GET, or close_timeout ──────────────────► Closed ◄── close, violation, timeout: from everywhere
///                                                          ▲
///  Polling ── "1" in a POST, no GET waits ──► Leaving ─────┘ GET, or a moment
/// ```
///
/// `handle_*` methods take what came from outside, plain verbs what the application wants; both append [`Action`]s
/// to the caller's list. After any of them, carry out the actions; before waiting for more input, call
/// [`flush`](Self::flush), and wake the session with [`handle_timeout`](Self::handle_timeout) at its
/// [`deadline`](Self::deadline). A timer may be coarse, a protocol is not: also call `handle_timeout` before a
/// request is matched to the session, so that one whose time is over is not found any more.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    sid: Sid,
    protocol: Protocol,
    /// Binary messages go out as base64 text on the WebSocket, as they always do on polling.
    base64: bool,
    heartbeat: Heartbeat,
    /// The POST whose body is being read.
    post: Option<RequestId>,
    state: State,
    /// The transport that the session was on when it ended.
    last: Transport,
}

#[derive(Debug)]
enum State {
    Polling(Box<Polling>),
    WebSocket {
        channel: ChannelId,
    },
    /// Closed by the application while no GET was waiting: the next one takes the rest and the farewell.
    Closing {
        polling: Box<Polling>,
        until: Instant,
    },
    /// Closed by the client with a POST, while no GET was waiting: it may be on its way, on another connection, and the
    /// POST is answered when it has come or is not to be expected any more.
    Leaving {
        polling: Box<Polling>,
        until: Instant,
    },
    Closed,
}

impl Session {
    /// A packet of the session's own transport, or what stood in its place. Returns a message for the application.
    ///
    /// Those from the body of a POST go to [`handle_post_packet`](Self::handle_post_packet).
    pub fn handle_packet<'m>(
        &mut self,
        now: Instant,
        packet: Result<Packet<'m>, InvalidPacket>,
        actions: &mut Vec<Action>,
    ) -> Option<Message<'m>> {
        if !self.is_open() {
            return None;
        }
        let Ok(packet) = packet else {
            self.end(CloseReason::ParseError, actions);
            return None;
        };
        match packet {
            Packet::Message(message) => {
                self.heartbeat.handle_activity(now, &self.config);
                return Some(message);
            }
            Packet::Pong if self.protocol == Protocol::V4 => {
                self.heartbeat.handle_pong(now, &self.config);
            }
            Packet::Ping(_) if self.protocol == Protocol::V3 => {
                self.heartbeat.handle_ping(now, &self.config);
                self.send(Outgoing::Pong, actions);
            }
            Packet::Ping(_) | Packet::Pong => {
                self.end(CloseReason::TransportError(TransportError::HeartbeatDirection), actions);
            }
            Packet::Close => self.handle_close(now, actions),
            Packet::Open | Packet::Upgrade | Packet::Noop => {
                self.heartbeat.handle_activity(now, &self.config);
            }
        }
        None
    }

    /// Time has passed: sends a ping that is due, ends what is late. Harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if let State::Polling(polling) | State::Closing { polling, .. } = &mut self.state {
            if polling.probe.as_ref().is_some_and(|probe| probe.deadline <= now) {
                polling.abort_probe(actions);
            }
        }
        match &self.state {
            State::Closing { until, .. } if *until <= now => {
                return self.end(CloseReason::ForcedClose, actions);
            }
            State::Leaving { until, .. } if *until <= now => {
                return self.end(CloseReason::TransportClose, actions);
            }
            State::Closing { .. } | State::Leaving { .. } | State::Closed => return,
            State::Polling(_) | State::WebSocket { .. } => {}
        }
        match self.heartbeat.handle_timeout(now, &self.config) {
            Beat::Quiet => {}
            Beat::Ping => self.send(Outgoing::Ping, actions),
            Beat::Dead => self.end(CloseReason::PingTimeout, actions),
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` once closed, or when nothing is expected.
    pub fn deadline(&self) -> Option<Instant> {
        let probe = |polling: &Polling| polling.probe.as_ref().map(|probe| probe.deadline);
        let (first, second) = match &self.state {
            State::Polling(polling) => (self.heartbeat.deadline(), probe(polling)),
            State::WebSocket { .. } => (self.heartbeat.deadline(), None),
            State::Closing { polling, until } => (Some(*until), probe(polling)),
            State::Leaving { until, .. } => (Some(*until), None),
            State::Closed => (None, None),
        };
        first.into_iter().chain(second).min()
    }

    /// Nobody reads what the client sends from now on, for reasons of our own: nothing is expected of it, and no ping is sent,
    /// until [`resume_heartbeat`](Self::resume_heartbeat). Limit the time for which this is so.
    pub fn suspend_heartbeat(&mut self) {
        self.heartbeat.suspend();
    }

    /// What the client sends is read again, and it has all its time for a pong that it owes.
    pub fn resume_heartbeat(&mut self, now: Instant) {
        self.heartbeat.resume(now, &self.config, self.protocol);
    }

    /// The session's id.
    pub fn sid(&self) -> &Sid {
        &self.sid
    }

    /// The revision of the protocol that the session speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The transport that the session is on, or was on when it ended.
    pub fn transport(&self) -> Transport {
        match self.state {
            State::WebSocket { .. } => Transport::WebSocket,
            State::Polling(_) | State::Closing { .. } | State::Leaving { .. } => Transport::Polling,
            State::Closed => self.last,
        }
    }

    /// Whether messages are received and sent.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Polling(_) | State::WebSocket { .. })
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}

fn respond(request: RequestId, response: Response, actions: &mut Vec<Action>) {
    actions.push(Action::Respond { request, response });
}

#[cfg(test)]
mod tests;
