//! The session's WebSockets: its own, and the one that wants to become it.

use std::time::Instant;

use super::{Session, State, polling::Probe, respond};
use crate::{
    Action, ChannelId, CloseReason, InvalidPacket, Message, Outgoing, Packet, Protocol, Response,
    TransportError,
};

impl Session {
    /// A WebSocket with this session's id was opened: the beginning of an upgrade.
    ///
    /// It is closed again at once, and the session left alone, when an upgrade is under way or done. `base64` says that its
    /// request asked for binary messages as base64 text (`b64`).
    pub fn handle_channel(
        &mut self,
        now: Instant,
        channel: ChannelId,
        base64: bool,
        actions: &mut Vec<Action>,
    ) {
        match &mut self.state {
            State::Polling(polling) | State::Closing { polling, .. } if polling.probe.is_none() => {
                let deadline = now + self.config.upgrade_timeout;
                polling.probe = Some(Probe { channel, answered: false, base64, deadline });
            }
            _ => actions.push(Action::CloseChannel { channel }),
        }
    }

    /// A message arrived on one of the session's WebSockets. Returns what is for the application.
    pub fn handle_channel_message<'m>(
        &mut self,
        now: Instant,
        channel: ChannelId,
        message: Message<'m>,
        actions: &mut Vec<Action>,
    ) -> Option<Message<'m>> {
        match &mut self.state {
            State::WebSocket { channel: own } if *own == channel => {
                self.handle_packet(now, parse(self.protocol, message), actions)
            }
            State::Polling(polling) | State::Closing { polling, .. } => {
                let probe = polling.probe.as_mut().filter(|probe| probe.channel == channel)?;
                match message {
                    Message::Text("2probe") => {
                        probe.answered = true;
                        actions.push(Action::Transmit { channel, packet: Outgoing::ProbeAnswer });
                    }
                    Message::Text(text) if text.starts_with('5') => self.upgrade(channel, actions),
                    _ => polling.abort_probe(actions),
                }
                None
            }
            _ => None,
        }
    }

    /// A WebSocket of the session ended; `error` tells a broken rule or connection from an ordinary close.
    pub fn handle_channel_gone(
        &mut self,
        channel: ChannelId,
        error: bool,
        actions: &mut Vec<Action>,
    ) {
        match &mut self.state {
            State::WebSocket { channel: own } if *own == channel => self.end(
                if error {
                    CloseReason::TransportError(TransportError::WebSocket)
                } else {
                    CloseReason::TransportClose
                },
                actions,
            ),
            State::Polling(polling) | State::Closing { polling, .. } => {
                // The session never leaned on it.
                polling.probe.take_if(|probe| probe.channel == channel);
            }
            _ => {}
        }
    }

    /// The probe's `5`: from here on the session is on the WebSocket.
    fn upgrade(&mut self, channel: ChannelId, actions: &mut Vec<Action>) {
        let closing = matches!(self.state, State::Closing { .. });
        let state = std::mem::replace(&mut self.state, State::WebSocket { channel });
        let (State::Polling(mut polling) | State::Closing { mut polling, .. }) = state else {
            return;
        };
        self.base64 = polling.probe.take().is_some_and(|probe| probe.base64);
        if let Some(get) = polling.get.take() {
            respond(get, polling.payload(&[Outgoing::Close]), actions);
        }
        if let Some(post) = self.post.take() {
            respond(post, Response::Refused, actions);
        }
        actions.push(Action::Upgraded { channel });
        // In order: nothing was sent on the WebSocket before, so what was queued comes first.
        actions.extend(polling.drain().map(|packet| Action::Transmit { channel, packet }));
        if closing {
            self.end(CloseReason::ForcedClose, actions);
        }
    }
}

/// Reads a WebSocket message as the packet it is in this revision.
fn parse(protocol: Protocol, message: Message<'_>) -> Result<Packet<'_>, InvalidPacket> {
    match (protocol, message) {
        (Protocol::V4, Message::Text(text)) => Packet::parse(text),
        (Protocol::V4, message) => Ok(Packet::Message(message)),
        (Protocol::V3, Message::Text(text)) => Packet::parse_v3(text),
        (Protocol::V3, Message::Binary(data)) => Ok(Packet::parse_binary_v3(data)),
    }
}
