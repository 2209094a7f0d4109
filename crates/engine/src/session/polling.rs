//! The polling half of a session: the GET that waits, what waits for a GET, and the probe of an upgrade.

use std::{collections::VecDeque, time::Instant};

use crate::{Action, ChannelId, Outgoing, RequestId, Response, payload::Dialect};

#[derive(Debug, Default)]
pub(super) struct Polling {
    /// The GET that waits for something to say.
    pub(super) get: Option<RequestId>,
    /// The WebSocket that wants to take over.
    pub(super) probe: Option<Probe>,
    /// How the session writes its payloads.
    pub(super) dialect: Dialect,
    queue: VecDeque<Outgoing>,
    queued_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Probe {
    pub(super) channel: ChannelId,
    /// `3probe` was sent: the client winds polling down and waits for its last GET.
    pub(super) answered: bool,
    /// Binary messages must be text on it.
    pub(super) base64: bool,
    pub(super) deadline: Instant,
}

impl Polling {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, ..Self::default() }
    }

    pub(super) fn queue(&mut self, packet: Outgoing) {
        self.queued_bytes += packet.weight();
        self.queue.push_back(packet);
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Outgoing> {
        self.queued_bytes = 0;
        std::mem::take(&mut self.queue).into_iter()
    }

    pub(super) fn clear(&mut self) {
        drop(self.drain());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Answers the waiting GET with the whole queue, or with a noop when an upgrade waits for it.
    pub(super) fn flush(&mut self, actions: &mut Vec<Action>) {
        let upgrading = self.probe.as_ref().is_some_and(|probe| probe.answered);
        if self.queue.is_empty() && !upgrading {
            return;
        }
        let Some(request) = self.get.take() else { return };
        let response = if self.queue.is_empty() {
            self.payload(&[Outgoing::Noop])
        } else {
            self.take_payload()
        };
        actions.push(Action::Respond { request, response });
    }

    /// The peer has said goodbye: what was said before still arrives, if somebody waits for it. Otherwise the waiting GET is
    /// answered with a noop, as the reference does: the peer knows that it is closing.
    pub(super) fn dismiss(&mut self, actions: &mut Vec<Action>) {
        self.flush(actions);
        self.clear();
        if let Some(request) = self.get.take() {
            let response = self.payload(&[Outgoing::Noop]);
            actions.push(Action::Respond { request, response });
        }
    }

    /// Gives up the probe: the session stays on polling.
    pub(super) fn abort_probe(&mut self, actions: &mut Vec<Action>) {
        if let Some(Probe { channel, .. }) = self.probe.take() {
            actions.push(Action::CloseChannel { channel });
        }
    }

    /// The end: the waiting GET takes the rest of the queue (`otherwise`, if there is none) and the close packet.
    pub(super) fn end(&mut self, otherwise: &[Outgoing], actions: &mut Vec<Action>) {
        self.abort_probe(actions);
        if let Some(request) = self.get.take() {
            if self.queue.is_empty() {
                self.queue.extend(otherwise.iter().cloned());
            }
            self.queue.push_back(Outgoing::Close);
            actions.push(Action::Respond { request, response: self.take_payload() });
        }
    }

    fn take_payload(&mut self) -> Response {
        let weight = self.queued_bytes + 2 * self.queue.len();
        let response = self.dialect.response(self.queue.iter(), weight);
        self.clear();
        response
    }

    /// The answer to a GET that consists of these packets.
    pub(super) fn payload(&self, packets: &[Outgoing]) -> Response {
        self.dialect.response(packets.iter(), 0)
    }
}
