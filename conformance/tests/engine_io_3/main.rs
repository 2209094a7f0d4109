//! Engine.IO, revision 3, byte by byte over real TCP: what is different from revision 4.

#[path = "../common/servers.rs"]
mod common;

mod heartbeat;
mod jsonp;
mod official;
mod payloads;
mod revisions;
mod websocket;

use std::net::SocketAddr;

use siomio::ServerBuilder;
use siomio_conformance::eio_echo;
use siomio_testkit::{http::Response, polling::Polling, polling_v3, ws::Ws};

const PATH: &str = "/engine.io/";
const POLLING: &str = "/engine.io/?EIO=3&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=3&transport=websocket";

const TEXT: Option<&str> = Some("text/plain; charset=UTF-8");
const BYTES: Option<&str> = Some("application/octet-stream");

/// Runs a test against the echo server.
fn echo(test: impl Fn(SocketAddr)) {
    echo_with(|builder| builder, test);
}

/// Runs a test against the echo server with other settings.
fn echo_with(settings: impl Fn(ServerBuilder) -> ServerBuilder, test: impl Fn(SocketAddr)) {
    common::for_shards(
        |builder| eio_echo::server(settings(builder.allow_eio3(true))).bind("127.0.0.1:0"),
        test,
    );
}

/// A session whose client takes bytes.
fn open(address: SocketAddr) -> Polling {
    open_with(address, "")
}

fn open_with(address: SocketAddr, more: &str) -> Polling {
    let (session, packets) = polling_v3::open(address, PATH, more);
    assert!(packets.is_empty(), "{packets:?}");
    session
}

/// A WebSocket session that has read its handshake.
fn open_ws(address: SocketAddr) -> Ws {
    let mut ws = Ws::connect(address, WEBSOCKET);
    assert!(ws.text().starts_with("0{"));
    ws
}

/// Sends a body of bytes.
fn post_bytes(session: &Polling, body: &[u8]) -> Response {
    let mut http = siomio_testkit::http::Http::connect(session.address);
    http.request("POST", &session.target, &[("Content-Type", "application/octet-stream")], body);
    http.response()
}

/// The session must be over: its id is not known any more.
fn assert_gone(session: &Polling) {
    let response = session.get();
    let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
    assert_eq!(status_and_text(&response), (400, unknown));
}

/// The session must be alive, and have nothing else to say.
fn assert_echoes(session: &Polling) {
    polling_v3::send(session, &["4still there"]);
    session.expect("12:4still there");
}

fn status_and_text(response: &Response) -> (u16, &str) {
    (response.status, response.text())
}
