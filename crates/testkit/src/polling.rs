//! Long-polling sessions, each request by hand.

use std::{net::SocketAddr, time::Instant};

use crate::{
    PATIENCE,
    http::{Http, Response},
    ws::Ws,
};

/// Stands between the packets of a payload.
pub const SEPARATOR: &str = "\u{1e}";

/// A session on long-polling; every request uses a connection of its own unless it is given one.
#[derive(Clone, Debug)]
pub struct Polling {
    /// Where the server is.
    pub address: SocketAddr,
    /// Path and query, the session's id included.
    pub target: String,
    /// The session's id.
    pub sid: String,
}

impl Polling {
    /// Opens a session below a path such as `/socket.io/`.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn open(address: SocketAddr, path: &str) -> Self {
        Self::open_on(&mut Http::connect(address), address, path)
    }

    /// Opens a session as the next request of a connection.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn open_on(http: &mut Http, address: SocketAddr, path: &str) -> Self {
        let target = format!("{path}?EIO=4&transport=polling");
        let response = http.get(&target);
        assert_eq!(response.status, 200, "{response:?}");
        Self::opened(address, &target, response.text())
    }

    /// The session that a GET of this target has opened, by its open packet.
    ///
    /// # Panics
    /// When that is none.
    pub fn opened(address: SocketAddr, target: &str, packet: &str) -> Self {
        let handshake = handshake(packet);
        let sid = handshake["sid"].as_str().expect("the handshake has an id").to_owned();
        Self { address, target: format!("{target}&sid={sid}"), sid }
    }

    /// Sends a GET on a new connection, and waits for its answer.
    pub fn get(&self) -> Response {
        Http::connect(self.address).get(&self.target)
    }

    /// Sends a GET on a new connection, and does not wait.
    pub fn start_get(&self) -> Http {
        let mut http = Http::connect(self.address);
        http.request("GET", &self.target, &[], b"");
        http
    }

    /// Sends a POST on a new connection, and waits for its answer.
    pub fn post(&self, body: impl AsRef<[u8]>) -> Response {
        Http::connect(self.address).post(&self.target, body)
    }

    /// Sends packets; the server must take them.
    ///
    /// # Panics
    /// When it does not.
    pub fn send(&self, packets: &[&str]) {
        let response = self.post(packets.join(SEPARATOR));
        assert_eq!((response.status, response.text()), (200, "ok"));
    }

    /// A GET must be answered with exactly this payload.
    ///
    /// # Panics
    /// When it is not.
    pub fn expect(&self, payload: &str) {
        let response = self.get();
        assert_eq!((response.status, response.text()), (200, payload));
    }

    /// Asks for messages, which is no sign of life, until the server does not know the session any more.
    ///
    /// # Panics
    /// When it goes on for too long.
    pub fn expect_end(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.get().status != 400 {
            assert!(Instant::now() < deadline, "the session never ends");
        }
    }

    /// The packets of the next answer to a GET.
    ///
    /// # Panics
    /// When the answer has none.
    pub fn receive(&self) -> Vec<String> {
        let response = self.get();
        assert_eq!(response.status, 200, "{response:?}");
        response.text().split(SEPARATOR).map(str::to_owned).collect()
    }

    /// Opens a WebSocket that wants to take the session over, and lets it say nothing yet.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn channel(&self) -> Ws {
        Ws::connect(self.address, &self.upgrade_target())
    }

    /// Opens a WebSocket and probes it, so that the session is upgrading.
    ///
    /// # Panics
    /// When the server does not answer as it should.
    pub fn probe(&self) -> Ws {
        let mut ws = self.channel();
        ws.send("2probe");
        assert_eq!(ws.text(), "3probe");
        ws
    }

    /// Takes the session over to a WebSocket.
    ///
    /// # Panics
    /// When the server does not answer as it should.
    pub fn upgrade(&self) -> Ws {
        let mut ws = self.probe();
        ws.send("5");
        ws
    }

    /// The query of a WebSocket that wants to take the session over.
    pub fn upgrade_target(&self) -> String {
        self.target.replace("transport=polling", "transport=websocket")
    }
}

/// Reads an open packet.
///
/// # Panics
/// When it is none.
pub fn handshake(packet: &str) -> serde_json::Value {
    let json = packet.strip_prefix('0').expect("an open packet begins with 0");
    serde_json::from_str(json).expect("an open packet holds JSON")
}
