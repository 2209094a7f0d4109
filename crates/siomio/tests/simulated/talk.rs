//! Numbered events both ways.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{Server, ServerBuilder, Socket};
use siomio_testkit::sim::{Actor, Random, SimClient, Tear, World};

/// Events that each client sends, and gets.
pub(crate) const EVENTS: u64 = 40;
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// What the server heard of each client.
pub(crate) type Heard = Arc<Mutex<BTreeMap<u64, Vec<u64>>>>;

#[derive(Clone, Copy)]
struct Next(u64);

/// A server that notes the numbers it hears, and says its own: some in answer, some whenever it likes.
pub(crate) fn server(builder: ServerBuilder) -> (Server, Heard) {
    let (server, heard) = (builder.build(), Heard::default());
    server.on_connect(|socket: &Socket| {
        socket.data().insert(Next(0));
        socket.every(Duration::from_millis(7), say_next);
    });
    let log = heard.clone();
    server.on("n", move |socket: &Socket, client: u64, number: u64, padding: String| {
        assert_eq!(padding, pad(number));
        log.lock().unwrap().entry(client).or_default().push(number);
        (0..number % 3).for_each(|_| say_next(socket));
    });
    (server, heard)
}

fn say_next(socket: &Socket) {
    let number = socket.data().update(|next: &mut Next| {
        next.0 += 1;
        next.0 - 1
    });
    if let Some(number) = number.filter(|number| *number < EVENTS) {
        let _ = socket.emit("m", (number, pad(number)));
    }
}

/// Most numbers come alone, some with luggage, as much as the network can carry in reasonable time.
fn pad(number: u64) -> String {
    let length = match number {
        5 | 17 => 150,
        11 => LUGGAGE.get() / 10,
        23 => LUGGAGE.get(),
        _ => 0,
    };
    "x".repeat(length)
}

thread_local! {
    /// The largest padding. A world runs on one thread.
    static LUGGAGE: Cell<usize> = const { Cell::new(0) };
}

pub(crate) fn set_luggage(tear: Tear) {
    LUGGAGE.set(match tear.throughput() {
        0..20 => 300,
        20..800 => 5_000,
        _ => 70_000,
    });
}

/// A client that says its numbers at its own pace.
#[derive(Debug)]
pub(crate) struct Talker {
    pub(crate) client: SimClient,
    said: u64,
}

impl Talker {
    pub(crate) const fn new(client: SimClient) -> Self {
        Self { client, said: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.said == EVENTS
            && self.client.has_said_all()
            && self.client.received.len() as u64 >= EVENTS
    }
}

impl Actor for Talker {
    fn act(&mut self, world: &mut World) -> bool {
        if self.said < EVENTS && world.random.one_in(4) {
            let (client, number) = (self.client.number, self.said);
            self.client.emit(&format!(r#"["n",{client},{number},"{}"]"#, pad(number)));
            self.said += 1;
            return true;
        }
        self.client.act(world)
    }
}

/// Lets them talk until everything is said, and a while longer; then everything must have arrived once and in order.
pub(crate) fn talk(world: &mut World, talkers: &mut [Talker], heard: &Heard) {
    let is_heard = |client: u64| {
        heard.lock().unwrap().get(&client).is_some_and(|numbers| numbers.len() as u64 >= EVENTS)
    };
    let done = world.drive(talkers, SOON, |talkers| {
        talkers.iter().all(|talker| talker.is_done() && is_heard(talker.client.number as u64))
            || talkers.iter().any(|talker| talker.client.closed().is_some())
    });
    for talker in &*talkers {
        assert_eq!(talker.client.closed(), None, "client {}", talker.client.number);
    }
    if done {
        world.drive(talkers, Duration::from_millis(200), |_| false);
    }
    for Talker { client, .. } in &*talkers {
        let all: Vec<u64> = (0..EVENTS).collect();
        let (received, heard) = so_far(client, heard);
        assert_eq!(received, all, "client {} received", client.number);
        assert_eq!(heard, all, "the server heard of client {}", client.number);
    }
    assert!(done, "in time");
}

/// The numbers that a client has received, and those that the server has heard of it.
pub(crate) fn so_far(client: &SimClient, heard: &Heard) -> (Vec<u64>, Vec<u64>) {
    let received = client.received.iter().map(|event| number(&event.json)).collect();
    let heard = heard.lock().unwrap().get(&(client.number as u64)).cloned().unwrap_or_default();
    (received, heard)
}

/// The number of an event, whose luggage must be right.
fn number(json: &str) -> u64 {
    let (name, number, padding): (String, u64, String) = serde_json::from_str(json).unwrap();
    assert_eq!((name, padding), ("m".to_owned(), pad(number)));
    number
}

/// Any settings whose heartbeats are frequent.
pub(crate) fn builder(shards: u8, random: &mut Random) -> ServerBuilder {
    let interval = Duration::from_millis(random.between(20, 200) as u64);
    Server::builder().shards(shards).ping_interval(interval)
}
