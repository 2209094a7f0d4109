//! A session, seen from anywhere.

use std::{fmt, sync::Arc};

use siomio_engine::{Message, Sid};

use crate::{
    Sent,
    mailbox::{Mail, SessionOrder},
    shard::{Local, SessionKey},
    shared::Shared,
};

/// A session that any thread can reach, for as long as it is open.
///
/// On the thread of the session's own shard its methods act at once, like those of [`EngineSocket`](crate::EngineSocket); from
/// elsewhere they are sent there. What one thread does keeps its order.
///
/// ```
/// use siomio::Server;
///
/// let server = Server::builder().build_engine();
/// server.on_open(|socket| {
///     let Some(client) = socket.handle() else { return };
///     std::thread::spawn(move || client.send_text("later"));
/// });
/// ```
#[derive(Clone)]
pub struct EngineSocketHandle {
    shared: Arc<Shared>,
    shard: u8,
    session: SessionKey,
    id: Sid,
}

impl EngineSocketHandle {
    pub(crate) const fn new(shared: Arc<Shared>, shard: u8, session: SessionKey, id: Sid) -> Self {
        Self { shared, shard, session, id }
    }

    /// The session's id: a secret between it and us.
    pub const fn id(&self) -> &Sid {
        &self.id
    }

    /// Sends a message.
    ///
    /// From another thread than that of the session's shard, [`Sent::Queued`] says that it is on its way there; whether the
    /// session is still open is seen then.
    pub fn send(&self, message: Message<'_>) -> Sent {
        if let Some(local) = Local::current(&self.shared).filter(|local| local.index == self.shard)
        {
            return local.engine_send(self.session, message);
        }
        self.order(match message {
            Message::Text(text) => SessionOrder::Text(text.to_owned()),
            Message::Binary(data) => SessionOrder::Binary(data.into_owned()),
        });
        Sent::Queued
    }

    /// Sends a text message; see [`EngineSocket::send_text`](crate::EngineSocket::send_text).
    pub fn send_text(&self, text: &str) -> Sent {
        self.send(Message::Text(text))
    }

    /// Sends a binary message.
    pub fn send_binary(&self, data: &[u8]) -> Sent {
        self.send(Message::Binary(data.into()))
    }

    /// Closes the session; what was sent before still goes out.
    pub fn close(&self) {
        self.order(SessionOrder::Close);
    }

    fn order(&self, order: SessionOrder) {
        self.shared.send(self.shard, Mail::Session { session: self.session, order });
    }
}

impl fmt::Debug for EngineSocketHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineSocketHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
