//! A socket, wherever it is.

use std::{sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use siomio_hub::SocketInfo;
use siomio_packet::{Args, IntoArgs, Value};

use crate::{Broadcast, Namespace, Replies, RoomNames, Sent, SocketId};

/// What [`fetch_sockets`](Namespace::fetch_sockets) tells of a socket on any server of a cluster, as of the time it was asked; and a
/// way to reach it.
///
/// ```
/// # let server = siomio::Server::new();
/// server.to("lobby").fetch_sockets().on_reply(|sockets| {
///     for socket in sockets.unwrap_or_else(|incomplete| incomplete.answers) {
///         println!("{} is in {:?}", socket.id(), socket.rooms());
///         println!("with {:?}", socket.handshake()["headers"]["user-agent"].as_str());
///         socket.emit("noticed", ());
///     }
/// });
/// ```
#[derive(Clone, Debug)]
pub struct RemoteSocket {
    namespace: Namespace,
    id: SocketId,
    info: SocketInfo,
}

impl RemoteSocket {
    pub(crate) fn new(namespace: Namespace, info: SocketInfo) -> Self {
        Self { namespace, id: info.id.clone().into(), info }
    }

    /// The public id.
    pub const fn id(&self) -> &SocketId {
        &self.id
    }

    /// The namespace it is connected to.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The rooms it was in, its own included.
    pub fn rooms(&self) -> &[Arc<str>] {
        &self.info.rooms
    }

    /// How the client came: an object with `headers`, `query`, `auth`, `address`, `time`, `issued`, `url`, `secure` and `xdomain`.
    pub fn handshake(&self) -> Value {
        serde_json::from_str(&self.info.handshake).unwrap_or(Value::Null)
    }

    /// What its server has [shared](crate::Data::share) of its data, read as a type of yours; nothing counts as `null`.
    ///
    /// # Errors
    /// When it does not fit the type.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.info.data)
    }

    /// Sends it an event.
    pub fn emit<A: IntoArgs>(&self, event: &str, args: A) -> Sent {
        self.reach().emit(event, args)
    }

    /// Sends it an event that it is to acknowledge within `timeout`: one answer, or none.
    pub fn emit_with_ack<A: IntoArgs>(
        &self,
        event: &str,
        args: A,
        timeout: Duration,
    ) -> Replies<Args> {
        self.reach().emit_with_ack(event, args, timeout)
    }

    /// Puts it into rooms.
    pub fn join(&self, rooms: impl RoomNames) {
        self.reach().sockets_join(rooms);
    }

    /// Takes it out of rooms.
    pub fn leave(&self, rooms: impl RoomNames) {
        self.reach().sockets_leave(rooms);
    }

    /// Disconnects it; with `close`, its connection too.
    pub fn disconnect(&self, close: bool) {
        self.reach().disconnect_sockets(close);
    }

    fn reach(&self) -> Broadcast {
        self.namespace.to(&self.id)
    }
}
