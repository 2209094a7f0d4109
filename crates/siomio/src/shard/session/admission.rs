//! What a request below our path has to pass before it reaches a session.
//!
//! ```text
//!   CORS ─► middlewares, in turn ─► verify ─► allow_request (to open a session) ─► id ─► header hooks ─► requests.rs
//! ```
//!
//! The application may take its time over a middleware or `allow_request`. Meanwhile the request is held back at the head
//! of its connection, and read again when the answer is there; how far it had come is kept beside it.

use std::rc::Rc;

use siomio_engine::{Admission, BadRequest, Query, Refusal, Sid, Transport};
use siomio_http::{Head, Headers, Method, Response};

use crate::{
    Decision, Next, Request,
    gate::{GateId, Question, Verdict},
    hooks::ConnectionError,
    shard::{
        conn::{ConnKey, Hold, Patience, http::Routed},
        core::Core,
        local::Local,
    },
};

/// How far a request has come.
#[derive(Debug)]
pub(crate) struct Passage {
    stage: Stage,
    /// For its answer.
    headers: Headers,
    /// The question that is open.
    serial: u64,
    /// The answer to it.
    verdict: Option<Verdict>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// This middleware is next.
    Middleware(usize),
    /// All middlewares are passed.
    AllowRequest,
}

impl Local {
    /// Takes a request through everything that may refuse it.
    pub(crate) fn admit(
        self: &Rc<Self>,
        conn: ConnKey,
        head: &Head<'_>,
        query: &Query<'_>,
    ) -> Routed {
        let peer = self.core.borrow().peer(conn);
        let request = Request::new(head, b"", peer);
        let waited = self.core.borrow_mut().take_passage(conn);
        let mut passage = match waited.map_or_else(|| self.set_out(head), Ok) {
            Ok(passage) => passage,
            Err(preflight) => {
                self.core.borrow_mut().answer(conn, head, preflight, Headers::default());
                return Routed::Taken;
            }
        };
        let hooks = self.tables().hooks.clone();
        while let Stage::Middleware(index) = passage.stage {
            let Some(middleware) = hooks.middlewares.get(index) else {
                passage.stage = Stage::AllowRequest;
                break;
            };
            let ask = |passage: &mut _| {
                let question = |id| Next::new(&self.shared, id);
                self.ask(conn, passage, question, |next| middleware(&request, next))
            };
            match passage.verdict.take().or_else(|| ask(&mut passage)) {
                None => return self.wait(conn, passage),
                Some(Verdict::Proceed(headers)) => {
                    passage.headers.extend(&headers);
                    passage.stage = Stage::Middleware(index + 1);
                }
                Some(Verdict::Refuse(refusal)) => {
                    return self.turn_away(conn, &request, head, &refusal, passage.headers);
                }
                Some(Verdict::Answer(response)) => {
                    self.core.borrow_mut().answer(conn, head, response, passage.headers);
                    return Routed::Taken;
                }
            }
        }
        let (verified, session) = self.core.borrow_mut().verify(head, query);
        let is_opening =
            matches!(verified, Ok(Admission::Handshake(_)) | Err(Refusal::UnsupportedProtocol));
        if let Some(allow) = self.shared.config.allow_request.as_ref().filter(|_| is_opening) {
            let ask = |passage: &mut _| {
                let question = |id| Decision::new(&self.shared, id);
                self.ask(conn, passage, question, |decision| (allow.0)(&request, decision))
            };
            match passage.verdict.take().or_else(|| ask(&mut passage)) {
                None => return self.wait(conn, passage),
                Some(Verdict::Refuse(refusal)) => {
                    return self.turn_away(conn, &request, head, &refusal, passage.headers);
                }
                Some(Verdict::Proceed(_) | Verdict::Answer(_)) => {}
            }
        }
        let mut headers = passage.headers;
        match (verified, session) {
            (Err(refusal), _) => return self.turn_away(conn, &request, head, &refusal, headers),
            (Ok(Admission::Handshake(_)), _) if self.core.borrow().stopping.is_some() => {
                self.core.borrow_mut().answer(conn, head, Response::new(503), headers);
            }
            (Ok(Admission::Handshake(transport)), _) => {
                let Some(sid) = self.make_id(&request) else {
                    let refusal = Refusal::BadRequest(BadRequest::IdGeneration);
                    return self.turn_away(conn, &request, head, &refusal, headers);
                };
                self.add_headers(&request, Some((&sid, transport)), &mut headers);
                self.core.borrow_mut().open(conn, head, query, transport, sid, headers);
            }
            (Ok(Admission::Session), Some(session)) => {
                self.add_headers(&request, None, &mut headers);
                self.core.borrow_mut().enter(conn, head, query, session, headers);
            }
            (Ok(Admission::Session), None) => {
                return self.turn_away(conn, &request, head, &Refusal::UnknownSid, headers);
            }
        }
        Routed::Taken
    }

    /// A request begins its way.
    ///
    /// # Errors
    /// The answer, if it is a preflight.
    fn set_out(&self, head: &Head<'_>) -> Result<Passage, Response> {
        let mut headers = Headers::default();
        if let Some(cors) = &self.shared.config.cors {
            if head.method() == Method::Options && cors.answers_preflights() {
                return Err(self
                    .guard(|| cors.preflight(head))
                    .unwrap_or_else(|_| Response::new(500)));
            }
            headers = self.guard(|| cors.headers(head)).unwrap_or_default();
        }
        Ok(Passage { stage: Stage::Middleware(0), headers, serial: 0, verdict: None })
    }

    /// Asks the application; `None` when it answers later.
    fn ask<T>(
        &self,
        conn: ConnKey,
        passage: &mut Passage,
        question: impl FnOnce(GateId) -> (T, Question),
        ask: impl FnOnce(T),
    ) -> Option<Verdict> {
        passage.serial = self.core.borrow_mut().new_token().0;
        let id = GateId { shard: self.index, conn: conn.to_bits(), serial: passage.serial };
        let (token, question) = question(id);
        // A panic drops the token, which refuses.
        drop(self.guard(|| ask(token)));
        question.take()
    }

    /// The answer comes later: the request waits for it.
    fn wait(&self, conn: ConnKey, passage: Passage) -> Routed {
        let mut core = self.core.borrow_mut();
        if let Some(http) = core.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            http.passage = Some(Box::new(passage));
        }
        Routed::Held(Hold::Decision)
    }

    /// Refuses a request, and tells the application.
    fn turn_away(
        self: &Rc<Self>,
        conn: ConnKey,
        request: &Request<'_>,
        head: &Head<'_>,
        refusal: &Refusal,
        headers: Headers,
    ) -> Routed {
        self.core.borrow_mut().refuse(conn, head, refusal, headers);
        for hook in &self.tables().hooks.connection_error {
            drop(self.guard(|| hook(&ConnectionError::new(request, refusal))));
        }
        Routed::Taken
    }

    /// An id for a new session: ours, or one that the application makes.
    fn make_id(&self, request: &Request<'_>) -> Option<Sid> {
        let Some(generate) = &self.shared.config.generate_id else {
            return Some(self.core.borrow_mut().new_sid());
        };
        let id = self.guard(|| (generate.0)(request)).ok()?.ok()?;
        self.shared.claim_id(&id, self.index).then(|| Sid::custom(&id))
    }

    /// What the answer carries: the cookie, and what the application adds.
    fn add_headers(
        &self,
        request: &Request<'_>,
        opening: Option<(&Sid, Transport)>,
        headers: &mut Headers,
    ) {
        let hooks = self.tables().hooks.clone();
        if let Some((sid, transport)) = opening {
            let is_polling = transport == Transport::Polling;
            if let Some(cookie) = self.shared.config.cookie.as_ref().filter(|_| is_polling) {
                // Everything in it was checked or encoded.
                let _ = headers.append("Set-Cookie", cookie.header(sid.as_str()));
            }
            for hook in &hooks.initial_headers {
                drop(self.guard(|| hook(headers, request)));
            }
        }
        for hook in &hooks.headers {
            drop(self.guard(|| hook(headers, request)));
        }
    }
}

impl Core {
    fn take_passage(&mut self, conn: ConnKey) -> Option<Passage> {
        let http = self.conns.get_mut(conn)?.http_mut()?;
        http.passage.take().map(|passage| *passage)
    }

    /// The application has decided. The request is read again at the end of the turn, when nothing of the application
    /// runs.
    pub(crate) fn decide(&mut self, gate: GateId, verdict: Verdict) {
        let conn = ConnKey::from_bits(gate.conn);
        let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return;
        };
        let Some(passage) = http.passage.as_mut().filter(|own| own.serial == gate.serial) else {
            return;
        };
        passage.verdict = Some(verdict);
        http.patience = Patience::Unlimited;
        if let Some(held) = http.held.take() {
            self.resumed.push((conn, held.bytes));
        }
        self.mark(conn);
    }

    /// Answers a request that goes no further.
    fn answer(&mut self, conn: ConnKey, head: &Head<'_>, response: Response, headers: Headers) {
        if head.is_upgrade() {
            let mut response = response;
            response.extend_headers(&headers);
            return self.refuse_upgrade(conn, head, response);
        }
        let request = self.take_request(conn, head, None, headers);
        self.respond(request, response);
    }
}
