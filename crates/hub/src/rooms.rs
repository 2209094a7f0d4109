//! Who is in which room.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use foldhash::quality::FixedState;

use crate::{Arena, Key, NamespaceId, Selector, SocketKey};

/// The rooms of one hub, readable from other threads: it is locked for single look-ups and updates only, and never
/// while code of the application runs.
pub type SharedRooms = Arc<Mutex<Rooms>>;

/// Which sockets of one hub are in which rooms.
///
/// Joining and leaving cost O(1) (in the number of rooms of the one socket), walking a room costs its members, removing
/// a socket costs its own rooms. A room exists as long as somebody is in it. Every connected socket is in a room named
/// by its id, which takes no memory of its own.
#[derive(Debug)]
pub struct Rooms {
    hasher: FixedState,
    spaces: Vec<Option<Space>>,
    rooms: Arena<Room>,
    /// Indexed like the sockets themselves.
    records: Vec<Option<Record>>,
    /// Number of the selection under way; a record that carries it has been dealt with.
    epoch: u64,
}

/// The rooms and sockets of a namespace.
#[derive(Debug)]
struct Space {
    namespace: NamespaceId,
    everyone: Vec<SocketKey>,
    by_name: HashMap<Arc<str>, Key<Room>, FixedState>,
    by_id: HashMap<Arc<str>, SocketKey, FixedState>,
}

#[derive(Debug)]
struct Room {
    name: Arc<str>,
    members: Vec<SocketKey>,
}

#[derive(Debug)]
struct Record {
    socket: SocketKey,
    tag: u64,
    id: Arc<str>,
    namespace: NamespaceId,
    /// Neither still connecting nor already leaving.
    present: bool,
    /// Place in `Space::everyone`.
    place: u32,
    seats: Vec<Seat>,
    epoch: u64,
}

/// A socket's place in one room.
#[derive(Debug)]
struct Seat {
    room: Key<Room>,
    place: u32,
}

impl Rooms {
    /// An empty index, ready to be shared. The seed keeps clients from choosing names that collide.
    pub fn shared(seed: u64) -> SharedRooms {
        Arc::new(Mutex::new(Self {
            hasher: FixedState::with_seed(seed),
            spaces: Vec::new(),
            rooms: Arena::new(),
            records: Vec::new(),
            epoch: 0,
        }))
    }

    /// The ids of the connected sockets of a namespace, in no particular order.
    pub fn ids(&self, namespace: NamespaceId) -> Vec<Arc<str>> {
        let mut ids = Vec::new();
        self.visit(namespace, |record| ids.push(record.id.clone()));
        ids
    }

    /// How many sockets of a namespace are connected.
    pub fn count(&self, namespace: NamespaceId) -> usize {
        let mut count = 0;
        self.visit(namespace, |_| count += 1);
        count
    }

    /// The ids of the connected sockets in a room.
    pub fn ids_in(&self, namespace: NamespaceId, room: &str) -> Vec<Arc<str>> {
        let mut ids = Vec::new();
        self.visit_room(namespace, room, &mut |record: &Record| ids.push(record.id.clone()));
        ids
    }

    /// How many sockets are in a room, those included that are being connected or disconnected. In the room of its own id is one as
    /// soon as it exists.
    pub fn members(&self, namespace: NamespaceId, room: &str) -> usize {
        let Some(space) = self.space(namespace) else { return 0 };
        let joined = space.by_name.get(room).and_then(|key| self.rooms.get(*key));
        joined.map_or(0, |room| room.members.len()) + usize::from(space.by_id.contains_key(room))
    }

    /// The names of a namespace's rooms in alphabetical order, less those that are a socket's own.
    pub fn names(&self, namespace: NamespaceId) -> Vec<Arc<str>> {
        let Some(space) = self.space(namespace) else { return Vec::new() };
        let mut names: Vec<_> = space.by_name.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The rooms that a socket is in: its own first, then in no particular order.
    pub fn rooms_of(&self, socket: SocketKey) -> Vec<Arc<str>> {
        let Some(record) = self.record(socket) else { return Vec::new() };
        let joined = record
            .seats
            .iter()
            .filter_map(|seat| self.rooms.get(seat.room))
            .map(|room| room.name.clone());
        std::iter::once(record.id.clone()).chain(joined).collect()
    }

    /// Whether a socket is in a room.
    pub fn is_in(&self, socket: SocketKey, room: &str) -> bool {
        let Some(record) = self.record(socket) else { return false };
        let mut joined = record.seats.iter().filter_map(|seat| self.rooms.get(seat.room));
        *record.id == *room || joined.any(|own| *own.name == *room)
    }

    pub(crate) fn declare(&mut self, namespace: NamespaceId) {
        if self.spaces.len() <= namespace.index() {
            self.spaces.resize_with(namespace.index() + 1, || None);
        }
        let space = &mut self.spaces[namespace.index()];
        if space.as_ref().is_none_or(|space| space.namespace != namespace) {
            *space = Some(Space {
                namespace,
                everyone: Vec::new(),
                by_name: HashMap::with_hasher(self.hasher.clone()),
                by_id: HashMap::with_hasher(self.hasher.clone()),
            });
        }
    }

    pub(crate) fn forget(&mut self, namespace: NamespaceId) {
        if let Some(space) = self.spaces.get_mut(namespace.index()) {
            space.take_if(|space| space.namespace == namespace);
        }
    }

    pub(crate) fn insert(
        &mut self,
        socket: SocketKey,
        tag: u64,
        namespace: NamespaceId,
        id: Arc<str>,
    ) {
        self.declare(namespace);
        let Some(space) = space_mut(&mut self.spaces, namespace) else { return };
        let place = space.everyone.len() as u32;
        space.everyone.push(socket);
        space.by_id.insert(id.clone(), socket);
        if self.records.len() <= socket.index() {
            self.records.resize_with(socket.index() + 1, || None);
        }
        self.records[socket.index()] = Some(Record {
            socket,
            tag,
            id,
            namespace,
            present: false,
            place,
            seats: Vec::new(),
            epoch: 0,
        });
    }

    /// Takes the socket into selections, or out of them.
    pub(crate) fn set_present(&mut self, socket: SocketKey, present: bool) {
        if let Some(record) = self.record_mut(socket) {
            record.present = present;
        }
    }

    pub(crate) fn join(&mut self, socket: SocketKey, name: &str) -> bool {
        let Some(record) = self.records.get_mut(socket.index()).and_then(Option::as_mut) else {
            return false;
        };
        if record.socket != socket || *record.id == *name {
            return false;
        }
        let Some(space) = space_mut(&mut self.spaces, record.namespace) else { return false };
        let key = match space.by_name.get(name) {
            Some(key) => *key,
            None => {
                let name: Arc<str> = name.into();
                let key = self.rooms.insert(Room { name: name.clone(), members: Vec::new() });
                space.by_name.insert(name, key);
                key
            }
        };
        if record.seats.iter().any(|seat| seat.room == key) {
            return false;
        }
        let Some(room) = self.rooms.get_mut(key) else { return false };
        record.seats.push(Seat { room: key, place: room.members.len() as u32 });
        room.members.push(socket);
        true
    }

    pub(crate) fn leave(&mut self, socket: SocketKey, name: &str) -> bool {
        let Some(record) = self.record(socket) else { return false };
        let space = self.space(record.namespace);
        let Some(key) = space.and_then(|space| space.by_name.get(name)).copied() else {
            return false;
        };
        let Some(index) = record.seats.iter().position(|seat| seat.room == key) else {
            return false;
        };
        let namespace = record.namespace;
        let Some(record) = self.record_mut(socket) else { return false };
        let seat = record.seats.swap_remove(index);
        self.vacate(namespace, &seat);
        true
    }

    pub(crate) fn remove(&mut self, socket: SocketKey) {
        if self.record(socket).is_none() {
            return;
        }
        let Some(record) = self.records[socket.index()].take() else { return };
        for seat in &record.seats {
            self.vacate(record.namespace, seat);
        }
        let Some(space) = space_mut(&mut self.spaces, record.namespace) else { return };
        if space.by_id.get(&record.id) == Some(&socket) {
            space.by_id.remove(&record.id);
        }
        space.everyone.swap_remove(record.place as usize);
        if let Some(&moved) = space.everyone.get(record.place as usize) {
            if let Some(moved) = self.record_mut(moved) {
                moved.place = record.place;
            }
        }
    }

    /// Appends what `pick` takes from each selected socket, each once, in the order of the rooms and their members.
    pub(crate) fn select<T>(
        &mut self,
        namespace: NamespaceId,
        to: &Selector,
        recipients: &mut Vec<T>,
        pick: fn(SocketKey, u64) -> T,
    ) {
        if to.rooms.is_empty() && to.except.is_empty() {
            return self
                .visit(namespace, |record| recipients.push(pick(record.socket, record.tag)));
        }
        self.epoch += 1;
        let epoch = self.epoch;
        for room in &to.except {
            self.visit_room_mut(namespace, room, |record| record.epoch = epoch);
        }
        let mut take = |record: &mut Record| {
            if record.epoch != epoch && record.present {
                record.epoch = epoch;
                recipients.push(pick(record.socket, record.tag));
            }
        };
        if to.rooms.is_empty() {
            let Some(space) = space(&self.spaces, namespace) else { return };
            for socket in &space.everyone {
                self.records.get_mut(socket.index()).and_then(Option::as_mut).map(&mut take);
            }
        }
        for room in &to.rooms {
            self.visit_room_mut(namespace, room, &mut take);
        }
    }

    /// Shows everyone in a namespace.
    fn visit(&self, namespace: NamespaceId, mut see: impl FnMut(&Record)) {
        let Some(space) = self.space(namespace) else { return };
        for socket in &space.everyone {
            if let Some(record) = self.record(*socket).filter(|record| record.present) {
                see(record);
            }
        }
    }

    fn visit_room(&self, namespace: NamespaceId, name: &str, see: &mut dyn FnMut(&Record)) {
        let Some(space) = self.space(namespace) else { return };
        let own = space.by_id.get(name);
        let room = space.by_name.get(name).and_then(|key| self.rooms.get(*key));
        for socket in own.into_iter().chain(room.iter().flat_map(|room| &room.members)) {
            if let Some(record) = self.record(*socket).filter(|record| record.present) {
                see(record);
            }
        }
    }

    fn visit_room_mut(
        &mut self,
        namespace: NamespaceId,
        name: &str,
        mut see: impl FnMut(&mut Record),
    ) {
        let Some(space) = space(&self.spaces, namespace) else { return };
        let own = space.by_id.get(name);
        let room = space.by_name.get(name).and_then(|key| self.rooms.get(*key));
        for socket in own.into_iter().chain(room.iter().flat_map(|room| &room.members)) {
            self.records.get_mut(socket.index()).and_then(Option::as_mut).map(&mut see);
        }
    }

    /// Takes a socket off its seat; the last member of the room moves there, and an empty room goes.
    fn vacate(&mut self, namespace: NamespaceId, seat: &Seat) {
        let Some(room) = self.rooms.get_mut(seat.room) else { return };
        room.members.swap_remove(seat.place as usize);
        let moved = room.members.get(seat.place as usize).copied();
        if room.members.is_empty() {
            if let Some(room) = self.rooms.remove(seat.room) {
                if let Some(space) = space_mut(&mut self.spaces, namespace) {
                    space.by_name.remove(&room.name);
                }
            }
        }
        if let Some(moved) = moved.and_then(|moved| self.record_mut(moved)) {
            if let Some(own) = moved.seats.iter_mut().find(|own| own.room == seat.room) {
                own.place = seat.place;
            }
        }
    }

    fn space(&self, namespace: NamespaceId) -> Option<&Space> {
        space(&self.spaces, namespace)
    }

    fn record(&self, socket: SocketKey) -> Option<&Record> {
        self.records.get(socket.index())?.as_ref().filter(|record| record.socket == socket)
    }

    fn record_mut(&mut self, socket: SocketKey) -> Option<&mut Record> {
        self.records.get_mut(socket.index())?.as_mut().filter(|record| record.socket == socket)
    }
}

fn space(spaces: &[Option<Space>], namespace: NamespaceId) -> Option<&Space> {
    let space = spaces.get(namespace.index())?.as_ref();
    space.filter(|space| space.namespace == namespace)
}

fn space_mut(spaces: &mut [Option<Space>], namespace: NamespaceId) -> Option<&mut Space> {
    let space = spaces.get_mut(namespace.index())?.as_mut();
    space.filter(|space| space.namespace == namespace)
}

#[cfg(test)]
mod tests;
