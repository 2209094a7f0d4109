//! The server.

use std::{io, net::ToSocketAddrs, sync::Arc};

use siomio_engine::{CloseReason, Message};

use super::{Carrier, EngineSocket};
use crate::{Bound, Endpoint, Engine, Io, Request, Responder, server::bind};

/// A server that speaks Engine.IO only; made by [`ServerBuilder::build_engine`](crate::ServerBuilder::build_engine).
///
/// A message is text or binary, and comes with its [`Carrier`]. There are no namespaces, events, acknowledgements and rooms.
///
/// ```no_run
/// use siomio::{Carrier, Server};
///
/// let server = Server::builder().path("/engine.io").build_engine();
/// server.on_open(|socket| {
///     socket.send_text("welcome");
/// });
/// server.on_message(|socket, message, carrier| {
///     if let Carrier::Post(request) = carrier {
///         println!("a POST of {} bytes from {}", request.body().len(), request.peer_addr());
///     }
///     socket.send(message);
/// });
/// server.on_close(|socket, reason| println!("{:?}: {reason}", socket.id()));
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

    /// Runs for every message, with what carried it. A handler that panics costs its session.
    pub fn on_message(
        &self,
        handler: impl Fn(&EngineSocket, Message<'_>, Carrier<'_>) + Send + Sync + 'static,
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

    /// A handle that closes the server, from any thread.
    pub fn io(&self) -> Io {
        self.io.clone()
    }

    /// Hooks that see requests rather than messages.
    pub fn engine(&self) -> Engine {
        self.io.engine()
    }

    /// Answers every request that is not Engine.IO's. Without it they get 404.
    pub fn http(&self, handler: impl Fn(&Request<'_>, Responder) + Send + Sync + 'static) -> &Self {
        self.io.shared().registry.set_http(Arc::new(handler));
        self
    }

    /// The endpoint at a path, where plain WebSockets are opened; as [`Server::websocket`](crate::Server::websocket).
    pub fn websocket(&self, path: &str) -> Endpoint {
        Endpoint::new(self.io.shared(), path)
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
