//! Raw WebSockets over real sockets.

mod closing;
mod failing;
mod limits;
mod messages;
mod opening;
mod reach;

use std::{
    net::SocketAddr,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use siomio::{Endpoint, Running, Server, ServerBuilder};
use siomio_testkit::PATIENCE;

/// What makes a GET the request for a WebSocket.
pub(crate) const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

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

/// Where handlers say what happened to them.
pub(crate) struct Diary(Receiver<String>);

impl Diary {
    pub(crate) fn new() -> (Sender<String>, Self) {
        let (said, heard) = mpsc::channel();
        (said, Self(heard))
    }

    /// An endpoint that says `open`, `error: …` and `close CODE REASON`.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let (open, diary) = Self::new();
        let (error, close) = (open.clone(), open.clone());
        endpoint.on_open(move |_| open.send("open".to_owned()).unwrap());
        endpoint.on_error(move |_, what| error.send(format!("error: {what}")).unwrap());
        endpoint.on_close(move |_, code, reason| {
            close.send(format!("close {code} {reason}").trim_end().to_owned()).unwrap();
        });
        diary
    }

    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("something is said")
    }

    pub(crate) fn expect(&self, entries: &[&str]) {
        for entry in entries {
            assert_eq!(self.next(), *entry);
        }
    }

    /// What nobody has looked at; with the server gone, that is all.
    pub(crate) fn rest(self) -> Vec<String> {
        self.0.try_iter().collect()
    }
}

/// Long enough to say goodbye to clients that listen.
pub(crate) const SOON: Duration = Duration::from_millis(200);
