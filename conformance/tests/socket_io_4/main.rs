//! Socket.IO, revision 4, packet by packet over real TCP: what is different for clients of Socket.IO 1 and 2.

#[path = "../common/servers.rs"]
mod common;

mod client;
mod connecting;
mod messages;
mod refusals;

use std::net::SocketAddr;

use siomio::{Server, ServerBuilder};
use siomio_conformance::sio_conformance;

use client::Client;

const PATH: &str = "/socket.io/";

/// Runs a test against the conformance server.
fn served(test: impl Fn(SocketAddr)) {
    common::for_shards(
        |builder| sio_conformance::server(builder.allow_eio3(true)).bind("127.0.0.1:0"),
        test,
    );
}

/// Runs a test against a server of its own making.
fn served_by(make: impl Fn(ServerBuilder) -> Server, test: impl Fn(SocketAddr)) {
    common::for_shards(|builder| make(builder.allow_eio3(true)).bind("127.0.0.1:0"), test);
}

/// Runs a part of a test over polling and over WebSocket, with a client that has read nothing but its handshake.
fn on_both(address: SocketAddr, test: impl Fn(Client)) {
    println!("over polling");
    test(Client::polling(address));
    println!("over websocket");
    test(Client::websocket(address));
}

/// The same with a client that has noticed where it is.
fn joined_on_both(address: SocketAddr, test: impl Fn(Client)) {
    on_both(address, |mut client| {
        client.expect(&["40", "42[\"auth\",{}]"]);
        test(client);
    });
}

/// The connection must be alive, and have nothing else to say.
fn assert_echoes(client: &mut Client) {
    client.send(&["42[\"message\",\"still there\"]"]);
    client.expect(&["42[\"message-back\",\"still there\"]"]);
}
