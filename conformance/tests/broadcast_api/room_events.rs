//! What is told of rooms.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
};

use siomio::{ConnectError, Namespace, RoomEvent, Server, Socket, Value};
use siomio_testkit::PATIENCE;

use crate::{Guest, PATH, Site, common::Client, served};

/// What has been told of rooms.
#[derive(Clone)]
struct Told(Arc<Mutex<Option<Receiver<String>>>>);

impl Told {
    fn nothing() -> Self {
        Self(Arc::default())
    }

    /// Listens to a namespace from now on.
    fn listen(&self, namespace: &Namespace) {
        let (tell, told) = channel();
        *self.0.lock().unwrap() = Some(told);
        namespace.on_room_event(move |event| tell.send(words(event)).unwrap());
    }

    /// The next must be these.
    fn expect<T: AsRef<str>>(&self, events: &[T]) {
        for event in events {
            assert_eq!(self.next(), event.as_ref());
        }
    }

    fn next(&self) -> String {
        self.0.lock().unwrap().as_ref().unwrap().recv_timeout(PATIENCE).expect("something is told")
    }

    fn assert_quiet(&self) {
        assert_eq!(self.0.lock().unwrap().as_ref().unwrap().try_recv().ok(), None);
    }
}

fn words(event: &RoomEvent) -> String {
    assert!(event.namespace().name().starts_with('/'));
    match event {
        RoomEvent::Created { room, .. } => format!("create {room}"),
        RoomEvent::Joined { room, id, .. } => format!("join {room} {id}"),
        RoomEvent::Left { room, id, .. } => format!("leave {room} {id}"),
        RoomEvent::Deleted { room, .. } => format!("delete {room}"),
        other => panic!("{other:?}"),
    }
}

/// Clients join and leave rooms as they say.
fn obliging(server: &Server) {
    server.on("join", |socket: &Socket, rooms: Vec<String>| {
        socket.join(rooms);
    });
    server.on("leave", |socket: &Socket, rooms: Vec<String>| {
        socket.leave(rooms);
    });
    server.on("ping", |socket: &Socket| drop(socket.emit("pong", ())));
}

fn round_trip(guest: &mut Guest) {
    guest.ask("[\"ping\"]");
    guest.client.expect(&["42[\"pong\"]"]);
}

#[test]
fn a_room_is_created_joined_left_and_deleted_in_this_order() {
    let told = Told::nothing();
    let handlers = |server: &Server| {
        obliging(server);
        told.listen(server);
    };
    served(handlers, |site| {
        let mut one = site.guest();
        let id = one.id.clone();
        told.expect(&[format!("create {id}"), format!("join {id} {id}")]);
        one.ask("[\"join\",[\"a\",\"b\",\"a\"]]");
        told.expect(&["create a".to_owned(), format!("join a {id}")]);
        told.expect(&["create b".to_owned(), format!("join b {id}")]);
        // Who is there already does not join, and whoever is not there cannot leave.
        one.ask(&format!("[\"join\",[\"a\",\"{id}\"]]"));
        one.ask(&format!("[\"leave\",[\"c\",\"{id}\"]]"));
        one.ask("[\"leave\",[\"a\",\"a\"]]");
        told.expect(&[format!("leave a {id}"), "delete a".to_owned()]);
        round_trip(&mut one);
        told.assert_quiet();
        // Whoever goes leaves the room of its id, and all others.
        one.client.send(&["41"]);
        told.expect(&[format!("leave {id} {id}"), format!("delete {id}")]);
        told.expect(&[format!("leave b {id}"), "delete b".to_owned()]);
        told.assert_quiet();
    });
}

#[test]
fn over_all_shards_a_room_is_created_once_and_deleted_once() {
    let told = Told::nothing();
    served(
        |server| told.listen(server),
        |site| {
            let guests = site.guests(8);
            (0..16).for_each(|_| drop(told.next()));
            site.io.sockets_join("r");
            assert_eq!(told.next(), "create r");
            let all: BTreeSet<_> =
                guests.iter().map(|guest| format!("join r {}", guest.id)).collect();
            assert_eq!((0..8).map(|_| told.next()).collect::<BTreeSet<_>>(), all);
            site.io.sockets_leave("r");
            let all: BTreeSet<_> =
                guests.iter().map(|guest| format!("leave r {}", guest.id)).collect();
            assert_eq!((0..8).map(|_| told.next()).collect::<BTreeSet<_>>(), all);
            assert_eq!(told.next(), "delete r");
            told.assert_quiet();
        },
    );
}

#[test]
fn who_is_refused_leaves_what_it_had_joined_and_never_had_a_room_of_its_own() {
    let told = Told::nothing();
    let handlers = |server: &Server| {
        let no = server.of("/no");
        told.listen(&no);
        no.use_middleware(|socket, _: Value| {
            socket.join(["a", "b"]);
            socket.leave("b");
            Err(ConnectError::new("no"))
        });
    };
    served(handlers, |site| {
        let mut client = Client::websocket(site.address, PATH);
        client.send(&["40/no,"]);
        client.expect(&["44/no,{\"message\":\"no\"}"]);
        let events: Vec<_> = (0..8).map(|_| told.next()).collect();
        let id = events[1].strip_prefix("join a ").unwrap();
        let expected = [
            "create a",
            &format!("join a {id}"),
            "create b",
            &format!("join b {id}"),
            &format!("leave b {id}"),
            "delete b",
            &format!("leave a {id}"),
            "delete a",
        ];
        assert_eq!(events, expected);
        told.assert_quiet();
    });
}

#[test]
fn a_lost_connection_and_a_disconnect_by_the_server_empty_the_rooms_too() {
    let told = Told::nothing();
    served(
        |server| told.listen(server),
        |site| {
            for end in ["lost", "one", "all"] {
                let mut one = site.guest();
                let id = one.id.clone();
                site.io.to(&*id).sockets_join("r");
                told.expect(&[format!("create {id}"), format!("join {id} {id}")]);
                told.expect(&["create r".to_owned(), format!("join r {id}")]);
                match end {
                    "lost" => one.client.send(&["1"]),
                    "one" => site.io.to("r").disconnect_sockets(false),
                    _ => site.io.disconnect_sockets(true),
                }
                told.expect(&[format!("leave {id} {id}"), format!("delete {id}")]);
                told.expect(&[format!("leave r {id}"), "delete r".to_owned()]);
            }
            told.assert_quiet();
        },
    );
}

#[test]
fn a_namespace_tells_of_its_own_rooms_and_a_parent_of_those_of_its_children() {
    let told = Told::nothing();
    let handlers = |server: &Server| {
        told.listen(&server.of_pattern("/game-{id}"));
        server.of("/else");
    };
    served(handlers, |site| {
        let _outside = site.guest_in("/else");
        site.io.of("/else").sockets_join("r");
        let inside = site.guest_in("/game-1");
        let id = &inside.id;
        site.io.of("/game-1").sockets_join("r");
        told.expect(&[format!("create {id}"), format!("join {id} {id}")]);
        told.expect(&["create r".to_owned(), format!("join r {id}")]);
        told.assert_quiet();
    });
}

#[test]
fn who_is_told_may_change_rooms_itself() {
    let told = Told::nothing();
    let handlers = |server: &Server| {
        server.on_room_event(|event| {
            if let RoomEvent::Joined { namespace, room, id } = event {
                if &**room == "a" {
                    namespace.to(id).sockets_join("b");
                    namespace.to(id).sockets_leave("a");
                }
            }
        });
        told.listen(server);
    };
    served(handlers, |site| {
        let one = site.guest();
        let id = &one.id;
        site.io.sockets_join("a");
        told.expect(&[format!("create {id}"), format!("join {id} {id}")]);
        told.expect(&["create a".to_owned(), format!("join a {id}")]);
        told.expect(&["create b".to_owned(), format!("join b {id}")]);
        told.expect(&[format!("leave a {id}"), "delete a".to_owned()]);
        told.assert_quiet();
    });
}

/// Follows what is told, and minds whatever cannot be.
#[derive(Default)]
struct Follower {
    exists: bool,
    members: BTreeSet<String>,
}

impl Follower {
    fn follow(&mut self, event: &str) {
        let words: Vec<_> = event.split(' ').collect();
        let is_right = match words[..] {
            ["create", _] => !std::mem::replace(&mut self.exists, true),
            ["join", _, id] => self.exists && self.members.insert(id.to_owned()),
            ["leave", _, id] => self.exists && self.members.remove(id),
            _ => self.members.is_empty() && std::mem::replace(&mut self.exists, false),
        };
        assert!(is_right, "{event} with {:?} in it", self.members);
    }
}

#[test]
fn what_is_told_of_a_room_makes_sense_however_many_shards_change_it() {
    const ROUNDS: usize = 200;
    let told = Told::nothing();
    let handlers = |server: &Server| {
        obliging(server);
        told.listen(server);
    };
    served(handlers, |site: &Site| {
        let mut guests: Vec<_> = (0..8).map(|_| site.guest()).collect();
        (0..16).for_each(|_| drop(told.next()));
        std::thread::scope(|scope| {
            for guest in &mut guests {
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        guest.ask("[\"join\",[\"r\"]]");
                        guest.ask("[\"leave\",[\"r\"]]");
                    }
                    round_trip(guest);
                });
            }
        });
        let mut follower = Follower::default();
        let mut changes = 0;
        while changes < 2 * ROUNDS * guests.len() {
            let event = told.next();
            changes += usize::from(event.starts_with("join") || event.starts_with("leave"));
            follower.follow(&event);
        }
        follower.follow(&told.next());
        assert!(!follower.exists);
        told.assert_quiet();
    });
}
