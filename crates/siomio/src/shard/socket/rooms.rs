//! Joining and leaving, and telling those who want to know.

use std::{
    rc::Rc,
    sync::{Arc, MutexGuard, PoisonError},
};

use siomio_hub::{Hub, SocketKey};

use crate::{
    RoomEvent, RoomNames, SocketId,
    shard::{core::Pending, local::Local, space::Space},
};

/// Held while rooms of a namespace change, where somebody wants to know.
pub(crate) type Census<'s> = Option<MutexGuard<'s, ()>>;

impl Local {
    pub(crate) fn join(
        &self,
        key: SocketKey,
        space: &Rc<Space>,
        rooms: &(impl RoomNames + ?Sized),
    ) -> bool {
        self.move_in_rooms(key, space, rooms, Hub::join, Self::announce_joined)
    }

    pub(crate) fn leave_rooms(
        &self,
        key: SocketKey,
        space: &Rc<Space>,
        rooms: &(impl RoomNames + ?Sized),
    ) -> bool {
        self.move_in_rooms(key, space, rooms, Hub::leave, Self::announce_left)
    }

    /// Does something with each of the rooms, and tells those who want to know where it made a difference.
    fn move_in_rooms(
        &self,
        key: SocketKey,
        space: &Rc<Space>,
        rooms: &(impl RoomNames + ?Sized),
        step: fn(&mut Hub, SocketKey, &str) -> bool,
        announce: fn(&Self, &Rc<Space>, Arc<str>, Arc<str>),
    ) -> bool {
        let _census = self.census(space);
        let mut has_moved = false;
        rooms.visit(&mut |room| {
            let moved = step(&mut self.core.borrow_mut().hub, key, room);
            has_moved |= moved;
            if moved && space.cell.watches_rooms() {
                let id = self.core.borrow().hub.id(key).cloned();
                announce(self, space, room.into(), id.unwrap_or_else(|| "".into()));
            }
        });
        has_moved
    }

    pub(crate) fn census<'s>(&self, space: &'s Space) -> Census<'s> {
        let lock = || space.cell.census.lock().unwrap_or_else(PoisonError::into_inner);
        space.cell.watches_rooms().then(lock)
    }

    /// A socket has been let in, and is in the room of its id.
    pub(crate) fn own_room_created(&self, space: &Rc<Space>, id: SocketId) {
        if space.cell.watches_rooms() {
            let id = Arc::<str>::from(id);
            self.announce_joined(space, id.clone(), id);
        }
    }

    /// The rooms that a socket is about to leave, if somebody wants to know.
    pub(crate) fn rooms_to_announce(&self, key: SocketKey, space: &Space) -> Vec<Arc<str>> {
        let core = self.core.borrow();
        let rooms = if space.cell.watches_rooms() { core.hub.rooms_of(key) } else { Vec::new() };
        if core.hub.is_connecting(key) {
            // It is not in the room of its id yet.
            return rooms.into_iter().skip(1).collect();
        }
        rooms
    }

    /// A socket is gone, and was in these rooms.
    pub(crate) fn left_rooms(&self, space: &Rc<Space>, id: &Arc<str>, rooms: Vec<Arc<str>>) {
        for room in rooms {
            self.announce_left(space, room, id.clone());
        }
    }

    pub(crate) fn announce_room(self: &Rc<Self>, space: &Space, event: &RoomEvent) {
        for hook in &space.table.rooms {
            self.guard_hook("on_room_event", || hook(event));
        }
    }

    fn announce_joined(&self, space: &Rc<Space>, room: Arc<str>, id: Arc<str>) {
        let namespace = self.handle_of(space);
        if self.members(space, &room) == 1 {
            let event = RoomEvent::Created { namespace: namespace.clone(), room: room.clone() };
            self.announce(space, event);
        }
        self.announce(space, RoomEvent::Joined { namespace, room, id: id.into() });
    }

    fn announce_left(&self, space: &Rc<Space>, room: Arc<str>, id: Arc<str>) {
        let (namespace, count) = (self.handle_of(space), self.members(space, &room));
        let (left, id) = (room.clone(), id.into());
        self.announce(space, RoomEvent::Left { namespace: namespace.clone(), room: left, id });
        if count == 0 {
            self.announce(space, RoomEvent::Deleted { namespace, room });
        }
    }

    /// The application hears of it when nothing is borrowed.
    fn announce(&self, space: &Rc<Space>, event: RoomEvent) {
        let event = Pending::Room { space: space.clone(), event };
        self.core.borrow_mut().events.push_back(event);
    }

    /// How many are in a room, on all shards.
    fn members(&self, space: &Space, room: &str) -> usize {
        let count = |rooms: &siomio_hub::SharedRooms| {
            let rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
            rooms.members(space.cell.id, room)
        };
        self.shared.all_rooms().map(count).sum()
    }
}
