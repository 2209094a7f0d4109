//! The session machine.

mod heartbeat;
mod polling;
mod post;
mod upgrade;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use self::{
    heartbeat::{Beat, Heartbeat},
    polling::Polling,
};
use crate::{
    Action, ChannelId, CloseReason, Config, Framing, InvalidPacket, Message, Outgoing, Packet,
    Protocol, Query, RequestId, Response, Sid, Transport, TransportError, json::push_string,
    payload::Dialect,
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
    Polling(Polling),
    WebSocket {
        channel: ChannelId,
    },
    /// Closed by the application while no GET was waiting: the next one takes the rest and the farewell.
    Closing {
        polling: Polling,
        until: Instant,
    },
    /// Closed by the client with a POST, while no GET was waiting: it may be on its way, on another connection, and the
    /// POST is answered when it has come or is not to be expected any more.
    Leaving {
        polling: Polling,
        until: Instant,
    },
    Closed,
}

/// How long the farewell of a client waits for the GET that was sent before it. Requests on different connections may
/// overtake each other, and who sends both at once expects the GET to come back empty, not as one of a stranger.
const FAREWELL: Duration = Duration::from_millis(15);

/// Where a message goes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Into the session, with [`Session::queue`].
    Queue,
    /// Straight onto this WebSocket.
    WebSocket {
        /// The WebSocket.
        channel: ChannelId,
        /// How binary messages go.
        framing: Framing,
    },
    /// Nowhere: the session is closing or closed.
    Closed,
}

impl Session {
    /// Opens a session as its first request asks: on long-polling, or on this WebSocket, and with all that the query says.
    ///
    /// ```
    /// use std::{borrow::Cow, sync::Arc, time::Instant};
    /// use siomio_engine::{Action, ChannelId, Config, Framing, Outgoing, Query, Session, Sid};
    ///
    /// # #[allow(clippy::disallowed_methods)]
    /// let now = Instant::now();
    /// let query = [("EIO", "4"), ("transport", "websocket"), ("b64", "1")];
    /// let query = Query::from_pairs(query.into_iter().map(|(name, value)| (name.into(), value.into())));
    /// let (sid, channel, mut actions) = (Sid::new(0, [7; 15]), ChannelId(1), Vec::new());
    /// let session = Session::open(now, Arc::default(), sid, &query, Some(channel), &mut actions);
    /// assert!(matches!(&actions[..], [Action::Transmit { packet: Outgoing::Open(_), .. }]));
    /// assert!(session.framing().base64);
    /// ```
    pub fn open(
        now: Instant,
        config: Arc<Config>,
        sid: Sid,
        query: &Query<'_>,
        channel: Option<ChannelId>,
        actions: &mut Vec<Action>,
    ) -> Self {
        let protocol = query.protocol;
        let mut session = match channel {
            Some(channel) => Self::open_websocket(now, config, sid, protocol, channel, actions),
            None => Self::open_polling(now, config, sid, protocol),
        };
        if query.base64 {
            session.set_base64();
        }
        if let Some(index) = &query.jsonp {
            session.set_jsonp(index);
        }
        session
    }

    /// Opens a session that starts on long-polling. Its open packet is queued for the first answer.
    ///
    /// All deadlines count from `now`.
    pub fn open_polling(now: Instant, config: Arc<Config>, sid: Sid, protocol: Protocol) -> Self {
        let heartbeat = Heartbeat::new(now, &config, protocol);
        let mut polling = Polling::new(Dialect::new(protocol));
        polling.queue(open_packet(&config, &sid, Transport::Polling));
        config.initial_packet.iter().for_each(|packet| polling.queue(packet.clone()));
        Self {
            config,
            sid,
            protocol,
            base64: false,
            heartbeat,
            post: None,
            state: State::Polling(polling),
            last: Transport::Polling,
        }
    }

    /// Opens a session that starts on a WebSocket; its open packet is the first action.
    pub fn open_websocket(
        now: Instant,
        config: Arc<Config>,
        sid: Sid,
        protocol: Protocol,
        channel: ChannelId,
        actions: &mut Vec<Action>,
    ) -> Self {
        let heartbeat = Heartbeat::new(now, &config, protocol);
        let open = open_packet(&config, &sid, Transport::WebSocket);
        let packets = std::iter::once(open).chain(config.initial_packet.clone());
        actions.extend(packets.map(|packet| Action::Transmit { channel, packet }));
        Self {
            config,
            sid,
            protocol,
            base64: false,
            heartbeat,
            post: None,
            state: State::WebSocket { channel },
            last: Transport::WebSocket,
        }
    }

    /// Binary messages go out as base64 text on the transport that the session began on (`b64` in its query). Call it
    /// before anything is flushed.
    pub fn set_base64(&mut self) {
        self.base64 = true;
        if let State::Polling(polling) = &mut self.state {
            polling.dialect.text_only();
        }
    }

    /// The client polls with script elements and wants to be called by this number (`j` in the query that opened the session).
    /// Call it before anything is flushed.
    ///
    /// Only clients of revision 3 know this; the sessions of others go on as they are, where the reference would answer them
    /// with scripts, too.
    pub fn set_jsonp(&mut self, index: &str) {
        if let State::Polling(polling) = &mut self.state {
            polling.dialect.jsonp(index);
        }
    }

    /// A GET arrived. It waits until [`flush`](Self::flush) has something for it.
    ///
    /// A second one beside it ends the session: the first is told so, the second refused.
    pub fn handle_get(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if let State::Polling(polling) = &mut self.state {
            // A GET in front that can be answered would have been, had it not come in the same batch.
            polling.flush(actions);
        }
        match &mut self.state {
            State::Polling(polling) if polling.get.is_none() => polling.get = Some(request),
            State::Polling(_) => {
                self.end(CloseReason::TransportError(TransportError::GetOverlap), actions);
                respond(request, Response::Refused, actions);
            }
            State::Closing { polling, .. } => {
                polling.get = Some(request);
                if polling.is_empty() {
                    self.end(CloseReason::ForcedClose, actions);
                } else {
                    polling.flush(actions);
                }
            }
            State::Leaving { polling, .. } => {
                polling.get = Some(request);
                polling.dismiss(actions);
                self.end(CloseReason::TransportClose, actions);
            }
            State::WebSocket { .. } | State::Closed => respond(request, Response::Refused, actions),
        }
    }

    /// The connection of a GET ended before its answer.
    pub fn handle_get_gone(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if let State::Polling(polling) = &mut self.state {
            if polling.get == Some(request) {
                polling.get = None;
                self.end(CloseReason::TransportError(TransportError::GetAborted), actions);
            }
        }
    }

    /// A connection ended before the requests on it were answered: the GET that waits, the POST whose body is being read, or
    /// neither. The same as [`handle_get_gone`](Self::handle_get_gone) and [`handle_post_gone`](Self::handle_post_gone) for
    /// whoever keeps no list of requests.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Instant};
    /// use siomio_engine::{Action, CloseReason, Protocol, RequestId, Session, Sid, TransportError};
    ///
    /// # #[allow(clippy::disallowed_methods)]
    /// # let now = Instant::now();
    /// # let mut actions = Vec::new();
    /// let mut session = Session::open_polling(now, Arc::default(), Sid::new(0, [7; 15]), Protocol::V4);
    /// session.handle_get(RequestId { connection: 5, sequence: 0 }, &mut actions);
    /// session.handle_connection_gone(6, &mut actions);
    /// assert!(session.is_open());
    /// session.handle_connection_gone(5, &mut actions);
    /// let reason = CloseReason::TransportError(TransportError::GetAborted);
    /// assert_eq!(actions, [Action::Closed { reason }]);
    /// ```
    pub fn handle_connection_gone(&mut self, connection: u64, actions: &mut Vec<Action>) {
        let is_on_it = |request: &RequestId| request.connection == connection;
        if let State::Polling(Polling { get: Some(get), .. }) = self.state {
            if is_on_it(&get) {
                self.handle_get_gone(get, actions);
            }
        }
        if let Some(post) = self.post.filter(is_on_it) {
            self.handle_post_gone(post, actions);
        }
    }

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

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` once closed.
    pub fn deadline(&self) -> Option<Instant> {
        let probe = |polling: &Polling| polling.probe.as_ref().map(|probe| probe.deadline);
        let (first, second) = match &self.state {
            State::Polling(polling) => (self.heartbeat.deadline(), probe(polling)),
            State::WebSocket { .. } => (self.heartbeat.deadline(), None),
            State::Closing { polling, until } => (*until, probe(polling)),
            State::Leaving { until, .. } => (*until, None),
            State::Closed => return None,
        };
        Some(second.map_or(first, |second| first.min(second)))
    }

    /// Where messages go now.
    pub fn lane(&self) -> Lane {
        match self.state {
            State::Polling(_) => Lane::Queue,
            State::WebSocket { channel } => Lane::WebSocket { channel, framing: self.framing() },
            State::Closing { .. } | State::Leaving { .. } | State::Closed => Lane::Closed,
        }
    }

    /// Queues a packet for the next answer to a GET. Only for [`Lane::Queue`]: elsewhere it is dropped.
    ///
    /// What is queued between two flushes leaves in one answer, so a message and its attachments stay together.
    pub fn queue(&mut self, packet: Outgoing) {
        if let State::Polling(polling) = &mut self.state {
            polling.queue(packet);
        }
    }

    /// Sends a packet: queues it for the next answer to a GET, or asks for it to be transmitted on the WebSocket. Dropped
    /// when the session is closing or closed.
    ///
    /// The simple way; who wants to write straight into the WebSocket's buffer asks for the [`lane`](Self::lane).
    pub fn send(&mut self, packet: Outgoing, actions: &mut Vec<Action>) {
        match &mut self.state {
            State::Polling(polling) => polling.queue(packet),
            State::WebSocket { channel } => {
                actions.push(Action::Transmit { channel: *channel, packet });
            }
            State::Closing { .. } | State::Leaving { .. } | State::Closed => {}
        }
    }

    /// Whether a packet that is queued now leaves with the next flush, with nothing in front of it.
    pub fn is_writable(&self) -> bool {
        match &self.state {
            State::Polling(polling) => polling.get.is_some() && polling.is_empty(),
            State::WebSocket { .. } => true,
            State::Closing { .. } | State::Leaving { .. } | State::Closed => false,
        }
    }

    /// Whether a GET waits, so that what is queued leaves with the next flush.
    pub fn is_polled(&self) -> bool {
        matches!(&self.state, State::Polling(polling) if polling.get.is_some())
    }

    /// How binary messages go out on a WebSocket.
    pub fn framing(&self) -> Framing {
        Framing { protocol: self.protocol, base64: self.base64 }
    }

    /// Bytes that wait in the session.
    pub fn queued_bytes(&self) -> usize {
        match &self.state {
            State::Polling(polling) | State::Closing { polling, .. } => polling.queued_bytes(),
            State::WebSocket { .. } | State::Leaving { .. } | State::Closed => 0,
        }
    }

    /// Answers a waiting GET if there is anything to say: what is queued, or, during an upgrade, a noop.
    ///
    /// Call it when a batch of input has been worked off, so that answers to messages that came together leave
    /// together. During an upgrade every GET is answered at once: the client waits for that before it completes,
    /// and may have sent a new GET before it learnt that it should stop.
    pub fn flush(&mut self, actions: &mut Vec<Action>) {
        if let State::Polling(polling) = &mut self.state {
            polling.flush(actions);
        }
    }

    /// Closes gracefully: what is queued still goes out.
    ///
    /// Over WebSocket, and with a GET waiting that has nothing else to take, the session is closed at once. Otherwise it
    /// is closing until a GET has come for the rest and another for the farewell, and drops what is sent or received
    /// meanwhile. The farewell travels alone: clients work off the messages of a payload later than the close packet
    /// behind them, and would lose them.
    pub fn close(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match &mut self.state {
            State::Polling(polling) if polling.get.is_none() || !polling.is_empty() => {
                polling.flush(actions);
                let polling = std::mem::take(polling);
                self.state = State::Closing { polling, until: now + self.config.close_timeout };
            }
            State::Polling(_) | State::WebSocket { .. } => {
                self.end(CloseReason::ForcedClose, actions);
            }
            State::Closing { .. } | State::Leaving { .. } | State::Closed => {}
        }
    }

    /// Closes at once; what is queued is dropped.
    pub fn discard(&mut self, reason: CloseReason, actions: &mut Vec<Action>) {
        if let State::Polling(polling) | State::Closing { polling, .. } = &mut self.state {
            polling.clear();
        }
        self.end(reason, actions);
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

    /// The peer sent a close packet.
    fn handle_close(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if let State::Polling(polling) = &mut self.state {
            if polling.get.is_none() && polling.probe.is_none() && self.post.is_some() {
                let polling = std::mem::take(polling);
                self.state = State::Leaving { polling, until: now + FAREWELL };
                return;
            }
            polling.dismiss(actions);
        }
        self.end(CloseReason::TransportClose, actions);
    }

    /// Leaves every state for good, telling whoever waits.
    fn end(&mut self, reason: CloseReason, actions: &mut Vec<Action>) {
        self.last = self.transport();
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Polling(mut polling) => polling.end(&[], actions),
            // The client has not been told by anything else that a GET without news means the end.
            State::Closing { mut polling, .. } => polling.end(&[Outgoing::Noop], actions),
            State::WebSocket { channel } => actions.push(Action::CloseChannel { channel }),
            State::Leaving { .. } => {
                let post = self.post.take();
                post.into_iter().for_each(|post| respond(post, Response::Accepted, actions));
            }
            State::Closed => return,
        }
        if reason == CloseReason::TransportError(TransportError::PostOverlap) {
            if let Some(request) = self.post.take() {
                actions.push(Action::Abort { request });
            }
        }
        actions.push(Action::Closed { reason });
    }
}

fn respond(request: RequestId, response: Response, actions: &mut Vec<Action>) {
    actions.push(Action::Respond { request, response });
}

/// The handshake; the order of its keys is that of the reference.
fn open_packet(config: &Config, sid: &Sid, transport: Transport) -> Outgoing {
    let upgrades = match transport {
        Transport::Polling if config.allow_upgrades && config.transports.websocket => {
            "\"websocket\""
        }
        _ => "",
    };
    let mut packet = r#"{"sid":"#.to_owned();
    push_string(&mut packet, sid.as_str());
    packet.push_str(&format!(
        r#","upgrades":[{upgrades}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.max_payload,
    ));
    Outgoing::Open(packet.into())
}

#[cfg(test)]
mod tests;
