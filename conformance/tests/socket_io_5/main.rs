//! Socket.IO, revision 5, packet by packet over real TCP.

#[path = "../common/mod.rs"]
mod common;

mod acks;
mod attachments;
mod connecting;
mod events;
mod leaving;
mod official;
mod official_engine;
mod rooms;
mod violations;

use std::net::SocketAddr;

use siomio::ServerBuilder;
use siomio_conformance::sio_conformance;

use common::Client;

const PATH: &str = "/socket.io/";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// Runs a test against the conformance server.
fn served(test: impl Fn(SocketAddr)) {
    served_with(|builder| builder, test);
}

/// Runs a test against the conformance server with other settings.
fn served_with(settings: impl Fn(ServerBuilder) -> ServerBuilder, test: impl Fn(SocketAddr)) {
    common::for_shards(
        |builder| sio_conformance::server(settings(builder)).bind("127.0.0.1:0"),
        test,
    );
}

/// Runs a part of a test over polling and over WebSocket, with a client that has not joined anything.
fn on_both(address: SocketAddr, test: impl Fn(Client)) {
    Client::on_both(address, PATH, test);
}

/// The same with a client that is in the main namespace.
fn joined_on_both(address: SocketAddr, test: impl Fn(Client)) {
    on_both(address, |mut client| {
        join(&mut client, "/");
        test(client);
    });
}

/// A WebSocket client in the main namespace.
fn joined(address: SocketAddr) -> Client {
    let mut client = Client::websocket(address, PATH);
    join(&mut client, "/");
    client
}

/// What stands in front of the payload of a packet for a namespace.
fn prefix(namespace: &str) -> String {
    if namespace == "/" { String::new() } else { format!("{namespace},") }
}

/// Joins a namespace, and returns the id of the socket.
fn join(client: &mut Client, namespace: &str) -> String {
    let prefix = prefix(namespace);
    client.send(&[&format!("40{prefix}")]);
    let id = connected(client, namespace);
    client.expect(&[&format!("42{prefix}[\"auth\",{{}}]")]);
    id
}

/// Reads the answer to a CONNECT, and returns the id of the socket.
fn connected(client: &mut Client, namespace: &str) -> String {
    let packet = client.next();
    let json = packet.strip_prefix(&format!("40{}", prefix(namespace))).expect("a CONNECT");
    let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let id = json["sid"].as_str().expect("an id").to_owned();
    assert_eq!(json, serde_json::json!({ "sid": id }), "nothing but the id");
    id
}

/// The connection must be alive, and have nothing else to say.
fn assert_echoes(client: &mut Client) {
    client.send(&["42[\"message\",\"still there\"]"]);
    client.expect(&["42[\"message-back\",\"still there\"]"]);
}
