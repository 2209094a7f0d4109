//! Acknowledgements that we give.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use siomio_hub::{Answer, RequestId};
use siomio_packet::{Args, IntoArgs};

use crate::{Adapter, SocketHandle, mailbox::Order};

/// Answers an event that its sender wants acknowledged: a client, or another server.
///
/// Take it as the last parameter of a handler. It may be sent at once or later, from any thread; dropping it answers
/// nothing. When no acknowledgement was asked for, sending does nothing.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::{Ack, Socket};
///
/// server.on("add", |_: &Socket, a: i64, b: i64, ack: Ack| ack.send(a + b));
/// ```
#[derive(Debug)]
pub struct Ack {
    asker: Asker,
    /// Whether one of several that may answer has.
    is_sent: Option<Arc<AtomicBool>>,
}

/// Who waits for the answer.
#[derive(Clone)]
enum Asker {
    Nobody,
    Client(SocketHandle, u64),
    /// Another server, by the name that the adapter knows.
    Server(Arc<dyn Adapter>, Arc<str>, RequestId),
}

impl Ack {
    /// For whoever does not want an answer.
    pub(crate) const fn unwanted() -> Self {
        Self { asker: Asker::Nobody, is_sent: None }
    }

    /// For a client; several handlers may share it.
    pub(crate) fn to_client(socket: SocketHandle, id: u64, is_shared: bool) -> Self {
        Self { asker: Asker::Client(socket, id), is_sent: is_shared.then(Arc::default) }
    }

    pub(crate) fn to_server(
        adapter: Arc<dyn Adapter>,
        server: Arc<str>,
        request: RequestId,
    ) -> Self {
        Self { asker: Asker::Server(adapter, server, request), is_sent: Some(Arc::default()) }
    }

    /// The same for another handler: the first that sends it does.
    pub(crate) fn again(&self) -> Self {
        Self { asker: self.asker.clone(), is_sent: self.is_sent.clone() }
    }

    /// Whether somebody waits for an answer.
    pub const fn is_wanted(&self) -> bool {
        !matches!(self.asker, Asker::Nobody)
    }

    /// Answers. A tuple is several arguments, `()` none, anything else one.
    ///
    /// What cannot be serialised is not answered at all.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::{Ack, Socket};
    ///
    /// server.on("both", |_: &Socket, ack: Ack| ack.send((1, "two")));
    /// server.on("nothing", |_: &Socket, ack: Ack| ack.send(()));
    /// ```
    pub fn send<A: IntoArgs>(self, args: A) {
        if self.is_sent.is_some_and(|is_sent| is_sent.swap(true, Ordering::SeqCst)) {
            return;
        }
        // What cannot be serialised cannot be answered; the other side's timeout tells it.
        match self.asker {
            Asker::Nobody => {}
            Asker::Client(socket, id) => {
                let mut payload = socket.blank_payload();
                if payload.ack(&args).is_ok() {
                    socket.order(Order::Acknowledge { id, payload });
                }
            }
            Asker::Server(adapter, server, request) => {
                if let Ok(args) = Args::new(&args) {
                    adapter.answer(&server, request, Answer::ServerSide(args));
                }
            }
        }
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::Client(socket, id) => f.debug_tuple("Client").field(socket).field(id).finish(),
            Self::Server(_, server, request) => {
                f.debug_tuple("Server").field(server).field(request).finish()
            }
        }
    }
}
