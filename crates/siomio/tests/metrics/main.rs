//! What the server counts, over real sockets.

mod busy;
mod exposition;
mod refused;
mod story;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use siomio::{Io, Metrics, Running, Server, ServerBuilder};
use siomio_testkit::{PATIENCE, polling::Polling, ws::Ws};

pub(crate) const WS: &str = "/socket.io/?EIO=4&transport=websocket";
pub(crate) const SOON: Duration = Duration::from_millis(200);

/// Runs a test with one shard and with four.
pub(crate) fn with_shards(test: impl Fn(ServerBuilder)) {
    for shards in [1, 4] {
        println!("with {shards} shards");
        test(Server::builder().shards(shards));
    }
}

pub(crate) fn start(server: Server) -> (Running, SocketAddr) {
    let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
    let address = running.local_addrs()[0];
    (running, address)
}

/// A WebSocket client that has joined the main namespace.
pub(crate) fn join(address: SocketAddr) -> Ws {
    let mut ws = Ws::connect(address, WS);
    assert!(ws.text().starts_with("0{"));
    ws.send("40");
    assert!(ws.text().starts_with("40{"));
    ws
}

/// A polling client that has joined the main namespace.
pub(crate) fn join_polling(address: SocketAddr) -> Polling {
    let polling = Polling::open(address, "/socket.io/");
    polling.send(&["40"]);
    assert!(polling.receive()[0].starts_with("40{"));
    polling
}

/// Waits until the numbers are so. What a client has been told is counted; what it has done itself may not have been seen.
pub(crate) fn wait_until(io: &Io, what: &str, is_so: impl Fn(&Metrics) -> bool) -> Metrics {
    let late = Instant::now() + PATIENCE;
    loop {
        let metrics = io.metrics();
        if is_so(&metrics) {
            return metrics;
        }
        assert!(Instant::now() < late, "not {what}: {metrics:#?}");
        std::thread::yield_now();
    }
}
