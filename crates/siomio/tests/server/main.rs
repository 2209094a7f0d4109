//! The server over real sockets.

mod handlers;
mod life;
mod order;
mod sockets;
mod stopping;
mod threads;

use std::{net::SocketAddr, time::Duration};

use siomio::{Running, Server, ServerBuilder};
use siomio_testkit::{polling::Polling, ws::Ws};

pub(crate) const WS: &str = "/socket.io/?EIO=4&transport=websocket";

/// Runs a test with one shard and with four.
pub(crate) fn with_shards(test: impl Fn(ServerBuilder)) {
    for shards in [1, 4] {
        test(Server::builder().shards(shards));
    }
}

pub(crate) fn start(server: Server) -> (Running, SocketAddr) {
    let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
    let address = running.local_addrs()[0];
    (running, address)
}

/// A WebSocket client that has joined the main namespace, and its socket's id.
pub(crate) fn join(address: SocketAddr) -> (Ws, String) {
    let mut ws = Ws::connect(address, WS);
    assert!(ws.text().starts_with("0{"));
    ws.send("40");
    let connected: serde_json::Value = serde_json::from_str(&ws.text()[2..]).unwrap();
    (ws, connected["sid"].as_str().unwrap().to_owned())
}

/// A polling client that has joined the main namespace.
pub(crate) fn join_polling(address: SocketAddr) -> Polling {
    let polling = Polling::open(address, "/socket.io/");
    polling.send(&["40"]);
    assert!(polling.receive()[0].starts_with("40{"));
    polling
}

/// Long enough to say goodbye to clients that listen.
pub(crate) const SOON: Duration = Duration::from_millis(200);
