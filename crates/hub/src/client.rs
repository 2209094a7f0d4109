//! One connection, which may have joined several namespaces.

use siomio_packet::{Decoder, Revision};

use crate::{Key, NamespaceId, SocketKey, deadlines::DeadlineKey};

/// Names a connection.
pub type ClientKey = Key<Client>;

/// The state of one connection.
#[derive(Debug)]
pub struct Client {
    /// The caller's own name for it.
    pub(crate) tag: u64,
    pub(crate) decoder: Decoder,
    pub(crate) revision: Revision,
    /// Runs from the opening to the first namespace joined, and never again.
    pub(crate) connect_deadline: Option<DeadlineKey>,
    memberships: Vec<(NamespaceId, Membership)>,
    /// Namespaces it has asked for of which it is not known whether they exist.
    pub(crate) asked: Vec<Box<str>>,
}

/// What a connection is to a namespace that it has dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// Joined, or about to.
    Socket(SocketKey),
    /// The server disconnected the socket: packets that crossed this are nobody's fault.
    Left,
    /// The client left: what it had sent along with that is ignored, what it sends later is a violation.
    Leaving,
}

impl Client {
    pub(crate) const fn new(tag: u64, revision: Revision) -> Self {
        Self {
            tag,
            decoder: Decoder::new(),
            revision,
            connect_deadline: None,
            memberships: Vec::new(),
            asked: Vec::new(),
        }
    }

    pub(crate) fn membership(&self, namespace: NamespaceId) -> Option<Membership> {
        self.memberships
            .iter()
            .find(|(own, _)| *own == namespace)
            .map(|(_, membership)| *membership)
    }

    pub(crate) fn set_membership(
        &mut self,
        namespace: NamespaceId,
        membership: Option<Membership>,
    ) {
        let place = self.memberships.iter().position(|(own, _)| *own == namespace);
        match (place, membership) {
            (Some(place), Some(membership)) => self.memberships[place].1 = membership,
            (Some(place), None) => drop(self.memberships.remove(place)),
            (None, Some(membership)) => {
                // Nearly every connection joins one namespace.
                self.memberships.reserve_exact(1);
                self.memberships.push((namespace, membership));
            }
            (None, None) => {}
        }
    }

    /// Whether it may have to do with one namespace more. What is left of those that do not exist any more goes first; those
    /// that it leaves just now take no place.
    ///
    /// They are looked through for each packet, though. Where there are as many as there may be places, they are forgotten as
    /// if the batch had ended, so that whoever comes and goes over and over in one batch never has more than twice `max`.
    pub(crate) fn has_room(&mut self, max: usize, exists: impl Fn(NamespaceId) -> bool) -> bool {
        if self.memberships.len() + self.asked.len() >= max {
            self.memberships.retain(|(namespace, _)| exists(*namespace));
        }
        let counts = |membership| membership != Membership::Leaving;
        let places = self.memberships.iter().filter(|(_, membership)| counts(*membership)).count();
        if self.memberships.len() - places >= max {
            self.end_batch();
        }
        places + self.asked.len() < max
    }

    /// How many namespaces it keeps in mind, those included that it leaves just now.
    #[cfg(test)]
    pub(crate) const fn memberships(&self) -> usize {
        self.memberships.len()
    }

    /// Whether the server disconnected it from such a namespace.
    pub(crate) fn has_left(&self, is_such: impl Fn(NamespaceId) -> bool) -> bool {
        let is_left = |membership| matches!(membership, Membership::Left | Membership::Leaving);
        self.memberships
            .iter()
            .any(|(namespace, membership)| is_left(*membership) && is_such(*namespace))
    }

    /// What came together is worked off: who has left is gone.
    pub(crate) fn end_batch(&mut self) {
        self.memberships.retain(|(_, membership)| *membership != Membership::Leaving);
    }

    /// The sockets of the connection, in the order they were connected.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketKey> {
        self.memberships.iter().filter_map(|(_, membership)| match membership {
            Membership::Socket(socket) => Some(*socket),
            Membership::Left | Membership::Leaving => None,
        })
    }
}
