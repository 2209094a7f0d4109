//! The server, seen from anywhere.

use std::{
    fmt,
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Engine, Metrics, Namespace, NamespaceDecision, NamespaceRequest, Timer,
    config::capped,
    mailbox::{Errand, Mail},
    namespace::{Pattern, Rule},
    shared::Shared,
};

/// A handle to the server: cheap to clone, usable from any thread, before, while and after it runs.
///
/// It stands for the main namespace `/` too: all methods of [`Namespace`] can be called on it.
///
/// ```no_run
/// # let server = siomio::Server::new();
/// let io = server.io();
/// std::thread::spawn(move || {
///     io.emit("tick", 1);
///     io.of("/admin").to("watchers").emit("tick", 1);
/// });
/// ```
#[derive(Clone)]
pub struct Io {
    main: Namespace,
}

impl Io {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { main: shared.main_namespace() }
    }

    /// A namespace, created when it is first asked for. A name without its slash gets one. If the pattern of a
    /// [parent](Self::of_pattern) fits, it is that parent's child.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// let chat = server.of("/chat");
    /// assert_eq!(chat, server.of("chat"));
    /// chat.emit("news", "for those in /chat");
    /// ```
    pub fn of(&self, name: &str) -> Namespace {
        let shared = self.shared();
        match name.strip_prefix('/') {
            Some(_) => shared.namespace(name),
            None => shared.namespace(&format!("/{name}")),
        }
    }

    /// A parent of namespaces whose names fit a pattern, in which `{name}` stands for one or more characters other than a slash.
    ///
    /// When a client asks for a namespace that does not exist, parents are asked in the order of their registration, and the
    /// first that wants it makes it: what was registered with the parent until then holds for its child, too.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// let games = server.of_pattern("/game-{id}");
    /// games.on("move", |socket: &siomio::Socket, to: String| {
    ///     socket.broadcast().emit("moved", to);
    /// });
    /// games.emit("news", "to all games");
    /// ```
    ///
    /// # Panics
    /// When the pattern cannot be read: a brace has no other half, or there is nothing between two gaps.
    pub fn of_pattern(&self, pattern: &str) -> Namespace {
        match Pattern::parse(pattern) {
            Ok(pattern) => self.parent(Rule::Pattern(pattern)),
            Err(error) => panic!("\"{pattern}\" is no pattern: {error}"),
        }
    }

    /// A parent of namespaces that a predicate wants; see [`of_pattern`](Self::of_pattern). Namespaces that the application asks
    /// for with [`of`](Self::of) are not its children. A predicate that panics does not want it.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.of_matching(|request| request.name().starts_with("/tenant/"));
    /// ```
    pub fn of_matching(
        &self,
        wants: impl Fn(&NamespaceRequest<'_>) -> bool + Send + Sync + 'static,
    ) -> Namespace {
        self.parent(Rule::AtOnce(Box::new(wants)))
    }

    /// The same for a decision that takes time: it may go to another thread. What is not decided within
    /// [`decision_timeout`](crate::ServerBuilder::decision_timeout) is refused.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// # fn exists(name: &str) -> bool { true }
    /// server.of_deciding(|request, decision| {
    ///     let name = request.name().to_owned();
    ///     std::thread::spawn(move || if exists(&name) { decision.allow() } else { decision.refuse() });
    /// });
    /// ```
    pub fn of_deciding(
        &self,
        decide: impl Fn(&NamespaceRequest<'_>, NamespaceDecision) + Send + Sync + 'static,
    ) -> Namespace {
        self.parent(Rule::Later(Box::new(decide)))
    }

    /// Runs a closure once after a while, on the thread of the first shard, unless the server has ended by then. Before the server runs,
    /// time does not pass.
    ///
    /// It must not block, and a panic in it is told of by [`on_panic`](crate::Engine::on_panic). Timers of a socket end with it: see
    /// [`Socket::after`](crate::Socket::after).
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use std::time::Duration;
    ///
    /// server.after(Duration::from_secs(3600), |io| { io.emit("closing", "in five minutes"); });
    /// ```
    pub fn after(&self, delay: Duration, run: impl FnOnce(&Self) + Send + 'static) -> Timer {
        Timer::set_on(self.shared(), delay, Errand::Once(Box::new(run)))
    }

    /// Runs a closure again and again, likewise. The beat does not drift: a run that comes late does not delay those after it. A period
    /// of zero counts as 1 ms.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use std::time::Duration;
    ///
    /// let clock = server.every(Duration::from_secs(1), |io| { io.volatile().emit("tick", ()); });
    /// clock.cancel();
    /// ```
    pub fn every(&self, period: Duration, run: impl Fn(&Self) + Send + 'static) -> Timer {
        let period = period.max(Duration::from_millis(1));
        Timer::set_on(self.shared(), period, Errand::Every(period, Box::new(run)))
    }

    /// The transport beneath: hooks that see requests rather than events.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// println!("{} sessions", server.engine().clients_count());
    /// ```
    pub fn engine(&self) -> Engine {
        Engine::new(self.shared().clone())
    }

    /// How many connections are open, those of plain HTTP included.
    pub fn connections(&self) -> usize {
        self.shared().connections()
    }

    /// What the server counts: how many clients there are, how much has happened, how busy the loops are. Cheap enough to ask for
    /// every second; what a client has been told is counted already.
    pub fn metrics(&self) -> Metrics {
        self.shared().metrics()
    }

    /// Shuts the server down: it takes no new connections, tells every client, and writes what is left. When that is
    /// done, or `within` is over, whoever runs the server returns.
    ///
    /// Disconnect handlers run, with [`ServerShuttingDown`](crate::DisconnectReason::ServerShuttingDown). Blocking handlers are not waited
    /// for. A second call changes nothing.
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use siomio::Server;
    ///
    /// let server = Server::new();
    /// let io = server.io();
    /// thread::spawn(move || io.close(Duration::from_secs(10)));
    /// server.listen("127.0.0.1:0")?; // returns when it is closed
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn close(&self, within: Duration) {
        let deadline = Instant::now() + capped(within);
        self.shared().stop();
        self.shared().send_to_all(|| Mail::Stop { deadline });
        self.shared().door.wake();
    }

    /// How many servers there are in the cluster, this one included.
    pub fn server_count(&self) -> usize {
        1 + self.shared().adapter().map_or(0, |adapter| adapter.other_servers())
    }

    fn parent(&self, rule: Rule) -> Namespace {
        let cell = self.shared().namespaces.make_parent(rule);
        Namespace::new(self.shared().clone(), cell)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        self.main.shared()
    }
}

impl Deref for Io {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.main
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("shards", &self.shared().shards()).finish_non_exhaustive()
    }
}
