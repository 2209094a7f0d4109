//! The server, before and while it runs.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    ops::Deref,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{Endpoint, Io, Request, Responder, ServerBuilder, run};

/// A Socket.IO server.
///
/// Register handlers, then [`listen`](Self::listen). It stands for its own [`Io`], and so for the main namespace.
///
/// ```no_run
/// use siomio::{Ack, Server, Socket};
///
/// let io = Server::new();
/// io.on_connect(|socket| { socket.join("lobby"); });
/// io.on("message", |socket: &Socket, text: String| {
///     socket.to("lobby").emit("message", (socket.id(), text));
/// });
/// io.of("/math").on("add", |_: &Socket, a: f64, b: f64, ack: Ack| ack.send(a + b));
/// io.http(|_, response| response.html("<script src=\"/socket.io.js\"></script>"));
/// io.listen("0.0.0.0:3000")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Server {
    io: Io,
}

impl Server {
    /// A server with the default settings.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A server with settings of your own.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    pub(crate) const fn new_with(io: Io) -> Self {
        Self { io }
    }

    /// A handle for other threads and for closures.
    pub fn io(&self) -> Io {
        self.io.clone()
    }

    /// Answers every request that is not Socket.IO's. Without it they get 404.
    ///
    /// The closure runs on the thread of the connection's shard, and must not block it; a [`Responder`] can be sent
    /// elsewhere and used later.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.http(|request, response| match request.path() {
    ///     "/" => response.html("<h1>hello</h1>"),
    ///     "/healthy" => response.text("yes"),
    ///     _ => response.not_found(),
    /// });
    /// ```
    pub fn http(&self, handler: impl Fn(&Request<'_>, Responder) + Send + Sync + 'static) -> &Self {
        self.io.shared().registry.set_http(Arc::new(handler));
        self
    }

    /// The endpoint at a path, where plain WebSockets are opened; created when it is first asked for. A path without its
    /// slash gets one.
    ///
    /// The path of a request must be this one, without its query and as it was sent: not decoded. Paths below that of
    /// Socket.IO itself lead there and never here. What comes to the path and is no request for a WebSocket goes to the
    /// [`http`](Self::http) handler, so the same path can serve a page; without such a handler it is answered 426.
    ///
    /// # Panics
    /// When the path is below that of Socket.IO.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// let echo = server.websocket("/echo");
    /// echo.on_message(|socket, message| { socket.send(message); });
    /// ```
    pub fn websocket(&self, path: &str) -> Endpoint {
        Endpoint::new(self.io.shared(), path)
    }

    /// Listens, and runs the server until it is [closed](Io::close).
    ///
    /// # Errors
    /// When an address cannot be bound.
    ///
    /// This thread is then the server's. To go on with something else, [`bind`](Self::bind) and [`spawn`](Bound::spawn).
    ///
    /// ```no_run
    /// use siomio::Server;
    ///
    /// fn main() -> std::io::Result<()> {
    ///     let server = Server::new();
    ///     server.on_connect(|socket| { socket.emit("hello", ()); });
    ///     server.listen("localhost:3000") // IPv4 and IPv6
    /// }
    /// ```
    pub fn listen(self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        self.bind(addresses)?.run()
    }

    /// Binds every address given, of both families where a name has both, and does not run yet.
    ///
    /// # Errors
    /// When a name cannot be resolved or an address cannot be bound.
    ///
    /// ```
    /// use std::time::Duration;
    /// use siomio::Server;
    ///
    /// let bound = Server::new().bind("127.0.0.1:0")?;
    /// let port = bound.local_addrs()?[0].port();
    /// let running = bound.spawn()?;
    /// println!("listens on port {port}");
    /// running.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind(self, addresses: impl ToSocketAddrs) -> io::Result<Bound> {
        bind(self.io, addresses)
    }
}

pub(crate) fn bind(io: Io, addresses: impl ToSocketAddrs) -> io::Result<Bound> {
    let addresses: Vec<SocketAddr> = addresses.to_socket_addrs()?.collect();
    let listeners = run::bind(&addresses)?;
    Ok(Bound { io, listeners })
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Server {
    type Target = Io;

    fn deref(&self) -> &Io {
        &self.io
    }
}

/// A server with its addresses bound: clients can connect, and wait until it runs.
///
/// From [`Server::bind`], which has an example.
#[derive(Debug)]
pub struct Bound {
    io: Io,
    listeners: Vec<TcpListener>,
}

impl Bound {
    /// The addresses, with the ports that were chosen where 0 was asked for.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// A handle for other threads and for closures.
    pub fn io(&self) -> Io {
        self.io.clone()
    }

    /// Runs the server on this thread until it is [closed](Io::close).
    ///
    /// # Errors
    /// When the event loops cannot be set up.
    pub fn run(self) -> io::Result<()> {
        run::run(self.io.shared(), self.listeners)
    }

    /// Runs the server on a thread of its own.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn spawn(self) -> io::Result<Running> {
        let (io, addresses) = (self.io(), self.local_addrs()?);
        let thread = thread::Builder::new().name("siomio".to_owned()).spawn(move || self.run())?;
        Ok(Running { io, addresses, thread: Some(thread) })
    }
}

/// A server that runs on a thread of its own. Dropping it lets the server run on.
///
/// ```
/// use std::time::Duration;
/// use siomio::Server;
///
/// let running = Server::new().bind("127.0.0.1:0")?.spawn()?;
/// running.io().emit("news", "the server runs");
/// running.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Running {
    io: Io,
    addresses: Vec<SocketAddr>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// The addresses it listens on.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// A handle for other threads and for closures.
    pub fn io(&self) -> Io {
        self.io.clone()
    }

    /// Shuts the server down (see [`Io::close`]) and waits for its end.
    ///
    /// # Errors
    /// What went wrong while it ran.
    pub fn shutdown(self, within: Duration) -> io::Result<()> {
        self.io.close(within);
        self.join()
    }

    /// Waits for the end of the server.
    ///
    /// # Errors
    /// What went wrong while it ran.
    pub fn join(mut self) -> io::Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the server's thread panicked")),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
