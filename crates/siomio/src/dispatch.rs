//! Operations on their way to all shards, and to the other servers of a cluster.

use std::{sync::Arc, time::Duration};

use siomio_hub::{Broadcast, Flags, Offset, Operation, RequestId, Selector, Style};
use siomio_packet::{Args, Payload};

use crate::{
    Incomplete, Namespace, RemoteSocket, mailbox::Mail, reply::RepliesSender, shard::Local,
};

/// What somebody waits for.
#[derive(Debug)]
pub(crate) enum Question {
    /// Acknowledgements of many.
    Acks(RepliesSender<Args>),
    /// Who is there.
    Sockets(Namespace, RepliesSender<RemoteSocket>),
    /// Answers of other servers.
    ServerSide(RepliesSender<Args>),
    /// Another server has asked, and is told what there is.
    Relay { node: Arc<str>, request: RequestId },
}

impl Question {
    const fn style(&self) -> Style {
        match self {
            Self::Relay { .. } => Style::Relayed,
            _ => Style::Whole,
        }
    }

    /// Nobody was there to be asked.
    fn answer_with_nothing(self) {
        match self {
            Self::Acks(sender) | Self::ServerSide(sender) => sender.send(Ok(Vec::new())),
            Self::Sockets(_, sender) => sender.send(Ok(Vec::new())),
            Self::Relay { .. } => {}
        }
    }

    /// All that came.
    pub(crate) fn answer(self, outcome: siomio_hub::Outcome) {
        let siomio_hub::Outcome { answers, sockets, missing, .. } = outcome;
        match self {
            Self::Acks(sender) | Self::ServerSide(sender) => {
                sender.send(whole(answers, missing));
            }
            Self::Sockets(namespace, sender) => {
                let sockets = sockets.into_iter();
                let sockets = sockets.map(|info| RemoteSocket::new(namespace.clone(), info));
                sender.send(whole(sockets.collect(), missing));
            }
            Self::Relay { .. } => {}
        }
    }
}

fn whole<T>(answers: Vec<T>, missing: usize) -> Result<Vec<T>, Incomplete<T>> {
    if missing == 0 { Ok(answers) } else { Err(Incomplete { answers, missing, not_sent: None }) }
}

/// The packet of an event for many.
pub(crate) fn packet(
    namespace: &Namespace,
    payload: &Payload,
    offset: Option<Offset>,
) -> Arc<Broadcast> {
    Arc::new(Broadcast::new(namespace.shared_name().clone(), payload, offset))
}

/// Sends an event to everybody in a namespace whom the selector means.
pub(crate) fn broadcast(
    namespace: &Namespace,
    to: &Selector,
    payload: &Payload,
    flags: Flags,
    is_local: bool,
) {
    let operation =
        |packet| Operation::Broadcast { to: to.clone(), packet, flags, gathering: None };
    let shared = namespace.shared();
    let is_kept = shared.config.hub.recovery.is_some() && !flags.volatile;
    let plain = || operation(packet(namespace, payload, None));
    if let Some(adapter) = shared.adapter().filter(|_| !is_local) {
        adapter.publish(namespace.name(), &plain());
    }
    if is_kept {
        stamped(namespace, |offset| operation(packet(namespace, payload, Some(offset))));
    } else {
        to_all_shards(namespace, &plain());
    }
}

/// Gives a packet its place in the log of everything that is sent, and sends it to all shards in the order of these places.
pub(crate) fn stamped(namespace: &Namespace, make: impl FnOnce(Offset) -> Operation) {
    let shared = namespace.shared();
    if let Some(local) = Local::current(shared) {
        let offset = local.core.borrow_mut().hub.next_offset();
        if let Some(offset) = offset {
            to_all_shards(namespace, &make(offset));
        }
        return;
    }
    let mut sequence = shared.outside();
    *sequence += 1;
    let offset = Offset { origin: shared.shards().into(), sequence: *sequence };
    to_all_shards(namespace, &make(offset));
}

/// Does something to sockets of a namespace, wherever they are.
pub(crate) fn operate(namespace: &Namespace, operation: &Operation, is_local: bool) {
    if let Some(adapter) = namespace.shared().adapter().filter(|_| !is_local) {
        adapter.publish(namespace.name(), operation);
    }
    to_all_shards(namespace, operation);
}

/// Sends an operation to every shard of this server: to the others first, because here it may run code of the application, which
/// may send something behind it.
pub(crate) fn to_all_shards(namespace: &Namespace, operation: &Operation) {
    let (shared, id) = (namespace.shared(), namespace.id());
    let here = Local::current(shared);
    let own = here.as_ref().map(|local| local.index);
    let mail = || Mail::Operation { namespace: id, operation: operation.clone() };
    for shard in (0..shared.shards()).filter(|shard| Some(*shard) != own) {
        shared.send(shard, mail());
    }
    if let Some(local) = here {
        local.execute(mail());
    }
}

/// Asks everybody something, and sees to it that whoever asked is told.
pub(crate) fn ask(
    namespaces: &[Namespace],
    question: Question,
    timeout: Duration,
    is_local: bool,
    operation: impl Fn(&Namespace, RequestId) -> Operation,
) {
    let Some(shared) = namespaces.first().map(Namespace::shared) else {
        return question.answer_with_nothing();
    };
    let adapter = shared.adapter().filter(|_| !is_local);
    let others = adapter.as_ref().map_or(0, |adapter| adapter.other_servers());
    let parts = namespaces.len() * (usize::from(shared.shards()) + others);
    let request = expect(&namespaces[0], question, parts, timeout);
    for namespace in namespaces {
        let operation = operation(namespace, request);
        if let Some(adapter) = &adapter {
            adapter.publish(namespace.name(), &operation);
        }
        to_all_shards(namespace, &operation);
    }
}

/// Opens a request on this thread's shard, or on one of them. So many parts will answer it.
pub(crate) fn expect(
    namespace: &Namespace,
    question: Question,
    parts: usize,
    timeout: Duration,
) -> RequestId {
    let shared = namespace.shared();
    let home = Local::current(shared).map_or(0, |local| local.index);
    let request = shared.new_request(home);
    let style = question.style();
    shared.send(home, Mail::Expect { request, question, style, parts, timeout });
    request
}

/// The shard on which a request was opened.
pub(crate) const fn home(request: RequestId) -> u8 {
    (request.0 >> 56) as u8
}
