//! How sessions open, live and close, and who may open them.

use std::{sync::Arc, time::Duration};

use siomio_engine::Outgoing;

use super::ServerBuilder;
use crate::{
    Cookie, Decision, Message, Request, Transport,
    config::{Hook, capped},
};

impl ServerBuilder {
    /// Whether the path of a request must go on with a slash, so that `/socket.io?EIO=4` is not Socket.IO's. Default `true`.
    pub fn add_trailing_slash(mut self, add: bool) -> Self {
        self.add_trailing_slash = add;
        self
    }

    /// The transports that are offered. Default: both.
    ///
    /// ```
    /// use siomio::{Server, Transport};
    ///
    /// // No long-polling: no sessions to be found again by load balancers.
    /// let server = Server::builder().transports([Transport::WebSocket]).build();
    /// ```
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        let offered = &mut self.engine.transports;
        (offered.polling, offered.websocket) = (false, false);
        for transport in transports {
            match transport {
                Transport::Polling => offered.polling = true,
                Transport::WebSocket => offered.websocket = true,
            }
        }
        self
    }

    /// Time between a client's sign of life and the next ping. Default 25 s.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.engine.ping_interval = capped(interval);
        self
    }

    /// Time a client has to answer a ping before it counts as gone. Default 20 s.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.engine.ping_timeout = capped(timeout);
        self
    }

    /// Time an upgrade from polling to WebSocket may take. Default 10 s.
    pub fn upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.engine.upgrade_timeout = capped(timeout);
        self
    }

    /// Time a closing session waits for a poll that takes the farewell along. Default 30 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.engine.close_timeout = capped(timeout);
        self
    }

    /// Whether polling clients are offered the upgrade to WebSocket. Default `true`.
    pub fn allow_upgrades(mut self, allow: bool) -> Self {
        self.engine.allow_upgrades = allow;
        self
    }

    /// Whether clients of Socket.IO 1 and 2, which speak Engine.IO 3, are let in, too. Default `false`: they are told
    /// `Unsupported protocol version`.
    ///
    /// They differ from those of today in what the protocol of their time has no words for:
    /// - They are in the main namespace as soon as they come, without having asked; there, what they send along to it is in the
    ///   query of their [handshake](crate::Handshake). In other namespaces it is the query of the namespace's name, whose
    ///   parameters are the handshake's `auth`.
    /// - Their ids are made of the session's: the same in the main namespace, `<namespace>#<session>` in others. So whoever
    ///   learns the id of such a socket can speak for its session.
    /// - Clients of Socket.IO 1 that poll write text beyond ASCII in a way of their own, which the reference implementation does
    ///   not read either.
    /// - It is they who ping: a connection that is lost is noticed [`ping_interval`](Self::ping_interval) and
    ///   [`ping_timeout`](Self::ping_timeout) after their last ping.
    pub fn allow_eio3(mut self, allow: bool) -> Self {
        self.engine.allow_eio3 = allow;
        self
    }

    /// A message that every session is sent right behind its open packet, in the same answer on polling. For a server that speaks
    /// Engine.IO only; Socket.IO clients would take it for a packet of theirs. Default: none.
    ///
    /// ```
    /// use siomio::{Message, Server};
    ///
    /// let server = Server::builder().initial_packet(Message::Text("hello")).build_engine();
    /// ```
    pub fn initial_packet(mut self, message: Message<'_>) -> Self {
        self.engine.initial_packet = Some(match message {
            Message::Text(text) => Outgoing::text(text),
            Message::Binary(data) => Outgoing::Binary(data.into_owned().into()),
        });
        self
    }

    /// Names the session in a cookie, for load balancers. Default: no cookie. It is set by the answer that opens a session on
    /// long-polling, and never on WebSocket.
    ///
    /// ```
    /// use siomio::{Cookie, SameSite, Server};
    ///
    /// let server = Server::builder().cookie(Cookie::default().same_site(SameSite::Strict)).build();
    /// ```
    pub fn cookie(mut self, cookie: Cookie) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// Decides who may open a session: asked once for each, on either transport, when nothing else is wrong with the
    /// request. The answer may come later, from any thread; if it does not come within
    /// [`decision_timeout`](Self::decision_timeout), the client gets 503. Default: everybody.
    ///
    /// ```
    /// use siomio::Server;
    ///
    /// let server = Server::builder()
    ///     .allow_request(|request, decision| {
    ///         if request.header("origin") == Some("https://example.com") {
    ///             decision.allow();
    ///         } else {
    ///             decision.refuse("not from here");
    ///         }
    ///     })
    ///     .build();
    /// ```
    pub fn allow_request(
        mut self,
        allow: impl Fn(&Request<'_>, Decision) + Send + Sync + 'static,
    ) -> Self {
        self.allow_request = Some(Hook(Arc::new(allow)));
        self
    }

    /// Time that [`allow_request`](Self::allow_request), or a [middleware](crate::Engine::use_middleware), may take over one
    /// request; then it is answered 503. The same for each [middleware](crate::Namespace::use_middleware_later) of a namespace,
    /// and for each [parent](crate::Io::of_deciding) that is asked for one. Default 60 s.
    pub fn decision_timeout(mut self, timeout: Duration) -> Self {
        self.decision_timeout = capped(timeout);
        self
    }

    /// Makes the ids of sessions, 1 to 255 bytes of any text. Default: 20 random characters.
    ///
    /// They must be unique (an id that is taken refuses the request, and so does an error), and cannot be guessed if the
    /// sessions are to be safe: who knows an id can speak for its session. Siomio's own ids name the shard that has the
    /// session; with ids of your own, shards share a table behind a lock instead, read once for each request.
    ///
    /// ```
    /// use siomio::Server;
    /// # fn random() -> u128 { 7 }
    ///
    /// let server = Server::builder()
    ///     .generate_id(|request| match request.query("zone") {
    ///         Some(zone) => Ok(format!("{zone}-{:032x}", random())),
    ///         None => Err("no zone".to_owned()),
    ///     })
    ///     .build();
    /// ```
    pub fn generate_id(
        mut self,
        generate: impl Fn(&Request<'_>) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.generate_id = Some(Hook(Arc::new(generate)));
        self
    }
}
