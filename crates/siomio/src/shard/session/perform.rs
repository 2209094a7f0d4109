//! Carrying out what sessions ask for.

use bytes::Bytes;
use siomio_engine::{
    self as engine, Action, CloseReason, Framing, Outgoing, RequestId, Response, Transport,
    TransportError,
};
use siomio_http::{self as http, Ticket};
use siomio_websocket::{self as websocket, OpCode};

use crate::{
    config::LINGER,
    shard::{
        conn::{Conn, ConnKey, Recipient, State, write_queue::SHARE_FROM},
        core::{Core, Pending, SessionKey},
        session::send::push_binary,
    },
};

impl Core {
    /// Lets a session do something and carries out what it asks for. `None` when it is gone.
    pub(crate) fn with_session<R>(
        &mut self,
        session: SessionKey,
        act: impl FnOnce(&mut engine::Session, &mut Vec<Action>) -> R,
    ) -> Option<R> {
        let result = self.act(session, act)?;
        self.mark_session(session);
        self.arm_session(session);
        Some(result)
    }

    /// Lets the sessions that were marked answer their waiting GETs.
    pub(crate) fn flush_sessions(&mut self) {
        for session in std::mem::take(&mut self.unflushed) {
            if let Some(state) = self.sessions.get_mut(session) {
                state.dirty = false;
                self.act(session, engine::Session::flush);
                self.count_queued(session);
            }
            let state = self.sessions.get(session);
            if state.is_some_and(|state| state.is_over && state.machine.queued_bytes() == 0) {
                self.taken(session, false);
            }
        }
    }

    pub(super) fn act<R>(
        &mut self,
        session: SessionKey,
        act: impl FnOnce(&mut engine::Session, &mut Vec<Action>) -> R,
    ) -> Option<R> {
        let state = self.sessions.get_mut(session)?;
        let mut actions = std::mem::take(&mut self.actions);
        let result = act(&mut state.machine, &mut actions);
        for action in actions.drain(..) {
            self.perform(session, action);
        }
        self.actions = actions;
        Some(result)
    }

    /// The session may have something for a waiting GET at the end of the turn.
    pub(crate) fn mark_session(&mut self, session: SessionKey) {
        if let Some(state) = self.sessions.get_mut(session) {
            if !state.dirty && matches!(state.machine.lane(), engine::Lane::Queue) {
                state.dirty = true;
                self.unflushed.push(session);
            }
        }
    }

    fn perform(&mut self, session: SessionKey, action: Action) {
        match action {
            Action::Respond { request, response } => self.respond_polling(request, response),
            Action::Abort { request } => self.drop_conn(ConnKey::from_bits(request.connection)),
            Action::Transmit { channel, packet } => {
                self.transmit(session, ConnKey::from_bits(channel.0), &packet)
            }
            Action::CloseChannel { channel } => self.close_channel(ConnKey::from_bits(channel.0)),
            Action::Closed { reason } => {
                if let Some(state) = self.sessions.get(session) {
                    let sid = state.machine.sid();
                    self.by_sid.remove(sid);
                    self.shared.session_closed(self.index, sid);
                    self.counts.sessions(state.machine.transport()).sub(1);
                }
                self.count_queued(session);
                self.counts.closed(reason).add(1);
                if is_violation(reason) {
                    self.counts.violations.add(1);
                }
                self.events.push_back(Pending::Closed { session, reason });
            }
            Action::Upgraded { .. } => {
                self.counts.upgrades.add(1);
                self.counts.sessions(Transport::Polling).sub(1);
                self.counts.sessions(Transport::WebSocket).add(1);
                self.count_queued(session);
                self.events.push_back(Pending::Upgraded { session });
            }
            // There there are no other actions.
            _ => {}
        }
    }

    /// Counts the bytes that wait for a client that polls, which may have become more or fewer.
    fn count_queued(&mut self, session: SessionKey) {
        let Some(state) = self.sessions.get_mut(session) else { return };
        let (queued, counted) = (state.machine.queued_bytes(), state.counted);
        state.counted = queued;
        self.counts.buffered_bytes.change(counted, queued);
    }

    fn respond_polling(&mut self, request: RequestId, response: Response) {
        let response = match response {
            Response::Payload(body) => http::Response::new(200).text(body),
            Response::BinaryPayload(body) => http::Response::new(200).binary(body),
            Response::Accepted => html(http::Response::new(200), "ok"),
            _ => http::Response::new(400),
        };
        let response = response.header("Cache-Control", "no-store");
        self.respond(request, response.unwrap_or_else(|_| http::Response::new(500)));
    }

    /// Answers a request: once, and only if its connection still waits for it.
    pub(crate) fn respond(&mut self, request: RequestId, response: http::Response) {
        let conn = ConnKey::from_bits(request.connection);
        let is_stopping = self.stopping.is_some();
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        let Some(place) =
            http.waiting.iter().position(|waiting| waiting.number == request.sequence)
        else {
            return;
        };
        let Some(mut waiting) = http.waiting.remove(place) else { return };
        // Going down, a connection is kept only for a session that has not had its farewell.
        let sessions = &self.sessions;
        let is_needed =
            |session| sessions.get(session).is_some_and(|state| !state.machine.is_closed());
        waiting.context.keep_alive &= !is_stopping || waiting.session.is_some_and(is_needed);
        waiting.context.keep_alive &=
            !http.incoming.ends_with(request.sequence, http.reader.body_left());
        let date = self.date.at(self.environment.time_of_day().as_secs());
        let context = http::ResponseContext { date: Some(date), ..waiting.context };
        let mut response = final_response(response);
        response.merge_headers(&waiting.headers);
        let (mut bytes, mut body) = (Vec::new(), Bytes::new());
        if response.content().len() < SHARE_FROM {
            response.write_to(&mut bytes, context);
        } else {
            body = response.write_head_to(&mut bytes, context);
        }
        let ticket = Ticket::from_number(request.sequence);
        http.pipeline.fill_shared(ticket, bytes, body, !context.keep_alive);
        self.mark(conn);
    }

    /// Writes a packet as a WebSocket message.
    fn transmit(&mut self, session: SessionKey, conn: ConnKey, packet: &Outgoing) {
        let framing = self.sessions.get(session).map(|state| state.machine.framing());
        let framing = framing.unwrap_or(Framing::PLAIN);
        let Some(state) = self.conns.get_mut(conn) else { return };
        if !state.websocket_mut().is_some_and(|websocket| websocket.closing.may_send()) {
            return;
        }
        if let Outgoing::Binary(data) = packet {
            push_binary(&mut state.out, data, framing);
        } else {
            let mut text = Vec::new();
            framing.write_text(packet, &mut text);
            state.out.append(|out| websocket::write_frame(out, OpCode::Text, &text, None));
        }
        self.mark(conn);
    }

    /// Sends a close frame without a status and waits, for a while, for the peer's.
    pub(crate) fn close_channel(&mut self, conn: ConnKey) {
        let until = self.now + LINGER;
        let Some(state) = self.conns.get_mut(conn) else { return };
        let Some(websocket) =
            state.websocket_mut().filter(|websocket| websocket.closing.may_send())
        else {
            return;
        };
        websocket.closing.sent();
        websocket.delayed_mut().until = Some(until);
        websocket.recipient = Recipient::Nobody;
        state.out.append(|out| websocket::write_close(out, None, None));
        self.mark(conn);
        self.arm_conn(conn);
    }

    /// Everything is said: what is queued is written, then the connection ends.
    pub(crate) fn linger(&mut self, conn: ConnKey) {
        let until = self.now + LINGER;
        self.supersede(conn, State::Lingering { until, shut: false });
        let armed = self.conns.get_mut(conn).and_then(|state| state.armed.take());
        self.disarm_conn(conn, armed);
        self.mark(conn);
        self.arm_conn(conn);
    }

    /// Ends a connection without further words.
    pub(crate) fn drop_conn(&mut self, conn: ConnKey) {
        let abandoned = self.abandoned(conn);
        self.supersede(conn, State::Dead);
        self.mark(conn);
        self.abandon(abandoned);
    }

    /// Puts a connection into another state. If a raw WebSocket was still listening, it was not told of an end.
    fn supersede(&mut self, conn: ConnKey, next: State) {
        if let Recipient::Raw(raw) = self.take_recipient(conn) {
            self.end_raw(raw, websocket::CloseCode::ABNORMAL);
        }
        if let Some(state) = self.conns.get_mut(conn) {
            state.state = next;
        }
    }

    /// The polling requests that will never be answered if this connection ends now.
    pub(crate) fn abandoned(&mut self, conn: ConnKey) -> Vec<(SessionKey, RequestId)> {
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else {
            return Vec::new();
        };
        let request = |number| RequestId { connection: conn.to_bits(), sequence: number };
        http.waiting
            .drain(..)
            .filter_map(|waiting| Some((waiting.session?, request(waiting.number))))
            .collect()
    }

    /// Tells sessions that their requests are gone.
    pub(crate) fn abandon(&mut self, requests: Vec<(SessionKey, RequestId)>) {
        for (session, request) in requests {
            self.with_session(session, |machine, actions| {
                // It is one or the other, and the session knows which.
                machine.handle_get_gone(request, actions);
                machine.handle_post_gone(request, actions);
            });
        }
    }
}

/// Whether a session ended for what its client sent. A WebSocket that broke the rules has been counted where that was found.
const fn is_violation(reason: CloseReason) -> bool {
    use TransportError::{GetOverlap, HeartbeatDirection, InvalidContent, PostOverlap};
    matches!(
        reason,
        CloseReason::ParseError
            | CloseReason::TransportError(
                GetOverlap | PostOverlap | InvalidContent | HeartbeatDirection
            )
    )
}

/// An answer must not be mistaken for one that announces another.
pub(crate) fn final_response(response: http::Response) -> http::Response {
    if response.status() < 200 { http::Response::new(500) } else { response }
}

/// A body whose type is spelt as the reference spells it.
pub(crate) fn html(response: http::Response, body: impl Into<Bytes>) -> http::Response {
    let mut response = response.body(body);
    // A header that HTTP allows.
    let _ = response.set_header("Content-Type", "text/html");
    response
}
