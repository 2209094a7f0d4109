//! Nothing is left of clients that are gone, however they went.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{Ack, Server, Socket};
use siomio_testkit::sim::{
    Actor, End, Lines, Plan, Policy, Random, SimClient, SimHttp, World, seeds,
};

/// How often each socket was told to have come, and to have gone.
type Books = Arc<Mutex<BTreeMap<String, (u32, u32)>>>;

/// How a client goes.
#[derive(Clone, Copy, Debug)]
enum Fate {
    HangsUp(End),
    /// Stays silent, with its connections open.
    Vanishes,
    /// Sends this packet, and vanishes later.
    Says(&'static str),
    /// Asks the server to end it.
    Asks(&'static str),
}

const FATES: [Fate; 9] = [
    Fate::HangsUp(End::Fin),
    Fate::HangsUp(End::Reset),
    Fate::Vanishes,
    Fate::Says("41"),
    Fate::Says("1"),
    Fate::Says("nonsense"),
    Fate::Says("4nonsense"),
    Fate::Asks(r#"["leave"]"#),
    Fate::Asks(r#"["close"]"#),
];

struct Mortal {
    client: SimClient,
    fate: Fate,
    /// Steps until then.
    left: usize,
}

impl Actor for Mortal {
    fn act(&mut self, world: &mut World) -> bool {
        self.left = self.left.saturating_sub(1);
        if self.left == 40 {
            world.trace().add(format_args!("client {}: {:?}", self.client.number, self.fate));
            match self.fate {
                Fate::HangsUp(how) => self.client.hang_up(how),
                Fate::Vanishes => self.client.vanish(),
                Fate::Says(packet) => self.client.push(packet),
                Fate::Asks(event) => self.client.emit(event),
            }
        } else if self.left == 0 {
            self.client.vanish();
        }
        // Life goes on, with moments in which time passes.
        self.client.act(world) || (self.left > 0 && world.random.one_in(2))
    }
}

/// Bytes that never become what they promise.
const TORSOS: [&str; 9] = [
    "",
    "\r\n",
    "GET /socket.io/?EIO=4&transport=polling",
    "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: s\r\n",
    "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: s\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 1000\r\n\r\nhalf",
    "GET / HTTP/1.1\r\nHost: s\r\n\r\nGET / HTTP/1.1\r\nHost: s\r\n\r\n",
    "nonsense\r\n\r\n",
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: s\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\u{1}",
];

fn server(shards: u8) -> (Server, Books) {
    let (server, books) = (Server::builder().shards(shards).build(), Books::default());
    let log = books.clone();
    server.on_connect(move |socket: &Socket| {
        log.lock().unwrap().entry(socket.id().to_string()).or_default().0 += 1;
        socket.join("all");
        socket.data().insert(String::from("something"));
        socket.every(Duration::from_millis(300), |socket| {
            let _ = socket.broadcast().emit("tick", "x".repeat(100));
            socket.emit_with_ack("question", (), Duration::from_secs(3)).on_reply(|_| {});
        });
    });
    let log = books.clone();
    server.on_disconnect(move |socket: &Socket, _| {
        log.lock().unwrap().entry(socket.id().to_string()).or_default().1 += 1;
    });
    server.on("leave", |socket: &Socket| socket.disconnect(false));
    server.on("close", |socket: &Socket| socket.disconnect(true));
    server.on("echo", |_: &Socket, number: u64, ack: Ack| ack.send(number));
    (server, books)
}

/// Longer than any deadline takes, the longest being that for a whole request, and what follows it.
const EVERY_DEADLINE: Duration = Duration::from_secs(400);

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0xb00c);
    let shards = *random.pick(&[1, 4]);
    let (server, books) = server(shards);
    let mut world = World::new(seed, shards, server);
    let proxy = Lines::new(Policy::KeepAlive(6));
    let mut mortals: Vec<Mortal> = (0..random.between(1, 6))
        .map(|number| {
            let lines = match random.below(4) {
                0 => Lines::new(Policy::Fresh),
                1 => Lines::new(Policy::Pipelined),
                2 => Lines::new(Policy::KeepAlive(6)),
                _ => proxy.clone(),
            };
            let plan = match random.below(4) {
                0 => Plan::Polling,
                1 => Plan::WebSocket,
                _ => Plan::Upgrade { after: 0, failures: random.below(2) },
            };
            let mut client = SimClient::new(number, plan, lines);
            (0..random.below(20) as u64)
                .for_each(|number| client.emit_with_ack(number, &format!(r#"["echo",{number}]"#)));
            let fate = *random.pick(&FATES);
            Mortal { client, fate, left: 40 + random.between(1, 400) }
        })
        .collect();
    let torsos: Vec<SimHttp> = (0..random.below(5))
        .map(|_| {
            let torso = SimHttp::connect(&mut world);
            torso.send(random.pick(&TORSOS).as_bytes());
            match random.below(4) {
                0 => torso.wire().fin(),
                1 => torso.wire().reset(),
                _ => {}
            }
            torso
        })
        .collect();
    world.drive(&mut mortals, Duration::from_secs(60), |mortals| {
        mortals.iter().all(|mortal| mortal.left == 0)
    });
    if random.one_in(2) {
        // Now the connections end as well; otherwise they stay as they are, and it is for the server to find out.
        mortals.iter_mut().for_each(|mortal| mortal.client.hang_up(End::Fin));
        drop(torsos);
        world.advance(EVERY_DEADLINE);
    } else {
        world.advance(EVERY_DEADLINE);
        drop(torsos);
    }
    let nothing = vec![[0; 5]; shards.into()];
    assert_eq!(
        world.population(),
        nothing,
        "connections, sessions, clients, sockets, raw WebSockets"
    );
    assert_eq!(world.open_connections(), 0);
    let books = books.lock().unwrap();
    for (id, told) in &*books {
        assert_eq!(*told, (1, 1), "{id} came and went");
    }
    for id in mortals.iter().filter_map(|mortal| mortal.client.id()) {
        assert!(books.contains_key(id), "{id} was told that it is connected");
    }
}

#[test]
fn are_empty_when_everybody_is_gone() {
    seeds(400, run);
}
