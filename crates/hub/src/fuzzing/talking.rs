//! What is said, in rooms and to one.

use std::{borrow::Cow, sync::Arc, time::Duration};

use siomio_packet::Payload;

use super::{FEW, Life, Model, NAMES, ROOMS, is_meant, selector};
use crate::{AckToken, Awaiter, Broadcast, Received};

impl Life {
    pub(super) fn join_or_leave(&mut self, number: usize, joins: bool) {
        let Some(socket) = self.pick(number / ROOMS.len(), |_| true) else { return };
        let (room, model) = (ROOMS[number % ROOMS.len()], self.sockets.get_mut(&socket));
        let rooms = &mut model.expect("picked").rooms;
        if joins {
            assert_eq!(self.hub.join(socket, room), rooms.insert(room.into()));
        } else {
            assert_eq!(self.hub.leave(socket, room), rooms.remove(room));
        }
        let mut told = self.hub.rooms_of(socket);
        told.sort_unstable();
        assert!(told.iter().eq(rooms.iter()), "{told:?}");
    }

    pub(super) fn select(&self, number: usize) {
        let (namespace, to) = (number >> 7, selector(number));
        let mut selected = Vec::new();
        self.hub.select_sockets(self.namespace(namespace), &to, &mut selected);
        selected.sort_unstable();
        let is_meant =
            |it: &Model| it.is_connected && it.namespace == namespace && is_meant(&to, &it.rooms);
        let meant = self.sockets.iter().filter(|(_, it)| is_meant(it)).map(|(socket, _)| *socket);
        assert!(meant.eq(selected.iter().copied()), "{to:?}: {selected:?}");
    }

    pub(super) fn expect_ack(&mut self, number: usize) {
        let Some(socket) = self.pick(number, |it| it.is_connected) else { return };
        self.names += 1;
        let deadline = self.now + Duration::from_secs(number as u64 % 64);
        let id = self.hub.expect_ack(socket, AckToken(self.names), deadline).expect("an id");
        self.awaited.insert(self.names, (socket, id));
    }

    /// The client acknowledges, what it was asked for or anything.
    pub(super) fn answer(&mut self, number: usize) {
        let asked = self.awaited.iter().nth(number % FEW).map(|(token, it)| (*token, *it));
        let Some((token, (socket, id))) = asked else { return };
        let (client, namespace) = self.place_of(socket);
        let packet = format!("3{},{id}[]", NAMES[namespace]);
        let Some(received) = self.say(client, &packet) else { return };
        let Ok(Received::Ack { socket: from, by, .. }) = received else { panic!("{received:?}") };
        assert_eq!((from, by), (socket, Awaiter::One(AckToken(token))));
        self.awaited.remove(&token);
    }

    pub(super) fn forgo(&mut self, number: usize) {
        let asked = self.awaited.iter().nth(number % FEW).map(|(token, it)| (*token, *it));
        let Some((token, (socket, id))) = asked else { return };
        let forgone = self.hub.forgo_ack(socket, id);
        assert_eq!(forgone, Some(Awaiter::One(AckToken(token))));
        self.awaited.remove(&token);
    }

    /// A broadcast that can be asked for again.
    pub(super) fn broadcast(&mut self, number: usize) {
        let (namespace, to) = (number >> 7, selector(number));
        let offset = self.hub.next_offset().expect("sessions are kept");
        let mut payload = Payload::new();
        payload.event("e", &()).expect("it is JSON");
        let packet = Arc::new(Broadcast::new(NAMES[namespace].into(), &payload, Some(offset)));
        self.hub.record(self.now, self.namespace(namespace), &to, &packet);
        for (socket, model) in &mut self.sockets {
            if model.namespace != namespace {
                continue;
            }
            if model.is_connected && is_meant(&to, &model.rooms) {
                self.hub.delivered(*socket, &packet);
                model.feed.since.push(offset);
            }
            if let Some(returns) = model.returns.as_mut().filter(|it| is_meant(&to, &it.rooms)) {
                returns.missed.push(offset);
            }
        }
        self.log.push((offset, namespace, to));
    }

    /// A client says anything.
    pub(super) fn speak(&mut self, number: usize, what: u8) {
        const WORDS: [&str; 12] = [
            "2[\"e\"]",
            "2/custom,[\"e\",1]",
            "27[\"e\"]",
            "2/nowhere,[]",
            "3/custom,1[]",
            "39[]",
            "4{}",
            "",
            "0/nowhere,",
            "51-[\"e\",{\"_placeholder\":true,\"num\":0}]",
            "51-[\"e\"]",
            "1/nowhere,",
        ];
        let Some(client) = number.checked_rem(self.clients.len()) else { return };
        let key = self.clients[client];
        let received = match usize::from(what) / FEW {
            word @ 0..12 => self.hub.handle_text(key, WORDS[word]),
            _ => self.hub.handle_binary(key, Cow::Owned(vec![what])),
        };
        let is_wrong = match received {
            Ok(Received::Event { socket, .. }) => {
                assert!(self.sockets[&socket].is_connected, "it is heard of those who are there");
                false
            }
            Ok(Received::Ack { by: Awaiter::One(AckToken(token)), .. }) => {
                assert!(self.awaited.remove(&token).is_some(), "somebody has waited for it");
                false
            }
            Ok(_) => false,
            Err(_) => true,
        };
        if is_wrong {
            self.hang_up(client);
        }
    }
}
