//! Raw WebSockets: order both ways, one `on_open` and one `on_close` for each, and nothing left of those who are gone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{Endpoint, Message, Server, WebSocket};
use siomio_testkit::{
    sim::{Actor, Random, SimWs, World, seeds},
    ws::Got,
};
use siomio_websocket::{OpCode, write_frame};

/// Messages that each client sends, and gets back.
const MESSAGES: usize = 30;
const BEAT: Duration = Duration::from_secs(10);

/// What the server was told of each client.
#[derive(Debug, Default)]
struct Record {
    opened: u32,
    heard: Vec<usize>,
    closed: Vec<u16>,
}

type Records = Arc<Mutex<BTreeMap<usize, Record>>>;

struct Alive(bool);

fn who(socket: &WebSocket) -> usize {
    socket.request().query("who").and_then(|who| who.parse().ok()).expect("clients have numbers")
}

/// It sends every number back, in one of several ways, and pings.
fn server(shards: u8, records: &Records) -> (Server, Endpoint) {
    let server = Server::builder().shards(shards).build();
    let endpoint = server.websocket("/raw");
    let log = records.clone();
    endpoint.on_open(move |socket| {
        log.lock().unwrap().entry(who(socket)).or_default().opened += 1;
        socket.data().insert(Alive(true));
        socket.every(BEAT, |socket| match socket.data().insert(Alive(false)) {
            Some(Alive(true)) => drop(socket.ping(b"there?")),
            _ => socket.terminate(),
        });
    });
    endpoint.on_pong(|socket, _| {
        socket.data().insert(Alive(true));
    });
    let log = records.clone();
    endpoint.on_message(move |socket, message| {
        let Message::Text(text) = message else { return };
        match text {
            "close" => socket.close(4000, "as you wish"),
            "terminate" => socket.terminate(),
            "panic" => panic!("as you wish"),
            number => {
                let number: usize = number.trim_start().parse().unwrap();
                log.lock().unwrap().get_mut(&who(socket)).unwrap().heard.push(number);
                // Whether it still may.
                let _ = match number % 4 {
                    0 => socket.handle().send_text(text),
                    1 => {
                        // Strangers know what is not for them.
                        socket.endpoint().send_text(&format!("{} says {number}", who(socket)));
                        socket.send(Message::Binary(text.as_bytes().to_vec().into()))
                    }
                    _ => socket.send_text(text),
                };
            }
        }
    });
    let log = records.clone();
    endpoint.on_close(move |socket, code, _| {
        log.lock().unwrap().get_mut(&who(socket)).unwrap().closed.push(code.0);
    });
    (server, endpoint)
}

/// How a client ends, once it has said everything, and what codes the server may be told of it.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Closes,
    Fin,
    Reset,
    /// Breaks a rule.
    Breaks,
    Says(&'static str),
    /// Asks to be closed, and does not answer.
    Ignores,
    /// Says nothing any more, and stays.
    Vanishes,
}

const FATES: [Fate; 9] = [
    Fate::Closes,
    Fate::Fin,
    Fate::Reset,
    Fate::Breaks,
    Fate::Says("close"),
    Fate::Says("terminate"),
    Fate::Says("panic"),
    Fate::Ignores,
    Fate::Vanishes,
];

impl Fate {
    fn codes(self) -> &'static [u16] {
        match self {
            Self::Closes => &[4001],
            Self::Breaks => &[1002],
            Self::Says("close") => &[4000],
            Self::Says("panic") => &[1011],
            _ => &[1006],
        }
    }
}

struct Client {
    number: usize,
    ws: SimWs,
    said: usize,
    /// When it is cut short.
    until: usize,
    back: Vec<usize>,
    fate: Fate,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Talking,
    /// It met its fate, and answers whatever it still has to.
    Leaving,
    Silent,
}

impl Client {
    fn take(&mut self, got: Got) {
        let text = match got {
            Got::Text(text) => text,
            Got::Binary(data) => String::from_utf8(data).unwrap(),
            Got::Ping(payload) => {
                let mut bytes = Vec::new();
                write_frame(&mut bytes, OpCode::Pong, &payload, Some([1, 2, 3, 4]));
                return self.ws.wire().send(&bytes);
            }
            Got::Pong(_) => panic!("nobody has asked"),
            Got::Close(code) => return self.ws.close(code),
            Got::End => return self.stage = Stage::Silent,
        };
        if let Ok(number) = text.trim_start().parse() {
            self.back.push(number);
        }
    }

    fn meet_fate(&mut self) {
        self.stage = Stage::Leaving;
        match self.fate {
            Fate::Closes => self.ws.close(Some(4001)),
            Fate::Fin => self.ws.wire().fin(),
            Fate::Reset => self.ws.wire().reset(),
            Fate::Breaks => self.ws.wire().send(b"\x81\x02hi"),
            Fate::Says(text) => self.ws.send(text),
            Fate::Ignores => {
                self.ws.send("close");
                self.stage = Stage::Silent;
            }
            Fate::Vanishes => self.stage = Stage::Silent,
        }
    }
}

impl Actor for Client {
    fn act(&mut self, world: &mut World) -> bool {
        if self.stage == Stage::Silent {
            return false;
        }
        if self.stage == Stage::Talking && self.ws.is_open() && world.random.one_in(3) {
            if self.said == self.until {
                self.meet_fate();
            } else {
                let width = if world.random.one_in(10) { 200 } else { 1 };
                self.ws.send(&format!("{:width$}", self.said));
                self.said += 1;
            }
            return true;
        }
        let Some(got) = self.ws.poll() else { return false };
        self.take(got);
        true
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0x4a3);
    let shards = *random.pick(&[1, 3]);
    let records = Records::default();
    let (server, endpoint) = server(shards, &records);
    let mut world = World::new(seed, shards, server);
    let mut clients: Vec<Client> = (0..random.between(1, 6))
        .map(|number| {
            let ws = SimWs::connect(&mut world, &format!("/raw?who={number}"));
            let (fate, until) = (*random.pick(&FATES), random.below(MESSAGES));
            let (said, back, stage) = (0, Vec::new(), Stage::Talking);
            Client { number, ws, said, until, back, fate, stage }
        })
        .collect();
    world.drive(&mut clients, Duration::from_secs(300), |clients| {
        clients.iter().all(|client| client.stage == Stage::Silent)
    });
    world.advance(3 * BEAT);

    let nothing = vec![[0; 5]; shards.into()];
    assert_eq!(world.population(), nothing, "of connections and raw WebSockets");
    assert_eq!(endpoint.clients(), 0);
    let records = records.lock().unwrap();
    for client in &clients {
        let (number, fate) = (client.number, client.fate);
        let record = &records[&number];
        assert_eq!((record.opened, record.closed.len()), (1, 1), "client {number} came and went");
        assert!(fate.codes().contains(&record.closed[0]), "client {number}, {fate:?}: {record:?}");
        let all: Vec<usize> = (0..client.until).collect();
        if !matches!(fate, Fate::Reset) {
            assert_eq!(record.heard, all, "the server heard of client {number}, {fate:?}");
        }
        assert!(all.starts_with(&record.heard), "client {number}: {:?}", record.heard);
        assert!(record.heard.starts_with(&client.back), "client {number}: {:?}", client.back);
        if let Fate::Closes | Fate::Breaks | Fate::Fin | Fate::Says("close" | "panic") = fate {
            assert_eq!(client.back, all, "client {number} got back, {fate:?}");
        }
    }
}

#[test]
fn are_not_waited_for_longer_than_five_seconds_once_they_are_closed() {
    seeds(20, |seed| {
        let records = Records::default();
        let (server, _) = server(1, &records);
        let mut world = World::new(seed, 1, server);
        let ws = SimWs::connect(&mut world, "/raw?who=0");
        ws.send("close");
        world.advance(Duration::from_secs(4));
        assert!(records.lock().unwrap()[&0].closed.is_empty());
        world.advance(Duration::from_millis(1100));
        assert_eq!(records.lock().unwrap()[&0].closed, [1006]);
        assert_eq!(world.population(), [[0; 5]]);
    });
}

#[test]
fn come_and_go_once_and_keep_their_order() {
    seeds(300, run);
}
