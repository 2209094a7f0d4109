//! The examples, and what their doc comments promise.

mod acks;
mod auth_middleware;
mod blocking_handlers;
mod chat;
mod other_threads;
mod post_handler;
mod recovery;
mod rooms_and_namespaces;

/// The programs.
#[path = "../../examples"]
#[allow(dead_code, unreachable_pub, reason = "they are programs: `main` is their way in")]
mod programs {
    pub(crate) mod acks;
    pub(crate) mod auth_middleware;
    pub(crate) mod blocking_handlers;
    #[path = "chat/main.rs"]
    pub(crate) mod chat;
    pub(crate) mod other_threads;
    pub(crate) mod post_handler;
    pub(crate) mod recovery;
    pub(crate) mod rooms_and_namespaces;
}

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use siomio::{Running, Server};
use siomio_testkit::{http::Http, ws::Ws};

/// A running example; it ends with the test.
pub(crate) struct Example {
    running: Option<Running>,
    pub(crate) address: SocketAddr,
}

impl Example {
    /// Runs it; its page and the page's client must be there.
    pub(crate) fn start(server: Server) -> Self {
        let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
        let address = running.local_addrs()[0];
        let mut http = Http::connect(address);
        let page = http.get("/");
        assert!(page.text().starts_with("<!doctype html>"), "{page:?}");
        assert!(
            page.text().contains("src='/siomio.js'") || page.text().contains("src=\"/siomio.js\"")
        );
        assert_eq!(http.get("/siomio.js").text(), siomio::BROWSER_CLIENT);
        assert_eq!(http.get("/nothing").status, 404);
        Self { running: Some(running), address }
    }

    /// A client in the main namespace.
    pub(crate) fn join(&self) -> Client {
        let mut client = self.connect();
        client.send("40");
        client.expect_start("40{\"sid\":");
        client
    }

    /// A client that has not joined any namespace.
    pub(crate) fn connect(&self) -> Client {
        let mut ws = Ws::connect(self.address, "/socket.io/?EIO=4&transport=websocket");
        assert!(ws.text().starts_with("0{"));
        Client(ws)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.io().close(Duration::ZERO);
        }
    }
}

/// A client that speaks the wire; what a page of an example would do.
pub(crate) struct Client(Ws);

impl Client {
    pub(crate) fn send(&mut self, packet: &str) {
        self.0.send(packet);
    }

    pub(crate) fn next(&mut self) -> String {
        self.0.message()
    }

    /// The next packets must be these.
    #[track_caller]
    pub(crate) fn expect(&mut self, packets: &[&str]) {
        for packet in packets {
            assert_eq!(self.next(), *packet);
        }
    }

    /// The next packet must begin like this; the rest is JSON.
    #[track_caller]
    pub(crate) fn expect_start(&mut self, start: &str) -> Value {
        let packet = self.next();
        assert!(packet.starts_with(start), "{packet} in place of {start}");
        let json = packet.find(['[', '{']).expect("a packet with data");
        serde_json::from_str(&packet[json..]).unwrap()
    }

    /// Ends the connection without a word.
    pub(crate) fn lose(self) {
        self.0.reset();
    }
}
