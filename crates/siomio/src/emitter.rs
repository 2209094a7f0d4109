//! Sending to one client in another way than the usual.

use siomio_hub::Flags;
use siomio_packet::IntoArgs;

use crate::{Sent, Socket};

/// Sends events to a [`Socket`] in another way than it does by itself.
///
/// ```
/// # let server = siomio::Server::new();
/// server.on_connect(|socket| {
///     socket.volatile().compress(false).emit("position", (1.0, 2.0));
/// });
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it does nothing before it emits"]
pub struct Emitter<'s> {
    socket: &'s Socket,
    flags: Flags,
}

impl<'s> Emitter<'s> {
    pub(crate) fn new(socket: &'s Socket) -> Self {
        Self { socket, flags: Flags::default() }
    }

    /// Only if the client can take the event at once: nothing waits for it, and on long-polling it is asking for something. Otherwise
    /// the event is [dropped](crate::Dropped::Volatile), attachments and all.
    pub const fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether the event may be compressed where compression was negotiated, which this version never does. Default `true`.
    pub const fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// Sends an event. A tuple is several arguments, `()` none, anything else one.
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.socket.shard().emit(self.socket, event, &args, self.flags)
    }

    /// Sends the event `message`.
    pub fn send<A: IntoArgs>(&self, args: A) -> Sent {
        self.emit("message", args)
    }
}
