//! A connection between reading and writing.

use std::rc::Rc;

use siomio_engine::{ChannelId, RequestId};
use siomio_http::Response;
use siomio_websocket::{CloseCode, OpCode, write_frame};

use crate::{
    Overflow,
    config::LINGER,
    shard::{
        conn::{Conn, ConnKey, Hold, Patience, Recipient, State, WebSocket},
        core::Core,
        local::Local,
        turn::{HTTP_READ, Next},
    },
};

impl Local {
    /// Works off bytes that a connection has sent, whatever it speaks by now.
    pub(crate) fn feed(self: &Rc<Self>, conn: ConnKey, mut input: &mut [u8]) {
        let mut piece = self.begin_piece();
        loop {
            let speaks = {
                let mut core = self.core.borrow_mut();
                let high_water = core.shared.config.high_water;
                let Some(state) = core.conns.get_mut(conn) else { return };
                match &mut state.state {
                    State::Http(_) => Self::feed_http_mut,
                    State::WebSocket(websocket)
                        if state.out.len() > high_water
                            && matches!(websocket.recipient, Recipient::Session(_))
                            && !input.is_empty() =>
                    {
                        // So much waits for it that it should take some of that first. Otherwise whoever sends much in one
                        // piece could make us hold the answers to all of it.
                        websocket.delayed_mut().unread = Some((&*input).into());
                        core.mark(conn);
                        break;
                    }
                    State::WebSocket(_) => Self::feed_websocket,
                    State::Lingering { .. } | State::Dead => return,
                }
            };
            let Some(consumed) = speaks(self, conn, input) else { break };
            input = &mut input[consumed..];
            if self.is_enough(conn, &mut piece, input) {
                break;
            }
        }
        self.was_read();
        let mut core = self.core.borrow_mut();
        core.hub.end_batch();
        core.watch_request(conn);
    }

    fn feed_http_mut(self: &Rc<Self>, conn: ConnKey, input: &mut [u8]) -> Option<usize> {
        self.feed_http(conn, input)
    }
}

impl Core {
    /// Limits the wait for the rest of a request that has begun, answered or not.
    fn watch_request(&mut self, conn: ConnKey) {
        let (now, config) = (self.now, &self.shared.config);
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        let is_partial = !http.reader.is_between_requests() && http.held.is_none();
        if !is_partial || http.is_deaf() || matches!(http.patience, Patience::Request { .. }) {
            return;
        }
        let until = if http.reader.is_mid_head() {
            http.incoming.begun = now;
            config.head_deadline(now)
        } else {
            config.request_deadline(http.incoming.begun)
        };
        http.patience = Patience::Request { until };
        self.arm_conn(conn);
    }

    /// A request is read: it is our turn, or, if it was answered before its end, the client's again.
    pub(crate) fn request_read(&mut self, conn: ConnKey) {
        let until = self.now + self.shared.config.keep_alive_timeout;
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        http.incoming.number = None;
        let is_answered = http.pipeline.is_empty();
        http.patience = if is_answered { Patience::Idle { until } } else { Patience::Unlimited };
        self.arm_conn(conn);
    }

    /// Whether a request of the connection has no answer yet.
    pub(crate) fn is_awaited(&mut self, conn: ConnKey) -> bool {
        let http = self.conns.get_mut(conn).and_then(Conn::http_mut);
        http.is_some_and(|http| !http.waiting.is_empty())
    }

    /// How much of a connection may be read at once. `None` if nothing may be read now; then it is remembered that somebody wanted to.
    pub(crate) fn may_read(&mut self, conn: ConnKey) -> Option<usize> {
        let state = self.conns.get(conn)?;
        let wants_bytes = state.wants_bytes();
        let (most, is_held_back) = match &state.state {
            State::WebSocket(websocket) => match websocket.recipient {
                // A probe brings nothing for handlers.
                Recipient::Session(session) => (usize::MAX, self.is_held_back(session, conn)),
                Recipient::Nobody | Recipient::Raw(_) => (usize::MAX, false),
            },
            State::Http(_) => (HTTP_READ, wants_bytes && self.puts_off_http(conn)),
            State::Lingering { .. } | State::Dead => (HTTP_READ, false),
        };
        if wants_bytes && !is_held_back {
            return Some(most);
        }
        self.conns.get_mut(conn)?.paused = true;
        None
    }

    /// Whether a request is held back, and little behind it.
    pub(crate) fn holds_little(&mut self, conn: ConnKey) -> bool {
        let http = self.conns.get_mut(conn).and_then(Conn::http_mut);
        let held = http.and_then(|http| http.held.as_ref());
        held.is_some_and(|held| held.bytes.len() < HTTP_READ)
    }

    pub(crate) fn hold_more(&mut self, conn: ConnKey, bytes: &[u8]) {
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        if let Some(held) = &mut http.held {
            held.bytes.extend_from_slice(bytes);
        }
    }

    /// The peer has ended its half: farewells among its requests wait for nothing more.
    pub(crate) fn end_farewells(&mut self, conn: ConnKey) {
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        let posts = http.waiting.iter().filter_map(|waiting| {
            let request = RequestId { connection: conn.to_bits(), sequence: waiting.number };
            Some((waiting.session?, request))
        });
        for (session, request) in posts.collect::<Vec<_>>() {
            self.with_session(session, |machine, actions| {
                machine.handle_post_half_closed(request, actions)
            });
        }
    }

    /// The peer has ended its half: its polls are given up. What else it asked for is still answered.
    pub(crate) fn abandon_polls(&mut self, conn: ConnKey) {
        self.end_farewells(conn);
        let Some(state) = self.conns.get_mut(conn) else { return };
        // The end is met again when reading goes on.
        state.paused = true;
        let Some(http) = state.http_mut() else { return };
        let polls = http
            .waiting
            .iter_mut()
            .filter_map(|waiting| Some((waiting.session.take()?, waiting.number)));
        let request = |number| RequestId { connection: conn.to_bits(), sequence: number };
        let polls: Vec<_> = polls.map(|(session, number)| (session, request(number))).collect();
        let requests: Vec<_> = polls.iter().map(|(_, request)| *request).collect();
        self.abandon(polls);
        for request in requests {
            // Nobody else will answer, and what is held behind it would wait for ever.
            self.respond(request, Response::new(400));
        }
    }

    /// Moves the responses whose turn it is to the write queue.
    pub(crate) fn take_responses(&mut self, conn: ConnKey, room: usize) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let State::Http(http) = &mut state.state else { return };
        while state.out.len() < room {
            let Some(ready) = http.pipeline.next_ready() else {
                state.grant_leave();
                return;
            };
            state.out.share(ready.bytes.into());
            state.out.share(ready.body);
            if ready.close {
                let abandoned = self.abandoned(conn);
                self.linger(conn);
                return self.abandon(abandoned);
            }
        }
    }

    /// Some of a connection's queue was written, or nothing although there is something. Tells whether the connection is a
    /// slow consumer's.
    pub(crate) fn blocked(&mut self, conn: ConnKey, progress: bool) -> bool {
        let (now, config) = (self.now, &self.shared.config);
        let Some(state) = self.conns.get_mut(conn) else { return false };
        state.is_blocked = true;
        match &mut state.state {
            State::Http(_) if progress || state.stalled.is_none() => {
                state.stalled = Some(now + config.send_timeout)
            }
            State::Lingering { until, .. } if progress => *until = now + LINGER,
            State::WebSocket(websocket) => {
                let is_ending = websocket.delayed().is_some_and(|delayed| delayed.until.is_some());
                if progress && is_ending {
                    websocket.delayed_mut().until = Some(now + LINGER);
                }
                let is_much = state.out.len() > config.high_water;
                match websocket.recipient {
                    Recipient::Nobody => {}
                    // Behind a session there is a heartbeat, as long as its client is listened to.
                    Recipient::Session(_) if !is_much && !state.is_choked => {}
                    Recipient::Session(session) => {
                        if progress || state.stalled.is_none() {
                            state.stalled = Some(now + config.send_timeout);
                        }
                        state.is_choked = true;
                        if let Some(state) = self.sessions.get_mut(session) {
                            state.machine.suspend_heartbeat();
                        }
                    }
                    Recipient::Raw(_) => {
                        if progress || state.stalled.is_none() {
                            state.stalled = Some(now + config.send_timeout);
                        }
                    }
                }
            }
            _ => {}
        }
        // What is for a session is not even queued then, if that is the rule.
        let is_limited = match &state.state {
            State::WebSocket(websocket) => {
                let is_raw = matches!(websocket.recipient, Recipient::Raw(_));
                is_raw || config.overflow == Overflow::Disconnect
            }
            _ => false,
        };
        let is_slow = is_limited && state.out.len() > config.max_buffered;
        self.arm_conn(conn);
        is_slow
    }

    /// Everything is written: what is next?
    pub(crate) fn after_flush(&mut self, conn: ConnKey) -> Next {
        let until = self.now + self.shared.config.keep_alive_timeout;
        let Some(state) = self.conns.get_mut(conn) else { return Next::Wait };
        state.stalled = None;
        state.is_blocked = false;
        let was_choked = std::mem::take(&mut state.is_choked);
        if std::mem::take(&mut state.paused) {
            self.resumed.push(conn);
        }
        if let State::WebSocket(WebSocket { recipient: Recipient::Session(session), .. }) =
            state.state
        {
            self.taken(session, was_choked);
        }
        let Some(state) = self.conns.get_mut(conn) else { return Next::Wait };
        let http = match &mut state.state {
            State::Lingering { shut: shut @ false, until } => {
                *shut = true;
                *until = self.now + LINGER;
                return Next::Shutdown;
            }
            State::Http(http) => http,
            State::WebSocket(websocket) => {
                let ping = websocket.take_delayed(|delayed| &mut delayed.unanswered);
                let ping = ping.filter(|_| websocket.closing.may_send());
                let Some(ping) = ping else {
                    if state.is_put_off {
                        return Next::Wait;
                    }
                    let unread = websocket.take_delayed(|delayed| &mut delayed.unread);
                    return unread.map_or(Next::Wait, |unread| Next::Feed(unread.into()));
                };
                state.out.append(|out| write_frame(out, OpCode::Pong, &ping, None));
                return Next::Write;
            }
            State::Lingering { .. } | State::Dead => return Next::Wait,
        };
        if http.pipeline.has_ready() {
            return Next::Write;
        }
        if !http.pipeline.is_empty() {
            return Next::Wait;
        }
        if let Some(held) = http.held.take_if(|held| held.until == Hold::Answers) {
            return Next::Feed(held.bytes);
        }
        match http.held.as_ref().map(|held| held.until) {
            Some(Hold::Shard(_)) => self.leaving.push(conn),
            Some(Hold::Answers | Hold::Decision | Hold::Handlers | Hold::Decided) => {}
            None if http.reader.is_between_requests()
                && matches!(http.patience, Patience::Unlimited) =>
            {
                http.patience = Patience::Idle { until };
                self.arm_conn(conn);
            }
            None => {}
        }
        Next::Wait
    }

    /// Takes a connection off the books and tells those who used it. Returns whether it was there.
    pub(crate) fn remove_conn(&mut self, conn: ConnKey, error: bool) -> bool {
        let (abandoned, recipient) = (self.abandoned(conn), self.take_recipient(conn));
        let Some(state) = self.conns.remove(conn) else { return false };
        self.disarm_conn(conn, state.armed);
        self.counts.connections.sub(1);
        self.counts.buffered_bytes.sub(state.counted as u64);
        self.abandon(abandoned);
        match recipient {
            Recipient::Nobody => {}
            Recipient::Session(session) => {
                let channel = ChannelId(conn.to_bits());
                self.with_session(session, |machine, actions| {
                    machine.handle_channel_gone(channel, error, actions)
                });
            }
            Recipient::Raw(raw) => self.end_raw(raw, CloseCode::ABNORMAL),
        }
        true
    }
}
