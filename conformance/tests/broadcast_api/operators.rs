//! Who is meant.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde::{Serialize, Serializer};
use siomio::{Binary, Broadcast, Dropped, EncodeError, Sent, Server, Socket};

use crate::{Guest, LONG, Site, served, wait_until, who};

/// Eight guests, of whom some are in rooms.
fn crowd(site: &Site) -> Vec<Guest> {
    let mut guests = site.guests(8);
    for (place, rooms) in [(0, &["a"][..]), (1, &["b"]), (2, &["a", "b"]), (3, &["c"])] {
        site.io.to(&*guests[place].id).sockets_join(rooms);
    }
    assert_eq!(site.who_heard("", &mut guests), [0; 0]);
    guests
}

#[test]
fn rooms_are_a_union_in_which_everybody_counts_once() {
    served(
        |_| {},
        |site| {
            let (mut guests, io) = (crowd(site), &site.io);
            let meant: [Broadcast; 6] = [
                io.to("a").to("b"),
                io.to(["a", "b"]),
                io.within(vec!["b".to_owned()]).within("a"),
                io.to("a").within(["b", "nobody's", "a"]),
                io.everyone().to("b").to("a"),
                io.to(["a", "b"]).to(&*guests[2].id).to(&*guests[1].id),
            ];
            for meant in meant {
                assert_eq!(meant.emit("e", 1), Sent::Queued);
                assert_eq!(site.who_heard("42[\"e\",1]", &mut guests), [0, 1, 2], "{meant:?}");
            }
        },
    );
}

#[test]
fn without_rooms_everybody_is_meant_and_an_empty_room_is_nobody() {
    served(
        |_| {},
        |site| {
            let (mut guests, io) = (crowd(site), &site.io);
            let everybody = [0, 1, 2, 3, 4, 5, 6, 7];
            for meant in [io.everyone(), io.local(), io.compress(false), io.to([""; 0])] {
                meant.send(());
                assert_eq!(site.who_heard("42[\"message\"]", &mut guests), everybody);
            }
            io.emit("e", ());
            assert_eq!(site.who_heard("42[\"e\"]", &mut guests), everybody);
            io.to("nobody's").emit("e", ());
            assert_eq!(site.who_heard("42[\"e\"]", &mut guests), [0; 0]);
        },
    );
}

#[test]
fn what_is_excepted_is_taken_away_whatever_the_order() {
    served(
        |_| {},
        |site| {
            let (mut guests, io) = (crowd(site), &site.io);
            let mine = guests[7].id.clone();
            let cases: [(Broadcast, &[usize]); 6] = [
                (io.except("a"), &[1, 3, 4, 5, 6, 7]),
                (io.except(["a", "b"]).except(&*mine), &[3, 4, 5, 6]),
                (io.to("b").except("a"), &[1]),
                (io.except("a").to("b"), &[1]),
                (io.to(["a", "c"]).except("a").except("nobody's"), &[3]),
                (io.to("a").except("a"), &[]),
            ];
            for (meant, expected) in cases {
                meant.emit("e", ());
                assert_eq!(site.who_heard("42[\"e\"]", &mut guests), expected, "{meant:?}");
            }
        },
    );
}

#[test]
fn operators_make_new_ones_and_change_nothing() {
    served(
        |_| {},
        |site| {
            let (mut guests, io) = (crowd(site), &site.io);
            let base = io.to("a");
            let (more, less) = (base.clone().to("c"), base.clone().except("b"));
            let _ = base.clone().volatile();
            for (meant, expected) in [(&base, &[0, 2][..]), (&more, &[0, 2, 3]), (&less, &[0])] {
                // Twice: emitting uses nothing up.
                for _ in 0..2 {
                    meant.emit("e", ());
                    assert_eq!(site.who_heard("42[\"e\"]", &mut guests), expected);
                }
            }
        },
    );
}

/// Lets a socket send in the way that it is told, on its own shard or by its handle from another thread.
fn speaking(server: &Server) {
    server.on("speak", |socket: &Socket, how: String, is_elsewhere: bool| {
        if is_elsewhere {
            let (handle, io) = (socket.handle(), socket.io());
            let speak = move || {
                let meant = match &*how {
                    "to" => handle.to(["a", "b"]),
                    "within" => handle.within(["a", "b"]),
                    "except" => handle.except("b"),
                    "local" => handle.local(),
                    _ => handle.broadcast(),
                };
                meant.emit("e", how);
                io.emit("mark", ());
            };
            std::thread::spawn(speak);
            return;
        }
        let meant = match &*how {
            "to" => socket.to(["a", "b"]),
            "within" => socket.within(["a", "b"]),
            "except" => socket.except("b"),
            "local" => socket.local(),
            _ => socket.broadcast(),
        };
        meant.emit("e", how);
        socket.io().emit("mark", ());
    });
}

#[test]
fn a_socket_leaves_itself_out() {
    served(speaking, |site| {
        let mut guests = crowd(site);
        for is_elsewhere in [false, true] {
            // Once somebody who is in both rooms, once somebody who is in none.
            for speaker in [2, 4] {
                let in_rooms = [0, 1, 2];
                let not_b = [0, 3, 4, 5, 6, 7];
                let all = [0, 1, 2, 3, 4, 5, 6, 7];
                for (how, meant) in [
                    ("to", &in_rooms[..]),
                    ("within", &in_rooms),
                    ("except", &not_b),
                    ("local", &all),
                    ("broadcast", &all),
                ] {
                    guests[speaker].ask(&format!("[\"speak\",\"{how}\",{is_elsewhere}]"));
                    let until = |guest: &mut Guest| guest.until("42[\"mark\"]");
                    let heard = guests.iter_mut().map(until).collect();
                    let mut expected = meant.to_vec();
                    expected.retain(|place| *place != speaker);
                    assert_eq!(who(&format!("42[\"e\",\"{how}\"]"), heard), expected, "{how}");
                }
            }
        }
    });
}

#[test]
fn a_room_may_have_the_name_of_somebodys_id() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(4);
            let id = guests[1].id.clone();
            site.io.to(&*guests[2].id).sockets_join(&*id);
            site.io.to(&*id).emit("e", ());
            assert_eq!(site.who_heard("42[\"e\"]", &mut guests), [1, 2]);
            site.io.except(&*id).emit("e", ());
            assert_eq!(site.who_heard("42[\"e\"]", &mut guests), [0, 3]);
            // Nobody leaves the room of their own id.
            site.io.everyone().sockets_leave(&*id);
            site.io.to(&*id).emit("e", ());
            assert_eq!(site.who_heard("42[\"e\"]", &mut guests), [1]);
        },
    );
}

#[test]
fn the_server_stands_for_the_main_namespace_and_each_is_a_world_of_its_own() {
    let handlers = |server: &Server| drop(server.of("chat"));
    served(handlers, |site| {
        let (mut main, mut chat) = (site.guests(2), site.guests_in("/chat", 2));
        site.io.everyone().sockets_join("r");
        site.io.of("").to("r").emit("to main", ());
        site.io.of("chat").emit("to chat", ());
        site.io.of("/chat").to("r").emit("to nobody", ());
        assert_eq!(site.who_heard("42[\"to main\"]", &mut main), [0, 1]);
        let heard = site.heard_in("/chat", &mut chat);
        assert_eq!(who("42/chat,[\"to chat\"]", heard), [0, 1]);
    });
}

#[test]
fn what_is_sent_to_a_parent_reaches_all_of_its_children() {
    let parent = Mutex::new(None);
    let handlers = |server: &Server| {
        *parent.lock().unwrap() = Some(server.of_pattern("/game-{id}"));
        server.of("/else");
    };
    served(handlers, |site| {
        let parent = parent.lock().unwrap().take().expect("it was made");
        let names = ["/game-1", "/game-2", "/else"];
        let mut worlds = names.map(|name| site.guests_in(name, 3));
        // The first of the first two is in a room.
        for guests in &worlds[..2] {
            parent.to(&*guests[0].id).sockets_join("r");
        }
        let mut expect = |payload: &str, expected: [&[usize]; 3]| {
            for ((name, guests), expected) in names.iter().zip(&mut worlds).zip(expected) {
                let heard = site.heard_in(name, guests);
                assert_eq!(who(&crate::event(name, payload), heard), expected, "in {name}");
            }
        };
        let (all, first, others, none) = (&[0, 1, 2][..], &[0][..], &[1, 2][..], &[][..]);
        parent.emit("e", 1);
        expect("[\"e\",1]", [all, all, none]);
        parent.local().compress(false).send("hi");
        expect("[\"message\",\"hi\"]", [all, all, none]);
        parent.to("r").emit("e", 2);
        expect("[\"e\",2]", [first, first, none]);
        parent.except("r").emit("e", 3);
        expect("[\"e\",3]", [others, others, none]);
        parent.sockets_join("all");
        parent.to("all").emit("e", 4);
        expect("[\"e\",4]", [all, all, none]);
        parent.to("all").sockets_leave("all");
        parent.to("all").emit("e", 5);
        expect("[\"e\",5]", [none, none, none]);
        assert_eq!((parent.socket_count(), parent.sockets_in("r").len()), (6, 2));
        assert_eq!(parent.fetch_sockets().wait().unwrap().len(), 6);
        parent.disconnect_sockets(false);
        for (name, guests) in names.iter().zip(&mut worlds).take(2) {
            guests.iter_mut().for_each(|guest| guest.client.expect(&[&format!("41{name},")]));
        }
        wait_until("all have left", || parent.socket_count() == 0);
        assert_eq!(site.io.of("/else").socket_count(), 3);
    });
}

/// Counts how often it is serialised.
struct Counted<'c>(&'c AtomicUsize);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.fetch_add(1, Ordering::SeqCst) as u64)
    }
}

#[test]
fn an_event_is_encoded_once_for_all() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let handlers = |server: &Server| {
        server.on("tell", |socket: &Socket| {
            socket.to("all").emit("told", Counted(&COUNT));
            socket.io().emit("mark", ());
        });
        server.of_pattern("/child-{n}");
    };
    served(handlers, |site| {
        let mut guests = site.guests(8);
        site.io.everyone().sockets_join("all");
        assert_eq!(site.who_heard("", &mut guests), [0; 0]);
        COUNT.store(0, Ordering::SeqCst);
        guests[0].ask("[\"tell\"]");
        let heard = guests.iter_mut().map(|guest| guest.until("42[\"mark\"]")).collect();
        assert_eq!(who("42[\"told\",0]", heard), [1, 2, 3, 4, 5, 6, 7]);
        site.io.to("all").emit("told", Counted(&COUNT));
        assert_eq!(site.who_heard("42[\"told\",1]", &mut guests).len(), 8);
        let asked = site.io.emit_with_ack("asked", Counted(&COUNT), LONG);
        for guest in &mut guests {
            let id = guest.asked("[\"asked\",2]");
            guest.client.send(&[&format!("43{id}[]")]);
        }
        assert_eq!(asked.wait().map(|answers| answers.len()), Ok(8));
        assert_eq!(COUNT.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn attachments_reach_everybody_on_either_transport() {
    let place = r#"{"_placeholder":true,"num":0}"#;
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(8);
            for data in [&[1, 2, 3][..], &[7; 5000]] {
                site.io.emit("data", ("x", Binary::from(data.to_vec())));
                for heard in site.heard(&mut guests) {
                    let [head, attachment] = &heard[..] else { panic!("{heard:?}") };
                    assert_eq!(head, &format!("451-[\"data\",\"x\",{place}]"));
                    assert_eq!(attachment.len(), 1 + data.len().div_ceil(3) * 4);
                }
            }
        },
    );
}

#[test]
fn reserved_names_are_refused_and_reach_nobody() {
    served(
        |_| {},
        |site| {
            let mut guests = site.guests(2);
            for name in ["connect", "connect_error", "disconnect", "disconnecting"] {
                let refused =
                    Sent::Dropped(Dropped::Encode(EncodeError::ReservedName(name.into())));
                assert_eq!(site.io.emit(name, ()), refused);
                assert_eq!(site.io.to(&*guests[0].id).emit(name, ()), refused);
                let incomplete = site.io.emit_with_ack(name, (), LONG).wait().unwrap_err();
                assert_eq!((incomplete.answers.len(), incomplete.missing), (0, 0));
            }
            assert_eq!(site.who_heard("", &mut guests), [0; 0]);
        },
    );
}
