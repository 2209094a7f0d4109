//! Sockets come and come back.

use std::{collections::BTreeSet, sync::Arc};

use super::{FEW, Feed, Life, Model, NAMES, Return, is_meant};
use crate::{Offset, Received, Recovery, Selector, SocketKey};

impl Life {
    /// A client asks for a namespace.
    pub(super) fn ask(&mut self, number: usize, session: Option<Arc<str>>) -> Option<SocketKey> {
        let client = number.checked_rem(self.clients.len())?;
        let namespace = number / FEW % NAMES.len();
        let mut here = self.sockets.values();
        let is_there = here.any(|it| (it.client, it.namespace) == (client, namespace));
        let packet = format!("0{},", NAMES[namespace]);
        let received = self.say(client, &packet)?;
        let Ok(Received::Connect { namespace: id, .. }) = received else {
            assert!(is_there, "{received:?}");
            self.hang_up(client);
            return None;
        };
        assert!(!is_there, "asked twice");
        self.names += 1;
        let name = session.unwrap_or_else(|| format!("socket {}", self.names).into());
        let socket = self.hub.begin_connect(self.clients[client], id, name.clone())?;
        let rooms = BTreeSet::from([name]);
        self.sockets.insert(socket, Model { client, namespace, rooms, ..Model::default() });
        Some(socket)
    }

    pub(super) fn accept(&mut self, number: usize) {
        let Some(socket) = self.pick(number, |it| !it.is_connected) else { return };
        let model = self.sockets.get_mut(&socket).expect("picked");
        self.names += 1;
        let long_ago = self.now - Recovery::default().max_disconnection;
        if self.hub.begin_anew(socket).is_some() {
            let returns = model.returns.take().expect("it has come back");
            assert!(returns.since < long_ago, "it was not long");
            (model.pid, model.feed) = (None, Feed::default());
        }
        // One that has come back keeps its secret.
        let fresh = || format!("secret {}", self.names).into();
        let pid = model.pid.get_or_insert_with(fresh).clone();
        let sent = self.hub.accept(self.now, socket, Some(pid)).expect("it connects");
        let sent: Vec<_> = sent.iter().filter_map(|packet| packet.offset()).collect();
        let missed = model.returns.take().map(|it| it.missed).unwrap_or_default();
        assert_eq!(sent, missed, "it gets what it has missed");
        model.feed.since = missed;
        model.is_connected = true;
    }

    pub(super) fn refuse(&mut self, number: usize) {
        if let Some(socket) = self.pick(number, |it| !it.is_connected) {
            assert!(self.hub.refuse(socket));
            self.sockets.remove(&socket);
        }
    }

    /// A client comes back to a lost session.
    pub(super) fn come_back(&mut self, number: usize) {
        let Some(place) = number.checked_rem(self.lost.len()) else { return };
        let Some((pid, absent)) = self.lost.iter().nth(place) else { return };
        let (pid, namespace) = (pid.clone(), absent.namespace);
        // Some of what was sent over its last connection was lost on the way.
        let Feed { before, since } = &absent.feed;
        let arrived = since.len() - (number / FEW).min(since.len());
        let last = arrived.checked_sub(1).map_or(*before, |last| Some(since[last]));
        let missed = |(_, to, sent): &(Offset, usize, Selector)| {
            *to == namespace && is_meant(sent, &absent.rooms)
        };
        let missed = self.log[absent.at..].iter().filter(|entry| missed(entry));
        let missed = missed.map(|(offset, ..)| *offset);
        let missed: Vec<_> = since[arrived..].iter().copied().chain(missed).collect();
        let recovered = self.hub.give_up(self.now, &pid, last);
        let absent = self.lost.remove(&pid).expect("picked");
        // The log is long enough; but there may be too many sessions.
        let Some(recovered) = recovered else { return };
        let rooms: BTreeSet<_> = recovered.rooms.iter().cloned().collect();
        // Its own room it gets anyway.
        let others = absent.rooms.iter().filter(|room| **room != recovered.id);
        assert_eq!(rooms, others.cloned().collect());
        let number = number % FEW + namespace * FEW;
        let Some(socket) = self.ask(number, Some(recovered.id.clone())) else { return };
        self.hub.take_up(socket, recovered);
        let model = self.sockets.get_mut(&socket).expect("it has come");
        *model = Model {
            rooms: absent.rooms.clone(),
            pid: Some(pid),
            feed: Feed { before: last, since: Vec::new() },
            returns: Some(Return { since: self.now, rooms: absent.rooms, missed }),
            ..model.clone()
        };
    }
}
