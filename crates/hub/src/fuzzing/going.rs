//! Sockets go, for good or not.

use std::collections::BTreeSet;

use super::{Absent, Life, Model, NAMES};
use crate::{AckToken, Awaiter, DisconnectReason, Received, Revision, SocketKey};

impl Life {
    /// The server, or the client, ends a socket for good.
    pub(super) fn disconnect(&mut self, number: usize) {
        let Some(socket) = self.pick(number / 2, |it| it.is_connected) else { return };
        let (client, namespace) = self.place_of(socket);
        let by_client = number % 2 == 0;
        if by_client {
            let packet = format!("1{},", NAMES[namespace]);
            let Some(received) = self.say(client, &packet) else { return };
            assert!(matches!(received, Ok(Received::Disconnect { socket: it }) if it == socket));
        }
        let reason = if by_client {
            DisconnectReason::ClientNamespaceDisconnect
        } else {
            DisconnectReason::ServerNamespaceDisconnect
        };
        self.remove(socket, by_client, reason);
        self.hub.end_batch();
    }

    /// A connection is lost.
    pub(super) fn lose(&mut self, number: usize) {
        if let Some(client) = number.checked_rem(self.clients.len()) {
            self.hang_up(client);
        }
    }

    /// Ends everything of a client, and lets another take its place.
    pub(super) fn hang_up(&mut self, client: usize) {
        let own: Vec<_> = self.hub.sockets(self.clients[client]);
        for socket in own {
            if self.hub.is_connecting(socket) {
                assert!(self.hub.refuse(socket));
                self.sockets.remove(&socket);
            } else {
                self.remove(socket, false, DisconnectReason::TransportClose);
            }
        }
        self.hub.close_client(self.clients[client]);
        self.clients[client] = self.hub.open_client(self.now, client as u64, Revision::V5);
    }

    pub(super) fn remove(&mut self, socket: SocketKey, by_client: bool, reason: DisconnectReason) {
        assert!(self.hub.begin_disconnect(socket, by_client));
        let departure = self.hub.remove(self.now, socket, reason).expect("it is there");
        let model = self.sockets.remove(&socket).expect("it is there");
        let owed = departure.acks.iter().map(|by| match by {
            Awaiter::One(AckToken(token)) => *token,
            Awaiter::Gathering(request) => panic!("{request:?}"),
        });
        let owed: BTreeSet<_> = owed.collect();
        let own = self.awaited.iter().filter(|(_, (it, _))| *it == socket).map(|(token, _)| *token);
        assert_eq!(owed, own.collect(), "whoever waits is told");
        self.awaited.retain(|token, _| !owed.contains(token));
        assert_eq!(departure.kept.is_some(), reason.is_recoverable());
        if let Some(pid) = departure.kept {
            assert_eq!(Some(&pid), model.pid.as_ref());
            let Model { namespace, rooms, feed, .. } = model;
            self.lost.insert(pid, Absent { namespace, rooms, feed, at: self.log.len() });
        }
    }
}
