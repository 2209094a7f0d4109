//! The state of a shard.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use foldhash::quality::FixedState;
use siomio_engine::{self as engine, Action, CloseReason, Sid};
use siomio_hub::{AckToken, Arena, ClientKey, Hub, Key, SocketKey};
use siomio_websocket::CloseCode;

use super::{
    conn::{Conn, ConnKey, date::DateCache},
    environment::Environment,
    raw::{RawKey, Raws},
    socket::{
        backlog::Backlog,
        connecting::Entry,
        listeners::Listeners,
        lookup::{Lookup, Lookups},
    },
    space::Space,
    time::{
        owner::Belongings,
        timers::Timers,
        wheel::{Tick, Wheel},
    },
};
use crate::{
    dispatch::Question, extensions::Extensions, handshake::Opening, mailbox::Mail, metrics::Counts,
    middleware::Verdict, reply::ReplySender, shared::Shared,
};

pub(crate) type SessionKey = Key<Session>;

/// Everything that a shard knows. It is borrowed for single steps only, and never while code of the application runs.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: u8,
    /// For those who look from outside.
    pub(crate) counts: Arc<Counts>,
    /// When the turn began.
    pub(crate) now: Instant,
    pub(crate) environment: Box<dyn Environment>,
    pub(crate) conns: Arena<Conn>,
    pub(crate) sessions: Arena<Session>,
    pub(crate) by_sid: HashMap<Sid, SessionKey, FixedState>,
    pub(crate) hub: Hub,
    pub(crate) raws: Raws,
    /// Indexed like the sockets.
    extras: Vec<Option<Box<Extra>>>,
    pub(crate) replies: HashMap<AckToken, ReplySender, FixedState>,
    /// What was asked of many, and whoever waits for it.
    pub(crate) questions: HashMap<AckToken, Question, FixedState>,
    /// Clients that wait to hear whether a namespace exists.
    pub(crate) lookups: Lookups,
    /// The application's values of sockets whose session is kept, by its private id.
    pub(crate) kept: HashMap<Arc<str>, Extensions, FixedState>,
    /// Events that wait behind blocking handlers, of sockets that are going.
    pub(crate) of_gone: usize,
    next_token: u64,
    pub(crate) wheel: Wheel<Alarm>,
    pub(crate) timers: Timers,
    /// What belongs to the server itself.
    pub(crate) own: Belongings,
    /// Connections with something to write.
    pub(crate) dirty: Vec<ConnKey>,
    /// Sessions that may have an answer for a waiting GET.
    pub(crate) unflushed: Vec<SessionKey>,
    /// Connections that are to move to other shards.
    pub(crate) leaving: Vec<ConnKey>,
    /// Connections for which so much waits that it should leave before there is more, turn or not.
    pub(crate) brimming: Vec<ConnKey>,
    /// Connections that may be read again.
    pub(crate) resumed: Vec<ConnKey>,
    /// Connections that bring too much work, and until when each is put off at most.
    pub(crate) put_off: VecDeque<(Instant, ConnKey)>,
    /// Connections whose request is read again, because the application has decided about it.
    pub(crate) decided: Vec<ConnKey>,
    /// What has to wait until no code of the application runs.
    pub(crate) events: VecDeque<Pending>,
    /// Mail for the other shards, sent at the end of the turn.
    pub(crate) outboxes: Vec<Vec<Mail>>,
    pub(crate) stopping: Option<Instant>,
    pub(crate) date: DateCache,
    /// Kept for its memory.
    pub(crate) actions: Vec<Action>,
    /// Kept for its memory.
    pub(crate) head: Vec<u8>,
    /// Kept for its memory.
    pub(crate) recipients: Vec<u64>,
    /// Some socket sees, or has seen, all that is sent to it.
    pub(crate) shows_outgoing: bool,
}

/// An Engine.IO session and what hangs on it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) machine: engine::Session,
    /// What the session is to Socket.IO; nothing for a server that speaks Engine.IO only.
    pub(crate) client: Option<ClientKey>,
    pub(crate) opening: Rc<Opening>,
    /// It waits in `unflushed`.
    pub(crate) dirty: bool,
    /// When a timer will look at it.
    pub(crate) armed: Option<Tick>,
    /// More waited for it than it should, and nobody was told yet that this has left.
    pub(crate) is_over: bool,
    /// Events that wait behind blocking handlers of its sockets, large ones counted as several, and disconnects that wait behind
    /// them.
    pub(crate) waiting: usize,
    pub(crate) stall: Option<Box<Stall>>,
    /// Much waits for it, and no GET comes to take it: how long that may last.
    pub(crate) starved: Option<Tick>,
    /// Bytes in its queue that are among those counted as waiting for clients.
    pub(crate) counted: usize,
}

/// Nothing is read from a session's client, because its handlers do not get through with what it has sent.
#[derive(Debug)]
pub(crate) struct Stall {
    /// How long that may last.
    pub(crate) until: Instant,
    /// When a timer will look at it.
    pub(crate) armed: Tick,
    /// Connections that bring more, and are held back.
    pub(crate) held: Vec<ConnKey>,
}

/// What is kept with a socket, where there is something to keep.
#[derive(Debug)]
pub(crate) struct Extra {
    socket: SocketKey,
    pub(crate) auth: Option<Rc<str>>,
    pub(crate) belongings: Belongings,
    pub(crate) listeners: Option<Box<Listeners>>,
    pub(crate) backlog: Option<Box<Backlog>>,
    /// It waits for this decision.
    pub(crate) entry: Option<Entry>,
}

impl Extra {
    /// Whether earlier events are still being handled, and whether the socket has closures of its own.
    pub(crate) const fn peculiarities(&self) -> (bool, bool) {
        (self.backlog.is_some(), self.listeners.is_some())
    }
}

/// Whom the timer wheel wakes. By the tick the timer that counts is told from those that have been overtaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    Session(SessionKey),
    Conn(ConnKey),
    /// What a connection has to write may leave now.
    Flush(ConnKey),
    /// It should be decided whether a namespace exists. The bits of the key are the number of the lookup.
    Lookup(Key<Lookup>),
    /// A GET should have come.
    Starved(SessionKey),
    /// The handlers of a session's sockets should have come further.
    Stall(SessionKey),
}

/// Something that happened inside a step and concerns the application.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A session has opened.
    Opened { session: SessionKey },
    /// A session has moved to a WebSocket.
    Upgraded { session: SessionKey },
    /// A session closes, once its client has fetched the farewell.
    Closing { session: SessionKey },
    /// A session has closed.
    Closed { session: SessionKey, reason: CloseReason },
    /// A raw WebSocket has ended; the code says how.
    RawEnded { raw: RawKey, code: CloseCode },
    /// The peer of a raw WebSocket takes too little of what waits for it.
    RawTooSlow { raw: RawKey },
    /// A client has taken everything after too much had waited for it.
    Drained { session: SessionKey },
    /// A middleware has decided about a socket.
    Permitted { socket: SocketKey, stage: u32, verdict: Verdict },
    /// A parent has decided about a namespace.
    LookedUp { lookup: u64, allowed: bool },
    /// Something has happened to rooms of a namespace.
    Rooms { space: Rc<Space> },
    /// The server goes down.
    Stop { deadline: Instant },
}

impl Core {
    pub(crate) fn new(shared: Arc<Shared>, index: u8, environment: Box<dyn Environment>) -> Self {
        let now = environment.now();
        let hasher = FixedState::with_seed(shared.seed);
        let mut config = shared.config.hub.clone();
        config.origin = index.into();
        let hub = Hub::new(config, shared.rooms(index).clone(), shared.seed);
        Self {
            index,
            counts: shared.counts(index).clone(),
            now,
            environment,
            conns: Arena::new(),
            sessions: Arena::new(),
            by_sid: HashMap::with_hasher(hasher.clone()),
            hub,
            raws: Raws::default(),
            extras: Vec::new(),
            replies: HashMap::with_hasher(hasher.clone()),
            questions: HashMap::with_hasher(hasher.clone()),
            lookups: Lookups::default(),
            kept: HashMap::with_hasher(hasher),
            of_gone: 0,
            next_token: 0,
            wheel: Wheel::new(now),
            timers: Timers::default(),
            own: Belongings::default(),
            dirty: Vec::new(),
            unflushed: Vec::new(),
            leaving: Vec::new(),
            brimming: Vec::new(),
            resumed: Vec::new(),
            put_off: VecDeque::new(),
            decided: Vec::new(),
            events: VecDeque::new(),
            outboxes: std::iter::repeat_with(Vec::new).take(shared.shards().into()).collect(),
            stopping: None,
            date: DateCache::default(),
            actions: Vec::new(),
            head: Vec::new(),
            recipients: Vec::new(),
            shows_outgoing: false,
            shared,
        }
    }

    /// A session id that names this shard.
    pub(crate) fn new_sid(&mut self) -> Sid {
        let mut entropy = [0; 15];
        self.environment.random(&mut entropy);
        Sid::new(self.index, entropy)
    }

    /// A public socket id. It looks like a session id and has nothing to do with one.
    pub(crate) fn new_socket_id(&mut self) -> Arc<str> {
        self.new_sid().as_str().into()
    }

    pub(crate) fn new_token(&mut self) -> AckToken {
        self.next_token += 1;
        AckToken(self.next_token)
    }

    /// The address of a connection's peer.
    pub(crate) fn peer(&self, conn: ConnKey) -> SocketAddr {
        self.conns.get(conn).map_or_else(|| ([0, 0, 0, 0], 0).into(), |state| state.peer)
    }

    /// The connection has something to write, or to be looked at, at the end of the turn.
    pub(crate) fn mark(&mut self, conn: ConnKey) {
        if let Some(state) = self.conns.get_mut(conn).filter(|state| !state.dirty) {
            state.dirty = true;
            self.dirty.push(conn);
        }
    }

    /// Makes sure that a timer looks at a connection in time.
    pub(crate) fn arm_conn(&mut self, conn: ConnKey) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let Some(deadline) = state.deadline().map(|at| self.wheel.tick(at)) else { return };
        if state.armed.is_none_or(|armed| deadline < armed) {
            state.armed = Some(deadline);
            self.wheel.insert(deadline, Alarm::Conn(conn));
        }
    }

    /// No timer needs to look at a connection any more.
    pub(crate) fn disarm_conn(&mut self, conn: ConnKey, armed: Option<Tick>) {
        if let Some(tick) = armed {
            self.wheel.remove(tick, |alarm| *alarm == Alarm::Conn(conn));
        }
    }

    /// Makes sure that a timer looks at a session in time.
    pub(crate) fn arm_session(&mut self, session: SessionKey) {
        let Some(state) = self.sessions.get_mut(session) else { return };
        let Some(deadline) = state.machine.deadline().map(|at| self.wheel.tick(at)) else { return };
        if state.armed.is_none_or(|armed| deadline < armed) {
            state.armed = Some(deadline);
            self.wheel.insert(deadline, Alarm::Session(session));
        }
    }

    /// Forgets a session that has ended. Returns what it was.
    pub(crate) fn remove_session(&mut self, session: SessionKey) -> Option<Session> {
        let state = self.sessions.remove(session)?;
        if let Some(tick) = state.armed {
            self.wheel.remove(tick, |alarm| *alarm == Alarm::Session(session));
        }
        Some(state)
    }

    /// What is kept with a socket; `create` makes it, unless the socket is gone.
    pub(crate) fn extra_mut(&mut self, socket: SocketKey, create: bool) -> Option<&mut Extra> {
        if create && self.hub.id(socket).is_some() {
            if self.extras.len() <= socket.index() {
                self.extras.resize_with(socket.index() + 1, || None);
            }
            self.extras[socket.index()].get_or_insert_with(|| {
                Box::new(Extra {
                    socket,
                    auth: None,
                    belongings: Belongings::default(),
                    listeners: None,
                    backlog: None,
                    entry: None,
                })
            });
        }
        self.extras.get_mut(socket.index())?.as_deref_mut().filter(|extra| extra.socket == socket)
    }

    /// Takes what is kept with a socket that goes. To be dropped after the borrow: it holds the application's values.
    pub(crate) fn take_extra(&mut self, socket: SocketKey) -> Option<Box<Extra>> {
        self.extras.get_mut(socket.index())?.take_if(|extra| extra.socket == socket)
    }

    /// The session that a socket's client has.
    pub(crate) fn session_of(&self, socket: SocketKey) -> Option<SessionKey> {
        self.hub.tag_of(socket).map(SessionKey::from_bits)
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("conns", &self.conns.len())
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}
