//! Body of the fuzz target. It lives here so that a change of the library breaks the build and not the fuzzers; no part of the
//! public interface.

mod coming;
mod going;
mod talking;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use siomio_packet::DecodeError;

use crate::{
    AckToken, ClientKey, Config, DisconnectReason, Due, Hub, NamespaceId, Offset, Received,
    Recovery, Revision, Rooms, Selector, SocketKey, Violation,
};

/// Drives a hub through operations that the bytes choose, beside a model of it, and checks that both say the same.
///
/// # Panics
/// If they do not.
pub fn hub(input: &[u8]) {
    let mut life = Life::begin();
    let mut bytes = input.iter().copied();
    while let Some(operation) = bytes.next() {
        life.step(operation, bytes.next().unwrap_or_default());
    }
    life.end();
}

const NAMES: [&str; 2] = ["/", "/custom"];
const ROOMS: [&str; 3] = ["a", "b", "c"];
const FEW: usize = 8;

/// A hub, and what must be true of it.
struct Life {
    hub: Hub,
    now: Instant,
    clients: Vec<ClientKey>,
    sockets: BTreeMap<SocketKey, Model>,
    /// Acknowledgements that somebody waits for, and whose they are.
    awaited: BTreeMap<u64, (SocketKey, u64)>,
    /// Lost sessions by their secrets.
    lost: BTreeMap<Arc<str>, Absent>,
    /// Broadcasts of which lost sessions may have missed some.
    log: Vec<(Offset, usize, Selector)>,
    names: u64,
}

/// What is known of a socket.
#[derive(Clone, Debug, Default)]
struct Model {
    client: usize,
    namespace: usize,
    is_connected: bool,
    rooms: BTreeSet<Arc<str>>,
    pid: Option<Arc<str>>,
    feed: Feed,
    returns: Option<Return>,
}

/// What a client has received over its last connection.
#[derive(Clone, Debug, Default)]
struct Feed {
    /// The last before that.
    before: Option<Offset>,
    since: Vec<Offset>,
}

/// Somebody who is back, and not let in yet.
#[derive(Clone, Debug)]
struct Return {
    since: Instant,
    /// The rooms it had.
    rooms: BTreeSet<Arc<str>>,
    missed: Vec<Offset>,
}

/// Somebody who may come back.
#[derive(Debug)]
struct Absent {
    namespace: usize,
    rooms: BTreeSet<Arc<str>>,
    feed: Feed,
    /// How many there had been when it went.
    at: usize,
}

impl Life {
    #[allow(clippy::disallowed_methods, reason = "time has to start somewhere")]
    fn begin() -> Self {
        let config = Config {
            recovery: Some(Recovery { max_sessions: FEW, ..Recovery::default() }),
            ..Config::default()
        };
        let mut hub = Hub::new(config, Rooms::shared(5), 5);
        for name in NAMES {
            hub.declare(name);
        }
        Self {
            hub,
            now: Instant::now(),
            clients: Vec::new(),
            sockets: BTreeMap::new(),
            awaited: BTreeMap::new(),
            lost: BTreeMap::new(),
            log: Vec::new(),
            names: 0,
        }
    }

    fn step(&mut self, operation: u8, what: u8) {
        let number = usize::from(what);
        match operation % 16 {
            0 if self.clients.len() < FEW => {
                let tag = self.clients.len() as u64;
                self.clients.push(self.hub.open_client(self.now, tag, Revision::V5));
            }
            1 => drop(self.ask(number, None)),
            2 => self.come_back(number),
            3 => self.accept(number),
            4 => self.refuse(number),
            5 | 6 => self.join_or_leave(number, operation % 16 == 5),
            7 => self.select(number),
            8 => self.expect_ack(number),
            9 => self.answer(number),
            10 => self.forgo(number),
            11 => self.disconnect(number),
            12 => self.lose(number),
            13 => self.broadcast(number),
            14 => self.speak(number, what),
            15 => self.wait(Duration::from_secs(u64::from(what))),
            _ => {}
        }
        assert_eq!(self.hub.len().1, self.sockets.len(), "as many sockets as there should be");
    }

    /// A client says something right. Nothing comes of it where attachments are awaited: that ends the client.
    fn say<'p>(
        &mut self,
        client: usize,
        packet: &'p str,
    ) -> Option<Result<Received<'p>, Violation>> {
        let received = self.hub.handle_text(self.clients[client], packet);
        if let Err(Violation::Decode(DecodeError::UnexpectedText)) = received {
            self.hang_up(client);
            return None;
        }
        Some(received)
    }

    /// The one of some sockets that a number means.
    fn pick(&self, number: usize, is_one: impl Fn(&Model) -> bool) -> Option<SocketKey> {
        let these: Vec<_> = self.sockets.iter().filter(|(_, it)| is_one(it)).collect();
        these.get(number.checked_rem(these.len())?).map(|(socket, _)| **socket)
    }

    fn namespace(&self, number: usize) -> NamespaceId {
        self.hub.find(NAMES[number]).expect("it was declared")
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        while let Some(due) = self.hub.handle_timeout(self.now) {
            match due {
                Due::Ack(AckToken(token)) => {
                    assert!(self.awaited.remove(&token).is_some(), "somebody has waited for it");
                }
                Due::Connect(tag) => self.hang_up(tag as usize),
                Due::Session(pid) => drop(self.lost.remove(&pid)),
                due @ (Due::Request(_) | Due::Decision(_)) => panic!("{due:?}"),
            }
        }
        assert!(self.hub.deadline().is_none_or(|at| at > self.now), "nothing is overdue");
    }

    fn place_of(&self, socket: SocketKey) -> (usize, usize) {
        let model = &self.sockets[&socket];
        (model.client, model.namespace)
    }

    /// All go, and all time passes: nothing is left.
    fn end(mut self) {
        for client in std::mem::take(&mut self.clients) {
            for socket in self.hub.sockets(client) {
                if !self.hub.refuse(socket) {
                    self.remove(socket, false, DisconnectReason::TransportClose);
                }
            }
            self.hub.close_client(client);
        }
        assert!(self.awaited.is_empty(), "{:?}", self.awaited);
        self.wait(Duration::from_secs(3600));
        assert_eq!((self.hub.len(), self.hub.sessions()), ((0, 0), 0));
        assert_eq!(self.hub.deadline(), None);
    }
}

/// Everybody, members of rooms, or those without some.
fn selector(number: usize) -> Selector {
    let mut selector = Selector::all();
    for (place, room) in ROOMS.into_iter().enumerate() {
        match number >> (2 * place) & 3 {
            1 => selector = selector.room(room),
            2 => selector = selector.except(room),
            _ => {}
        }
    }
    selector
}

fn is_meant(to: &Selector, rooms: &BTreeSet<Arc<str>>) -> bool {
    (to.rooms.is_empty() || to.rooms.iter().any(|room| rooms.contains(&**room)))
        && !to.except.iter().any(|room| rooms.contains(&**room))
}
