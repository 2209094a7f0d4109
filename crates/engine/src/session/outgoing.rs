//! What the application sends, and where it goes.

use super::{Session, State};
use crate::{Action, ChannelId, Framing, Outgoing};

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
}
