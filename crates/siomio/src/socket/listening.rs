//! What the application wants to hear of one socket.

use std::rc::Rc;

use siomio_hub::DisconnectReason;

use super::Socket;
use crate::{
    Event, Handler, SocketHandle,
    handler::Erased,
    namespace::{registering::assert_not_reserved, table::EventHandler},
    shard::{Listeners, Once},
};

/// Names a closure that a [`Socket`] was given, for taking it back with [`Socket::remove_listener`], which has an example. Dropping it
/// does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Listener(u64);

/// Closures of one socket cost memory for each; those that are the same for all sockets belong to the
/// [`Namespace`](crate::Namespace). They end with the socket, and a socket that takes up a lost session does not have those of its
/// predecessor.
impl Socket {
    /// Runs when this client sends an event, behind the handlers of the namespace. See [`Handler`] for what a closure may take.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// server.on_connect(|socket| {
    ///     let joined = std::time::Instant::now();
    ///     socket.on("how-long", move |socket: &Socket| {
    ///         socket.emit("so-long", joined.elapsed().as_secs());
    ///     });
    /// });
    /// ```
    ///
    /// # Panics
    /// For the names that clients cannot send, as [`Namespace::on`](crate::Namespace::on).
    pub fn on<P: 'static>(
        &self,
        event: impl Into<String>,
        handler: impl Handler<Self, P>,
    ) -> Listener {
        let handler = EventHandler::Here(std::sync::Arc::new(Erased::new(handler)));
        self.add_handler(event.into(), Once::No, handler)
    }

    /// Runs when this client sends an event for the next time, and never again.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// server.on_connect(|socket| {
    ///     socket.once("ready", |socket: &Socket| { socket.join("players"); });
    /// });
    /// ```
    pub fn once<P: 'static>(
        &self,
        event: impl Into<String>,
        handler: impl Handler<Self, P>,
    ) -> Listener {
        let handler = EventHandler::Here(std::sync::Arc::new(Erased::new(handler)));
        self.add_handler(event.into(), Once::Yes, handler)
    }

    /// Runs on a thread of the pool when this client sends an event; see
    /// [`Namespace::on_blocking`](crate::Namespace::on_blocking).
    ///
    /// # Panics
    /// As [`on`](Self::on).
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::{Ack, SocketHandle};
    ///
    /// #[derive(Clone)]
    /// struct User { name: String }
    ///
    /// server.on_connect(|socket| {
    ///     let Some(user) = socket.data().get::<User>() else { return };
    ///     // What it has to know of its socket is brought along.
    ///     socket.on_blocking("read", move |_: &SocketHandle, ack: Ack| {
    ///         ack.send(std::fs::read_to_string(format!("mail/{}.txt", user.name)).unwrap_or_default());
    ///     });
    /// });
    /// ```
    pub fn on_blocking<P: 'static>(
        &self,
        event: impl Into<String>,
        handler: impl Handler<SocketHandle, P>,
    ) -> Listener {
        let handler = EventHandler::Blocking(std::sync::Arc::new(Erased::new(handler)));
        self.add_handler(event.into(), Once::No, handler)
    }

    /// Takes back all handlers of an event that this socket was given; not those of the namespace.
    pub fn off(&self, event: &str) {
        let removed = self.change(|listeners| listeners.events.remove(event));
        drop(removed);
    }

    /// Takes back one closure, whatever it is for. Returns whether it was still there.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// server.on_connect(|socket| {
    ///     let listener = socket.on("guess", |_: &Socket, number: u32| println!("{number}?"));
    ///     assert!(socket.remove_listener(listener));
    ///     assert!(!socket.remove_listener(listener));
    /// });
    /// ```
    pub fn remove_listener(&self, listener: Listener) -> bool {
        let removed = self.change(|listeners| listeners.remove(listener.0)).flatten();
        removed.is_some()
    }

    /// Sees every event of this client before its handlers do, behind the middlewares of the namespace; see
    /// [`Namespace::use_event`](crate::Namespace::use_event).
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use std::cell::Cell;
    ///
    /// server.on_connect(|socket| {
    ///     let left = Cell::new(1000);
    ///     socket.use_event(move |_, _| {
    ///         left.set(left.get() - 1);
    ///         if left.get() > 0 { Ok(()) } else { Err("that is enough".to_owned()) }
    ///     });
    /// });
    /// ```
    pub fn use_event(
        &self,
        middleware: impl Fn(&Self, &mut Event<'_>) -> Result<(), String> + 'static,
    ) -> Listener {
        self.listen(|listeners, serial| listeners.middlewares.push((serial, Rc::new(middleware))))
    }

    /// Runs for every event of this client, before middlewares and handlers.
    pub fn on_any(&self, handler: impl Fn(&Self, &Event<'_>) + 'static) -> Listener {
        self.listen(|listeners, serial| listeners.any.push((serial, Rc::new(handler))))
    }

    /// The same, in front of those that are there.
    pub fn prepend_any(&self, handler: impl Fn(&Self, &Event<'_>) + 'static) -> Listener {
        self.listen(|listeners, serial| listeners.any.insert(0, (serial, Rc::new(handler))))
    }

    /// Takes back all closures of [`on_any`](Self::on_any) and [`prepend_any`](Self::prepend_any).
    pub fn off_any(&self) {
        let removed = self.change(|listeners| std::mem::take(&mut listeners.any));
        drop(removed);
    }

    /// Runs for every event that is sent to this client, before it leaves; see
    /// [`Namespace::on_any_outgoing`](crate::Namespace::on_any_outgoing).
    pub fn on_any_outgoing(&self, handler: impl Fn(&Self, &Event<'_>) + 'static) -> Listener {
        self.local.core.borrow_mut().shows_outgoing = true;
        self.listen(|listeners, serial| listeners.any_outgoing.push((serial, Rc::new(handler))))
    }

    /// The same, in front of those that are there.
    pub fn prepend_any_outgoing(&self, handler: impl Fn(&Self, &Event<'_>) + 'static) -> Listener {
        self.local.core.borrow_mut().shows_outgoing = true;
        self.listen(|listeners, serial| {
            listeners.any_outgoing.insert(0, (serial, Rc::new(handler)));
        })
    }

    /// Takes back all closures of [`on_any_outgoing`](Self::on_any_outgoing) and
    /// [`prepend_any_outgoing`](Self::prepend_any_outgoing).
    pub fn off_any_outgoing(&self) {
        let removed = self.change(|listeners| std::mem::take(&mut listeners.any_outgoing));
        drop(removed);
    }

    /// Runs when this socket is about to go, before [`on_disconnect`](Self::on_disconnect).
    pub fn on_disconnecting(
        &self,
        handler: impl FnOnce(&Self, DisconnectReason) + 'static,
    ) -> Listener {
        self.listen(|listeners, serial| {
            listeners.disconnecting.push((serial, Box::new(handler)));
        })
    }

    /// Runs when this socket is disconnected, behind the handlers of the namespace. Its rooms and data can still be read.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| {
    ///     let since = std::time::Instant::now();
    ///     socket.on_disconnect(move |_, reason| println!("{reason} after {:?}", since.elapsed()));
    /// });
    /// ```
    pub fn on_disconnect(
        &self,
        handler: impl FnOnce(&Self, DisconnectReason) + 'static,
    ) -> Listener {
        self.listen(|listeners, serial| listeners.disconnect.push((serial, Box::new(handler))))
    }

    /// Runs when this client has taken everything; see [`Namespace::on_drain`](crate::Namespace::on_drain).
    pub fn on_drain(&self, handler: impl Fn(&Self) + 'static) -> Listener {
        self.listen(|listeners, serial| listeners.drain.push((serial, Rc::new(handler))))
    }

    fn add_handler(&self, event: String, once: Once, handler: EventHandler) -> Listener {
        assert_not_reserved(&event);
        self.listen(|listeners, serial| {
            listeners.events.entry(event).or_default().push((serial, once, handler));
        })
    }

    fn listen(&self, add: impl FnOnce(&mut Listeners, u64)) -> Listener {
        let mut core = self.local.core.borrow_mut();
        let serial = core.new_token().0;
        match core.extra_mut(self.key, true) {
            Some(extra) => add(extra.listeners.get_or_insert_default(), serial),
            None => {
                // Nobody will hear anything of it; and what it holds is dropped outside of the borrow.
                drop(core);
                drop(add);
            }
        }
        Listener(serial)
    }

    fn change<R>(&self, change: impl FnOnce(&mut Listeners) -> R) -> Option<R> {
        let mut core = self.local.core.borrow_mut();
        let listeners = core.extra_mut(self.key, false)?.listeners.as_mut()?;
        Some(change(listeners))
    }
}
