//! One server, many sockets: broadcasts, rooms, acknowledgements of many, clusters.

#[path = "../common/mod.rs"]
mod common;

mod acks_of_many;
mod backpressure;
mod cluster;
mod fetching;
mod operators;
mod room_events;
mod server_side;
mod stress;
mod volatile;

use std::{net::SocketAddr, sync::Mutex, time::Duration};

use siomio::{Io, Server, ServerBuilder};

use common::Client;

const PATH: &str = "/socket.io/";

/// A time that no test waits for.
const LONG: Duration = Duration::from_secs(3600);

/// A server under test.
struct Site {
    address: SocketAddr,
    io: Io,
    shards: u8,
}

/// Somebody in a namespace.
struct Guest {
    client: Client,
    id: String,
}

/// Runs a test against a server with these handlers.
fn served(handlers: impl Fn(&Server), test: impl Fn(&Site)) {
    served_with(|builder| builder, handlers, test);
}

/// Runs a test against a server with these settings and handlers.
fn served_with(
    settings: impl Fn(ServerBuilder) -> ServerBuilder,
    handlers: impl Fn(&Server),
    test: impl Fn(&Site),
) {
    let (io, runs) = (Mutex::new(None), Mutex::new(0));
    let bind = |builder| {
        let server = settings(builder).build();
        handlers(&server);
        *io.lock().unwrap() = Some(server.io());
        server.bind("127.0.0.1:0")
    };
    common::for_shards(bind, |address| {
        let io = io.lock().unwrap().take().expect("it is bound");
        let mut runs = runs.lock().unwrap();
        *runs += 1;
        test(&Site { address, io, shards: if *runs == 1 { 1 } else { 4 } });
    });
}

impl Site {
    /// Somebody in the main namespace, over WebSocket.
    fn guest(&self) -> Guest {
        self.guest_in("/")
    }

    /// Somebody in a namespace, over WebSocket.
    fn guest_in(&self, namespace: &str) -> Guest {
        Guest::join(Client::websocket(self.address, PATH), namespace)
    }

    /// Somebody in the main namespace, over polling.
    fn polling_guest(&self) -> Guest {
        Guest::join(Client::polling(self.address, PATH), "/")
    }

    /// Several in the main namespace, on both transports; with several shards, on several of them.
    fn guests(&self, count: usize) -> Vec<Guest> {
        self.guests_in("/", count)
    }

    /// Several in a namespace, on both transports.
    fn guests_in(&self, namespace: &str, count: usize) -> Vec<Guest> {
        let open: [fn(SocketAddr, &str) -> Client; 2] = [Client::websocket, Client::polling];
        (0..count).map(|n| Guest::join(open[n % 2](self.address, PATH), namespace)).collect()
    }

    /// What each of those in the main namespace has heard by now of what this thread has sent.
    fn heard(&self, guests: &mut [Guest]) -> Vec<Vec<String>> {
        self.heard_in("/", guests)
    }

    /// The same in another namespace.
    fn heard_in(&self, namespace: &str, guests: &mut [Guest]) -> Vec<Vec<String>> {
        assert!(self.io.of(namespace).emit("mark", ()).is_queued());
        guests.iter_mut().map(|guest| guest.until(&event(namespace, "[\"mark\"]"))).collect()
    }

    /// The places of those who have heard exactly this, once; the others must have heard nothing.
    fn who_heard(&self, packet: &str, guests: &mut [Guest]) -> Vec<usize> {
        who(packet, self.heard(guests))
    }
}

impl Guest {
    /// Joins a namespace as whoever has opened the connection.
    fn join(mut client: Client, namespace: &str) -> Self {
        let id = join(&mut client, namespace);
        Self { client, id }
    }

    /// Everything that arrives before this packet.
    fn until(&mut self, packet: &str) -> Vec<String> {
        std::iter::from_fn(|| Some(self.client.next()).filter(|next| next != packet)).collect()
    }

    /// Asks the server for something by an event of the main namespace.
    fn ask(&mut self, payload: &str) {
        self.client.send(&[&format!("42{payload}")]);
    }

    /// Waits for an event that is to be acknowledged, and returns its number.
    fn asked(&mut self, payload: &str) -> String {
        let packet = self.client.next();
        let id = packet.strip_prefix("42").and_then(|rest| rest.strip_suffix(payload));
        id.filter(|id| id.parse::<u64>().is_ok())
            .unwrap_or_else(|| panic!("{packet} in place of {payload}"))
            .to_owned()
    }
}

/// Joins a namespace, and returns the id of the socket.
fn join(client: &mut Client, namespace: &str) -> String {
    client.send(&[&format!("40{}", prefix(namespace))]);
    let packet = client.next();
    let json = packet.strip_prefix(&format!("40{}", prefix(namespace)));
    let json = json.unwrap_or_else(|| panic!("{packet} in place of a CONNECT"));
    let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
    json["sid"].as_str().expect("an id").to_owned()
}

/// The places of those who have heard exactly this, once; the others must have heard nothing.
fn who(packet: &str, heard: Vec<Vec<String>>) -> Vec<usize> {
    let mut places = Vec::new();
    for (place, heard) in heard.iter().enumerate().filter(|(_, heard)| !heard.is_empty()) {
        assert_eq!(heard, &[packet], "at place {place}");
        places.push(place);
    }
    places
}

/// The packet of an event.
fn event(namespace: &str, payload: &str) -> String {
    format!("42{}{payload}", prefix(namespace))
}

/// What stands in front of the payload of a packet for a namespace.
fn prefix(namespace: &str) -> String {
    if namespace == "/" { String::new() } else { format!("{namespace},") }
}

/// Looks again and again until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + siomio_testkit::PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "it never came to this: {what}");
        std::thread::yield_now();
    }
}
