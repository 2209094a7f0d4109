//! One connection.

pub(crate) mod body;
pub(crate) mod channel;
mod client_files;
pub(crate) mod date;
pub(crate) mod fairness;
pub(crate) mod feed;
pub(crate) mod http;
pub(crate) mod incoming;
pub(crate) mod preface;
pub(crate) mod refusal;
pub(crate) mod spares;
pub(crate) mod upgrade;
pub(crate) mod write_queue;

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Instant};

use siomio_engine::{RequestId, payload::Format};
use siomio_http::{Body, Head, Headers, Limits, Pipeline, Reader, ResponseContext};
use siomio_hub::Key;
use siomio_websocket as websocket;

use self::{incoming::Incoming, preface::Preface, write_queue::WriteQueue};
use super::{core::SessionKey, raw::RawKey, session::admission::Passage, time::wheel::Tick};
use crate::{config::MAX_RESPONSES, metrics::Counts};

pub(crate) type ConnKey = Key<Conn>;

/// A connection, whatever it speaks.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) peer: SocketAddr,
    pub(crate) out: WriteQueue,
    /// Goes out before that, and apart from it.
    pub(crate) preface: Option<Box<Preface>>,
    pub(crate) state: State,
    /// It waits in the list of those to be flushed.
    pub(crate) dirty: bool,
    /// Reading was put off, and nobody but us will say when to go on.
    pub(crate) paused: bool,
    /// What it brings has to wait, for it makes more work than gets done.
    pub(crate) is_put_off: bool,
    /// The peer takes nothing for now.
    pub(crate) is_blocked: bool,
    /// And so much waits for it that nothing is read from it.
    pub(crate) is_choked: bool,
    /// The peer takes nothing of what is queued: how long that may last. Unlimited for the WebSockets of sessions as long as
    /// the heartbeat watches them.
    pub(crate) stalled: Option<Instant>,
    /// When a timer will look at it.
    pub(crate) armed: Option<Tick>,
    /// Bytes that are counted as waiting for clients.
    pub(crate) counted: usize,
}

/// What a connection speaks.
///
/// ```text
///   Http ── 101 ──► WebSocket ── both close frames, or an error ──► Lingering ── end, or late ──► gone
///     └──── last response ────────────────────────────────────────────▲
///   any ── beyond help ──► Dead
/// ```
#[derive(Debug)]
pub(crate) enum State {
    Http(Box<Http>),
    WebSocket(WebSocket),
    /// Our last word is in the queue. Once it is written we end our half, and read what still comes to nowhere: ending
    /// both halves with unread bytes would let the system throw away what we wrote.
    Lingering {
        until: Instant,
        /// Our half is ended.
        shut: bool,
    },
    /// To be dropped, whatever is left to write.
    Dead,
}

#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) reader: Reader,
    pub(crate) pipeline: Pipeline,
    /// Requests without an answer, in order.
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) incoming: Incoming,
    pub(crate) body: Reading,
    pub(crate) held: Option<Held>,
    /// How far the held request has come, if the application thinks about it.
    pub(crate) passage: Option<Box<Passage>>,
    pub(crate) patience: Patience,
}

/// A request that has not been answered.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) number: u64,
    pub(crate) context: ResponseContext<'static>,
    /// For the answer, beside its own.
    pub(crate) headers: Headers,
    /// The session that answers, if it is a polling request.
    pub(crate) session: Option<SessionKey>,
}

/// What the body that is being read is for.
#[derive(Debug)]
pub(crate) enum Reading {
    /// Nothing, or a request that has been answered.
    Nothing,
    /// Packets of a session. The head is kept for those who are told which request brought a message.
    Post {
        head: Option<Box<Head<'static>>>,
        session: SessionKey,
        request: RequestId,
        format: Format,
        body: Body,
    },
    /// The application's own HTTP.
    Page { head: Head<'static>, request: RequestId, body: Body },
}

/// A request that cannot be worked on yet, and what was read behind it. Little more is read meanwhile, so this is bounded
/// by twice the read buffer.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    pub(crate) until: Hold,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// All earlier ones are answered.
    Answers,
    /// The same, and then it is for another shard.
    Shard(u8),
    /// The application has to decide about it.
    Decision,
    /// The handlers of its session have to come further.
    Handlers,
    /// The wait is over, and the request is read again at the end of the turn.
    Decided,
}

/// How long we wait for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It is our turn.
    Unlimited,
    /// For the rest of a request.
    Request { until: Instant },
    /// For the application's decision about a request.
    Decision { until: Instant },
    /// For another request.
    Idle { until: Instant },
}

#[derive(Debug)]
pub(crate) struct WebSocket {
    pub(crate) reader: websocket::Reader,
    pub(crate) closing: websocket::Closing,
    pub(crate) recipient: Recipient,
    delayed: Option<Box<Delayed>>,
}

/// What a WebSocket has only in hard times, and at its end.
#[derive(Debug, Default)]
pub(crate) struct Delayed {
    /// Limits the wait for the peer's close frame once ours is sent.
    pub(crate) until: Option<Instant>,
    /// The last ping, if too much waited already to answer it at once.
    pub(crate) unanswered: Option<Box<[u8]>>,
    /// What was read and not worked on, because too much waited already.
    pub(crate) unread: Option<Box<[u8]>>,
}

impl WebSocket {
    pub(crate) fn new(limits: Arc<websocket::Limits>) -> Self {
        Self {
            reader: websocket::Reader::new(websocket::Role::Server, limits),
            closing: websocket::Closing::Open,
            recipient: Recipient::Nobody,
            delayed: None,
        }
    }

    /// What is delayed, if anything is.
    pub(crate) fn delayed(&self) -> Option<&Delayed> {
        self.delayed.as_deref()
    }

    /// What is delayed, with room for more.
    pub(crate) fn delayed_mut(&mut self) -> &mut Delayed {
        self.delayed.get_or_insert_default()
    }

    /// A part of what is delayed, which is so no longer.
    pub(crate) fn take_delayed<T>(
        &mut self,
        part: impl FnOnce(&mut Delayed) -> &mut Option<T>,
    ) -> Option<T> {
        let taken = part(self.delayed.as_mut()?).take();
        let is_over = |all: &mut Box<Delayed>| {
            all.until.is_none() && all.unanswered.is_none() && all.unread.is_none()
        };
        self.delayed.take_if(is_over);
        taken
    }
}

/// Whom the messages of a WebSocket are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// It was opened only to be refused, or is over for whoever it was.
    #[default]
    Nobody,
    Session(SessionKey),
    /// The handlers of an endpoint.
    Raw(RawKey),
}

impl Conn {
    /// A connection whose peer owes us a request: since when, and until when we wait for its head.
    pub(crate) fn new(peer: SocketAddr, limits: Limits, since: Instant, until: Instant) -> Self {
        let http = Http {
            reader: Reader::new(limits),
            pipeline: Pipeline::new(),
            waiting: VecDeque::new(),
            incoming: Incoming::new(since),
            body: Reading::Nothing,
            held: None,
            passage: None,
            patience: Patience::Request { until },
        };
        Self {
            peer,
            out: WriteQueue::default(),
            preface: None,
            state: State::Http(Box::new(http)),
            dirty: false,
            paused: false,
            is_blocked: false,
            is_choked: false,
            is_put_off: false,
            stalled: None,
            armed: None,
            counted: 0,
        }
    }

    /// Bytes that are to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len() + self.preface.as_ref().map_or(0, |preface| preface.len())
    }

    /// Counts the bytes that wait for the client, which may have become more or fewer.
    pub(crate) fn count_waiting(&mut self, counts: &Counts) {
        let (waiting, counted) = (self.waiting(), self.counted);
        if waiting != counted {
            self.counted = waiting;
            counts.buffered_bytes.change(counted, waiting);
        }
    }

    pub(crate) fn http_mut(&mut self) -> Option<&mut Http> {
        match &mut self.state {
            State::Http(http) => Some(http),
            _ => None,
        }
    }

    pub(crate) fn websocket_mut(&mut self) -> Option<&mut WebSocket> {
        match &mut self.state {
            State::WebSocket(websocket) => Some(websocket),
            _ => None,
        }
    }

    /// When it has to be looked at.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Http(http) => match http.patience {
                Patience::Unlimited => self.stalled,
                Patience::Request { until }
                | Patience::Decision { until }
                | Patience::Idle { until } => {
                    Some(self.stalled.map_or(until, |stalled| stalled.min(until)))
                }
            },
            State::WebSocket(websocket) => {
                let until = websocket.delayed().and_then(|delayed| delayed.until);
                [until, self.stalled].into_iter().flatten().min()
            }
            State::Lingering { until, .. } => Some(*until),
            State::Dead => None,
        }
    }

    /// Whether bytes may be read now: while a request is held back, or answers pile up, the rest stays with the system.
    pub(crate) fn wants_bytes(&self) -> bool {
        if self.is_put_off {
            return false;
        }
        match &self.state {
            State::Http(http) => http.held.is_none() && self.out.len() < MAX_RESPONSES,
            State::WebSocket(websocket) => {
                let is_behind = websocket.delayed().is_some_and(|delayed| delayed.unread.is_some());
                !self.is_choked && !is_behind
            }
            State::Lingering { .. } => true,
            State::Dead => false,
        }
    }
}

impl Http {
    /// Between requests, with nothing to answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.pipeline.is_empty() && self.held.is_none() && self.reader.is_between_requests()
    }

    /// The last answer has its place, and the request for it was read: whatever comes now is not looked at.
    pub(crate) fn is_deaf(&self) -> bool {
        self.pipeline.is_closing() && self.incoming.number.is_none()
    }
}
