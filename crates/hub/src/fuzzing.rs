//! Body of the fuzz target. It lives here so that a change of the library breaks the build and not the fuzzers; no part of the
//! public interface.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use siomio_packet::{DecodeError, Payload};

use crate::{
    AckToken, Awaiter, Broadcast, ClientKey, Config, DisconnectReason, Due, Hub, NamespaceId,
    Offset, Received, Recovery, Revision, Rooms, Selector, SocketKey, Violation,
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

    /// A client asks for a namespace.
    fn ask(&mut self, number: usize, session: Option<Arc<str>>) -> Option<SocketKey> {
        let client = number.checked_rem(self.clients.len())?;
        let namespace = number / FEW % NAMES.len();
        let mut here = self.sockets.values();
        let is_there = here.any(|it| (it.client, it.namespace) == (client, namespace));
        let packet = format!("0{},", NAMES[namespace]);
        let received = self.say(client, &packet)?;
        let Ok(Received::Connect { namespace: id, .. }) = received else {
            assert!(is_there, "{received:?}");
            self.hang_up(client);
            return None;
        };
        assert!(!is_there, "asked twice");
        self.names += 1;
        let name = session.unwrap_or_else(|| format!("socket {}", self.names).into());
        let socket = self.hub.begin_connect(self.clients[client], id, name.clone())?;
        let rooms = BTreeSet::from([name]);
        self.sockets.insert(socket, Model { client, namespace, rooms, ..Model::default() });
        Some(socket)
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

    fn accept(&mut self, number: usize) {
        let Some(socket) = self.pick(number, |it| !it.is_connected) else { return };
        let model = self.sockets.get_mut(&socket).expect("picked");
        self.names += 1;
        let long_ago = self.now - Recovery::default().max_disconnection;
        if self.hub.begin_anew(socket).is_some() {
            let returns = model.returns.take().expect("it has come back");
            assert!(returns.since < long_ago, "it was not long");
            (model.pid, model.feed) = (None, Feed::default());
        }
        // One that has come back keeps its secret.
        let fresh = || format!("secret {}", self.names).into();
        let pid = model.pid.get_or_insert_with(fresh).clone();
        let sent = self.hub.accept(self.now, socket, Some(pid)).expect("it connects");
        let sent: Vec<_> = sent.iter().filter_map(|packet| packet.offset()).collect();
        let missed = model.returns.take().map(|it| it.missed).unwrap_or_default();
        assert_eq!(sent, missed, "it gets what it has missed");
        model.feed.since = missed;
        model.is_connected = true;
    }

    fn refuse(&mut self, number: usize) {
        if let Some(socket) = self.pick(number, |it| !it.is_connected) {
            assert!(self.hub.refuse(socket));
            self.sockets.remove(&socket);
        }
    }

    fn join_or_leave(&mut self, number: usize, joins: bool) {
        let Some(socket) = self.pick(number / ROOMS.len(), |_| true) else { return };
        let (room, model) = (ROOMS[number % ROOMS.len()], self.sockets.get_mut(&socket));
        let rooms = &mut model.expect("picked").rooms;
        if joins {
            assert_eq!(self.hub.join(socket, room), rooms.insert(room.into()));
        } else {
            assert_eq!(self.hub.leave(socket, room), rooms.remove(room));
        }
        let mut told = self.hub.rooms_of(socket);
        told.sort_unstable();
        assert!(told.iter().eq(rooms.iter()), "{told:?}");
    }

    fn select(&self, number: usize) {
        let (namespace, to) = (number >> 7, selector(number));
        let mut selected = Vec::new();
        self.hub.select_sockets(self.namespace(namespace), &to, &mut selected);
        selected.sort_unstable();
        let is_meant =
            |it: &Model| it.is_connected && it.namespace == namespace && is_meant(&to, &it.rooms);
        let meant = self.sockets.iter().filter(|(_, it)| is_meant(it)).map(|(socket, _)| *socket);
        assert!(meant.eq(selected.iter().copied()), "{to:?}: {selected:?}");
    }

    fn expect_ack(&mut self, number: usize) {
        let Some(socket) = self.pick(number, |it| it.is_connected) else { return };
        self.names += 1;
        let deadline = self.now + Duration::from_secs(number as u64 % 64);
        let id = self.hub.expect_ack(socket, AckToken(self.names), deadline).expect("an id");
        self.awaited.insert(self.names, (socket, id));
    }

    /// The client acknowledges, what it was asked for or anything.
    fn answer(&mut self, number: usize) {
        let asked = self.awaited.iter().nth(number % FEW).map(|(token, it)| (*token, *it));
        let Some((token, (socket, id))) = asked else { return };
        let (client, namespace) = self.place_of(socket);
        let packet = format!("3{},{id}[]", NAMES[namespace]);
        let Some(received) = self.say(client, &packet) else { return };
        let Ok(Received::Ack { socket: from, by, .. }) = received else { panic!("{received:?}") };
        assert_eq!((from, by), (socket, Awaiter::One(AckToken(token))));
        self.awaited.remove(&token);
    }

    fn forgo(&mut self, number: usize) {
        let asked = self.awaited.iter().nth(number % FEW).map(|(token, it)| (*token, *it));
        let Some((token, (socket, id))) = asked else { return };
        let forgone = self.hub.forgo_ack(socket, id);
        assert_eq!(forgone, Some(Awaiter::One(AckToken(token))));
        self.awaited.remove(&token);
    }

    /// The server, or the client, ends a socket for good.
    fn disconnect(&mut self, number: usize) {
        let Some(socket) = self.pick(number / 2, |it| it.is_connected) else { return };
        let (client, namespace) = self.place_of(socket);
        let by_client = number % 2 == 0;
        if by_client {
            let packet = format!("1{},", NAMES[namespace]);
            let Some(received) = self.say(client, &packet) else { return };
            assert!(matches!(received, Ok(Received::Disconnect { socket: it }) if it == socket));
        }
        let reason = if by_client {
            DisconnectReason::ClientNamespaceDisconnect
        } else {
            DisconnectReason::ServerNamespaceDisconnect
        };
        self.remove(socket, by_client, reason);
        self.hub.end_batch();
    }

    /// A connection is lost.
    fn lose(&mut self, number: usize) {
        if let Some(client) = number.checked_rem(self.clients.len()) {
            self.hang_up(client);
        }
    }

    /// Ends everything of a client, and lets another take its place.
    fn hang_up(&mut self, client: usize) {
        let own: Vec<_> = self.hub.sockets(self.clients[client]);
        for socket in own {
            if self.hub.is_connecting(socket) {
                assert!(self.hub.refuse(socket));
                self.sockets.remove(&socket);
            } else {
                self.remove(socket, false, DisconnectReason::TransportClose);
            }
        }
        self.hub.close_client(self.clients[client]);
        self.clients[client] = self.hub.open_client(self.now, client as u64, Revision::V5);
    }

    fn remove(&mut self, socket: SocketKey, by_client: bool, reason: DisconnectReason) {
        assert!(self.hub.begin_disconnect(socket, by_client));
        let departure = self.hub.remove(self.now, socket, reason).expect("it is there");
        let model = self.sockets.remove(&socket).expect("it is there");
        let owed = departure.acks.iter().map(|by| match by {
            Awaiter::One(AckToken(token)) => *token,
            Awaiter::Gathering(request) => panic!("{request:?}"),
        });
        let owed: BTreeSet<_> = owed.collect();
        let own = self.awaited.iter().filter(|(_, (it, _))| *it == socket).map(|(token, _)| *token);
        assert_eq!(owed, own.collect(), "whoever waits is told");
        self.awaited.retain(|token, _| !owed.contains(token));
        assert_eq!(departure.kept.is_some(), reason.is_recoverable());
        if let Some(pid) = departure.kept {
            assert_eq!(Some(&pid), model.pid.as_ref());
            let Model { namespace, rooms, feed, .. } = model;
            self.lost.insert(pid, Absent { namespace, rooms, feed, at: self.log.len() });
        }
    }

    /// A broadcast that can be asked for again.
    fn broadcast(&mut self, number: usize) {
        let (namespace, to) = (number >> 7, selector(number));
        let offset = self.hub.next_offset().expect("sessions are kept");
        let mut payload = Payload::new();
        payload.event("e", &()).expect("it is JSON");
        let packet = Arc::new(Broadcast::new(NAMES[namespace].into(), &payload, Some(offset)));
        self.hub.record(self.now, self.namespace(namespace), &to, &packet);
        for (socket, model) in &mut self.sockets {
            if model.namespace != namespace {
                continue;
            }
            if model.is_connected && is_meant(&to, &model.rooms) {
                self.hub.delivered(*socket, &packet);
                model.feed.since.push(offset);
            }
            if let Some(returns) = model.returns.as_mut().filter(|it| is_meant(&to, &it.rooms)) {
                returns.missed.push(offset);
            }
        }
        self.log.push((offset, namespace, to));
    }

    /// A client comes back to a lost session.
    fn come_back(&mut self, number: usize) {
        let Some(place) = number.checked_rem(self.lost.len()) else { return };
        let Some((pid, absent)) = self.lost.iter().nth(place) else { return };
        let (pid, namespace) = (pid.clone(), absent.namespace);
        // Some of what was sent over its last connection was lost on the way.
        let Feed { before, since } = &absent.feed;
        let arrived = since.len() - (number / FEW).min(since.len());
        let last = arrived.checked_sub(1).map_or(*before, |last| Some(since[last]));
        let missed = |(_, to, sent): &(Offset, usize, Selector)| {
            *to == namespace && is_meant(sent, &absent.rooms)
        };
        let missed = self.log[absent.at..].iter().filter(|entry| missed(entry));
        let missed = missed.map(|(offset, ..)| *offset);
        let missed: Vec<_> = since[arrived..].iter().copied().chain(missed).collect();
        let recovered = self.hub.give_up(self.now, &pid, last);
        let absent = self.lost.remove(&pid).expect("picked");
        // The log is long enough; but there may be too many sessions.
        let Some(recovered) = recovered else { return };
        let rooms: BTreeSet<_> = recovered.rooms.iter().cloned().collect();
        // Its own room it gets anyway.
        let others = absent.rooms.iter().filter(|room| **room != recovered.id);
        assert_eq!(rooms, others.cloned().collect());
        let number = number % FEW + namespace * FEW;
        let Some(socket) = self.ask(number, Some(recovered.id.clone())) else { return };
        self.hub.take_up(socket, recovered);
        let model = self.sockets.get_mut(&socket).expect("it has come");
        *model = Model {
            rooms: absent.rooms.clone(),
            pid: Some(pid),
            feed: Feed { before: last, since: Vec::new() },
            returns: Some(Return { since: self.now, rooms: absent.rooms, missed }),
            ..model.clone()
        };
    }

    /// A client says anything.
    fn speak(&mut self, number: usize, what: u8) {
        const WORDS: [&str; 12] = [
            "2[\"e\"]",
            "2/custom,[\"e\",1]",
            "27[\"e\"]",
            "2/nowhere,[]",
            "3/custom,1[]",
            "39[]",
            "4{}",
            "",
            "0/nowhere,",
            "51-[\"e\",{\"_placeholder\":true,\"num\":0}]",
            "51-[\"e\"]",
            "1/nowhere,",
        ];
        let Some(client) = number.checked_rem(self.clients.len()) else { return };
        let key = self.clients[client];
        let received = match usize::from(what) / FEW {
            word @ 0..12 => self.hub.handle_text(key, WORDS[word]),
            _ => self.hub.handle_binary(key, Cow::Owned(vec![what])),
        };
        let is_wrong = match received {
            Ok(Received::Event { socket, .. }) => {
                assert!(self.sockets[&socket].is_connected, "it is heard of those who are there");
                false
            }
            Ok(Received::Ack { by: Awaiter::One(AckToken(token)), .. }) => {
                assert!(self.awaited.remove(&token).is_some(), "somebody has waited for it");
                false
            }
            Ok(_) => false,
            Err(_) => true,
        };
        if is_wrong {
            self.hang_up(client);
        }
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
