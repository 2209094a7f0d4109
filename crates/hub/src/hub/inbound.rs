//! What clients send.

use std::borrow::Cow;

use siomio_packet::{Kind, Packet, Revision, Wire};

use super::Hub;
use crate::{ClientKey, Received, Violation, client::Membership, socket::Phase};

impl Hub {
    /// A text message arrived.
    ///
    /// # Errors
    /// A [`Violation`]: the connection is to be closed.
    pub fn handle_text<'m>(
        &mut self,
        client: ClientKey,
        text: &'m str,
    ) -> Result<Received<'m>, Violation> {
        if let Some(parser) = &self.config.parser {
            let packet = parser.decode(&self.config.packets, Wire::Text(text))?;
            return self.handle_packet(client, packet);
        }
        let Some(state) = self.clients.get_mut(client) else { return Ok(Received::Nothing) };
        match state.decoder.text(&self.config.packets, text)? {
            Some(packet) => self.handle_packet(client, packet),
            None => Ok(Received::Nothing),
        }
    }

    /// A binary message arrived: an attachment, or a packet if the [parser](super::Config::parser) writes them so.
    ///
    /// # Errors
    /// A [`Violation`]: the connection is to be closed.
    pub fn handle_binary(
        &mut self,
        client: ClientKey,
        data: Cow<'_, [u8]>,
    ) -> Result<Received<'static>, Violation> {
        if let Some(parser) = &self.config.parser {
            let packet = parser.decode(&self.config.packets, Wire::Binary(&data))?;
            return self.handle_packet(client, packet);
        }
        let Some(state) = self.clients.get_mut(client) else { return Ok(Received::Nothing) };
        match state.decoder.binary(&self.config.packets, data)? {
            Some(packet) => self.handle_packet(client, packet),
            None => Ok(Received::Nothing),
        }
    }

    /// Whether a namespace that a client has asked for exists takes time to find out. Until
    /// [`end_lookup`](Self::end_lookup) it may not ask again.
    pub fn begin_lookup(&mut self, client: ClientKey, name: &str) {
        if let Some(state) = self.clients.get_mut(client) {
            state.asked.push(name.into());
        }
    }

    /// It is known. Returns whether the client is there and still waits.
    pub fn end_lookup(&mut self, client: ClientKey, name: &str) -> bool {
        let Some(state) = self.clients.get_mut(client) else { return false };
        let place = state.asked.iter().position(|asked| **asked == *name);
        place.map(|place| state.asked.swap_remove(place)).is_some()
    }

    /// What was received together, in one payload or one piece, is worked off.
    pub fn end_batch(&mut self) {
        while let Some(client) = self.leaving.pop() {
            if let Some(state) = self.clients.get_mut(client) {
                state.end_batch();
            }
        }
    }

    fn handle_packet<'m>(
        &mut self,
        client: ClientKey,
        mut packet: Packet<'m>,
    ) -> Result<Received<'m>, Violation> {
        let Some(state) = self.clients.get_mut(client) else { return Ok(Received::Nothing) };
        if state.revision == Revision::V4 {
            packet.upgrade_v4();
        }
        if packet.kind == Kind::Connect {
            if state.asked.iter().any(|name| **name == *packet.namespace) {
                return Err(Violation::ConnectedTwice);
            }
            let (namespaces, max) = (&self.namespaces, self.config.max_namespaces);
            // Who was sent away and comes back takes the place they had; who has left gave theirs up.
            let known = namespaces.find(&packet.namespace).and_then(|id| state.membership(id));
            if matches!(known, None | Some(Membership::Leaving))
                && !state.has_room(max, |namespace| namespaces.get(namespace).is_some())
            {
                return Err(Violation::TooManyNamespaces);
            }
        }
        let Some(namespace) = self.namespaces.find(&packet.namespace) else {
            return match packet.kind {
                Kind::Connect => Ok(Received::UnknownNamespace {
                    name: packet.namespace.into_owned(),
                    auth: packet.data,
                }),
                Kind::ConnectError => Err(Violation::UnexpectedKind),
                // It may have crossed our disconnect, after which nobody was left there.
                _ if state.has_left(|namespace| self.namespaces.get(namespace).is_none()) => {
                    Ok(Received::Nothing)
                }
                _ => Err(Violation::NotConnected),
            };
        };
        let membership = state.membership(namespace);
        let socket = match (packet.kind, membership) {
            (Kind::ConnectError, _) => return Err(Violation::UnexpectedKind),
            (Kind::Connect, None | Some(Membership::Left | Membership::Leaving)) => {
                return Ok(Received::Connect { namespace, auth: packet.data });
            }
            (Kind::Connect, Some(Membership::Socket(_))) => return Err(Violation::ConnectedTwice),
            // It may have crossed our disconnect from a namespace that has ended since, and has a successor of the same name.
            (_, None) if state.has_left(|namespace| self.namespaces.get(namespace).is_none()) => {
                return Ok(Received::Nothing);
            }
            (_, None) => return Err(Violation::NotConnected),
            (_, Some(Membership::Left | Membership::Leaving)) => return Ok(Received::Nothing),
            (_, Some(Membership::Socket(socket))) => socket,
        };
        let Some(state) = self.sockets.get_mut(socket) else { return Ok(Received::Nothing) };
        if state.phase == Phase::Connecting {
            // Not joined yet: the client does not know whether it may.
            return Err(Violation::NotConnected);
        }
        Ok(match packet.kind {
            Kind::Event => Received::Event { socket, id: packet.id, data: packet.data },
            Kind::Ack => match packet.id.and_then(|id| state.acks.remove(id)) {
                Some(awaited) => {
                    let by = self.settle_ack(namespace, awaited);
                    Received::Ack { socket, by, data: packet.data }
                }
                None => Received::Nothing,
            },
            Kind::Disconnect => Received::Disconnect { socket },
            Kind::Connect | Kind::ConnectError => Received::Nothing,
        })
    }
}
