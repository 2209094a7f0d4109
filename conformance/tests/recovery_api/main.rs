//! Sessions that outlive their connections, packet by packet over real TCP.

#[path = "../common/mod.rs"]
mod common;

mod fire;
mod sessions;
mod wire;

use std::{net::SocketAddr, sync::mpsc, time::Duration};

use siomio::{Recovery, Server, Socket};

use common::Client;

const PATH: &str = "/socket.io/";
const SOON: Duration = Duration::from_secs(10);

/// Tells which sockets have gone.
type Gone = mpsc::Receiver<String>;

/// Runs a test against a server that keeps sessions, with one shard and with four. `register` says what else it does.
fn served(recovery: &Recovery, register: impl Fn(&Server), test: impl Fn(SocketAddr, &Gone)) {
    let (tell, gone) = mpsc::channel();
    common::for_shards(
        |builder| {
            let server = builder.recovery(recovery.clone()).build();
            server.on("say", |socket: &Socket, text: String| {
                socket.emit("said", text);
            });
            server.on("shout", |socket: &Socket, text: String| {
                socket.namespace().emit("shouted", text);
            });
            server.on("join", |socket: &Socket, room: String| {
                socket.join(room);
                socket.emit("joined", "");
            });
            server.on("tell", |socket: &Socket, room: String, text: String| {
                socket.to(room).emit("told", text);
            });
            let tell = tell.clone();
            server.on_disconnect(move |socket, _| {
                let _ = tell.send(socket.id().to_string());
            });
            register(&server);
            server.bind("127.0.0.1:0")
        },
        |address| test(address, &gone),
    );
}

/// What a client knows of its session.
#[derive(Clone, Debug, PartialEq)]
struct Session {
    sid: String,
    pid: String,
}

/// Reads the answer to a CONNECT.
fn connected(client: &mut Client) -> Session {
    session(&client.next())
}

#[track_caller]
fn session(packet: &str) -> Session {
    let json = packet.strip_prefix("40").unwrap_or_else(|| panic!("{packet} is no CONNECT"));
    let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let text = |name: &str| json[name].as_str().expect(name).to_owned();
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(2), "{json}");
    Session { sid: text("sid"), pid: text("pid") }
}

/// A client that joins the main namespace.
fn join(client: &mut Client) -> Session {
    client.send(&["40"]);
    connected(client)
}

/// Reads an event with one argument and its offset.
#[track_caller]
fn event(client: &mut Client, name: &str, argument: &str) -> String {
    offset(&client.next(), name, argument)
}

#[track_caller]
fn offset(packet: &str, name: &str, argument: &str) -> String {
    let start = format!("42[\"{name}\",\"{argument}\",\"");
    let offset = packet.strip_prefix(&start).and_then(|rest| rest.strip_suffix("\"]"));
    offset.unwrap_or_else(|| panic!("{packet} is not {name} {argument}")).to_owned()
}

/// The CONNECT of a client that is back.
fn back(session: &Session, offset: Option<&str>) -> String {
    let pid = &session.pid;
    match offset {
        Some(offset) => format!("40{{\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}"),
        None => format!("40{{\"pid\":\"{pid}\"}}"),
    }
}

/// Loses a client's connection, and waits until the server has noticed; between two polls nobody could.
fn lose(client: Client, gone: &Gone, session: &Session) {
    let is_polling = matches!(client, Client::Polling { .. });
    drop(client);
    if !is_polling {
        until_gone(gone, session);
    }
}

/// Lets a client come back, and tells what it receives: the answer, and so many events, in the order they come in. What other
/// shards have sent may be on its way still, and come behind the answer.
fn come_back(client: &mut Client, connect: &str, events: usize) -> Vec<String> {
    client.send(&[connect]);
    (0..=events).map(|_| client.next()).collect()
}

fn until_gone(gone: &Gone, session: &Session) {
    while gone.recv_timeout(SOON).expect("it goes") != session.sid {}
}

/// A client in the main namespace that makes others hear something.
fn speaker(address: SocketAddr) -> Client {
    let mut client = Client::websocket(address, PATH);
    join(&mut client);
    client
}
