//! HTTP connections: whose request it is, and what becomes of it.

use std::rc::Rc;

use siomio_engine::{
    Query, RequestId,
    payload::{self, Format},
};
use siomio_http::{Body, Head, Headers, Item, Method, Reader, Response, ResponseContext};

use crate::{
    Carrier, Request, Responder,
    config::MAX_PIPELINE,
    shard::{
        conn::{ConnKey, Held, Hold, Patience, Reading, Waiting, incoming::Incoming},
        core::{Core, Session, SessionKey},
        local::Local,
    },
    trace::log,
};

/// What became of a request's head.
pub(crate) enum Routed {
    /// It is being worked on, or answered.
    Taken,
    /// It has to wait.
    Held(Hold),
    /// Nothing that comes on this connection is answered any more.
    Ignored,
}

impl Local {
    /// Works off one item from the front of `input` and returns how long it was; `None` when all is used up.
    pub(crate) fn feed_http(self: &Rc<Self>, conn: ConnKey, input: &[u8]) -> Option<usize> {
        let step = {
            let mut core = self.core.borrow_mut();
            let http = core.conns.get_mut(conn)?.http_mut()?;
            if http.is_deaf() {
                return None;
            }
            let step = http.reader.read(input);
            if let Err(error) = &step {
                let response = Response::new(error.status()).text(error.to_string());
                core.refuse_connection(conn, response);
            }
            step
        };
        let step = match step {
            Ok(step) => step,
            Err(error) => {
                log!(DEBUG, "siomio::http", "bad request", status = error.status(), why = error);
                return None;
            }
        };
        match step.item? {
            Item::Head(head) => match self.handle_head(conn, &head) {
                Routed::Taken => {}
                Routed::Held(until) => {
                    let rest = &input[step.consumed..];
                    self.core.borrow_mut().hold(conn, [head.raw(), rest].concat(), until);
                    return None;
                }
                Routed::Ignored => return None,
            },
            Item::Chunk(bytes) => self.core.borrow_mut().handle_chunk(conn, bytes),
            Item::End => self.handle_end(conn),
        }
        self.settle();
        Some(step.consumed)
    }

    fn handle_head(self: &Rc<Self>, conn: ConnKey, head: &Head<'_>) -> Routed {
        if let Some(endpoint) = self.endpoint_opened_by(head) {
            return self.open_endpoint(conn, head, endpoint);
        }
        let mut core = self.core.borrow_mut();
        let Some(http) = core.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return Routed::Ignored;
        };
        let is_engine = head.path().starts_with(&self.shared.config.path);
        if http.pipeline.len() >= MAX_PIPELINE
            || (is_engine && head.is_upgrade() && !http.pipeline.is_empty())
        {
            return Routed::Held(Hold::Answers);
        }
        if core.answer_at_once(conn, head) {
            return Routed::Taken;
        }
        if !is_engine {
            let request = core.take_request(conn, head, None, Headers::default());
            core.read_body(conn, head, |limits| Reading::Page {
                head: head.clone().into_owned(),
                request,
                body: Body::new(limits.max_http_body),
            });
            return Routed::Taken;
        }
        drop(core);
        if self.serve_client_file(conn, head) {
            return Routed::Taken;
        }
        let query = Query::from_pairs(head.query_pairs());
        let owner = query.sid.as_deref().and_then(|sid| self.shared.owner_of(sid));
        if let Some(owner) = owner.filter(|owner| *owner != self.index) {
            return Routed::Held(Hold::Shard(owner));
        }
        if self.core.borrow_mut().hold_post(conn, head, &query) {
            return Routed::Held(Hold::Handlers);
        }
        self.admit(conn, head, &query)
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
            Reading::Post { head, session, request, format, body } => {
                let body = body.finish();
                let carrier = head.as_ref().map(|head| Request::new(head, &body, peer));
                let carrier = carrier.as_ref().map_or(Carrier::WebSocket, Carrier::Post);
                self.handle_post(session, request, (format, &body), carrier);
            }
            Reading::Page { head, request, body } => {
                let responder = Responder::new(self.shared.clone(), self.index, request);
                let tables = self.tables();
                match &tables.http {
                    Some(handler) => {
                        let body = body.finish();
                        let request = Request::new(&head, &body, peer);
                        // A panic drops the responder, which answers 500.
                        drop(self.call("http", || handler(&request, responder)));
                    }
                    None if tables.endpoint(head.path()).is_some() => {
                        responder.upgrade_required("websocket")
                    }
                    None => drop(responder),
                }
            }
        }
    }

    fn handle_post(
        self: &Rc<Self>,
        session: SessionKey,
        request: RequestId,
        (format, body): (Format, &[u8]),
        carrier: Carrier<'_>,
    ) {
        let body = payload::Body::read(format, body);
        for packet in body.packets() {
            let message = {
                let mut core = self.core.borrow_mut();
                let now = core.now;
                core.with_session(session, |machine, actions| {
                    machine.handle_post_packet(now, request, packet, actions)
                })
            };
            match message {
                Some(Some(message)) => self.handle_message(session, message, carrier),
                Some(None) => {}
                None => break,
            }
        }
        let mut core = self.core.borrow_mut();
        core.with_session(session, |machine, actions| machine.handle_post_end(request, actions));
        core.hub.end_batch();
        let is_kept = |state: &Session| state.machine.is_reading(request);
        if !core.sessions.get(session).is_some_and(is_kept) {
            // Its session may have ended while the body was on its way; whoever was answered is not answered again.
            core.respond(request, Response::new(400));
        }
    }
}

impl Core {
    /// Takes a place for the answer to a request, which carries these headers beside its own.
    pub(crate) fn take_request(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        session: Option<SessionKey>,
        headers: Headers,
    ) -> RequestId {
        let (mut number, now) = (u64::MAX, self.now);
        if let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            number = http.pipeline.open(head).number();
            let came_torn = matches!(http.patience, Patience::Request { .. });
            let begun = if came_torn { http.incoming.begun } else { now };
            http.incoming = Incoming::of(head, number, begun);
            http.patience = Patience::Unlimited;
            let context = ResponseContext::new(head, None);
            http.waiting.push_back(Waiting { number, context, headers, session });
        }
        RequestId { connection: conn.to_bits(), sequence: number }
    }

    /// Whether a POST has to wait until the handlers of its session have come further.
    fn hold_post(&mut self, conn: ConnKey, head: &Head<'_>, query: &Query<'_>) -> bool {
        if head.method() != Method::Post {
            return false;
        }
        let sid = query.sid.as_deref();
        let session = sid.and_then(|sid| self.by_sid.get(sid)).copied();
        let state = session.and_then(|session| self.sessions.get_mut(session));
        let Some(stall) = state.and_then(|state| state.stall.as_mut()) else { return false };
        stall.held.push(conn);
        true
    }

    /// Keeps a request, and what was read behind it, until it can be worked on.
    fn hold(&mut self, conn: ConnKey, bytes: Vec<u8>, until: Hold) {
        let (limits, deadline) =
            (self.shared.config.http, self.now + self.shared.config.decision_timeout);
        if let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            http.reader = Reader::new(limits);
            http.patience = match until {
                Hold::Answers | Hold::Shard(_) | Hold::Handlers | Hold::Decided => {
                    Patience::Unlimited
                }
                Hold::Decision => Patience::Decision { until: deadline },
            };
            http.held = Some(Held { bytes, until });
            self.arm_conn(conn);
            self.mark(conn);
        }
    }
}
