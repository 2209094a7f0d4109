//! Three hubs, links between them that keep their order, and clients whose connections may be lost at any time.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use siomio_hub::{
    Broadcast, ClientKey, Config, DisconnectReason, Hub, NamespaceId, Offset, Received, Recovered,
    Recovery, Revision, Rooms, Selector, SocketKey,
};
use siomio_packet::Payload;

const HUBS: usize = 3;
/// Whoever is no hub makes packets, too.
const OUTSIDE: u16 = HUBS as u16;
const CLIENTS: usize = 3;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A hub, or somebody outside, sends to everybody, to a room, or to everybody but a room.
    Broadcast { maker: u8, whom: u8 },
    /// The hub that has a client sends to it alone.
    Direct { client: u8 },
    /// Something gets from one hub to another.
    Travel { link: u8 },
    /// A client reads what has come.
    Read { client: u8 },
    /// A connection is lost, and its hub notices.
    Lose { client: u8 },
    /// A connection is lost, and its hub does not notice yet.
    Vanish { client: u8 },
    /// A client comes back.
    Return { client: u8, hub: u8 },
}

pub(super) struct World {
    now: Instant,
    namespace: NamespaceId,
    hubs: Vec<Hub>,
    /// From the first to the second, in order.
    links: BTreeMap<(usize, usize), VecDeque<Letter>>,
    outside: u64,
    clients: Vec<Client>,
    /// All that was made, by maker, with whom it is for.
    made: BTreeMap<u16, Vec<(u64, Selector)>>,
    /// The hub that has, or had, each session.
    holder: Vec<usize>,
}

enum Letter {
    Packet(Selector, Arc<Broadcast>),
    Ask { client: usize, last: Option<Offset>, back: usize, attempt: u32 },
    Answer { client: usize, found: Option<Recovered>, attempt: u32 },
}

struct Client {
    id: Arc<str>,
    pid: Arc<str>,
    rooms: Vec<Arc<str>>,
    state: State,
    /// Sent, and not read yet: lost with the connection.
    wire: VecDeque<Arc<Broadcast>>,
    read: Vec<Offset>,
    attempt: u32,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Connected(usize, ClientKey, SocketKey),
    /// The hub believes that it is connected.
    Vanished(usize, ClientKey, SocketKey),
    Lost,
    /// A hub has asked another for its session.
    Returning(usize, ClientKey),
}

impl World {
    #[allow(clippy::disallowed_methods, reason = "tests need some instant to start from")]
    pub(super) fn new() -> Self {
        Self::with(Recovery::default())
    }

    #[allow(clippy::disallowed_methods, reason = "tests need some instant to start from")]
    pub(super) fn with(recovery: Recovery) -> Self {
        let mut hubs: Vec<Hub> = (0..HUBS)
            .map(|origin| {
                let mut config = Config::default();
                config.recovery = Some(recovery.clone());
                config.origin = origin as u16;
                Hub::new(config, Rooms::shared(5), 5)
            })
            .collect();
        let namespace = hubs[0].declare("/");
        hubs.iter_mut().for_each(|hub| hub.declare_as(namespace, "/"));
        let mut world = Self {
            now: Instant::now(),
            namespace,
            hubs,
            links: BTreeMap::new(),
            outside: 0,
            clients: Vec::new(),
            made: BTreeMap::new(),
            holder: Vec::new(),
        };
        for number in 0..CLIENTS {
            world.connect(number);
        }
        world
    }

    fn connect(&mut self, number: usize) {
        let at = number % HUBS;
        let hub = &mut self.hubs[at];
        let key = hub.open_client(self.now, number as u64, Revision::V5);
        assert!(matches!(hub.handle_text(key, "0"), Ok(Received::Connect { .. })));
        let (id, pid) = (Arc::from(format!("id{number}")), Arc::from(format!("pid{number}")));
        let socket = hub.begin_connect(key, self.namespace, Arc::clone(&id)).unwrap();
        let rooms: Vec<Arc<str>> = [["even", "odd"][number % 2], "all"].map(Arc::from).to_vec();
        rooms.iter().for_each(|room| assert!(hub.join(socket, room)));
        assert!(hub.accept(self.now, socket, Some(Arc::clone(&pid))).unwrap().is_empty());
        let state = State::Connected(at, key, socket);
        let (wire, read) = (VecDeque::new(), Vec::new());
        self.clients.push(Client { id, pid, rooms, state, wire, read, attempt: 0 });
        self.holder.push(at);
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Broadcast { maker, whom } => self.broadcast(maker.into(), whom),
            Step::Direct { client } => self.direct(client.into()),
            Step::Travel { link } => {
                let (from, to) = (usize::from(link) % 4, usize::from(link) / 4 % HUBS);
                self.travel(from, to);
            }
            Step::Read { client } => self.read(client.into()),
            Step::Lose { client } => self.lose(client.into()),
            Step::Vanish { client } => self.vanish(client.into()),
            Step::Return { client, hub } => self.come_back(client.into(), hub.into()),
        }
    }

    fn broadcast(&mut self, maker: u16, whom: u8) {
        let to = match whom {
            0 | 1 => Selector::all(),
            2 => Selector::all().room("even"),
            3 => Selector::all().room("odd").room("even"),
            _ => Selector::all().except("odd"),
        };
        if maker == OUTSIDE {
            self.outside += 1;
            let offset = Offset { origin: OUTSIDE, sequence: self.outside };
            let packet = self.make(offset, &to);
            for hub in 0..HUBS {
                self.post(OUTSIDE.into(), hub, Letter::Packet(to.clone(), packet.clone()));
            }
            return;
        }
        let own = usize::from(maker) % HUBS;
        let offset = self.hubs[own].next_offset().unwrap();
        let packet = self.make(offset, &to);
        for hub in (0..HUBS).filter(|hub| *hub != own) {
            self.post(own, hub, Letter::Packet(to.clone(), packet.clone()));
        }
        self.deliver(own, &to, &packet);
    }

    fn direct(&mut self, client: usize) {
        let (State::Connected(at, _, socket) | State::Vanished(at, _, socket)) =
            self.clients[client].state
        else {
            return;
        };
        if !self.hubs[at].is_connected(socket) {
            return;
        }
        let to = Selector::all().room(self.clients[client].id.clone());
        let offset = self.hubs[at].next_private_offset().unwrap();
        let packet = self.make(offset, &to);
        self.deliver(at, &to, &packet);
    }

    fn make(&mut self, offset: Offset, to: &Selector) -> Arc<Broadcast> {
        self.made.entry(offset.origin).or_default().push((offset.sequence, to.clone()));
        let mut payload = Payload::new();
        payload.event("e", &offset.sequence).unwrap();
        Arc::new(Broadcast::new("/".into(), &payload, Some(offset)))
    }

    fn post(&mut self, from: usize, to: usize, letter: Letter) {
        self.links.entry((from, to)).or_default().push_back(letter);
    }

    pub(super) fn travel(&mut self, from: usize, to: usize) {
        let letter = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front);
        match letter {
            None => {}
            Some(Letter::Packet(whom, packet)) => self.deliver(to, &whom, &packet),
            Some(Letter::Ask { client, last, back, attempt }) => {
                let found = self.give_up(to, client, last);
                if found.is_some() {
                    self.holder[client] = back;
                }
                self.post(to, back, Letter::Answer { client, found, attempt });
            }
            Some(Letter::Answer { client, found, attempt }) => {
                self.answered(to, client, found, attempt);
            }
        }
    }

    fn deliver(&mut self, at: usize, to: &Selector, packet: &Arc<Broadcast>) {
        let hub = &mut self.hubs[at];
        let mut sockets = Vec::new();
        hub.select_sockets(self.namespace, to, &mut sockets);
        sockets.retain(|socket| !hub.has_received(*socket, packet));
        hub.record(self.now, self.namespace, to, packet);
        for socket in sockets {
            hub.delivered(socket, packet);
            let number = hub.tag_of(socket).unwrap() as usize;
            // What is sent to a connection that is gone is lost.
            if self.clients[number].state
                == State::Connected(at, client_of(&self.clients[number]), socket)
            {
                self.clients[number].wire.push_back(packet.clone());
            }
        }
    }

    fn read(&mut self, client: usize) {
        let client = &mut self.clients[client];
        if let Some(packet) = client.wire.pop_front() {
            client.read.push(packet.offset().unwrap());
        }
    }

    fn lose(&mut self, client: usize) {
        self.vanish(client);
        if let State::Vanished(at, key, socket) = self.clients[client].state {
            self.disconnect(at, key, socket);
            self.clients[client].state = State::Lost;
        }
    }

    /// A socket begins to go; its handlers have not run yet.
    pub(super) fn begin_losing(&mut self, client: usize) {
        self.vanish(client);
        if let State::Vanished(at, _, socket) = self.clients[client].state {
            assert!(self.hubs[at].begin_disconnect(socket, false));
        }
    }

    /// Its handlers have run.
    pub(super) fn finish_losing(&mut self, client: usize) {
        if let State::Vanished(at, key, socket) = self.clients[client].state {
            let reason = DisconnectReason::TransportClose;
            assert!(self.hubs[at].remove(self.now, socket, reason).unwrap().kept.is_some());
            self.hubs[at].close_client(key);
            self.clients[client].state = State::Lost;
        }
    }

    fn vanish(&mut self, client: usize) {
        let client = &mut self.clients[client];
        if let State::Connected(at, key, socket) = client.state {
            client.state = State::Vanished(at, key, socket);
            client.wire.clear();
        }
    }

    fn disconnect(&mut self, at: usize, key: ClientKey, socket: SocketKey) {
        let hub = &mut self.hubs[at];
        if hub.begin_disconnect(socket, false) {
            let departure = hub.remove(self.now, socket, DisconnectReason::TransportClose);
            assert!(departure.unwrap().kept.is_some());
            hub.close_client(key);
        }
    }

    fn come_back(&mut self, client: usize, at: usize) {
        let at = at % HUBS;
        if !matches!(self.clients[client].state, State::Lost | State::Vanished(..)) {
            return;
        }
        let key = self.hubs[at].open_client(self.now, client as u64, Revision::V5);
        let (last, holder) = (self.clients[client].read.last().copied(), self.holder[client]);
        self.clients[client].attempt += 1;
        let attempt = self.clients[client].attempt;
        if holder == at {
            let found = self.give_up(at, client, last);
            self.clients[client].state = State::Returning(at, key);
            self.answered(at, client, found, attempt);
        } else {
            self.clients[client].state = State::Returning(at, key);
            self.post(at, holder, Letter::Ask { client, last, back: at, attempt });
        }
    }

    fn give_up(&mut self, at: usize, client: usize, last: Option<Offset>) -> Option<Recovered> {
        let pid = self.clients[client].pid.clone();
        if let Some(socket) = self.hubs[at].holder(&pid) {
            let hub = &mut self.hubs[at];
            assert!(hub.begin_disconnect(socket, false));
            hub.remove(self.now, socket, DisconnectReason::TransportClose);
        }
        self.hubs[at].give_up(self.now, &pid, last)
    }

    fn answered(&mut self, at: usize, client: usize, found: Option<Recovered>, attempt: u32) {
        let State::Returning(here, key) = self.clients[client].state else {
            panic!("nobody else can change that")
        };
        assert_eq!((here, self.clients[client].attempt), (at, attempt));
        let found = found.expect("nothing is forgotten in this world");
        assert!(self.hubs[at].can_take_up(&found));
        let hub = &mut self.hubs[at];
        let socket = hub.begin_connect(key, self.namespace, found.id.clone()).unwrap();
        hub.take_up(socket, found);
        let missed = hub.accept(self.now, socket, None).unwrap();
        assert!(hub.is_recovered(socket));
        assert_eq!(hub.pid(socket), Some(&self.clients[client].pid));
        assert_eq!(hub.rooms_of(socket).len(), 3);
        self.clients[client].wire.extend(missed);
        self.clients[client].state = State::Connected(at, key, socket);
        self.holder[client] = at;
    }

    /// Everything arrives, everybody is back, and everybody has read everything.
    pub(super) fn settle(&mut self) {
        loop {
            for from in 0..=HUBS {
                for to in 0..HUBS {
                    while self.links.get(&(from, to)).is_some_and(|link| !link.is_empty()) {
                        self.travel(from, to);
                    }
                }
            }
            for client in 0..CLIENTS {
                self.come_back(client, client + 1);
            }
            let is_quiet = self.links.values().all(VecDeque::is_empty);
            let is_home = |client: &Client| matches!(client.state, State::Connected(..));
            if is_quiet && self.clients.iter().all(is_home) {
                break;
            }
        }
        for client in 0..CLIENTS {
            while !self.clients[client].wire.is_empty() {
                self.read(client);
            }
        }
    }

    /// Everybody has read what was for them: all of it, once, and what one maker made in the order it was made.
    pub(super) fn check(&self) {
        for client in &self.clients {
            for (origin, made) in &self.made {
                let is_in = |room: &Arc<str>| *room == client.id || client.rooms.contains(room);
                let expected: Vec<u64> = made
                    .iter()
                    .filter(|(_, to)| {
                        (to.rooms.is_empty() || to.rooms.iter().any(is_in))
                            && !to.except.iter().any(is_in)
                    })
                    .map(|(sequence, _)| *sequence)
                    .collect();
                let read = client.read.iter().filter(|offset| offset.origin == *origin);
                let read: Vec<u64> = read.map(|offset| offset.sequence).collect();
                assert_eq!(read, expected, "{} from {origin}", client.id);
            }
        }
    }

    pub(super) fn received(&self, client: usize) -> usize {
        self.clients[client].read.len()
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    pub(super) fn hub(&mut self, hub: usize) -> &mut Hub {
        &mut self.hubs[hub]
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }
}

fn client_of(client: &Client) -> ClientKey {
    match client.state {
        State::Connected(_, key, _) | State::Vanished(_, key, _) | State::Returning(_, key) => key,
        State::Lost => ClientKey::from_bits(u64::MAX),
    }
}
