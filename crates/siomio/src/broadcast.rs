//! Sending to many.

use std::{fmt, time::Duration};

use siomio_hub::{Flags, Operation, Selector};
use siomio_packet::{Args, IntoArgs, Payload};

use crate::{
    Incomplete, Namespace, RemoteSocket, Replies, Reply, RoomNames, Sent,
    dispatch::{self, Question},
    room_names,
};

/// Some of the sockets of a namespace, on whichever shard they live, and on whichever server of a cluster.
///
/// Each of its methods narrows or widens the choice and can be chained; rooms are a union, in which everybody counts once,
/// and `except` takes away from it.
///
/// ```no_run
/// # let io = siomio::Server::new().io();
/// io.to("lobby").to(["hall", "garden"]).except("muted").emit("news", "hello");
/// ```
#[derive(Clone)]
#[must_use = "a broadcast does nothing before it emits, joins, leaves or disconnects"]
pub struct Broadcast {
    namespace: Namespace,
    to: Selector,
    flags: Flags,
    is_local: bool,
}

impl Broadcast {
    pub(crate) fn new(namespace: Namespace) -> Self {
        Self { namespace, to: Selector::all(), flags: Flags::default(), is_local: false }
    }

    /// Those in this room, or in these, too. Everybody's id is a room.
    pub fn to(mut self, rooms: impl RoomNames) -> Self {
        room_names::collect(rooms, &mut self.to.rooms);
        self
    }

    /// The same as [`to`](Self::to), where it reads better.
    pub fn within(self, rooms: impl RoomNames) -> Self {
        self.to(rooms)
    }

    /// Not those in this room, or in any of these.
    pub fn except(mut self, rooms: impl RoomNames) -> Self {
        room_names::collect(rooms, &mut self.to.except);
        self
    }

    /// Only those who are connected to this server, where it is one of several.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.to("lobby").local().emit("restarting", ());
    /// ```
    pub fn local(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// Only those who can take the event at once: nothing waits for them, and on long-polling they are asking for something. Others
    /// never get it, and it is not kept for those who have lost their connection.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether the event may be compressed where compression was negotiated, which this version never does. Default `true`.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// Sends an event to all of them. A tuple is several arguments, `()` none, anything else one.
    ///
    /// It is encoded once. [`Sent::Queued`] says that it is on its way, not that anybody is there to receive it.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.to("lobby").emit("news", ("two", "arguments"));
    /// ```
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        let mut payload = Payload::default();
        if let Err(error) = payload.event(event, &args) {
            return error.into();
        }
        for namespace in self.namespace.members() {
            dispatch::broadcast(&namespace, &self.to, &payload, self.flags, self.is_local);
        }
        Sent::Queued
    }

    /// Sends the event `message`.
    pub fn send<A: IntoArgs>(&self, args: A) -> Sent {
        self.emit("message", args)
    }

    /// Sends an event that each of them is to acknowledge within `timeout`.
    ///
    /// When everybody has, the answer is what they acknowledged with, in no particular order; nobody at all makes it empty.
    /// If somebody has not, or is gone, it is an [`Incomplete`], with what came. What cannot be serialised is answered at once: by
    /// nobody, and nobody missing.
    ///
    /// ```no_run
    /// # let io = siomio::Server::new().io();
    /// use std::time::Duration;
    ///
    /// io.to("lobby").emit_with_ack("ready?", (), Duration::from_secs(5)).on_reply(|answers| match answers {
    ///     Ok(answers) => println!("all {} are ready", answers.len()),
    ///     Err(incomplete) => println!("{} do not answer", incomplete.missing),
    /// });
    /// ```
    pub fn emit_with_ack<A: IntoArgs>(
        &self,
        event: &str,
        args: A,
        timeout: Duration,
    ) -> Replies<Args> {
        let (sender, replies) = Reply::channel();
        let mut payload = Payload::default();
        if let Err(error) = payload.event(event, &args) {
            sender.send(Err(Incomplete::not_sent(error)));
            return replies;
        }
        let question = Question::Acks(sender);
        let members: Vec<_> = self.namespace.members().collect();
        dispatch::ask(&members, question, timeout, self.is_local, |namespace, request| {
            let gathering = siomio_hub::Gathering { request, timeout };
            let packet = dispatch::packet(namespace, &payload, None);
            let (to, flags, gathering) = (self.to.clone(), self.flags, Some(gathering));
            Operation::Broadcast { to, packet, flags, gathering }
        });
        replies
    }

    /// Puts all of them into a room, or several.
    ///
    /// Like what is emitted it is on its way when this returns, and keeps its order with it.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.to("waiting").sockets_join("game");
    /// server.to("game").emit("begin", ());
    /// ```
    pub fn sockets_join(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        room_names::collect(rooms, &mut names);
        self.operate(|who| Operation::Join { who, rooms: names.clone() });
    }

    /// Takes all of them out of a room, or several.
    pub fn sockets_leave(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        room_names::collect(rooms, &mut names);
        self.operate(|who| Operation::Leave { who, rooms: names.clone() });
    }

    /// Disconnects all of them; with `close`, their connections too.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.to("banned").disconnect_sockets(true);
    /// ```
    pub fn disconnect_sockets(&self, close: bool) {
        self.operate(|who| Operation::Disconnect { who, close });
    }

    /// Asks who they are: on all shards, and on all servers of a cluster.
    ///
    /// ```no_run
    /// # let io = siomio::Server::new().io();
    /// io.to("lobby").fetch_sockets().on_reply(|sockets| {
    ///     for socket in sockets.unwrap_or_else(|incomplete| incomplete.answers) {
    ///         println!("{} is in {:?}", socket.id(), socket.rooms());
    ///     }
    /// });
    /// ```
    pub fn fetch_sockets(&self) -> Replies<RemoteSocket> {
        let (sender, replies) = Reply::channel();
        let question = Question::Sockets(self.namespace.clone(), sender);
        let members: Vec<_> = self.namespace.members().collect();
        let timeout = self.namespace.shared().config.answer_timeout;
        dispatch::ask(&members, question, timeout, self.is_local, |_, request| Operation::Fetch {
            who: self.to.clone(),
            request,
        });
        replies
    }

    fn operate(&self, make: impl Fn(Selector) -> Operation) {
        for namespace in self.namespace.members() {
            dispatch::operate(&namespace, &make(self.to.clone()), self.is_local);
        }
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("to", &self.to).finish_non_exhaustive()
    }
}
