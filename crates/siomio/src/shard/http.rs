//! HTTP connections: whose request it is, and what becomes of it.

use std::rc::Rc;

use siomio_engine::{
    Query, RequestId, Sid,
    payload::{self, Format},
};
use siomio_http::{
    Body, BodyLength, CONTINUE, Head, Item, Reader, Response, ResponseContext, Ticket,
};

use super::{
    conn::{ConnKey, Held, Patience, Reading, Waiting},
    core::{Core, SessionKey},
    local::Local,
};
use crate::{Request, Responder, config::MAX_PIPELINE, cors::CorsHeaders};

/// What became of a request's head.
enum Routed {
    /// It is being worked on, or answered.
    Taken,
    /// It has to wait for earlier answers, or belongs to another shard.
    Held { destination: Option<u8> },
    /// Nothing that comes on this connection is answered any more.
    Ignored,
}

impl Local {
    /// Works off one item from the front of `input` and returns how long it was; `None` when all is used up.
    pub(super) fn feed_http(self: &Rc<Self>, conn: ConnKey, input: &[u8]) -> Option<usize> {
        let step = self.core.borrow_mut().conns.get_mut(conn)?.http_mut()?.reader.read(input);
        let step = match step {
            Ok(step) => step,
            Err(error) => {
                self.core.borrow_mut().refuse_connection(conn, error.status());
                return None;
            }
        };
        match step.item? {
            Item::Head(head) => match self.handle_head(conn, &head) {
                Routed::Taken => {}
                Routed::Held { destination } => {
                    let rest = &input[step.consumed..];
                    self.core.borrow_mut().hold(conn, [head.raw(), rest].concat(), destination);
                    return None;
                }
                Routed::Ignored => return None,
            },
            Item::Chunk(bytes) => self.handle_chunk(conn, bytes),
            Item::End => self.handle_end(conn),
        }
        self.settle();
        Some(step.consumed)
    }

    fn handle_head(self: &Rc<Self>, conn: ConnKey, head: &Head<'_>) -> Routed {
        let mut core = self.core.borrow_mut();
        let core = &mut *core;
        let Some(http) = core.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return Routed::Ignored;
        };
        if http.pipeline.is_closing() {
            return Routed::Ignored;
        }
        let is_engine = head.path().starts_with(&self.shared.config.path);
        if http.pipeline.len() >= MAX_PIPELINE
            || (is_engine && head.is_upgrade() && !http.pipeline.is_empty())
        {
            return Routed::Held { destination: None };
        }
        if !is_engine {
            let request = core.open_request(conn, head, None, CorsHeaders::None);
            core.read_body(conn, head, |limits| Reading::Page {
                head: head.clone().into_owned(),
                request,
                body: Body::new(limits.max_http_body),
            });
            return Routed::Taken;
        }
        let query = Query::from_pairs(head.query_pairs());
        let sid = query.sid.as_deref().and_then(Sid::parse);
        if let Some(owner) = sid.map(|sid| sid.shard()) {
            if owner != self.index && owner < self.shared.shards() {
                return Routed::Held { destination: Some(owner) };
            }
        }
        core.handle_engine_head(conn, head, &query, sid);
        Routed::Taken
    }

    fn handle_chunk(&self, conn: ConnKey, bytes: &[u8]) {
        let mut core = self.core.borrow_mut();
        let Some(http) = core.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return;
        };
        let body = match &mut http.body {
            Reading::Nothing => return,
            Reading::Post { body, .. } | Reading::Page { body, .. } => body,
        };
        if body.push(bytes).is_ok() {
            return;
        }
        // Answered as soon as it is known; the rest is read away and the connection kept.
        match std::mem::replace(&mut http.body, Reading::Nothing) {
            Reading::Post { session, request, .. } => {
                core.respond(request, Response::new(413));
                core.with_session(session, |machine, _| machine.handle_post_refused(request));
            }
            Reading::Page { request, .. } => core.respond(request, Response::new(413)),
            Reading::Nothing => {}
        }
    }

    fn handle_end(self: &Rc<Self>, conn: ConnKey) {
        let (body, peer) = {
            let mut core = self.core.borrow_mut();
            let Some(state) = core.conns.get_mut(conn) else { return };
            let peer = state.peer;
            let Some(http) = state.http_mut() else { return };
            let body = std::mem::replace(&mut http.body, Reading::Nothing);
            core.request_read(conn);
            (body, peer)
        };
        match body {
            Reading::Nothing => {}
            Reading::Post { session, request, format, body } => {
                self.handle_post(session, request, format, &body.finish())
            }
            Reading::Page { head, request, body } => {
                let responder = Responder::new(self.shared.clone(), self.index, request);
                if let Some(handler) = &self.tables().http {
                    // A panic drops the responder, which answers 500.
                    drop(
                        self.guard(|| {
                            handler(&Request::new(&head, &body.finish(), peer), responder)
                        }),
                    );
                }
            }
        }
    }

    fn handle_post(
        self: &Rc<Self>,
        session: SessionKey,
        request: RequestId,
        format: Format,
        body: &[u8],
    ) {
        let body = payload::Body::read(format, body);
        // Not if it was answered already, because the session left polling meanwhile.
        let is_wanted = self
            .core
            .borrow()
            .sessions
            .get(session)
            .is_some_and(|state| state.machine.is_reading(request));
        for packet in body.packets().take_while(|_| is_wanted) {
            let message = {
                let mut core = self.core.borrow_mut();
                let now = core.now;
                core.with_session(session, |machine, actions| {
                    machine.handle_packet(now, packet, actions)
                })
            };
            match message {
                Some(Some(message)) => self.handle_message(session, message),
                Some(None) => {}
                None => break,
            }
        }
        let mut core = self.core.borrow_mut();
        core.with_session(session, |machine, actions| machine.handle_post_end(request, actions));
        core.hub.end_batch();
        // Its session may have ended while the body was on its way; whoever was answered is not answered again.
        core.respond(request, Response::new(400));
    }
}

impl Core {
    /// What came is no request: says so, if nothing else is to be said before, and ends the connection.
    pub(super) fn refuse_connection(&mut self, conn: ConnKey, status: u16) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let Some(http) = state.http_mut() else { return };
        let was_quiet = http.pipeline.is_empty();
        let abandoned = self.abandoned(conn);
        if let Some(state) = self.conns.get_mut(conn).filter(|_| was_quiet) {
            state.out.append(|out| Response::new(status).write_to(out, ResponseContext::default()));
        }
        self.linger(conn);
        self.abandon(abandoned);
    }

    /// Takes a place for the answer to a request below our path.
    pub(super) fn take_request(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        session: Option<SessionKey>,
    ) -> RequestId {
        let cors = self.shared.config.cors.headers(head);
        self.open_request(conn, head, session, cors)
    }

    /// Takes a place for the answer to a request. Only ours get CORS headers; the application's own pages are its own affair.
    fn open_request(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        session: Option<SessionKey>,
        cors: CorsHeaders,
    ) -> RequestId {
        let mut number = u64::MAX;
        if let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            number = http.pipeline.open(head).number();
            http.patience = Patience::Unlimited;
            let context = ResponseContext::new(head, None);
            http.waiting.push_back(Waiting { number, context, cors, session });
        }
        RequestId { connection: conn.to_bits(), sequence: number }
    }

    /// Prepares for the body of a request, and lets the client go on if it waits for that.
    pub(super) fn read_body(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        reading: impl FnOnce(&crate::config::Config) -> Reading,
    ) {
        let until = self.now + self.shared.config.request_timeout;
        let Some(state) = self.conns.get_mut(conn) else { return };
        let Some(http) = state.http_mut() else { return };
        http.body = reading(&self.shared.config);
        if head.body() == BodyLength::None {
            return;
        }
        http.patience = Patience::Request { until };
        let last = http.waiting.back().map(|waiting| Ticket::from_number(waiting.number));
        if head.expects_continue() && last.is_some_and(|ticket| http.pipeline.is_first(ticket)) {
            state.out.append(|out| out.extend_from_slice(CONTINUE));
            self.mark(conn);
        }
        self.arm_conn(conn);
    }

    /// Keeps a request, and what was read behind it, until all earlier ones are answered.
    fn hold(&mut self, conn: ConnKey, bytes: Vec<u8>, destination: Option<u8>) {
        let limits = self.shared.config.http;
        if let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            http.reader = Reader::new(limits);
            http.patience = Patience::Unlimited;
            http.held = Some(Held { bytes, destination });
            self.mark(conn);
        }
    }
}
