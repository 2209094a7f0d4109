//! Joining and leaving, and telling those who want to know.

use std::{
    rc::Rc,
    sync::{Arc, MutexGuard, PoisonError},
};

use siomio_hub::{Hub, SocketKey};

use crate::{
    RoomEvent, RoomNames, SocketId,
    namespace::cell,
    shard::{core::Pending, local::Local, space::Space},
};

/// Held while rooms of a namespace change, where somebody wants to know.
pub(crate) type Census<'s> = Option<MutexGuard<'s, cell::Census>>;

impl Local {
    pub(crate) fn join(
        &self,
        key: SocketKey,
        space: &Rc<Space>,
        rooms: &(impl RoomNames + ?Sized),
    ) -> bool {
        self.move_in_rooms(key, space, rooms, Hub::join, Self::note_joined)
    }

    pub(crate) fn leave_rooms(
        &self,
        key: SocketKey,
        space: &Rc<Space>,
        rooms: &(impl RoomNames + ?Sized),
    ) -> bool {
        self.move_in_rooms(key, space, rooms, Hub::leave, Self::note_left)
    }

    /// Does something with each of the rooms, and takes a note for those who want to know where it made a difference.
    fn move_in_rooms(
        &self,
        key: SocketKey,
        space: &Rc<Space>,
        rooms: &(impl RoomNames + ?Sized),
        step: fn(&mut Hub, SocketKey, &str) -> bool,
        note: fn(&Self, &mut cell::Census, &Rc<Space>, Arc<str>, Arc<str>),
    ) -> bool {
        let mut census = self.census(space);
        let mut has_moved = false;
        rooms.visit(&mut |room| {
            let moved = step(&mut self.core.borrow_mut().hub, key, room);
            has_moved |= moved;
            if let Some(census) = census.as_mut().filter(|_| moved) {
                let id = self.core.borrow().hub.id(key).cloned();
                note(self, census, space, room.into(), id.unwrap_or_else(|| "".into()));
            }
        });
        has_moved
    }

    pub(crate) fn census<'s>(&self, space: &'s Space) -> Census<'s> {
        space.cell.watches_rooms().then(|| lock(space))
    }

    /// A socket has been let in, and is in the room of its id.
    pub(crate) fn own_room_created(&self, space: &Rc<Space>, id: SocketId) {
        if let Some(mut census) = self.census(space) {
            let id = Arc::<str>::from(id);
            self.note_joined(&mut census, space, id.clone(), id);
        }
    }

    /// A socket is in these rooms now.
    pub(crate) fn joined_rooms(
        &self,
        census: Census<'_>,
        space: &Rc<Space>,
        id: &Arc<str>,
        rooms: Vec<Arc<str>>,
    ) {
        let Some(mut census) = census else { return };
        for room in rooms {
            self.note_joined(&mut census, space, room, id.clone());
        }
    }

    /// The rooms that a socket is about to leave, if somebody wants to know.
    pub(crate) fn rooms_to_note(&self, key: SocketKey, census: &Census<'_>) -> Vec<Arc<str>> {
        let core = self.core.borrow();
        let rooms = if census.is_some() { core.hub.rooms_of(key) } else { Vec::new() };
        if core.hub.is_connecting(key) {
            // It is not in the room of its id yet.
            return rooms.into_iter().skip(1).collect();
        }
        rooms
    }

    /// A socket is gone, and was in these rooms.
    pub(crate) fn left_rooms(
        &self,
        census: Census<'_>,
        space: &Rc<Space>,
        id: &Arc<str>,
        rooms: Vec<Arc<str>>,
    ) {
        let Some(mut census) = census else { return };
        for room in rooms {
            self.note_left(&mut census, space, room, id.clone());
        }
    }

    /// Tells what has happened to rooms, unless another shard is at it: of one namespace, one tells at a time, so that what is
    /// told has the order in which it happened.
    pub(crate) fn tell_of_rooms(self: &Rc<Self>, space: &Rc<Space>) {
        if std::mem::replace(&mut lock(space).is_telling, true) {
            return;
        }
        loop {
            let event = {
                let mut census = lock(space);
                let event = census.events.pop_front();
                census.is_telling = event.is_some();
                event
            };
            let Some(event) = event else { return };
            for hook in &space.table.rooms {
                self.guard_hook("on_room_event", || hook(&event));
            }
        }
    }

    fn note_joined(
        &self,
        census: &mut cell::Census,
        space: &Rc<Space>,
        room: Arc<str>,
        id: Arc<str>,
    ) {
        let namespace = self.handle_of(space);
        if self.members(space, &room) == 1 {
            let (namespace, room) = (namespace.clone(), room.clone());
            census.events.push_back(RoomEvent::Created { namespace, room });
        }
        census.events.push_back(RoomEvent::Joined { namespace, room, id: id.into() });
        self.will_tell(space);
    }

    fn note_left(
        &self,
        census: &mut cell::Census,
        space: &Rc<Space>,
        room: Arc<str>,
        id: Arc<str>,
    ) {
        let (namespace, count) = (self.handle_of(space), self.members(space, &room));
        let (id, left) = (id.into(), room.clone());
        census.events.push_back(RoomEvent::Left { namespace: namespace.clone(), room: left, id });
        if count == 0 {
            census.events.push_back(RoomEvent::Deleted { namespace, room });
        }
        self.will_tell(space);
    }

    /// The application hears of it when nothing is borrowed.
    fn will_tell(&self, space: &Rc<Space>) {
        self.core.borrow_mut().events.push_back(Pending::Rooms { space: space.clone() });
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

fn lock(space: &Space) -> MutexGuard<'_, cell::Census> {
    space.cell.census.lock().unwrap_or_else(PoisonError::into_inner)
}
