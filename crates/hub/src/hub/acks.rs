//! Acknowledgements and other answers that are awaited.

use std::time::Instant;

use super::Hub;
use crate::{
    AckToken, Answer, Awaiter, Due, NamespaceId, RequestId, SocketKey, Style, Told,
    acks::Awaited,
    deadlines::{DeadlineKey, Waiting},
    socket::Phase,
};

/// A broadcast that sockets of this hub have yet to acknowledge.
#[derive(Debug)]
pub(super) struct Gathered {
    id: u64,
    sockets: Vec<SocketKey>,
    left: usize,
    deadline: DeadlineKey,
}

impl Hub {
    /// Numbers an event that is to be acknowledged. `None` when the socket is not connected.
    pub fn expect_ack(
        &mut self,
        socket: SocketKey,
        token: AckToken,
        deadline: Instant,
    ) -> Option<u64> {
        let state = self.sockets.get_mut(socket).filter(|state| state.phase == Phase::Connected)?;
        let id = self.namespaces.next_ack(state.namespace)?;
        let deadline = Some(self.deadlines.set(deadline, Waiting::Ack { socket, id }));
        state.acks.insert(id, Awaited { by: Awaiter::One(token), deadline });
        Some(id)
    }

    /// Numbers an event for many sockets that each is to acknowledge, once for all of them. Whoever of them goes, or does not
    /// answer in time, will not be heard of; tell the request.
    pub fn expect_acks(
        &mut self,
        namespace: NamespaceId,
        sockets: Vec<SocketKey>,
        request: RequestId,
        deadline: Instant,
    ) -> Option<u64> {
        let id = self.namespaces.next_ack(namespace)?;
        for socket in &sockets {
            if let Some(state) = self.sockets.get_mut(*socket) {
                let by = Awaiter::Gathering(request);
                state.acks.insert(id, Awaited { by, deadline: None });
            }
        }
        if !sockets.is_empty() {
            let waiting = Waiting::Gathering { request, namespace };
            let (deadline, left) = (self.deadlines.set(deadline, waiting), sockets.len());
            let gathered = Gathered { id, sockets, left, deadline };
            self.gatherings.insert((request, namespace.to_bits()), gathered);
        }
        Some(id)
    }

    /// An event that is to be acknowledged was not sent after all: nobody owes anything. Returns who waits for it.
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// use siomio_hub::{AckToken, Awaiter, Config, Hub, Revision, Rooms};
    ///
    /// # #[allow(clippy::disallowed_methods)]
    /// # let now = Instant::now();
    /// let mut hub = Hub::new(Config::default(), Rooms::shared(7), 7);
    /// let main = hub.declare("/");
    /// let client = hub.open_client(now, 1, Revision::V5);
    /// let socket = hub.begin_connect(client, main, "kM2n4Yq0aXb8RrT1AAAB".into()).unwrap();
    /// hub.accept(now, socket, None);
    /// let id = hub.expect_ack(socket, AckToken(5), now + Duration::from_secs(1)).unwrap();
    /// assert_eq!(hub.forgo_ack(socket, id), Some(Awaiter::One(AckToken(5))));
    /// assert_eq!(hub.deadline(), None);
    /// ```
    pub fn forgo_ack(&mut self, socket: SocketKey, id: u64) -> Option<Awaiter> {
        let state = self.sockets.get_mut(socket)?;
        let (namespace, awaited) = (state.namespace, state.acks.remove(id)?);
        Some(self.settle_ack(namespace, awaited))
    }

    /// Opens a request, and makes this hub its home: `parts` others, or this one among them, will
    /// [answer](Self::handle_answer).
    pub fn open_request(
        &mut self,
        id: RequestId,
        token: AckToken,
        style: Style,
        parts: usize,
        deadline: Instant,
    ) {
        let deadline = self.deadlines.set(deadline, Waiting::Request(id));
        self.requests.open(id, token, style, parts, deadline);
    }

    /// An answer to a request whose home this is. What it amounts to, if anything.
    pub fn handle_answer(&mut self, id: RequestId, answer: Answer) -> Option<Told> {
        let deadline = self.requests.deadline(id);
        let (told, relayed) = self.requests.answer(id, answer)?;
        let over = if let Told::Done(_) = told { deadline } else { relayed };
        if let Some(deadline) = over {
            self.deadlines.clear(deadline);
        }
        Some(told)
    }

    /// Time has passed: tells one thing that is over. Call it until it gives `None`.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        while let Some(waiting) = self.deadlines.pop(now) {
            let due = match waiting {
                Waiting::Ack { socket, id } => {
                    let state = self.sockets.get_mut(socket);
                    match state.and_then(|state| state.acks.remove(id)).map(|awaited| awaited.by) {
                        Some(Awaiter::One(token)) => Some(Due::Ack(token)),
                        Some(Awaiter::Gathering(_)) | None => None,
                    }
                }
                Waiting::Connect { client } => self.clients.get_mut(client).map(|state| {
                    state.connect_deadline = None;
                    Due::Connect(state.tag)
                }),
                Waiting::Gathering { request, namespace } => {
                    let gathered = self.gatherings.remove(&(request, namespace.to_bits()));
                    for (id, socket) in gathered.iter().flat_map(|gathered| {
                        gathered.sockets.iter().map(|socket| (gathered.id, *socket))
                    }) {
                        if let Some(state) = self.sockets.get_mut(socket) {
                            state.acks.remove(id);
                        }
                    }
                    None
                }
                Waiting::Request(request) => self.requests.expire(request).map(Due::Request),
                Waiting::Decision { socket } => {
                    self.is_connecting(socket).then_some(Due::Decision(socket))
                }
                Waiting::Sessions => self.expire_sessions(now),
                Waiting::Prelude { socket } => {
                    self.forget_prelude(socket);
                    None
                }
            };
            if due.is_some() {
                return due;
            }
        }
        None
    }

    /// Somebody does not wait any longer for this.
    pub(super) fn settle_ack(&mut self, namespace: NamespaceId, awaited: Awaited) -> Awaiter {
        if let Some(deadline) = awaited.deadline {
            self.deadlines.clear(deadline);
        }
        if let Awaiter::Gathering(request) = awaited.by {
            let key = (request, namespace.to_bits());
            let is_over = self.gatherings.get_mut(&key).is_some_and(|gathered| {
                gathered.left = gathered.left.saturating_sub(1);
                gathered.left == 0
            });
            if is_over {
                if let Some(gathered) = self.gatherings.remove(&key) {
                    self.deadlines.clear(gathered.deadline);
                }
            }
        }
        awaited.by
    }
}
