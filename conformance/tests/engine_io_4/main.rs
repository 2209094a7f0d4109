//! Engine.IO, revision 4, byte by byte over real TCP.

#[path = "../common/mod.rs"]
mod common;

mod allowing;
mod client_files;
mod client_suite;
mod closing;
mod connections;
mod cors;
mod handshake;
mod heartbeat;
mod held;
mod hooks;
mod ids;
mod moving;
mod official;
mod options;
mod polling;
mod probes;
mod protection;
mod reasons;
mod refusals;
mod routing;
mod sockets;
mod upgrade;
mod websocket;

use std::net::SocketAddr;

use siomio::{EngineServer, ServerBuilder};
use siomio_conformance::eio_echo;
use siomio_testkit::{http::Response, polling::Polling, ws::Ws};

const PATH: &str = "/engine.io/";
const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

const UNKNOWN_SID: &str = r#"{"code":1,"message":"Session ID unknown"}"#;
const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;

/// What makes a GET the request for a WebSocket.
const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

/// Runs a test against the echo server.
fn echo(test: impl Fn(SocketAddr)) {
    echo_with(|builder| builder, test);
}

/// Runs a test against the echo server with other settings.
fn echo_with(settings: impl Fn(ServerBuilder) -> ServerBuilder, test: impl Fn(SocketAddr)) {
    common::for_shards(|builder| eio_echo::server(settings(builder)).bind("127.0.0.1:0"), test);
}

/// Runs a test against a server of its own.
fn served(build: impl Fn(ServerBuilder) -> EngineServer, test: impl Fn(SocketAddr)) {
    common::for_shards(|builder| build(builder).bind("127.0.0.1:0"), test);
}

fn open(address: SocketAddr) -> Polling {
    Polling::open(address, PATH)
}

/// A WebSocket session that has read its handshake.
fn open_ws(address: SocketAddr) -> Ws {
    let mut ws = Ws::connect(address, WEBSOCKET);
    assert!(ws.text().starts_with("0{"));
    ws
}

/// The session must be over: its id is not known any more.
fn assert_gone(session: &Polling) {
    let response = session.get();
    assert_eq!((response.status, response.text()), (400, UNKNOWN_SID));
}

/// The session must be alive, and have nothing else to say.
fn assert_echoes(session: &Polling) {
    session.send(&["4still there"]);
    session.expect("4still there");
}

fn status_and_text(response: &Response) -> (u16, &str) {
    (response.status, response.text())
}
