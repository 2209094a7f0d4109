//! The server's API as a single client meets it: namespaces and their middlewares, events and their handlers, acknowledgements,
//! and the end; over real TCP.

#[path = "../common/mod.rs"]
mod common;

mod acks_of_one;
mod blocking;
mod closing;
mod disconnecting;
mod dynamic_namespaces;
mod emitting_to_one;
mod event_middlewares;
mod events;
mod handshake;
mod limits;
mod listeners;
mod middlewares;
mod namespaces;
mod panicking_hooks;
mod panics;

use std::{
    fmt::Debug,
    net::SocketAddr,
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use siomio::{Io, Server, ServerBuilder};
use siomio_testkit::{PATIENCE, polling::Polling, ws::Got};

use common::Client;

const PATH: &str = "/socket.io/";

/// What the test of a server has at hand: where it is, a handle to it, and what its handlers say.
struct Stage<T> {
    address: SocketAddr,
    io: Io,
    said: Hear<T>,
}

/// Runs a test against a server of its own, whose handlers tell what they see.
fn served<T>(register: impl Fn(&Server, Tell<T>), test: impl Fn(&Stage<T>)) {
    served_with(|builder| builder, register, test);
}

/// The same with other settings.
fn served_with<T>(
    settings: impl Fn(ServerBuilder) -> ServerBuilder,
    register: impl Fn(&Server, Tell<T>),
    test: impl Fn(&Stage<T>),
) {
    let made = Mutex::new(None);
    let bind = |builder| {
        let (tell, hear) = mpsc::channel();
        let server = settings(builder).build();
        register(&server, Tell(tell));
        *made.lock().expect("nobody panics") = Some((server.io(), Hear(hear)));
        server.bind("127.0.0.1:0")
    };
    common::for_shards(bind, |address| {
        let (io, said) = made.lock().expect("nobody panics").take().expect("a server was made");
        test(&Stage { address, io, said });
    });
}

/// Tells the test something.
struct Tell<T>(mpsc::Sender<T>);

impl<T> Tell<T> {
    fn say(&self, what: T) {
        // The test may be over.
        let _ = self.0.send(what);
    }
}

impl<T> Clone for Tell<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// What handlers have told.
struct Hear<T>(mpsc::Receiver<T>);

impl<T: PartialEq + Debug> Hear<T> {
    fn next(&self) -> T {
        self.0.recv_timeout(PATIENCE).expect("a handler says something")
    }

    fn expect(&self, all: impl IntoIterator<Item = T>) {
        for expected in all {
            assert_eq!(self.next(), expected);
        }
    }

    fn assert_silent(&self) {
        if let Ok(what) = self.0.try_recv() {
            panic!("{what:?} in place of silence");
        }
    }
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

/// A WebSocket client that has not joined anything.
fn client(address: SocketAddr) -> Client {
    Client::websocket(address, PATH)
}

/// A WebSocket client in the main namespace.
fn joined(address: SocketAddr) -> Client {
    let mut client = client(address);
    join(&mut client, "/");
    client
}

/// What stands in front of the payload of a packet for a namespace.
fn prefix(namespace: &str) -> String {
    if namespace == "/" { String::new() } else { format!("{namespace},") }
}

/// Joins a namespace, and returns the id of the socket.
fn join(client: &mut Client, namespace: &str) -> String {
    client.send(&[&format!("40{}", prefix(namespace))]);
    connected(client, namespace)
}

/// Reads the answer to a CONNECT, and returns the id of the socket.
fn connected(client: &mut Client, namespace: &str) -> String {
    let packet = client.next();
    let json = packet.strip_prefix(&format!("40{}", prefix(namespace)));
    let json = json.unwrap_or_else(|| panic!("{packet} in place of a CONNECT"));
    let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
    json["sid"].as_str().expect("an id").to_owned()
}

/// The connection must be alive, and have nothing else to say.
fn assert_alive(client: &mut Client) {
    client.send(&["40/nobody"]);
    client.expect(&["44/nobody,{\"message\":\"Invalid namespace\"}"]);
}

/// The server must end the session, gracefully or not, with nothing else to say.
fn assert_ended(client: Client) {
    match client {
        Client::WebSocket { mut ws, .. } => {
            ws.closing();
        }
        Client::Polling { session, inbox } => {
            assert!(inbox.is_empty(), "{inbox:?} in place of the end");
            let mut farewell = session.get();
            if farewell.status == 200 {
                assert!(["1", "6\u{1e}1"].contains(&farewell.text()), "{farewell:?}");
                farewell = session.get();
            }
            assert_eq!(farewell.status, 400, "{farewell:?}");
        }
    }
}

/// Whether a WebSocket client is told something within a short time.
fn hears_soon(client: &mut Client) -> Option<String> {
    let Client::WebSocket { ws, .. } = client else { panic!("only for WebSockets") };
    ws.next_within(SHORT).map(|got| match got {
        Got::Text(text) => text,
        other => panic!("{other:?} in place of text"),
    })
}

/// Ends the connection without a word.
fn hang_up(client: Client) {
    match client {
        Client::WebSocket { ws, .. } => drop(ws),
        Client::Polling { session, .. } => end_polling(&session),
    }
}

fn end_polling(session: &Polling) {
    session.send(&["1"]);
}

/// Waits until something is so that nobody tells.
fn eventually(is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "it never comes to that");
        thread::yield_now();
    }
}

/// A time that is short for a test, and long for a server.
const SHORT: Duration = Duration::from_millis(100);
