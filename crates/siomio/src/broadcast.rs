//! Sending to many.

use std::{fmt, sync::Arc};

use siomio_hub::{Operation, Selector};
use siomio_packet::{IntoArgs, Kind, Payload, write_head};

use crate::{Namespace, Sent, mailbox::Mail};

/// Some of the sockets of a namespace, on whichever shard they live.
///
/// Each of its methods narrows or widens the choice and can be chained; rooms are a union, in which everybody counts once,
/// and `except` takes away from it.
///
/// ```no_run
/// # let io = siomio::Server::new().io();
/// io.to("lobby").to("hall").except("muted").emit("news", "hello");
/// ```
#[derive(Clone)]
#[must_use = "a broadcast does nothing before it emits, joins, leaves or disconnects"]
pub struct Broadcast {
    namespace: Namespace,
    to: Selector,
}

impl Broadcast {
    pub(crate) const fn new(namespace: Namespace) -> Self {
        let to = Selector::new(namespace.id());
        Self { namespace, to }
    }

    /// Those in this room, too. Everybody's id is a room.
    pub fn to(mut self, room: impl Into<Arc<str>>) -> Self {
        self.to = self.to.room(room);
        self
    }

    /// The same as [`to`](Self::to).
    pub fn within(self, room: impl Into<Arc<str>>) -> Self {
        self.to(room)
    }

    /// Not those in this room.
    pub fn except(mut self, room: impl Into<Arc<str>>) -> Self {
        self.to = self.to.except(room);
        self
    }

    /// Sends an event to all of them. A tuple is several arguments, `()` none, anything else one.
    ///
    /// It is encoded once. [`Sent::Queued`] says that it is on its way, not that anybody is there to receive it.
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        let mut payload = Payload::default();
        if let Err(error) = payload.event(event, &args) {
            return error.into();
        }
        let mut text = Vec::with_capacity(payload.json().len() + 16);
        write_head(
            &mut text,
            Kind::Event,
            payload.attachments().len(),
            self.namespace.name(),
            None,
        );
        text.extend_from_slice(payload.json().as_bytes());
        let packet =
            Arc::new(siomio_hub::Broadcast::new(text.into(), payload.attachments().to_vec()));
        self.operate(|to| Operation::Broadcast { to, packet: packet.clone() });
        Sent::Queued
    }

    /// Puts all of them into a room.
    pub fn join(&self, room: impl Into<Arc<str>>) {
        let rooms = vec![room.into()];
        self.operate(|who| Operation::Join { who, rooms: rooms.clone() });
    }

    /// Takes all of them out of a room.
    pub fn leave(&self, room: impl Into<Arc<str>>) {
        let rooms = vec![room.into()];
        self.operate(|who| Operation::Leave { who, rooms: rooms.clone() });
    }

    /// Disconnects all of them; with `close`, their connections too.
    pub fn disconnect(&self, close: bool) {
        self.operate(|who| Operation::Disconnect { who, close });
    }

    fn operate(&self, make: impl Fn(Selector) -> Operation) {
        self.namespace.shared().send_to_all(|| Mail::Operation(make(self.to.clone())));
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("to", &self.to).finish_non_exhaustive()
    }
}
