//! Events that wait because handlers of their socket may block.
//!
//! ```text
//!   event ─► a handler that may block ─► a thread of the pool ─► mail ─► the rest of its handlers ─► the next event
//!              └─ meanwhile: events of the same socket wait, and its disconnect behind them
//! ```

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
};

use bytes::Bytes;
use siomio_engine::{CloseReason, Lane};
use siomio_hub::{DisconnectReason, SocketKey};
use siomio_packet::{Args, Data};

use crate::{
    Ack, HandlerError, Socket, SocketHandle,
    handler::ErasedHandler,
    handshake::Opening,
    mailbox::Mail,
    namespace::table::EventHandler,
    shard::{
        conn::{ConnKey, Hold},
        core::{Alarm, Core, SessionKey, Stall},
        local::{Local, message_of},
        socket::inbound::Call,
        time::wheel::Tick,
    },
    shared::Shared,
    trace::log,
};

/// What waits behind a handler that runs in the pool.
pub(crate) struct Backlog {
    session: SessionKey,
    /// The event it handles, and the handlers that are next.
    running: Option<Running>,
    waiting: VecDeque<Waiting>,
    /// The socket leaves when all of this is done, and this is how it came.
    leaving: Option<(DisconnectReason, Option<Rc<Opening>>)>,
}

struct Running {
    event: Box<str>,
    args: Args,
    ack: Ack,
    rest: Vec<EventHandler>,
}

struct Waiting {
    id: Option<u64>,
    data: Data<'static>,
    /// As how many events it counts: a large one is as good as several.
    weight: usize,
}

/// An event counts as one more for each of these many bytes.
const HEAVY: usize = 16 * 1024;

/// As many events as so many clients may have waiting may wait of all that are gone together.
const GONE: usize = 16;

impl Backlog {
    /// Whether nothing more of the socket is to be heard but its disconnect.
    fn is_unwanted(&self) -> bool {
        matches!(self.leaving, Some((DisconnectReason::ServerNamespaceDisconnect, _)))
    }

    fn weight(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.weight).sum()
    }

    /// How the socket came, if its session is gone already.
    pub(crate) fn opening(&self) -> Option<&Rc<Opening>> {
        self.leaving.as_ref()?.1.as_ref()
    }
}

impl Local {
    /// A socket is disconnected, but its handlers have not got through with what its client sent before. If the server has
    /// disconnected it, they need not; nor if too much waits already of clients that are gone.
    pub(crate) fn leave_later(
        &self,
        key: SocketKey,
        session: SessionKey,
        reason: DisconnectReason,
    ) {
        let (dropped, is_unwanted) = {
            let mut core = self.core.borrow_mut();
            let opening = core.sessions.get(session).map(|state| state.opening.clone());
            let extra = core.extra_mut(key, false);
            let Some(backlog) = extra.and_then(|extra| extra.backlog.as_mut()) else { return };
            backlog.leaving = Some((reason, opening));
            let (weight, is_unwanted) = (backlog.weight(), backlog.is_unwanted());
            let is_too_much = core.of_gone + weight > GONE * self.shared.config.max_waiting_events;
            let mut dropped = VecDeque::new();
            if is_unwanted || is_too_much {
                if let Some(backlog) = core.extra_mut(key, false).and_then(|it| it.backlog.as_mut())
                {
                    dropped = std::mem::take(&mut backlog.waiting);
                }
                core.waits_less(session, weight);
            } else {
                core.of_gone += weight;
            }
            core.waits_more(session, 1);
            (dropped, is_unwanted)
        };
        if !is_unwanted && !dropped.is_empty() {
            self.counts.events_lost.add(dropped.len() as u64);
            log!(
                WARN,
                "siomio::handler",
                "events of a client that is gone are not handled",
                count = dropped.len()
            );
        }
    }

    /// Whether the next handler of an event runs, after those before it: not if one of them has disconnected the socket.
    pub(crate) fn goes_on(&self, socket: &Socket) -> bool {
        let mut core = self.core.borrow_mut();
        let extra = core.extra_mut(socket.key(), false);
        match extra.and_then(|extra| extra.backlog.as_ref()) {
            Some(backlog) => !backlog.is_unwanted(),
            None => core.hub.is_connected(socket.key()),
        }
    }

    /// Whether earlier events of a socket are still being handled.
    pub(crate) fn is_behind(&self, key: SocketKey) -> bool {
        let mut core = self.core.borrow_mut();
        core.extra_mut(key, false).is_some_and(|extra| extra.backlog.is_some())
    }

    /// Runs a handler on a thread of the pool.
    pub(crate) fn run_blocking(
        self: &Rc<Self>,
        socket: &Socket,
        call: Call<'_>,
        handler: &Arc<dyn ErasedHandler<SocketHandle>>,
        rest: &[EventHandler],
    ) {
        let (key, args, event) = (socket.key(), call.args.to_args(), Box::<str>::from(call.event));
        let job = Job {
            handler: handler.clone(),
            socket: socket.handle(),
            args: args.clone(),
            ack: Some(call.ack.again()),
            event: event.clone(),
            finish: Finish {
                shared: self.shared.clone(),
                shard: self.index,
                socket: key,
                outcome: Some(Ok(())),
            },
        };
        {
            let mut core = self.core.borrow_mut();
            let running = Running { event, args, ack: call.ack.again(), rest: rest.to_vec() };
            let Some(extra) = core.extra_mut(key, true) else { return };
            let backlog = extra.backlog.get_or_insert_with(|| {
                let (session, waiting) = (socket.session(), VecDeque::new());
                Box::new(Backlog { session, running: None, waiting, leaving: None })
            });
            backlog.running = Some(running);
        }
        self.shared.pool.run(move || job.run());
    }

    /// An event has to wait. If many do, no more is read from its client.
    pub(crate) fn postpone(
        &self,
        session: SessionKey,
        key: SocketKey,
        id: Option<u64>,
        data: Data<'static>,
    ) {
        let mut core = self.core.borrow_mut();
        let Some(extra) = core.extra_mut(key, false) else { return };
        let Some(backlog) = &mut extra.backlog else { return };
        let bytes = data.json().len() + data.attachments().iter().map(Bytes::len).sum::<usize>();
        let weight = 1 + bytes / HEAVY;
        backlog.waiting.push_back(Waiting { id, data, weight });
        core.waits_more(session, weight);
    }

    /// A handler has run in the pool: its event goes on to the next, then it is the next event's turn.
    pub(crate) fn handler_ran(self: &Rc<Self>, key: SocketKey, outcome: Result<(), HandlerError>) {
        let Some((session, running)) = self.take_running(key) else { return };
        let Some(space) = self.space_of(key) else { return };
        let socket = Socket::new(self.clone(), key, space, session);
        if let Err(error) = outcome {
            if let HandlerError::Panic { event, message } = &error {
                self.panicked(event, message);
            }
            self.report(&socket, &error);
        }
        let Running { event, args, ack, rest } = running;
        let call = Call { event: &event, args: args.as_ref(), ack: &ack };
        self.run_handlers(&socket, call, &rest);
        while !self.is_running(key) {
            let (next, leaving) = {
                let mut core = self.core.borrow_mut();
                let Some(extra) = core.extra_mut(key, false) else { return };
                let Some(backlog) = &mut extra.backlog else { return };
                let next = backlog.waiting.pop_front();
                let leaving = backlog.leaving.as_ref().map(|(reason, _)| *reason);
                if next.is_none() && leaving.is_none() {
                    extra.backlog = None;
                }
                let weight = next.as_ref().map_or(leaving.is_some().into(), |next| next.weight);
                core.waits_less(session, weight);
                if next.is_some() && leaving.is_some() {
                    core.of_gone -= weight;
                }
                (next, leaving)
            };
            match (next, leaving) {
                (Some(Waiting { id, data, .. }), _) => {
                    let has_listeners = self.core.borrow_mut().has_listeners(key);
                    self.handle_event(&socket, id, &data, has_listeners);
                }
                (None, Some(reason)) => return self.finish_leaving(&socket, reason),
                (None, None) => return,
            }
        }
    }

    fn take_running(&self, key: SocketKey) -> Option<(SessionKey, Running)> {
        let mut core = self.core.borrow_mut();
        let backlog = core.extra_mut(key, false)?.backlog.as_mut()?;
        let (session, running) = (backlog.session, backlog.running.take()?);
        core.has_come_further(session);
        Some((session, running))
    }

    fn is_running(&self, key: SocketKey) -> bool {
        let mut core = self.core.borrow_mut();
        let extra = core.extra_mut(key, false);
        let backlog = extra.and_then(|extra| extra.backlog.as_ref());
        backlog.is_some_and(|backlog| backlog.running.is_some())
    }
}

impl Core {
    /// So many things more wait behind the handlers of a session's sockets. If it is too much, no more is read from its client
    /// until they have come further.
    fn waits_more(&mut self, session: SessionKey, count: usize) {
        let until = self.now + self.shared.config.stall_timeout;
        let Some(state) = self.sessions.get_mut(session) else { return };
        state.waiting += count;
        if state.waiting >= self.shared.config.max_waiting_events && state.stall.is_none() {
            let armed = self.wheel.tick(until);
            state.stall = Some(Box::new(Stall { until, armed, held: Vec::new() }));
            // What it sends to stay alive is not read, either.
            state.machine.suspend_heartbeat();
            self.wheel.insert(armed, Alarm::Stall(session));
        }
    }

    /// So many things less wait.
    fn waits_less(&mut self, session: SessionKey, count: usize) {
        let Some(state) = self.sessions.get_mut(session) else { return };
        state.waiting -= count;
        if state.waiting <= self.shared.config.max_waiting_events / 2 {
            self.release(session);
        }
    }

    /// Reads on, if reading was held back.
    pub(crate) fn release(&mut self, session: SessionKey) {
        let now = self.now;
        let Some(state) = self.sessions.get_mut(session) else { return };
        let Some(stall) = state.stall.take() else { return };
        let lane = match state.machine.lane() {
            Lane::WebSocket { channel, .. } => Some(ConnKey::from_bits(channel.0)),
            _ => None,
        };
        // It may have another reason to be silent: it takes too little of what waits for it.
        let is_choked =
            lane.and_then(|conn| self.conns.get(conn)).is_some_and(|conn| conn.is_choked);
        if !is_choked {
            state.machine.resume_heartbeat(now);
        }
        self.resumed.extend(lane);
        self.arm_session(session);
        for conn in stall.held {
            let http = self.conns.get_mut(conn).and_then(|state| state.http_mut());
            let held = http.and_then(|http| http.held.as_mut());
            if let Some(held) = held.filter(|held| held.until == Hold::Handlers) {
                held.until = Hold::Decided;
                self.decided.push(conn);
            }
        }
    }

    /// Whether nothing is to be read from a session's WebSocket now.
    pub(crate) fn is_held_back(&self, session: SessionKey, conn: ConnKey) -> bool {
        let state = self.sessions.get(session).filter(|state| state.stall.is_some());
        let lane = state.map(|state| state.machine.lane());
        matches!(lane, Some(Lane::WebSocket { channel, .. }) if channel.0 == conn.to_bits())
    }

    /// The handlers of a session's sockets have come further: it has all the time again.
    fn has_come_further(&mut self, session: SessionKey) {
        let until = self.now + self.shared.config.stall_timeout;
        let state = self.sessions.get_mut(session);
        if let Some(stall) = state.and_then(|state| state.stall.as_mut()) {
            stall.until = until;
        }
    }

    /// The handlers of a session's sockets may not have come further in time.
    pub(crate) fn stalled(&mut self, session: SessionKey, at: Tick) {
        let state = self.sessions.get_mut(session);
        let stall = state.and_then(|state| state.stall.as_mut());
        let Some(stall) = stall.filter(|stall| stall.armed == at) else { return };
        if stall.until > self.now {
            stall.armed = self.wheel.tick(stall.until);
            return self.wheel.insert(stall.armed, Alarm::Stall(session));
        }
        self.release(session);
        self.with_session(session, |machine, actions| {
            machine.discard(CloseReason::Overloaded, actions)
        });
    }
}

/// One run of a handler in the pool.
struct Job {
    handler: Arc<dyn ErasedHandler<SocketHandle>>,
    socket: SocketHandle,
    args: Args,
    ack: Option<Ack>,
    event: Box<str>,
    finish: Finish,
}

/// Tells the shard that a handler has run, in whichever way it ended.
struct Finish {
    shared: Arc<Shared>,
    shard: u8,
    socket: SocketKey,
    outcome: Option<Result<(), HandlerError>>,
}

impl Job {
    fn run(mut self) {
        let ack = self.ack.take().unwrap_or_else(Ack::unwanted);
        let call = AssertUnwindSafe(|| self.handler.call(&self.socket, self.args.reader(), ack));
        self.finish.outcome = Some(match catch_unwind(call) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                Err(HandlerError::Argument { event: self.event.clone().into(), error })
            }
            Err(panic) => Err(HandlerError::Panic {
                event: self.event.clone().into(),
                message: message_of(&*panic),
            }),
        });
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            self.shared.send(self.shard, Mail::Ran { socket: self.socket, outcome });
        }
    }
}

impl std::fmt::Debug for Backlog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backlog").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
