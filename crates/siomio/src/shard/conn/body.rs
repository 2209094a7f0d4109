//! The bodies of requests: whether they may come, where they go, and how much is read of those that nobody wants.

use siomio_http::{BodyLength, CONTINUE, Head, Response, Ticket};

use crate::{
    config::{Config, MAX_DISCARD},
    shard::{
        conn::{Conn, ConnKey, Patience, Reading, State, incoming::Leave},
        core::Core,
    },
};

impl Core {
    /// Prepares for the body of a request, and lets the client go on if it waits for that.
    pub(crate) fn read_body(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        reading: impl FnOnce(&Config) -> Reading,
    ) {
        let config = &self.shared.config;
        let Some(state) = self.conns.get_mut(conn) else { return };
        let Some(http) = state.http_mut() else { return };
        http.body = reading(config);
        if !head.has_body() {
            return;
        }
        http.patience = Patience::Request { until: config.request_deadline(http.incoming.begun) };
        if http.is_too_long(head) {
            self.refuse_body(conn);
        } else if state.grant_leave() {
            self.mark(conn);
        }
        self.arm_conn(conn);
    }

    /// A piece of a body has come.
    pub(crate) fn handle_chunk(&mut self, conn: ConnKey, bytes: &[u8]) {
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        // Who waited for leave waits no more.
        http.incoming.leave = Leave::Given;
        match &mut http.body {
            Reading::Post { body, .. } | Reading::Page { body, .. } => {
                if body.push(bytes).is_err() {
                    self.refuse_body(conn);
                }
            }
            Reading::Nothing => {
                http.incoming.discarded = http.incoming.discarded.saturating_add(bytes.len());
                if http.incoming.discarded > MAX_DISCARD {
                    self.refuse_connection(conn, Response::new(413));
                }
            }
        }
    }

    /// Answered as soon as it is known; the rest is read away, and the connection kept, unless that is very much.
    fn refuse_body(&mut self, conn: ConnKey) {
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        match std::mem::replace(&mut http.body, Reading::Nothing) {
            Reading::Post { session, request, .. } => {
                self.respond(request, Response::new(413));
                self.with_session(session, |machine, _| machine.handle_post_refused(request));
            }
            Reading::Page { request, .. } => self.respond(request, Response::new(413)),
            Reading::Nothing => {}
        }
    }
}

impl Conn {
    /// Tells a client that waits for it to send its body, if somebody wants that and no earlier answer is due before.
    /// Returns whether there is now something to write.
    pub(crate) fn grant_leave(&mut self) -> bool {
        let State::Http(http) = &mut self.state else { return false };
        let is_wanted = !matches!(http.body, Reading::Nothing);
        let ticket = http.incoming.number.map(Ticket::from_number);
        let is_next = ticket.is_some_and(|ticket| http.pipeline.is_first(ticket));
        if http.incoming.leave != Leave::Owed || !is_wanted || !is_next {
            return false;
        }
        http.incoming.leave = Leave::Given;
        self.out.append(|out| out.extend_from_slice(CONTINUE));
        true
    }
}

impl crate::shard::conn::Http {
    /// Whether a body that has not come is refused by its length alone. A POST of a session is judged by what comes, as the
    /// reference does, unless its client asks beforehand.
    fn is_too_long(&self, head: &Head<'_>) -> bool {
        let BodyLength::Length(length) = head.body() else { return false };
        match &self.body {
            Reading::Page { body, .. } => length > body.limit() as u64,
            Reading::Post { body, .. } => {
                length > body.limit() as u64 && self.incoming.leave == Leave::Owed
            }
            Reading::Nothing => false,
        }
    }
}
