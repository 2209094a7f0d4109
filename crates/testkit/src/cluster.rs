//! Several servers of one process that act as one.
//!
//! Each server has a thread on which arrives what the others want of it, in the order in which each of them said it, and after a
//! delay if there is one. On the way everything is turned into bytes and back: nothing but data gets through.
//!
//! ```text
//!   server A ─ publish ─► bytes ─► inbox of B ─ thread of B: waits, reads ─► Node::deliver ─► server B
//! ```

mod codec;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use siomio::{Adapter, Answer, Node, Operation, RequestId};

/// Servers that are joined. Clones are the same cluster.
#[derive(Clone, Debug, Default)]
pub struct Cluster(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    delay: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    members: Vec<Place>,
    /// Servers that are counted and do not exist.
    ghosts: usize,
}

/// What the cluster knows of a server.
#[derive(Debug, Default)]
struct Place {
    /// `None` before it is attached, and once it is closed.
    inbox: Option<Sender<Parcel>>,
    /// Nothing reaches it any more, although it is counted.
    is_cut_off: bool,
    /// Bytes that it has published.
    published: usize,
    /// How often it was attached and closed.
    attached: usize,
    closed: usize,
}

/// Something on its way.
#[derive(Debug)]
struct Parcel {
    due: Instant,
    /// The name of the server that sends it.
    from: String,
    bytes: Vec<u8>,
}

/// The adapter of one server of a [`Cluster`].
#[derive(Debug)]
pub struct Member {
    cluster: Cluster,
    place: usize,
}

impl Cluster {
    /// One in which everything takes so long from server to server.
    pub fn with_delay(delay: Duration) -> Self {
        Self(Arc::new(Shared { delay, state: Mutex::default() }))
    }

    /// The adapter of the next server; the first one is server 0.
    pub fn member(&self) -> Member {
        let mut state = self.state();
        state.members.push(Place::default());
        Member { cluster: self.clone(), place: state.members.len() - 1 }
    }

    /// Counts servers that nobody has ever heard of: they answer nothing.
    pub fn haunt(&self, ghosts: usize) {
        self.state().ghosts = ghosts;
    }

    /// From now on nothing reaches this server, but it is still counted.
    pub fn cut_off(&self, server: usize) {
        self.state().members[server].is_cut_off = true;
    }

    /// Bytes that a server has published, whoever received them.
    pub fn published(&self, server: usize) -> usize {
        self.state().members[server].published
    }

    /// How often a server's adapter was attached, and how often closed.
    pub fn life(&self, server: usize) -> (usize, usize) {
        let state = self.state();
        (state.members[server].attached, state.members[server].closed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    fn parcel(&self, bytes: Vec<u8>) -> Parcel {
        Parcel { due: Instant::now() + self.cluster.0.delay, from: self.place.to_string(), bytes }
    }
}

impl Adapter for Member {
    fn attach(&self, node: Node) {
        let (sender, inbox) = channel();
        {
            let mut state = self.cluster.state();
            let place = &mut state.members[self.place];
            place.inbox = Some(sender);
            place.attached += 1;
        }
        let thread = thread::Builder::new().name(format!("cluster-{}", self.place));
        thread.spawn(move || receive(&node, inbox)).expect("the system has a thread left");
    }

    fn publish(&self, namespace: &str, operation: &Operation) {
        let bytes = codec::write_operation(namespace, operation);
        let mut state = self.cluster.state();
        state.members[self.place].published += bytes.len();
        for (place, other) in state.members.iter().enumerate() {
            if place != self.place {
                other.post(self.parcel(bytes.clone()));
            }
        }
    }

    fn answer(&self, server: &str, request: RequestId, answer: Answer) {
        let place: usize = server.parse().expect("servers are answered by their names");
        let bytes = codec::write_answer(request, &answer);
        self.cluster.state().members[place].post(self.parcel(bytes));
    }

    fn other_servers(&self) -> usize {
        let state = self.cluster.state();
        let is_other = |(place, other): &(usize, &Place)| {
            *place != self.place && (other.inbox.is_some() || other.is_cut_off)
        };
        state.members.iter().enumerate().filter(is_other).count() + state.ghosts
    }

    fn close(&self) {
        let mut state = self.cluster.state();
        let place = &mut state.members[self.place];
        // The thread ends with what is on its way.
        place.inbox = None;
        place.closed += 1;
    }
}

impl Place {
    fn post(&self, parcel: Parcel) {
        if let Some(inbox) = self.inbox.as_ref().filter(|_| !self.is_cut_off) {
            // Whoever is gone receives nothing.
            let _ = inbox.send(parcel);
        }
    }
}

/// The thread of one server.
fn receive(node: &Node, inbox: Receiver<Parcel>) {
    for Parcel { due, from, bytes } in inbox {
        let wait = due.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            thread::sleep(wait);
        }
        match codec::read(&bytes) {
            codec::Message::Operation(namespace, operation) => {
                node.deliver(&from, &namespace, operation);
            }
            codec::Message::Answer(request, answer) => node.deliver_answer(request, answer),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server {}", self.place)
    }
}
