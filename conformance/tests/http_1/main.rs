//! HTTP/1.1 over real TCP: what is refused and how, what is bounded, and that no request hides in another.

mod connection;
mod deadlines;
mod framing;
mod limits;
mod proxy;
mod smuggling;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{EngineServer, Server, ServerBuilder};
use siomio_conformance::eio_echo;
use siomio_testkit::{
    http::{Http, Response},
    polling::Polling,
};

const PATH: &str = "/engine.io/";
const POLLING: &str = "/engine.io/?EIO=4&transport=polling";

/// A running server with both Engine.IO and pages, and the requests its pages were asked for.
struct Site {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

/// Runs a test against a site with one shard, and against one with four.
fn site(test: impl Fn(&Site)) {
    site_with(|builder| builder, test);
}

/// Runs a test against a site with other settings.
fn site_with(settings: impl Fn(ServerBuilder) -> ServerBuilder, test: impl Fn(&Site)) {
    for shards in [1, 4] {
        println!("with {shards} shards");
        let server = eio_echo::server(settings(Server::builder().shards(shards)));
        let seen = Arc::default();
        serve_pages(&server, &seen);
        let running = server.bind("127.0.0.1:0").expect("a free port").spawn().expect("a thread");
        test(&Site { address: running.local_addrs()[0], seen });
        // Nobody waits for those whom the test has left hanging.
        running.shutdown(Duration::from_millis(5)).expect("the server ran well");
    }
}

/// Pages that answer with what they were asked: method, path and the length of the body.
fn serve_pages(server: &EngineServer, seen: &Arc<Mutex<Vec<String>>>) {
    let (seen, io) = (seen.clone(), server.io());
    server.http(move |request, response| {
        let (method, path, length) = (request.method(), request.path(), request.body().len());
        seen.lock().expect("nobody panics").push(format!("{method} {path}"));
        match path.strip_prefix("/status/").and_then(|status| status.parse().ok()) {
            Some(status) => response.status(status).text("a body"),
            None if path == "/connections" => response.text(io.connections().to_string()),
            None if path == "/large" => response.body("text/plain", vec![b'x'; 16 << 20]),
            None => response.text(format!("{method} {path} {length}")),
        }
    });
}

impl Site {
    fn connect(&self) -> Http {
        Http::connect(self.address)
    }

    /// A new connection on which this was sent.
    fn send(&self, bytes: impl AsRef<[u8]>) -> Http {
        let mut http = self.connect();
        http.send(bytes);
        http
    }

    fn session(&self) -> Polling {
        Polling::open(self.address, PATH)
    }

    /// The pages asked for since this was asked last.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().expect("nobody panics"))
    }
}

/// A GET that must never be answered.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// The connection must bear one whole response of this status, and end.
fn assert_refused(http: &mut Http, status: u16, what: &str) {
    let response = http.response();
    assert_last(&response, status, what);
    assert!(http.is_closed(), "{what}: the connection goes on");
}

/// The response must be whole, of this status, and the last on its connection.
fn assert_last(response: &Response, status: u16, what: &str) {
    assert_eq!(response.status, status, "{what}: {response:?}");
    assert_eq!(response.header("connection"), Some("close"), "{what}");
    assert_eq!(
        response.header("content-length"),
        Some(&*response.body.len().to_string()),
        "{what}"
    );
    assert!(response.header("date").is_some_and(|date| date.ends_with(" GMT")), "{what}");
}

/// Waits until the session's shard has worked off what was sent to it before.
fn settle(session: &Polling) {
    let mut http = Http::connect(session.address);
    http.request("PUT", &session.target, &[], b"");
    assert_eq!(http.response().status, 500);
}

fn status_and_text(response: &Response) -> (u16, &str) {
    (response.status, response.text())
}
