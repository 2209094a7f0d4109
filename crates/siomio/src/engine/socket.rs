//! A session, as its handlers see it.

use std::{fmt, rc::Rc};

use siomio_engine::{Message, Protocol, Sid, Transport};

use super::EngineSocketHandle;
use crate::{
    Handshake, Request, Sent,
    shard::{Local, SessionKey},
};

/// What carried a message.
///
/// ```
/// use siomio::{Carrier, Server};
///
/// let server = Server::builder().build_engine();
/// server.on_message(|socket, _, carrier| match carrier {
///     Carrier::Post(request) => println!("a POST with {:?}", request.header("cookie")),
///     Carrier::WebSocket => println!("over WebSocket"),
/// });
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Carrier<'c> {
    /// This POST, which may have carried others too: its head, its whole body, and where it came from.
    Post(&'c Request<'c>),
    /// The session's WebSocket.
    WebSocket,
}

/// A session, on the thread that runs its handlers. What is sent leaves when the handlers of this turn are done.
///
/// What it knows of the session can be asked for until the handlers of its close have run; later it is `None`.
///
/// ```
/// use siomio::Server;
///
/// let server = Server::builder().build_engine();
/// server.on_open(|socket| {
///     println!("a session over {:?}", socket.transport());
///     socket.send_text("welcome");
/// });
/// ```
pub struct EngineSocket {
    local: Rc<Local>,
    session: SessionKey,
}

impl EngineSocket {
    pub(crate) const fn new(local: Rc<Local>, session: SessionKey) -> Self {
        Self { local, session }
    }

    /// The session's id: a secret between it and us, for who knows it can speak for the session.
    pub fn id(&self) -> Option<Sid> {
        self.local.core.borrow().sessions.get(self.session).map(|state| state.machine.sid().clone())
    }

    /// The request that opened the session.
    pub fn handshake(&self) -> Option<Handshake> {
        let core = self.local.core.borrow();
        Some(Handshake::new(core.sessions.get(self.session)?.opening.clone(), None))
    }

    /// The revision of the protocol that the client speaks.
    pub fn protocol(&self) -> Option<Protocol> {
        self.local.core.borrow().sessions.get(self.session).map(|state| state.machine.protocol())
    }

    /// A handle for other threads, and for later.
    pub fn handle(&self) -> Option<EngineSocketHandle> {
        let (shared, shard) = (self.local.shared.clone(), self.local.index);
        Some(EngineSocketHandle::new(shared, shard, self.session, self.id()?))
    }

    /// The transport it is on, or was on when it closed.
    pub fn transport(&self) -> Option<Transport> {
        self.local.core.borrow().sessions.get(self.session).map(|state| state.machine.transport())
    }

    /// Sends a message.
    pub fn send(&self, message: Message<'_>) -> Sent {
        self.local.engine_send(self.session, message)
    }

    /// Sends a text message.
    ///
    /// It must not contain U+001E: in revision 4 that separates the messages of long-polling, and nobody escapes it.
    pub fn send_text(&self, text: &str) -> Sent {
        self.send(Message::Text(text))
    }

    /// Sends a binary message.
    pub fn send_binary(&self, data: &[u8]) -> Sent {
        self.send(Message::Binary(data.into()))
    }

    /// Closes the session; what was sent before still goes out.
    pub fn close(&self) {
        self.local.close_session(self.session);
    }
}

impl fmt::Debug for EngineSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineSocket").field("id", &self.id()).finish_non_exhaustive()
    }
}
