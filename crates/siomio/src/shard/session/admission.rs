//! What a request below our path has to pass before it reaches a session.
//!
//! ```text
//!   CORS ─► middlewares, in turn ─► verify ─► requests.rs
//!                                      └─ to open a session: origin ─► rate ─► allow_request ─► id ─► header hooks
//! ```
//!
//! The application may take its time over a middleware or `allow_request`. Meanwhile the request is held back at the head
//! of its connection, and read again when the answer is there; how far it had come is kept beside it.

mod entrance;
mod headers;
mod questions;

use std::{mem, rc::Rc};

use siomio_engine::{Admission, Query, Refusal, Transport};
use siomio_http::{Head, Headers, Response};

use crate::{
    Next, Request,
    gate::Verdict,
    hooks::ConnectionError,
    shard::{
        conn::{ConnKey, http::Routed},
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

/// Why a request goes no further.
enum Stop {
    /// The application thinks about it.
    Undecided,
    Refused(Refusal),
    Answered(Response),
}

impl Passage {
    const fn begin(headers: Headers) -> Self {
        Self { stage: Stage::Middleware(0), headers, serial: 0, verdict: None }
    }

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
        let begin = || self.apply_cors(head).map(Passage::begin);
        let mut passage = match waited.map_or_else(begin, Ok) {
            Ok(passage) => passage,
            Err(preflight) => {
                self.core.borrow_mut().answer(conn, head, preflight, Headers::default());
                return Routed::Taken;
            }
        };
        match self.pass(conn, &request, head, query, &mut passage) {
            Ok(()) => {}
            Err(Stop::Undecided) => return self.wait(conn, passage),
            Err(Stop::Refused(refusal)) => {
                self.turn_away(conn, &request, head, &refusal, passage.headers);
            }
            Err(Stop::Answered(response)) => {
                self.core.borrow_mut().answer(conn, head, response, passage.headers);
            }
        }
        Routed::Taken
    }

    /// Where it has reached a session it has taken the headers along.
    fn pass(
        self: &Rc<Self>,
        conn: ConnKey,
        request: &Request<'_>,
        head: &Head<'_>,
        query: &Query<'_>,
        passage: &mut Passage,
    ) -> Result<(), Stop> {
        self.pass_request_middlewares(conn, request, passage)?;
        let (verified, session) = self.core.borrow_mut().verify(head, query);
        if matches!(verified, Ok(Admission::Handshake(_)) | Err(Refusal::UnsupportedProtocol)) {
            self.pass_entrance(request, head, passage)?;
            self.pass_allow_request(conn, request, passage)?;
        }
        match (verified.map_err(Stop::Refused)?, session) {
            (Admission::Handshake(_), _) if self.core.borrow().stopping.is_some() => {
                Err(Stop::Answered(Response::new(503)))
            }
            (Admission::Handshake(Transport::Polling), _) if head.is_upgrade() => {
                // As the reference does: nobody polls over a WebSocket.
                self.core.borrow_mut().open_in_vain(conn, head, &passage.headers);
                Ok(())
            }
            (Admission::Handshake(transport), _) => {
                let sid = self.make_id(request)?;
                let opening = Some((&sid, transport));
                if let Err(stop) = self.add_headers(request, opening, &mut passage.headers) {
                    self.shared.release_id(&sid);
                    return Err(stop);
                }
                let headers = mem::take(&mut passage.headers);
                self.core.borrow_mut().open(conn, head, query, transport, sid, headers);
                Ok(())
            }
            (Admission::Session, Some(session)) => {
                self.add_headers(request, None, &mut passage.headers)?;
                let headers = mem::take(&mut passage.headers);
                self.core.borrow_mut().enter(conn, head, query, session, headers);
                Ok(())
            }
            (Admission::Session, None) => Err(Stop::Refused(Refusal::UnknownSid)),
        }
    }

    fn pass_request_middlewares(
        &self,
        conn: ConnKey,
        request: &Request<'_>,
        passage: &mut Passage,
    ) -> Result<(), Stop> {
        let hooks = self.tables().hooks.clone();
        while let Stage::Middleware(index) = passage.stage {
            let Some(middleware) = hooks.middlewares.get(index) else {
                passage.stage = Stage::Entrance;
                break;
            };
            let question = |id| Next::new(&self.shared, id);
            let ask = |next| middleware(request, next);
            match self.ask(conn, passage, "middleware", question, ask)? {
                Verdict::Proceed(headers) => {
                    passage.headers.extend(&headers);
                    passage.stage = Stage::Middleware(index + 1);
                }
                Verdict::Refuse(refusal, headers) => {
                    passage.headers.extend(&headers);
                    return Err(Stop::Refused(refusal));
                }
                Verdict::Answer(response, headers) => {
                    passage.headers.extend(&headers);
                    return Err(Stop::Answered(response));
                }
            }
        }
        Ok(())
    }

    /// Refuses a request, and tells the application.
    fn turn_away(
        self: &Rc<Self>,
        conn: ConnKey,
        request: &Request<'_>,
        head: &Head<'_>,
        refusal: &Refusal,
        headers: Headers,
    ) {
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
    }
}

impl Core {
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
