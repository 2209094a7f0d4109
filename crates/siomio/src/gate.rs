//! Asking the application whether a request may pass: at once, or later from any thread.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use siomio_engine::{BadRequest, Refusal};
use siomio_http::{Headers, InvalidHeader, Response};

use crate::{mailbox::Mail, shared::Shared};

/// What the application decided.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The request goes on, and its answer carries these headers.
    Proceed(Headers),
    /// Refused; the answer carries these headers.
    Refuse(Refusal, Headers),
    /// The application has answered it, with these headers beside the answer's own.
    Answer(Response, Headers),
}

/// Which request is meant: it waits at the head of a connection. The number tells it from one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GateId {
    pub(crate) shard: u8,
    pub(crate) conn: u64,
    pub(crate) serial: u64,
}

/// The shard's end of a question.
pub(crate) struct Question(Arc<Mutex<Slot>>);

/// ```text
///   Asked ── decided while the closure runs ──► Decided ── taken by the shard
///     └───── closure returned first ──► Deferred ── decided: by mail
/// ```
enum Slot {
    Asked,
    Decided(Verdict),
    Deferred,
}

/// The application's end of a question. Decides once; dropped, it refuses.
struct Gate {
    shared: Arc<Shared>,
    id: GateId,
    slot: Arc<Mutex<Slot>>,
    /// What dropping it means; `None` once it is decided.
    otherwise: Option<Refusal>,
}

impl Question {
    /// The answer, if there is one already; from here on it comes by mail.
    pub(crate) fn take(self) -> Option<Verdict> {
        match std::mem::replace(&mut *lock(&self.0), Slot::Deferred) {
            Slot::Decided(verdict) => Some(verdict),
            Slot::Asked | Slot::Deferred => None,
        }
    }
}

impl Gate {
    fn new(shared: &Arc<Shared>, id: GateId, otherwise: Refusal) -> (Self, Question) {
        let slot = Arc::new(Mutex::new(Slot::Asked));
        let question = Question(slot.clone());
        (Self { shared: shared.clone(), id, slot, otherwise: Some(otherwise) }, question)
    }

    fn decide(&mut self, verdict: Verdict) {
        self.otherwise = None;
        let mut slot = lock(&self.slot);
        if let Slot::Asked = *slot {
            *slot = Slot::Decided(verdict);
            return;
        }
        drop(slot);
        self.shared.send(self.id.shard, Mail::Decide { gate: self.id, verdict });
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(refusal) = self.otherwise.take() {
            self.decide(Verdict::Refuse(refusal, Headers::default()));
        }
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a session may be opened: the answer to [`allow_request`](crate::ServerBuilder::allow_request), given at once or
/// later, from any thread. Meanwhile the connection waits, and nothing else does. Dropped, it refuses with `Forbidden`.
///
/// ```
/// use siomio::Server;
///
/// let server = Server::builder()
///     .allow_request(|request, decision| match request.query("key").as_deref() {
///         Some("secret") => decision.allow(),
///         Some(key) => {
///             let key = key.to_owned();
///             std::thread::spawn(move || decision.refuse(format!("unknown key {key}")));
///         }
///         None => drop(decision), // refused
///     })
///     .build();
/// ```
#[derive(Debug)]
pub struct Decision(Gate);

impl Decision {
    pub(crate) fn new(shared: &Arc<Shared>, id: GateId) -> (Self, Question) {
        let (gate, question) = Gate::new(shared, id, Refusal::Forbidden("Forbidden".to_owned()));
        (Self(gate), question)
    }

    /// The session may be opened.
    pub fn allow(mut self) {
        self.0.decide(Verdict::Proceed(Headers::default()));
    }

    /// It may not: 403 with code 4 and these words on polling, 400 with these words in place of a WebSocket.
    pub fn refuse(mut self, message: impl Into<String>) {
        let refusal = Refusal::Forbidden(message.into());
        self.0.decide(Verdict::Refuse(refusal, Headers::default()));
    }
}

/// What becomes of a request below our path: the answer of a [middleware](crate::Engine::use_middleware), given at once or
/// later, from any thread. Dropped, it refuses.
///
/// ```
/// # let server = siomio::Server::new();
/// server.engine().use_middleware(|request, next| match request.header("x-version") {
///     Some("2") => next.header("X-Served-By", "siomio").proceed(),
///     Some(_) => next.answer(426, "text/plain", "get a new version"),
///     None => next.refuse(),
/// });
/// ```
#[derive(Debug)]
pub struct Next {
    gate: Gate,
    headers: Headers,
    /// A header that HTTP does not allow: the answer will be that.
    mistake: Option<InvalidHeader>,
}

impl Next {
    pub(crate) fn new(shared: &Arc<Shared>, id: GateId) -> (Self, Question) {
        let refusal = Refusal::BadRequest(BadRequest::MiddlewareFailure);
        let (gate, question) = Gate::new(shared, id, refusal);
        (Self { gate, headers: Headers::default(), mistake: None }, question)
    }

    /// Adds a header to the answer, whatever that will be; also to the 101 of a WebSocket. One that HTTP does not allow
    /// makes the answer a 500 that names it.
    #[must_use = "the request waits until it may proceed, is refused or answered"]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        if let Err(error) = self.headers.append(name, value) {
            self.mistake.get_or_insert(error);
        }
        self
    }

    /// The request goes on: to the next middleware, then to the session it names or opens.
    pub fn proceed(self) {
        self.decide(Verdict::Proceed);
    }

    /// The request is turned away: 400 with code 3. In place of a WebSocket, the answer has no headers but its own.
    pub fn refuse(self) {
        let refusal = Refusal::BadRequest(BadRequest::MiddlewareFailure);
        self.decide(|headers| Verdict::Refuse(refusal, headers));
    }

    /// The request is answered here and now. In place of a WebSocket, the connection ends after it. A status outside 200 to
    /// 999 becomes 500.
    pub fn answer(
        self,
        status: u16,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Bytes>,
    ) {
        let mut response = Response::new(status).body(body);
        let typed = response.set_header("Content-Type", content_type);
        let response = match typed {
            Ok(()) => response,
            Err(mistake) => Response::new(500).text(mistake.to_string()),
        };
        self.decide(|headers| Verdict::Answer(response, headers));
    }

    fn decide(mut self, verdict: impl FnOnce(Headers) -> Verdict) {
        let headers = std::mem::take(&mut self.headers);
        self.gate.decide(match self.mistake.take() {
            None => verdict(headers),
            Some(mistake) => {
                let response = Response::new(500).text(mistake.to_string());
                Verdict::Answer(response, Headers::default())
            }
        });
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("id", &self.id).finish_non_exhaustive()
    }
}
