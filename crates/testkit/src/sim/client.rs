//! A Socket.IO client: polling, upgrade, heartbeat, events.

mod inbox;
mod polling;

use std::collections::VecDeque;

use base64::{Engine, engine::general_purpose::STANDARD};

pub use self::inbox::Received;
use self::{inbox::Inbox, polling::Polling};
use super::{Actor, End, Lines, Policy, SimWs, World};
use crate::ws::Got;

/// A client of the main namespace that does what the official one does, at its own pace.
#[derive(Debug)]
pub struct SimClient {
    /// Its number, as in the trace.
    pub number: usize,
    /// Events and acknowledgements that arrived, in order.
    pub received: Vec<Received>,
    plan: Plan,
    phase: Phase,
    lines: Lines,
    /// For the first request, if it takes a connection of its own.
    entrance: Option<Lines>,
    /// Path and query of the session.
    target: String,
    /// What it sends along to the namespace, as JSON.
    auth: String,
    /// What the server told it when its socket was connected.
    welcome: Option<Welcome>,
    /// Packets to be sent.
    outbox: VecDeque<String>,
    /// Events that wait until the socket is connected.
    backlog: VecDeque<String>,
    inbox: Inbox,
    vanished: bool,
}

/// What the server tells a client whose socket is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The id of its socket.
    pub sid: String,
    /// With which it can come back, if the server recovers sessions.
    pub pid: Option<String>,
}

/// How a client uses the transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Polling only.
    Polling,
    /// WebSocket only.
    WebSocket,
    /// Polling first; then, when so many events were received, the upgrade.
    Upgrade {
        /// The number of events.
        after: usize,
        /// Attempts that are given up somewhere before one is seen through.
        failures: usize,
    },
}

/// ```text
///   Fresh ──► Opening ──► Polling ── probe, 5 ──► WebSocket
///     └──────────────────────────────────────────────▲
///   any ──► Closed
/// ```
#[derive(Debug)]
enum Phase {
    Fresh,
    /// The first GET is on its way.
    Opening(u64),
    Polling(Polling),
    WebSocket(SimWs),
    Closed(String),
}

const TARGET: &str = "/socket.io/?EIO=4&transport=polling";

impl SimClient {
    /// A client that has done nothing yet. Its requests take these lines.
    pub fn new(number: usize, plan: Plan, lines: Lines) -> Self {
        Self {
            number,
            received: Vec::new(),
            plan,
            phase: Phase::Fresh,
            lines,
            entrance: None,
            target: TARGET.to_owned(),
            auth: String::new(),
            welcome: None,
            outbox: VecDeque::new(),
            backlog: VecDeque::new(),
            inbox: Inbox::default(),
            vanished: false,
        }
    }

    /// Lets its first request take a connection of its own, so that the server is free to choose the shard.
    #[must_use]
    pub fn with_entrance(mut self) -> Self {
        self.entrance = Some(Lines::new(Policy::KeepAlive(1)));
        self
    }

    /// Sends this along to the namespace, as JSON.
    pub fn set_auth(&mut self, auth: String) {
        self.auth = auth;
    }

    /// Emits an event: a JSON array, its name first. It waits until the socket is connected.
    pub fn emit(&mut self, event: &str) {
        self.event(format!("42{event}"));
    }

    /// Emits an event that asks for an acknowledgement with this number.
    pub fn emit_with_ack(&mut self, id: u64, event: &str) {
        self.event(format!("42{id}{event}"));
    }

    /// Sends a packet of Engine.IO.
    pub fn push(&mut self, packet: &str) {
        self.outbox.push_back(packet.to_owned());
    }

    /// Sends an attachment, behind the packet that it belongs to.
    pub fn push_binary(&mut self, data: &[u8]) {
        self.outbox.push_back(format!("b{}", STANDARD.encode(data)));
    }

    /// The id of its socket, once it is connected.
    pub fn id(&self) -> Option<&str> {
        self.welcome.as_ref().map(|welcome| &*welcome.sid)
    }

    /// What the server told it when its socket was connected, once it is.
    pub const fn welcome(&self) -> Option<&Welcome> {
        self.welcome.as_ref()
    }

    /// Whether everything it was given to say has left.
    pub fn has_said_all(&self) -> bool {
        self.outbox.is_empty() && self.backlog.is_empty()
    }

    /// Why it is closed, if it is.
    pub fn closed(&self) -> Option<&str> {
        match &self.phase {
            Phase::Closed(why) => Some(why),
            _ => None,
        }
    }

    /// Whether its events take a WebSocket.
    pub const fn is_on_websocket(&self) -> bool {
        matches!(self.phase, Phase::WebSocket(_))
    }

    /// How it uses the transports.
    pub const fn plan(&self) -> Plan {
        self.plan
    }

    /// Ends all of its connections, without a word.
    pub fn hang_up(&mut self, how: End) {
        self.lines.hang_up(how);
        self.entrance().hang_up(how);
        let websocket = match &self.phase {
            Phase::WebSocket(websocket) => Some(websocket),
            Phase::Polling(polling) => polling.websocket(),
            _ => None,
        };
        if let Some(websocket) = websocket.filter(|_| how == End::Reset) {
            websocket.wire().reset();
        }
        self.phase = Phase::Closed("hung up".to_owned());
    }

    /// Does nothing any more, its connections stay open.
    pub fn vanish(&mut self) {
        self.vanished = true;
    }

    fn event(&mut self, packet: String) {
        if self.welcome.is_some() {
            self.outbox.push_back(packet);
        } else {
            self.backlog.push_back(packet);
        }
    }

    fn open(&mut self, world: &mut World) -> Phase {
        if self.plan == Plan::WebSocket {
            Phase::WebSocket(SimWs::connect(world, &self.websocket_target()))
        } else {
            Phase::Opening(self.entrance().submit("GET", &self.target, b""))
        }
    }

    fn entrance(&self) -> &Lines {
        self.entrance.as_ref().unwrap_or(&self.lines)
    }

    fn websocket_target(&self) -> String {
        self.target.replace("transport=polling", "transport=websocket")
    }

    /// Goes on with what it was at; `true` if there was anything to do.
    fn go_on(&mut self, phase: Phase, world: &mut World) -> Result<(Phase, bool), String> {
        match phase {
            Phase::Fresh => Ok((self.open(world), true)),
            Phase::Opening(ticket) => match self.entrance().take(ticket) {
                None => Ok((phase, false)),
                Some(answer) => {
                    self.take_payload(answer, world)?;
                    Ok((Phase::Polling(Polling::default()), true))
                }
            },
            Phase::Polling(polling) => self.poll(polling, world),
            Phase::WebSocket(mut websocket) => {
                let mut busy = self.send_some(&websocket, world);
                while let Some(got) = websocket.poll() {
                    busy = true;
                    match got {
                        Got::Text(text) => self.take_packet(&text, world)?,
                        Got::Binary(data) => {
                            self.received.extend(self.inbox.attachment(data));
                        }
                        Got::Ping(_) | Got::Pong(_) => {}
                        Got::Close(code) => {
                            websocket.close(code);
                            return Err(format!("close frame {code:?}"));
                        }
                        Got::End => return Err("the connection ended".to_owned()),
                    }
                    if world.random.one_in(8) {
                        break;
                    }
                }
                Ok((Phase::WebSocket(websocket), busy))
            }
            Phase::Closed(_) => Ok((phase, false)),
        }
    }

    fn send_some(&mut self, websocket: &SimWs, world: &mut World) -> bool {
        if !websocket.is_open() || self.outbox.is_empty() {
            return false;
        }
        let count = world.random.between(1, self.outbox.len());
        for packet in self.outbox.drain(..count) {
            match packet.strip_prefix('b') {
                Some(data) => websocket.send_binary(&decode(data)),
                None => websocket.send(&packet),
            }
        }
        true
    }

    /// Works off a packet of Engine.IO; says why, if it was the last.
    fn take_packet(&mut self, packet: &str, world: &World) -> Result<(), String> {
        let rest = packet.get(1..).unwrap_or_default();
        match packet.as_bytes().first() {
            Some(b'0') => {
                let handshake = crate::polling::handshake(packet);
                let sid = handshake["sid"].as_str().expect("the handshake has an id");
                self.target = format!("{TARGET}&sid={sid}");
                self.outbox.push_back(format!("40{}", self.auth));
            }
            Some(b'1') => return Err("a close packet".to_owned()),
            Some(b'2') if rest.is_empty() => self.outbox.push_back("3".to_owned()),
            Some(b'6') if rest.is_empty() => {}
            Some(b'4') => self.take_message(rest, world)?,
            Some(b'b') => {
                let data = decode(rest);
                self.received.extend(self.inbox.attachment(data));
            }
            _ => panic!("client {}: no packet for a client: {packet:?}", self.number),
        }
        Ok(())
    }

    fn take_message(&mut self, text: &str, world: &World) -> Result<(), String> {
        match text.as_bytes().first() {
            Some(b'0') => {
                let json: serde_json::Value =
                    serde_json::from_str(&text[1..]).expect("CONNECT holds JSON");
                assert!(self.welcome.is_none(), "client {}: connected twice", self.number);
                let word = |key: &str| json[key].as_str().map(str::to_owned);
                let sid = word("sid").expect("a socket has an id");
                self.welcome = Some(Welcome { sid, pid: word("pid") });
                world.trace().add(format_args!("client {}: connected", self.number));
                self.outbox.append(&mut self.backlog);
            }
            Some(b'1') => return Err("disconnected by the server".to_owned()),
            Some(b'4') => return Err(format!("refused: {text}")),
            _ => self.received.extend(self.inbox.text(text)),
        }
        Ok(())
    }
}

fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).expect("padded base64")
}

impl Actor for SimClient {
    fn act(&mut self, world: &mut World) -> bool {
        if self.vanished {
            return false;
        }
        let entered = self.entrance().work(world);
        let worked = self.lines.work(world) || entered;
        let phase = std::mem::replace(&mut self.phase, Phase::Fresh);
        let (phase, busy) = self.go_on(phase, world).unwrap_or_else(|why| {
            world.trace().add(format_args!("client {}: closed: {why}", self.number));
            (Phase::Closed(why), true)
        });
        self.phase = phase;
        worked || busy
    }
}
