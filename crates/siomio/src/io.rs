//! The server, seen from anywhere.

use std::{
    fmt,
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Engine, Namespace, config::capped, mailbox::Mail, shared::Shared};

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

    /// A namespace, created when it is first asked for. A name without its slash gets one.
    pub fn of(&self, name: &str) -> Namespace {
        let shared = self.shared();
        let (id, name) = match name.strip_prefix('/') {
            Some(_) => shared.registry.namespace(name),
            None => shared.registry.namespace(&format!("/{name}")),
        };
        Namespace::new(shared.clone(), id, name)
    }

    /// The transport beneath: hooks that see requests rather than events.
    pub fn engine(&self) -> Engine {
        Engine::new(self.shared().clone())
    }

    /// How many connections are open, those of plain HTTP included.
    pub fn connections(&self) -> usize {
        self.shared().connections()
    }

    /// Shuts the server down: it takes no new connections, tells every client, and writes what is left. When that is
    /// done, or `within` is over, whoever runs the server returns.
    pub fn close(&self, within: Duration) {
        let deadline = Instant::now() + capped(within);
        self.shared().stop();
        self.shared().send_to_all(|| Mail::Stop { deadline });
        self.shared().door.wake();
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
