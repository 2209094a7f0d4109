//! What threads tell a shard.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use siomio_engine as engine;
use siomio_http::Response;
use siomio_hub::{Answer, Flags, NamespaceId, Operation, RequestId, SocketKey, Style};
use siomio_packet::{Args, Payload};
use siomio_websocket::CloseCode;

use crate::{
    HandlerError, Io, Namespace, Socket,
    dispatch::Question,
    gate::{GateId, Verdict},
    middleware,
    reply::ReplySender,
    shard::{Owner, RawKey, Recovering, SessionKey},
};

/// A shard's letter box. Any thread posts; the shard empties it once a turn, and is woken at most once in between.
pub(crate) struct Mailbox {
    /// `None` once nobody empties it any more.
    queue: Mutex<Option<Vec<Mail>>>,
    /// What was posted and is not worked off yet, by its weight.
    load: AtomicUsize,
    /// A wake is on its way, or the shard is about to look anyway.
    notified: AtomicBool,
    waker: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Mail {
    /// For sockets that a selector names.
    Operation { namespace: NamespaceId, operation: Operation },
    /// Somebody will ask all shards, or servers, and this one collects what they answer.
    Expect { request: RequestId, question: Question, style: Style, parts: usize, timeout: Duration },
    /// A part of the answer to that.
    Answer { request: RequestId, answer: Answer },
    /// Another server has sent an event to this one, and may wait for an answer.
    ServerSide {
        namespace: Namespace,
        event: Arc<str>,
        args: Args,
        asker: Option<(Arc<str>, RequestId)>,
    },
    /// For one socket of the shard.
    Socket { socket: SocketKey, order: Order },
    /// For one session of a server that speaks Engine.IO only.
    Session { session: SessionKey, order: SessionOrder },
    /// For one raw WebSocket of the shard.
    Raw { raw: RawKey, order: RawOrder },
    /// A frame for all clients of an endpoint but one.
    Endpoint { endpoint: u32, except: Option<RawKey>, frame: Bytes },
    /// A timer of the server.
    SetTimer { serial: u64, delay: Duration, errand: Errand },
    /// A timer is taken back.
    CancelTimer { owner: Owner, serial: u64 },
    /// The answer to a request that one of the shard's connections waits with.
    Respond { request: engine::RequestId, response: Response },
    /// What the application thinks of a request that waits at the head of a connection.
    Decide { gate: GateId, verdict: Verdict },
    /// What the application thinks of a socket that connects.
    Permit { socket: SocketKey, stage: u32, verdict: middleware::Verdict },
    /// Whether a parent makes the namespace that somebody asks for.
    Lookup { lookup: u64, allowed: bool },
    /// A namespace is gone.
    Forget(NamespaceId),
    /// A blocking handler has run.
    Ran { socket: SocketKey, outcome: Result<(), HandlerError> },
    /// A client that has lost its connection is back, or what is known of it.
    Recover(Box<Recovering>),
    /// Go down: tell everybody, write what is left, be done by the deadline.
    Stop { deadline: Instant },
}

/// What is to be done with a socket.
pub(crate) enum Order {
    Run(Box<RunHere>),
    Emit { payload: Payload, flags: Flags },
    EmitWithAck { payload: Payload, timeout: Duration, reply: ReplySender },
    Acknowledge { id: u64, payload: Payload },
    Join(Arc<str>),
    Leave(Arc<str>),
    Disconnect { close: bool },
}

/// Code of the application that runs with a socket.
pub(crate) type RunHere = dyn FnOnce(&Socket) + Send;

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run(_) => "Run",
            Self::Emit { .. } => "Emit",
            Self::EmitWithAck { .. } => "EmitWithAck",
            Self::Acknowledge { .. } => "Acknowledge",
            Self::Join(_) => "Join",
            Self::Leave(_) => "Leave",
            Self::Disconnect { .. } => "Disconnect",
        })
    }
}

/// Code of the application that runs when its time has come.
pub(crate) enum Errand {
    Once(Box<dyn FnOnce(&Io) + Send>),
    Every(Duration, Box<dyn Fn(&Io) + Send>),
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Once(_) => "Once",
            Self::Every(..) => "Every",
        })
    }
}

/// What is to be done with a raw WebSocket.
#[derive(Debug)]
pub(crate) enum RawOrder {
    /// A message, framed.
    Send(Bytes),
    Close {
        code: CloseCode,
        reason: Box<str>,
    },
    Terminate,
}

/// What is to be done with a session.
#[derive(Debug)]
pub(crate) enum SessionOrder {
    Text(String),
    Binary(Vec<u8>),
    Close,
}

/// A letter counts as one more for each of these many bytes.
const HEAVY: usize = 16 * 1024;

impl Mail {
    /// How much it counts: a large letter is as good as several.
    pub(crate) fn weight(&self) -> usize {
        let bytes = match self {
            Self::Operation { operation: Operation::Broadcast { packet, .. }, .. } => packet.size(),
            Self::Socket { order, .. } => order.size(),
            Self::Session { order: SessionOrder::Text(text), .. } => text.len(),
            Self::Session { order: SessionOrder::Binary(bytes), .. } => bytes.len(),
            Self::Raw { order: RawOrder::Send(frame), .. } | Self::Endpoint { frame, .. } => {
                frame.len()
            }
            _ => 0,
        };
        1 + bytes / HEAVY
    }
}

impl Order {
    fn size(&self) -> usize {
        match self {
            Self::Emit { payload, .. }
            | Self::EmitWithAck { payload, .. }
            | Self::Acknowledge { payload, .. } => {
                payload.as_bytes().len()
                    + payload.attachments().iter().map(Bytes::len).sum::<usize>()
            }
            _ => 0,
        }
    }
}

impl Mailbox {
    /// Posts a batch, in order, and leaves it empty.
    pub(crate) fn post(&self, batch: &mut Vec<Mail>) {
        if batch.is_empty() {
            return;
        }
        if let Some(queue) = &mut *self.queue() {
            self.load.fetch_add(batch.iter().map(Mail::weight).sum(), Ordering::Relaxed);
            queue.append(batch);
        }
        // Where nobody reads it, mail is dropped: outside of the lock, for it holds values of the application.
        batch.clear();
        self.wake();
    }

    pub(crate) fn post_one(&self, mail: Mail) {
        self.post(&mut vec![mail]);
    }

    /// Nobody will empty it any more: what is in it, and what still comes, is dropped.
    pub(crate) fn close(&self) {
        let rest = self.queue().take();
        self.load.store(0, Ordering::Relaxed);
        drop(rest);
    }

    /// Takes everything out.
    pub(crate) fn take(&self, mail: &mut Vec<Mail>) {
        // First the flag: whoever posts from here on wakes again.
        self.notified.store(false, Ordering::SeqCst);
        if let Some(queue) = &mut *self.queue() {
            mail.append(queue);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue().as_ref().is_none_or(Vec::is_empty)
    }

    /// Letters that were posted and are not worked off yet, large ones counted as several.
    pub(crate) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// So much of what was taken out is worked off.
    pub(crate) fn worked_off(&self, weight: usize) {
        self.load.fetch_sub(weight, Ordering::Relaxed);
    }

    /// How to wake the shard. Before it is known, mail just waits.
    pub(crate) fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>) {
        // A second run of the same server is refused elsewhere.
        let _ = self.waker.set(waker);
        if self.notified.load(Ordering::SeqCst) {
            // Somebody called before anybody could hear it.
            self.waker.get().into_iter().for_each(|wake| wake());
        }
    }

    /// Makes the shard look, also when there is no mail.
    pub(crate) fn wake(&self) {
        if !self.notified.swap(true, Ordering::SeqCst) {
            if let Some(wake) = self.waker.get() {
                wake();
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Option<Vec<Mail>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        let (notified, waker) = (AtomicBool::new(false), OnceLock::new());
        Self { queue: Mutex::new(Some(Vec::new())), load: AtomicUsize::new(0), notified, waker }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.queue().as_ref().map(Vec::len);
        f.debug_struct("Mailbox").field("waiting", &waiting).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod stress;

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn stop() -> Mail {
        Mail::Stop { deadline: Instant::now() }
    }

    #[test]
    fn many_letters_make_one_wake() {
        let (mailbox, wakes) = (Mailbox::default(), Arc::new(AtomicUsize::new(0)));
        let counter = wakes.clone();
        mailbox.post_one(stop());
        mailbox.set_waker(Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        let mut mail = Vec::new();
        assert_eq!(
            wakes.load(Ordering::SeqCst),
            1,
            "a call before the waker was known is not lost"
        );
        mailbox.take(&mut mail);
        assert_eq!(mail.len(), 1);
        for _ in 0..10 {
            mailbox.post_one(stop());
        }
        assert_eq!(wakes.load(Ordering::SeqCst), 2);
        mailbox.take(&mut mail);
        assert_eq!(mail.len(), 11);
        mailbox.post(&mut mail);
        assert!(mail.is_empty());
        assert_eq!(wakes.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_closed_mailbox_keeps_nothing() {
        let mailbox = Mailbox::default();
        mailbox.post_one(stop());
        mailbox.close();
        mailbox.post_one(stop());
        let mut mail = Vec::new();
        mailbox.take(&mut mail);
        assert!(mail.is_empty() && mailbox.is_empty());
    }
}
