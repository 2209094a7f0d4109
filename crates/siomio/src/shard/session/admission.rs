//! What a request below our path has to pass before it reaches a session.
//!
//! ```text
//!   CORS ─► middlewares, in turn ─► verify ─► requests.rs
//!                                      └─ to open a session: origin ─► rate ─► allow_request ─► id ─► header hooks
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
    hooks::{ConnectionError, HookPanic, Hooks},
    shard::{
        conn::{ConnKey, Hold, Patience, http::Routed},
        core::Core,
        local::Local,
    },
    trace::log,
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
    Entrance,
    /// Where it comes from is in order.
    AllowRequest,
}

impl Passage {
    /// What was to go along with the answer.
    pub(crate) fn into_headers(self) -> Headers {
        self.headers
    }
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
                passage.stage = Stage::Entrance;
                break;
            };
            let ask = |passage: &mut _| {
                let question = |id| Next::new(&self.shared, id);
                self.ask(conn, passage, "middleware", question, |next| middleware(&request, next))
            };
            match passage.verdict.take().or_else(|| ask(&mut passage)) {
                None => return self.wait(conn, passage),
                Some(Verdict::Proceed(headers)) => {
                    passage.headers.extend(&headers);
                    passage.stage = Stage::Middleware(index + 1);
                }
                Some(Verdict::Refuse(refusal, headers)) => {
                    passage.headers.extend(&headers);
                    return self.turn_away(conn, &request, head, &refusal, passage.headers);
                }
                Some(Verdict::Answer(response, headers)) => {
                    passage.headers.extend(&headers);
                    self.core.borrow_mut().answer(conn, head, response, passage.headers);
                    return Routed::Taken;
                }
            }
        }
        let (verified, session) = self.core.borrow_mut().verify(head, query);
        let is_opening =
            matches!(verified, Ok(Admission::Handshake(_)) | Err(Refusal::UnsupportedProtocol));
        if is_opening && matches!(passage.stage, Stage::Entrance) {
            if self.shared.config.origins.as_ref().is_some_and(|origins| !origins.allow(head)) {
                let refusal = Refusal::Forbidden("origin not allowed".to_owned());
                return self.turn_away(conn, &request, head, &refusal, passage.headers);
            }
            if let Err(response) = self.hold_off(&request) {
                self.core.borrow_mut().answer(conn, head, response, passage.headers);
                return Routed::Taken;
            }
            passage.stage = Stage::AllowRequest;
        }
        if let Some(allow) = self.shared.config.allow_request.as_ref().filter(|_| is_opening) {
            let ask = |passage: &mut _| {
                let question = |id| Decision::new(&self.shared, id);
                let ask = |decision| (allow.0)(&request, decision);
                self.ask(conn, passage, "allow_request", question, ask)
            };
            match passage.verdict.take().or_else(|| ask(&mut passage)) {
                None => return self.wait(conn, passage),
                Some(Verdict::Refuse(refusal, _)) => {
                    return self.turn_away(conn, &request, head, &refusal, passage.headers);
                }
                Some(Verdict::Proceed(_) | Verdict::Answer(..)) => {}
            }
        }
        let mut headers = passage.headers;
        match (verified, session) {
            (Err(refusal), _) => return self.turn_away(conn, &request, head, &refusal, headers),
            (Ok(Admission::Handshake(_)), _) if self.core.borrow().stopping.is_some() => {
                self.core.borrow_mut().answer(conn, head, Response::new(503), headers);
            }
            (Ok(Admission::Handshake(Transport::Polling)), _) if head.is_upgrade() => {
                // As the reference does: nobody polls over a WebSocket.
                self.core.borrow_mut().open_in_vain(conn, head, &headers);
            }
            (Ok(Admission::Handshake(transport)), _) => {
                let sid = match self.make_id(&request) {
                    Ok(sid) => sid,
                    Err(why) => {
                        let refusal = Refusal::BadRequest(BadRequest::IdGeneration(why));
                        return self.turn_away(conn, &request, head, &refusal, headers);
                    }
                };
                let opening = Some((&sid, transport));
                let added = self.add_headers(&request, opening, &mut headers);
                let mut core = self.core.borrow_mut();
                if added.is_some() {
                    core.open(conn, head, query, transport, sid, headers);
                } else {
                    self.shared.release_id(&sid);
                    core.answer(conn, head, Response::new(500), headers);
                }
            }
            (Ok(Admission::Session), Some(session)) => {
                let added = self.add_headers(&request, None, &mut headers);
                let mut core = self.core.borrow_mut();
                if added.is_some() {
                    core.enter(conn, head, query, session, headers);
                } else {
                    core.answer(conn, head, Response::new(500), headers);
                }
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
        let headers = self.apply_cors(head)?;
        Ok(Passage { stage: Stage::Middleware(0), headers, serial: 0, verdict: None })
    }

    /// What CORS adds to the answer to a request.
    ///
    /// # Errors
    /// The answer, if it is a preflight.
    pub(crate) fn apply_cors(&self, head: &Head<'_>) -> Result<Headers, Response> {
        let Some(cors) = &self.shared.config.cors else { return Ok(Headers::default()) };
        if head.method() == Method::Options && cors.answers_preflights() {
            let preflight = self.guard_hook("cors", || cors.preflight(head));
            return Err(preflight.unwrap_or_else(|| Response::new(500)));
        }
        Ok(self.guard_hook("cors", || cors.headers(head)).unwrap_or_default())
    }

    /// Asks the application; `None` when it answers later.
    fn ask<T>(
        &self,
        conn: ConnKey,
        passage: &mut Passage,
        hook: &'static str,
        question: impl FnOnce(GateId) -> (T, Question),
        ask: impl FnOnce(T),
    ) -> Option<Verdict> {
        passage.serial = self.core.borrow_mut().new_token().0;
        let id = GateId { shard: self.index, conn: conn.to_bits(), serial: passage.serial };
        let (token, question) = question(id);
        // A panic drops the token, which refuses.
        self.guard_hook(hook, || ask(token));
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

    /// Whether as many sessions, or WebSockets, were opened from where the request comes from as may be in a while.
    ///
    /// # Errors
    /// The answer then.
    pub(crate) fn hold_off(&self, request: &Request<'_>) -> Result<(), Response> {
        let peer = request.peer_addr().ip();
        let told = self.shared.config.client_ip.as_ref();
        let told = told.and_then(|tell| self.guard_hook("client_ip", || (tell.0)(request))?);
        let now = self.core.borrow().now;
        self.shared.addresses.handshake(told.unwrap_or(peer), now).map_err(|wait| {
            log!(DEBUG, "siomio::engine", "handshake held off", peer = request.peer_addr());
            let mut response = Response::new(429).text("too many handshakes");
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            // Digits are a header that HTTP allows.
            let _ = response.set_header("Retry-After", seconds.to_string());
            response
        })
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
        self.counts.refused(refusal).add(1);
        log!(
            DEBUG,
            "siomio::engine",
            "request refused",
            code = refusal.code(),
            why = refusal.to_string().escape_debug(),
            peer = request.peer_addr()
        );
        for hook in &self.tables().hooks.connection_error {
            let report = || hook(&ConnectionError::new(request, refusal));
            self.guard_hook("on_connection_error", report);
        }
        Routed::Taken
    }

    /// An id for a new session: ours, or one that the application makes.
    ///
    /// # Errors
    /// Why there is none.
    fn make_id(&self, request: &Request<'_>) -> Result<Sid, String> {
        let Some(generate) = &self.shared.config.generate_id else {
            return Ok(self.core.borrow_mut().new_sid());
        };
        let id = self.guard_hook("generate_id", || (generate.0)(request));
        let id = id.unwrap_or_else(|| Err("generate_id panicked".to_owned()))?;
        self.shared.claim_id(&id, self.index)?;
        Ok(Sid::custom(&id))
    }

    /// What the answer carries: the cookie, and what the application adds. `None` if that panicked: an answer without what
    /// was to be there might be worse than none.
    fn add_headers(
        &self,
        request: &Request<'_>,
        opening: Option<(&Sid, Transport)>,
        headers: &mut Headers,
    ) -> Option<()> {
        let hooks = self.tables().hooks.clone();
        let may_fail = !hooks.initial_headers.is_empty() || !hooks.headers.is_empty();
        let before = may_fail.then(|| headers.clone());
        let added = self.run_header_hooks(&hooks, request, opening, headers);
        if let (None, Some(before)) = (added, before) {
            *headers = before;
        }
        added
    }

    fn run_header_hooks(
        &self,
        hooks: &Hooks,
        request: &Request<'_>,
        opening: Option<(&Sid, Transport)>,
        headers: &mut Headers,
    ) -> Option<()> {
        if let Some((sid, transport)) = opening {
            let is_polling = transport == Transport::Polling;
            if let Some(cookie) = self.shared.config.cookie.as_ref().filter(|_| is_polling) {
                // Everything in it was checked or encoded.
                let _ = headers.append("Set-Cookie", cookie.header(sid.as_str()));
            }
            for hook in &hooks.initial_headers {
                self.guard_hook("on_initial_headers", || hook(headers, request))?;
            }
        }
        for hook in &hooks.headers {
            self.guard_hook("on_headers", || hook(headers, request))?;
        }
        Some(())
    }

    /// Runs a hook of the application; if it panics, tells those who want to know.
    pub(crate) fn guard_hook<R>(&self, hook: &'static str, run: impl FnOnce() -> R) -> Option<R> {
        let message = match self.call(hook, run) {
            Ok(result) => return Some(result),
            Err(message) => message,
        };
        self.hook_panicked(hook, message);
        None
    }

    /// Tells of a panic that belongs to no socket.
    #[cold]
    pub(crate) fn hook_panicked(&self, hook: &'static str, message: String) {
        let panic = HookPanic { hook, message };
        for report in &self.tables().hooks.panic {
            drop(self.call("on_panic", || report(&panic)));
        }
    }
}

impl Core {
    fn take_passage(&mut self, conn: ConnKey) -> Option<Passage> {
        let http = self.conns.get_mut(conn)?.http_mut()?;
        http.passage.take().map(|passage| *passage)
    }

    /// The application has decided. The request is read again at the end of the turn, when nothing of the application
    /// runs; until then it keeps its place in front of whatever else the connection brings.
    pub(crate) fn decide(&mut self, gate: GateId, verdict: Verdict) {
        let conn = ConnKey::from_bits(gate.conn);
        let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return;
        };
        let Some(passage) = http.passage.as_mut().filter(|own| own.serial == gate.serial) else {
            return;
        };
        let held = http.held.as_mut().filter(|held| held.until == Hold::Decision);
        if let Some(held) = held {
            held.until = Hold::Decided;
            passage.verdict = Some(verdict);
            self.decided.push(conn);
        }
    }

    /// The bytes of a request that was decided about.
    pub(crate) fn take_decided(&mut self, conn: ConnKey) -> Option<Vec<u8>> {
        let http = self.conns.get_mut(conn)?.http_mut()?;
        let held = http.held.take_if(|held| held.until == Hold::Decided)?;
        http.patience = Patience::Unlimited;
        self.mark(conn);
        Some(held.bytes)
    }

    /// Answers a request that goes no further. What the answer says itself counts for more than what was to go along.
    pub(crate) fn answer(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        response: Response,
        mut headers: Headers,
    ) {
        response.headers().for_each(|(name, _)| headers.remove(name));
        if head.is_upgrade() {
            let mut response = response;
            response.merge_headers(&headers);
            return self.refuse_upgrade(conn, head, response);
        }
        let request = self.take_request(conn, head, None, headers);
        self.respond(request, response);
    }
}
