//! Several servers that act as one.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use siomio_hub::{Answer, Gathering, Operation, RequestId};
use siomio_packet::{Args, EncodeError, IntoArgs};

use crate::{
    Incomplete, Namespace, Replies, Reply, Sent,
    dispatch::{self, Question},
    mailbox::Mail,
    shared::Shared,
};

/// Joins a server to others: carries what it asks of them, and brings what they ask of it.
///
/// Everything that concerns sockets wherever they are is an [`Operation`]: a broadcast, joining and leaving rooms, disconnecting,
/// asking who is there, events for servers, and the answers to those that ask. The shards of one server speak it among
/// themselves, so an adapter is only a way to carry operations, and a code for them on that way:
///
/// - what the server [publishes](Self::publish) goes to all other servers, which [deliver](Node::deliver) it, together with the name
///   under which they can [answer](Self::answer) this one;
/// - what it answers goes to that one server, which delivers it likewise.
///
/// Between any two servers, what one publishes should arrive in the order it was published. All methods are called on threads of
/// the server, while nothing of it is locked, and must not block: an adapter has threads of its own for that. One that panics
/// costs whoever called it.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use siomio::{Adapter, Answer, Node, Operation, RequestId, Server};
///
/// /// Joins servers of one process.
/// #[derive(Clone, Default)]
/// struct Together(Arc<Mutex<Vec<Node>>>);
///
/// struct Member { all: Together, name: String }
///
/// impl Adapter for Member {
///     fn attach(&self, node: Node) {
///         self.all.0.lock().unwrap().push(node);
///     }
///
///     fn publish(&self, namespace: &str, operation: &Operation) {
///         let own: usize = self.name.parse().unwrap();
///         let nodes = self.all.0.lock().unwrap().clone();
///         for (_, node) in nodes.iter().enumerate().filter(|(place, _)| *place != own) {
///             node.deliver(&self.name, namespace, operation.clone());
///         }
///     }
///
///     fn answer(&self, server: &str, request: RequestId, answer: Answer) {
///         let node = self.all.0.lock().unwrap()[server.parse::<usize>().unwrap()].clone();
///         node.deliver_answer(request, answer);
///     }
///
///     fn other_servers(&self) -> usize {
///         self.all.0.lock().unwrap().len() - 1
///     }
/// }
///
/// let all = Together::default();
/// let [a, b] = ["0", "1"].map(|name| {
///     Server::builder().adapter(Member { all: all.clone(), name: name.to_owned() }).build()
/// });
/// a.emit("reaches", "those who are connected to b, too");
/// ```
pub trait Adapter: Send + Sync + 'static {
    /// The server is there: `node` is the way in. Called once, before anything else.
    fn attach(&self, node: Node);

    /// Something is to be done on all other servers.
    fn publish(&self, namespace: &str, operation: &Operation);

    /// A part of the answer to what another server has asked.
    fn answer(&self, server: &str, request: RequestId, answer: Answer);

    /// How many other servers there are: so many answers are expected.
    fn other_servers(&self) -> usize;

    /// The server has ended: its clients are gone and its shards do nothing any more. Called once, if it ever ran.
    fn close(&self) {}
}

/// The way into a server, for an [`Adapter`], which shows its use. It does not keep the server: once that is gone, what is delivered
/// is ignored.
#[derive(Clone)]
pub struct Node(Weak<Shared>);

impl Node {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::downgrade(shared))
    }

    /// Another server wants something done here. `from` is the name by which it can be [answered](Adapter::answer).
    ///
    /// Any thread may call this. What one thread delivers is done in this order.
    ///
    /// Where nobody is in the namespace, those who ask are told so.
    pub fn deliver(&self, from: &str, namespace: &str, operation: Operation) {
        let Some(shared) = self.0.upgrade() else { return };
        let Some(cell) = shared.namespaces.find(namespace) else {
            return answer_for_nobody(&shared, from, &operation);
        };
        let namespace = Namespace::new(shared.clone(), cell);
        let relay = |request| Question::Relay { node: from.into(), request };
        let shards = usize::from(shared.shards());
        match operation {
            Operation::Broadcast { to, packet, flags, gathering: Some(gathering) } => {
                let Gathering { request, timeout } = gathering;
                // The other side counts the time; this is only for tidying up.
                let request = dispatch::expect(
                    &namespace,
                    relay(request),
                    shards,
                    timeout.saturating_add(GRACE),
                );
                let gathering = Some(Gathering { request, timeout });
                let operation = Operation::Broadcast { to, packet, flags, gathering };
                dispatch::to_all_shards(&namespace, &operation);
            }
            Operation::Broadcast { to, packet, flags, gathering: None } => {
                if shared.config.hub.recovery.is_some() && !flags.volatile {
                    dispatch::stamped(&namespace, |offset| {
                        let packet = Arc::new(packet.stamped(offset));
                        Operation::Broadcast { to, packet, flags, gathering: None }
                    });
                } else {
                    let operation = Operation::Broadcast { to, packet, flags, gathering: None };
                    dispatch::to_all_shards(&namespace, &operation);
                }
            }
            Operation::Fetch { who, request } => {
                let timeout = shared.config.answer_timeout.saturating_add(GRACE);
                let request = dispatch::expect(&namespace, relay(request), shards, timeout);
                dispatch::to_all_shards(&namespace, &Operation::Fetch { who, request });
            }
            Operation::ServerSideEmit { event, args, request } => {
                let asker = request.map(|request| (Arc::from(from), request));
                let mail = Mail::ServerSide { namespace, event, args, asker };
                shared.send(0, mail);
            }
            Operation::Answer { request, answer } => self.deliver_answer(request, answer),
            operation => dispatch::to_all_shards(&namespace, &operation),
        }
    }

    /// Another server has answered what this one has asked.
    pub fn deliver_answer(&self, request: RequestId, answer: Answer) {
        let Some(shared) = self.0.upgrade() else { return };
        let home = dispatch::home(request);
        if home < shared.shards() {
            shared.send(home, Mail::Answer { request, answer });
        }
    }
}

/// How much longer than it may take something asked by another server is remembered.
const GRACE: Duration = Duration::from_secs(1);

/// Nobody here is in the namespace, but whoever asks has to know.
fn answer_for_nobody(shared: &Arc<Shared>, from: &str, operation: &Operation) {
    let Some(adapter) = shared.adapter() else { return };
    match operation {
        Operation::Broadcast { gathering: Some(gathering), .. } => {
            adapter.answer(from, gathering.request, Answer::Recipients(0));
        }
        Operation::Fetch { request, .. } => {
            adapter.answer(from, *request, Answer::Sockets(Vec::new()));
        }
        _ => {}
    }
}

/// Sends an event to the other servers.
pub(crate) fn server_side_emit<A: IntoArgs>(namespace: &Namespace, event: &str, args: &A) -> Sent {
    let args = match check(event).and_then(|()| Args::new(args)) {
        Ok(args) => args,
        Err(error) => return error.into(),
    };
    if let Some(adapter) = namespace.shared().adapter() {
        let operation = Operation::ServerSideEmit { event: event.into(), args, request: None };
        for namespace in namespace.members() {
            adapter.publish(namespace.name(), &operation);
        }
    }
    Sent::Queued
}

/// Sends an event to the other servers, which are to answer.
pub(crate) fn server_side_emit_with_ack<A: IntoArgs>(
    namespace: &Namespace,
    event: &str,
    args: &A,
    timeout: Duration,
) -> Replies<Args> {
    let (sender, replies) = Reply::channel();
    let args = match check(event).and_then(|()| Args::new(args)) {
        Ok(args) => args,
        Err(error) => {
            sender.send(Err(Incomplete::not_sent(error)));
            return replies;
        }
    };
    let members: Vec<_> = namespace.members().collect();
    let adapter = namespace.shared().adapter();
    let others = adapter.as_ref().map_or(0, |adapter| adapter.other_servers());
    let parts = others * members.len();
    let Some(adapter) = adapter.filter(|_| parts > 0) else {
        sender.send(Ok(Vec::new()));
        return replies;
    };
    let question = Question::ServerSide(sender);
    let request = Some(dispatch::expect(namespace, question, parts, timeout));
    let operation = Operation::ServerSideEmit { event: event.into(), args, request };
    for namespace in members {
        adapter.publish(namespace.name(), &operation);
    }
    replies
}

/// Servers have names of their own that they do not send each other.
fn check(event: &str) -> Result<(), EncodeError> {
    match event {
        "connect" | "connection" | "new_namespace" => {
            Err(EncodeError::ReservedName(event.to_owned()))
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}
