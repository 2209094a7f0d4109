//! A raw WebSocket, seen from its own shard.

mod error;
mod handle;

use std::{fmt, net::SocketAddr, rc::Rc, time::Duration};

use bytes::Bytes;
use siomio_engine::Message;
use siomio_websocket::{CloseCode, OpCode};

pub use self::{error::WebSocketError, handle::WebSocketHandle};
use crate::{
    Data, Endpoint, Request, Sent, Timer,
    handshake::Opening,
    shard::{Local, Owner, RawKey, Work},
};

/// A client of an [`Endpoint`], as its handlers see it.
///
/// It lives on the thread that runs the handler. What is written leaves when the handlers of this turn are done, in one piece.
/// To reach the client from other threads, or later, take a [`handle`](Self::handle).
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::Message;
///
/// let chat = server.websocket("/chat");
/// chat.on_open(|socket| {
///     let name = socket.request().query("name").unwrap_or("somebody".into()).into_owned();
///     socket.broadcast(Message::Text(&format!("{name} is here")));
///     socket.data().insert(name);
/// });
/// chat.on_message(|socket, message| match message {
///     Message::Text("bye") => socket.close(1000, "see you"),
///     Message::Text(text) => socket.broadcast(Message::Text(text)),
///     Message::Binary(_) => socket.close(1003, "text only"),
/// });
/// chat.on_close(|socket, code, _| {
///     let name: Option<String> = socket.data().remove();
///     println!("{name:?} has left with {code}");
/// });
/// ```
pub struct WebSocket {
    local: Rc<Local>,
    key: RawKey,
    id: u64,
    pub(crate) endpoint: u32,
    opening: Rc<Opening>,
}

/// How far the life of a [`WebSocket`] has come. It is open when handlers first see it.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::ReadyState;
///
/// server.websocket("/feed").on_message(|socket, _| {
///     socket.close(1000, "enough");
///     assert_eq!(socket.ready_state(), ReadyState::Closing);
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// Messages go both ways.
    Open,
    /// We have sent a close frame, and wait for the client's. Its messages still arrive.
    Closing,
    /// It has ended.
    Closed,
}

impl WebSocket {
    pub(crate) fn find(local: &Rc<Local>, key: RawKey) -> Option<Self> {
        let core = local.core.borrow();
        let raw = core.raws.get(key)?;
        let (id, endpoint, opening) = (raw.id, raw.endpoint, raw.opening.clone());
        Some(Self { local: local.clone(), key, id, endpoint, opening })
    }

    /// A number that no other raw WebSocket of this server has, or will have.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Where it was opened.
    pub fn endpoint(&self) -> Endpoint {
        let table = self.local.tables().endpoints[self.endpoint as usize].clone();
        Endpoint::from_table(&self.local.shared, self.endpoint, &table)
    }

    /// The request that opened it.
    pub fn request(&self) -> Request<'_> {
        Request::new(&self.opening.head, b"", self.opening.peer)
    }

    /// The address of the peer: the client, or the proxy in front of us.
    pub fn peer_addr(&self) -> SocketAddr {
        self.opening.peer
    }

    /// The subprotocol that was agreed upon: the first that the client offered, if it offered any.
    pub fn protocol(&self) -> Option<&str> {
        let offered = self.opening.head.header("sec-websocket-protocol")?;
        offered.split(',').map(str::trim).find(|protocol| !protocol.is_empty())
    }

    /// The application's own data of this WebSocket.
    pub fn data(&self) -> Data<'_> {
        Data::new(&self.local, Owner::Raw(self.key))
    }

    /// A handle that other threads can use, and that can be kept: it does not keep the connection, and does nothing once it
    /// is gone.
    pub fn handle(&self) -> WebSocketHandle {
        WebSocketHandle::new(&self.local, self.key, self.id)
    }

    /// Sends a message. Binary data that is owned is not copied.
    pub fn send(&self, message: Message<'_>) -> Sent {
        self.local.core.borrow_mut().raw_send(self.key, message)
    }

    /// Sends a text message.
    pub fn send_text(&self, text: &str) -> Sent {
        self.send(Message::Text(text))
    }

    /// Sends a binary message.
    pub fn send_binary(&self, data: &[u8]) -> Sent {
        self.send(Message::Binary(data.into()))
    }

    /// Sends a message to every client of the endpoint but this one.
    pub fn broadcast(&self, message: Message<'_>) {
        self.endpoint().send_except(Some((self.local.index, self.key)), message);
    }

    /// Sends a ping; the client's answer goes to [`Endpoint::on_pong`]. Of the payload the first 125 bytes are sent.
    pub fn ping(&self, payload: &[u8]) -> Sent {
        self.local.core.borrow_mut().raw_ping(self.key, payload)
    }

    /// Closes it in good order: what was sent before still goes out, then a close frame, and the client has five seconds to
    /// answer with its own.
    ///
    /// A code that may not be sent, such as [`CloseCode::NO_STATUS`], makes a close frame without code and reason. A reason
    /// longer than 123 bytes is cut between two characters.
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) {
        self.local.core.borrow_mut().close_raw(self.key, code.into(), reason);
    }

    /// Ends the connection without further words; what is queued is lost.
    pub fn terminate(&self) {
        self.local.core.borrow_mut().terminate_raw(self.key);
    }

    /// How far its life has come.
    pub fn ready_state(&self) -> ReadyState {
        self.local.core.borrow_mut().raw_state(self.key)
    }

    /// How many bytes wait for the client, frames and all.
    pub fn buffered(&self) -> usize {
        self.local.core.borrow_mut().raw_buffered(self.key)
    }

    /// Runs a closure once, after some time, unless the connection has ended by then.
    pub fn after(&self, delay: Duration, run: impl FnOnce(&Self) + 'static) -> Timer {
        let key = self.key;
        let run = move |local: &Rc<Local>| {
            if let Some(socket) = Self::find(local, key) {
                run(&socket);
            }
        };
        self.timer(delay, Work::Once(Box::new(run)))
    }

    /// Runs a closure again and again, until the connection has ended or the timer is [cancelled](Timer::cancel).
    ///
    /// The beat does not drift: a run that comes late does not delay those after it. A period of zero counts as 1 ms.
    pub fn every(&self, period: Duration, run: impl Fn(&Self) + 'static) -> Timer {
        let (key, period) = (self.key, period.max(Duration::from_millis(1)));
        let run = move |local: &Rc<Local>| {
            if let Some(socket) = Self::find(local, key) {
                run(&socket);
            }
        };
        self.timer(period, Work::Every(period, Rc::new(run)))
    }

    fn timer(&self, delay: Duration, work: Work) -> Timer {
        Timer::set(&self.local, Owner::Raw(self.key), delay, work)
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A message as it travels.
pub(crate) fn frame(message: &Message<'_>) -> Bytes {
    match message {
        Message::Text(text) => siomio_websocket::frame(OpCode::Text, &[text.as_bytes()]),
        Message::Binary(data) => siomio_websocket::frame(OpCode::Binary, &[data]),
    }
}
