//! Who may come, and how often.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::ServerBuilder;
use crate::{
    Request,
    config::{Hook, capped},
    origin::Origins,
};

impl ServerBuilder {
    /// Connections that may be open at the same time, those of plain HTTP included; one more is closed as soon as it is accepted,
    /// without an answer. Default: as many as the operating system gives descriptors for.
    ///
    /// Without descriptors nobody can be accepted or sent away, so it is good to stay below the system's limit.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.addresses.connections = connections;
        self
    }

    /// The same for each address, where a /64 of IPv6 is one. Default: no limit, because behind a proxy all clients have its address;
    /// and because of those that share one, such as a school.
    pub fn max_connections_per_ip(mut self, connections: usize) -> Self {
        self.addresses.connections_per_ip = connections;
        self
    }

    /// Sessions that may be opened from one address in a time, and WebSockets of [endpoints](crate::Server::websocket) with them; a /64 of IPv6
    /// is one address. One more is answered 429, with the seconds to wait in `Retry-After`. Default: no limit.
    ///
    /// All of them may come at once; after that, there is one more whenever its share of the time has passed. A client that upgrades
    /// counts once. None is allowed if `count` is 0.
    ///
    /// ```
    /// use std::time::Duration;
    /// use siomio::Server;
    ///
    /// let server = Server::builder().max_handshakes_per_ip(20, Duration::from_secs(60)).build();
    /// ```
    pub fn max_handshakes_per_ip(mut self, count: u32, per: Duration) -> Self {
        self.addresses.handshakes_per_ip = Some((count, capped(per)));
        self
    }

    /// Tells for which address a handshake counts: behind a proxy, what the proxy says of its client. Without an answer it is the
    /// connection's own. Default: the connection's own, always.
    ///
    /// A header is worth only as much as whoever writes it: let the proxy set it, and nobody reach the server around the proxy.
    ///
    /// ```
    /// use std::time::Duration;
    /// use siomio::Server;
    ///
    /// let server = Server::builder()
    ///     .client_ip(|request| request.header("x-real-ip")?.parse().ok())
    ///     .max_handshakes_per_ip(20, Duration::from_secs(60))
    ///     .build();
    /// ```
    pub fn client_ip(
        mut self,
        tell: impl Fn(&Request<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.client_ip = Some(Hook(Arc::new(tell)));
        self
    }

    /// Pages that may connect, named by their origins, beside those that come from the server's own host; on every transport, and at
    /// every [endpoint](crate::Server::websocket). Others are refused: 403 with code 4 on long-polling, 400 in place of a session's WebSocket,
    /// 403 in place of an endpoint's. What sends no `Origin` header is no page, and may connect. Default: pages from everywhere, as with the
    /// reference.
    ///
    /// Browsers do not ask [`cors`](Self::cors) before they open a WebSocket, and send cookies along. Where a cookie says who somebody
    /// is, any page could act in that name without this. The server's own host is what the `Host` header says: a proxy has to pass it on.
    ///
    /// ```
    /// use siomio::{Cors, Server};
    ///
    /// let pages = ["https://example.com", "https://admin.example.com"];
    /// let server = Server::builder().allowed_origins(pages).cors(Cors::origins(pages).credentials(true)).build();
    /// ```
    pub fn allowed_origins<O: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = O>,
    ) -> Self {
        self.origins = Some(Origins::new(origins));
        self
    }
}
