//! Servers that live for one test.

use std::{io, net::SocketAddr, time::Duration};

use siomio::{Bound, Cors, Server, ServerBuilder};

/// Runs a test against a server with one shard, and against one with four.
pub(crate) fn for_shards(
    bind: impl Fn(ServerBuilder) -> io::Result<Bound>,
    test: impl Fn(SocketAddr),
) {
    for shards in [1, 4] {
        println!("with {shards} shards");
        let builder = Server::builder().shards(shards).cors(Cors::any());
        let running = bind(builder).expect("a free port").spawn().expect("a thread");
        test(running.local_addrs()[0]);
        // Nobody waits for those whom the test has left hanging.
        running.shutdown(Duration::from_millis(5)).expect("the server ran well");
    }
}

#[allow(dead_code, reason = "not every suite needs it")]
/// Heartbeat settings: interval and timeout in milliseconds.
pub(crate) fn heartbeat(interval: u64, timeout: u64) -> impl Fn(ServerBuilder) -> ServerBuilder {
    move |builder| {
        builder
            .ping_interval(Duration::from_millis(interval))
            .ping_timeout(Duration::from_millis(timeout))
    }
}
