//! How a session begins.

use std::{sync::Arc, time::Instant};

use super::{Heartbeat, Polling, Session, State};
use crate::{
    Action, ChannelId, Config, Outgoing, Protocol, Query, Sid, Transport, json::push_string,
    payload::Dialect,
};

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
        let mut polling = Polling::new(Dialect::new(protocol));
        polling.queue(open_packet(&config, &sid, Transport::Polling));
        config.initial_packet.iter().for_each(|packet| polling.queue(packet.clone()));
        Self::new(now, config, sid, protocol, State::Polling(Box::new(polling)))
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
        let open = open_packet(&config, &sid, Transport::WebSocket);
        let packets = std::iter::once(open).chain(config.initial_packet.clone());
        actions.extend(packets.map(|packet| Action::Transmit { channel, packet }));
        Self::new(now, config, sid, protocol, State::WebSocket { channel })
    }

    fn new(now: Instant, config: Arc<Config>, sid: Sid, protocol: Protocol, state: State) -> Self {
        let heartbeat = Heartbeat::new(now, &config, protocol);
        // Counts from its end on.
        let last = Transport::Polling;
        Self { config, sid, protocol, base64: false, heartbeat, post: None, state, last }
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
