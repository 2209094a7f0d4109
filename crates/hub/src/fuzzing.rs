//! Body of the fuzz target. It lives here so that a change of the library breaks the build and not the fuzzers; no part of the
//! public interface.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use siomio_packet::Payload;

use crate::{
    AckToken, Awaiter, Broadcast, ClientKey, Config, DisconnectReason, Due, Hub, NamespaceId,
    Offset, Received, Recovery, RequestId, Revision, Rooms, Selector, SocketKey,
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
    rooms: BTreeSet<&'static str>,
    pid: Option<Arc<str>>,
    /// The broadcasts that it missed, if it comes back.
    missed: Option<Vec<Offset>>,
}

/// Somebody who may come back.
#[derive(Debug)]
struct Absent {
    namespace: usize,
    rooms: BTreeSet<&'static str>,
    /// The last broadcast before it went.
    last: Option<Offset>,
    /// How many there had been.
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
        NAMES.map(|name| hub.declare(name));
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
            1 => self.ask(number, None),
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

    /// A client asks for a namespace.
    fn ask(&mut self, number: usize, session: Option<Arc<str>>) -> Option<SocketKey> {
        let client = number.checked_rem(self.clients.len())?;
        let namespace = number / FEW % NAMES.len();
        let mut here = self.sockets.values();
        let is_there = here.any(|it| (it.client, it.namespace) == (client, namespace));
        let packet = format!("0{},", NAMES[namespace]);
        let received = self.hub.handle_text(self.clients[client], &packet);
        let Ok(Received::Connect { namespace: id, .. }) = received else {
            assert!(is_there, "{received:?}");
            self.hang_up(client);
            return None;
        };
        assert!(!is_there, "asked twice");
        self.names += 1;
        let name = session.unwrap_or_else(|| format!("socket {}", self.names).into());
        let socket = self.hub.begin_connect(self.clients[client], id, name)?;
        self.sockets.insert(socket, Model { client, namespace, ..Model::default() });
        Some(socket)
    }
}
