//! Engine.IO alone: messages over polling and WebSocket, without namespaces and events.

use std::{fmt, io, net::ToSocketAddrs, rc::Rc, sync::Arc};

use siomio_engine::{CloseReason, Message, Protocol, Sid, Transport};

use crate::{
    Bound, Io, Request, Responder, Sent,
    server::bind,
    shard::{Local, SessionKey},
};

/// A server that speaks Engine.IO only; made by [`ServerBuilder::build_engine`](crate::ServerBuilder::build_engine).
///
/// ```no_run
/// use siomio::{Message, Server};
///
/// let server = Server::builder().path("/engine.io").build_engine();
/// server.on_message(|socket, message| {
///     socket.send(message);
/// });
/// server.listen("127.0.0.1:3000")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EngineServer {
    io: Io,
}

impl EngineServer {
    pub(crate) const fn new_with(io: Io) -> Self {
        Self { io }
    }

    /// Runs for every session that has opened.
    pub fn on_open(&self, handler: impl Fn(&EngineSocket) + Send + Sync + 'static) -> &Self {
        self.io.shared().registry.change_engine(|table| table.open.push(Arc::new(handler)));
        self
    }

    /// Runs for every message. A handler that panics costs its session.
    pub fn on_message(
        &self,
        handler: impl Fn(&EngineSocket, Message<'_>) + Send + Sync + 'static,
    ) -> &Self {
        self.io.shared().registry.change_engine(|table| table.message.push(Arc::new(handler)));
        self
    }

    /// Runs for every session that has closed.
    pub fn on_close(
        &self,
        handler: impl Fn(&EngineSocket, CloseReason) + Send + Sync + 'static,
    ) -> &Self {
        self.io.shared().registry.change_engine(|table| table.close.push(Arc::new(handler)));
        self
    }

    /// Answers every request that is not Engine.IO's. Without it they get 404.
    pub fn http(&self, handler: impl Fn(&Request<'_>, Responder) + Send + Sync + 'static) -> &Self {
        self.io.shared().registry.set_http(Arc::new(handler));
        self
    }

    /// Listens, and runs the server until it is [closed](Io::close).
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub fn listen(self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        self.bind(addresses)?.run()
    }

    /// Binds every address given, and does not run yet.
    ///
    /// # Errors
    /// When a name cannot be resolved or an address cannot be bound.
    pub fn bind(self, addresses: impl ToSocketAddrs) -> io::Result<Bound> {
        bind(self.io, addresses)
    }
}

/// A session, on the thread that runs its handlers. What is sent leaves when the handlers of this turn are done.
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
        self.local.core.borrow().sessions.get(self.session).map(|state| *state.machine.sid())
    }

    /// The transport it is on.
    pub fn transport(&self) -> Option<Transport> {
        self.local.core.borrow().sessions.get(self.session).map(|state| state.machine.transport())
    }

    /// The revision of Engine.IO that its client speaks.
    pub fn protocol(&self) -> Option<Protocol> {
        self.local.core.borrow().sessions.get(self.session).map(|state| state.machine.protocol())
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
