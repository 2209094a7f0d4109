//! What is asked of a shard.

use std::{
    fmt,
    sync::Arc,
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
