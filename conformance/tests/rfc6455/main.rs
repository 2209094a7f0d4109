//! RFC 6455, frame by frame over real TCP: what a server has to take, to answer and to refuse.
//!
//! The numbers of the cases follow the order in which catalogues for WebSocket servers usually list them: framing, pings,
//! reserved bits, opcodes, fragments, UTF-8, closing, sizes. There is one right outcome for each.

mod closing;
mod fragments;
mod framing;
mod opcodes;
mod peer;
mod pings;
mod reserved;
mod sizes;
mod utf8;

use std::{net::SocketAddr, time::Duration};

use siomio::Server;
use siomio_conformance::ws_echo;

pub(crate) use peer::{Case, Chop, Frame, Peer, text};

/// Runs a test against the echo server, with one shard and with four.
pub(crate) fn echo(test: impl Fn(SocketAddr)) {
    for shards in [1, 4] {
        println!("with {shards} shards");
        let builder = Server::builder().shards(shards).max_payload(ws_echo::MAX_PAYLOAD);
        let server = ws_echo::server(builder).bind("127.0.0.1:0").expect("a free port");
        let running = server.spawn().expect("a thread");
        test(running.local_addrs()[0]);
        // Nobody waits for those whom the test has left hanging.
        running.shutdown(Duration::from_millis(5)).expect("the server ran well");
    }
}

/// Runs each of these against the echo server.
pub(crate) fn run(cases: &[Case]) {
    echo(|address| cases.iter().for_each(|case| case.run(address)));
}
