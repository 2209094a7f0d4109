//! A raw WebSocket, seen from anywhere.

use std::{
    fmt,
    hash::{Hash, Hasher},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use siomio_engine::Message;
use siomio_websocket::CloseCode;

use super::frame;
use crate::{
    Dropped, ReadyState, Sent,
    mailbox::{Mail, RawOrder},
    shard::{Local, RawKey},
    shared::Shared,
};

/// A [`WebSocket`](crate::WebSocket) that any thread can reach, for as long as it is open.
///
/// On the thread of the client's own shard its methods act at once, like those of [`WebSocket`](crate::WebSocket); from elsewhere
/// they are sent there. What one thread does through handles and WebSockets keeps its order. A handle does not keep its client:
/// once that is gone, nothing happens any more.
///
/// ```
/// # let server = siomio::Server::new();
/// use std::{thread, time::Duration};
///
/// server.websocket("/clock").on_open(|socket| {
///     let client = socket.handle();
///     thread::spawn(move || {
///         while client.is_open() {
///             client.send_text("tick");
///             thread::sleep(Duration::from_secs(1));
///         }
///     });
/// });
/// ```
#[derive(Clone)]
pub struct WebSocketHandle {
    shared: Arc<Shared>,
    shard: u8,
    key: RawKey,
    id: u64,
    open: Option<Arc<AtomicBool>>,
}

impl WebSocketHandle {
    pub(super) fn new(local: &Rc<Local>, key: RawKey, id: u64) -> Self {
        let mut core = local.core.borrow_mut();
        let is_open = core.raw_state(key) == ReadyState::Open;
        let open = core.raws.watch(key, is_open);
        Self { shared: local.shared.clone(), shard: local.index, key, id, open }
    }

    /// A number that no other raw WebSocket of this server has, or will have.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Whether it is open, as far as its own shard knows: orders on their way there may close it.
    pub fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.load(Ordering::Acquire))
    }

    /// Sends a message.
    ///
    /// From another thread than that of the client's shard, [`Sent::Queued`] says that it is on its way there.
    pub fn send(&self, message: Message<'_>) -> Sent {
        match Local::current(&self.shared).filter(|local| local.index == self.shard) {
            Some(local) => local.core.borrow_mut().raw_send(self.key, message),
            None if self.is_open() => {
                self.order(RawOrder::Send(frame(&message)));
                Sent::Queued
            }
            None => Sent::Dropped(Dropped::Disconnected),
        }
    }

    /// Sends a text message.
    pub fn send_text(&self, text: &str) -> Sent {
        self.send(Message::Text(text))
    }

    /// Sends a binary message.
    pub fn send_binary(&self, data: &[u8]) -> Sent {
        self.send(Message::Binary(data.into()))
    }

    /// Closes it in good order, as [`WebSocket::close`](crate::WebSocket::close) does.
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) {
        self.order(RawOrder::Close { code: code.into(), reason: reason.into() });
    }

    /// Ends the connection without further words; what is queued is lost.
    pub fn terminate(&self) {
        self.order(RawOrder::Terminate);
    }

    fn order(&self, order: RawOrder) {
        self.shared.send(self.shard, Mail::Raw { raw: self.key, order });
    }
}

impl PartialEq for WebSocketHandle {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for WebSocketHandle {}

impl Hash for WebSocketHandle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for WebSocketHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
