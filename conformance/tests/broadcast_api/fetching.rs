//! Who is there, and what can be done with all of them.

use std::sync::mpsc;

use siomio::{RemoteSocket, Server, Socket, Value};
use siomio_testkit::PATIENCE;

use crate::{Guest, LONG, Site, common::Client, served, wait_until, who};

/// What sockets share of themselves: a name and a number.
type User = (String, u8);

fn sharing(server: &Server) {
    server.on("share", |socket: &Socket, name: String| {
        socket.data().share(&(name, 7)).unwrap();
        socket.emit("shared", ());
    });
}

/// Those whom the server finds, in the order of the guests.
fn found(site: &Site, guests: &[Guest]) -> Vec<Option<RemoteSocket>> {
    let sockets = site.io.fetch_sockets().wait().unwrap();
    assert!(sockets.len() <= guests.len(), "{sockets:?}");
    let find = |guest: &Guest| sockets.iter().find(|socket| **socket.id() == *guest.id).cloned();
    guests.iter().map(find).collect()
}

#[test]
fn what_is_known_of_a_socket_comes_from_all_shards() {
    served(sharing, |site| {
        let mut guests = site.guests(8);
        site.io.to(&*guests[0].id).sockets_join(["a", "b"]);
        guests[1].ask("[\"share\",\"Ada\"]");
        guests[1].client.expect(&["42[\"shared\"]"]);
        let sockets: Vec<_> = found(site, &guests).into_iter().map(Option::unwrap).collect();
        let (zero, one) = (&sockets[0], &sockets[1]);
        let mut rooms = zero.rooms().to_vec();
        rooms[1..].sort_unstable();
        assert_eq!(rooms, [&*guests[0].id, "a", "b"].map(Into::into));
        assert_eq!(one.rooms(), [guests[1].id.clone().into()]);
        assert_eq!(one.data::<User>().unwrap(), ("Ada".to_owned(), 7));
        assert_eq!(zero.data::<Option<User>>().unwrap(), None);
        assert!(zero.data::<User>().is_err());
        assert_eq!(zero.namespace().name(), "/");
        let handshake = zero.handshake();
        assert_eq!(handshake["query"]["transport"].as_str(), Some("websocket"));
        assert_eq!(handshake["address"].as_str(), Some("127.0.0.1"));
        assert_eq!(handshake["secure"].as_bool(), Some(false));
        assert!(handshake["url"].as_str().unwrap().starts_with("/socket.io/?EIO=4"));
        assert!(handshake["issued"].as_u64().unwrap() > 1_600_000_000_000);
        for key in ["headers", "auth", "time", "xdomain"] {
            assert!(!handshake[key].is_null(), "{key}");
        }
        assert_eq!(sockets[7].handshake()["query"]["transport"].as_str(), Some("polling"));
    });
}

#[test]
fn selectors_hold_for_asking_too() {
    served(sharing, |site| {
        let guests = site.guests(6);
        site.io.to(&*guests[0].id).to(&*guests[1].id).sockets_join("a");
        site.io.to(&*guests[1].id).to(&*guests[2].id).sockets_join("b");
        let places = |sockets: Vec<RemoteSocket>| {
            let place = |socket: &RemoteSocket| guests.iter().position(|it| it.id == **socket.id());
            let mut places: Vec<_> = sockets.iter().map(|socket| place(socket).unwrap()).collect();
            places.sort_unstable();
            places
        };
        for (meant, expected) in [
            (site.io.to("a").to("b"), &[0, 1, 2][..]),
            (site.io.to("a").except("b"), &[0]),
            (site.io.except(["a", "b"]), &[3, 4, 5]),
            (site.io.local(), &[0, 1, 2, 3, 4, 5]),
            (site.io.to("nobody's"), &[]),
        ] {
            assert_eq!(places(meant.fetch_sockets().wait().unwrap()), expected);
        }
        let mut in_a = site.io.sockets_in("a");
        in_a.sort_unstable();
        let mut expected = [guests[0].id.clone(), guests[1].id.clone()];
        expected.sort_unstable();
        assert_eq!(in_a.iter().map(|id| &**id).collect::<Vec<_>>(), expected);
        assert_eq!(site.io.rooms(), ["a".into(), "b".into()]);
        assert_eq!(site.io.socket_count(), 6);
    });
}

#[test]
fn those_who_are_not_let_in_yet_or_have_left_are_not_there() {
    let (waiting, decide) = mpsc::channel();
    let handlers = |server: &Server| {
        let waiting = waiting.clone();
        server.of("/guarded").use_middleware_later(move |socket, _: Value, permit| {
            socket.join("waiting");
            waiting.send(permit).unwrap();
        });
    };
    served(handlers, |site| {
        let mut client = Client::websocket(site.address, crate::PATH);
        client.send(&["40/guarded,"]);
        let permit = decide.recv_timeout(PATIENCE).unwrap();
        let guarded = site.io.of("/guarded");
        assert!(guarded.fetch_sockets().wait().unwrap().is_empty());
        assert_eq!((guarded.socket_count(), guarded.sockets_in("waiting").len()), (0, 0));
        permit.refuse("too late");
        client.expect(&["44/guarded,{\"message\":\"too late\"}"]);
        let mut guests = site.guests(2);
        guests[0].client.send(&["41"]);
        wait_until("one has left", || site.io.socket_count() == 1);
        let there = found(site, &guests);
        assert!(there[0].is_none() && there[1].is_some());
    });
}

#[test]
fn a_handler_can_ask_and_is_told_on_its_own_time() {
    let handlers = |server: &Server| {
        server.on("who", |socket: &Socket| {
            let own = socket.handle();
            socket.io().fetch_sockets().on_reply(move |sockets| {
                own.emit("they", sockets.unwrap().len());
            });
        });
    };
    served(handlers, |site| {
        let mut guests = site.guests(5);
        for guest in &mut guests {
            guest.ask("[\"who\"]");
            guest.client.expect(&["42[\"they\",5]"]);
        }
    });
}

#[test]
fn a_socket_that_was_found_can_be_reached() {
    served(sharing, |site| {
        let mut guests = site.guests(4);
        let found: Vec<_> = found(site, &guests).into_iter().map(Option::unwrap).collect();
        found[1].emit("e", (1, 2));
        assert_eq!(site.who_heard("42[\"e\",1,2]", &mut guests), [1]);
        let replies = found[2].emit_with_ack("ready", (), LONG);
        let id = guests[2].asked("[\"ready\"]");
        guests[2].client.send(&[&format!("43{id}[\"yes\"]")]);
        let answers = replies.wait().unwrap();
        assert_eq!((answers.len(), answers[0].json()), (1, "\"yes\""));
        found[0].join(["a", "b"]);
        found[0].leave("b");
        site.io.to("a").to("b").emit("e", ());
        assert_eq!(site.who_heard("42[\"e\"]", &mut guests), [0]);
        assert_eq!(site.io.rooms(), ["a".into()]);
        found[3].disconnect(false);
        guests[3].client.expect(&["41"]);
        // Nobody is left to answer.
        wait_until("it has left", || site.io.socket_count() == 3);
        assert_eq!(found[3].emit_with_ack("ready", (), LONG).wait(), Ok(vec![]));
    });
}

#[test]
fn many_join_and_leave_together() {
    served(sharing, |site| {
        let mut guests = site.guests(6);
        site.io.sockets_join(["x", "y"]);
        site.io.to(&*guests[0].id).to(&*guests[1].id).sockets_leave("x");
        site.io.except("x").sockets_join("z");
        for (room, expected) in
            [("x", &[2, 3, 4, 5][..]), ("y", &[0, 1, 2, 3, 4, 5]), ("z", &[0, 1])]
        {
            site.io.to(room).emit("e", room);
            assert_eq!(site.who_heard(&format!("42[\"e\",\"{room}\"]"), &mut guests), expected);
        }
        site.io.sockets_leave(["x", "y", "z", "nobody's"]);
        site.io.to(["x", "y", "z"]).emit("e", ());
        assert_eq!(site.who_heard("", &mut guests), [0; 0]);
        assert_eq!(site.io.rooms().len(), 0);
    });
}

#[test]
fn many_are_disconnected_together_and_their_connections_if_so_wished() {
    let (told, hear) = mpsc::channel();
    let handlers = |server: &Server| {
        let told = told.clone();
        server.on_disconnect(move |_, reason| told.send(reason.as_str()).unwrap());
        server.of("/other");
    };
    served(handlers, |site| {
        let mut guests = site.guests(6);
        for guest in &mut guests {
            crate::join(&mut guest.client, "/other");
        }
        site.io.to(&*guests[0].id).to(&*guests[1].id).sockets_join("kept");
        site.io.to(&*guests[2].id).to(&*guests[3].id).sockets_join("closed");
        site.io.except(["kept", "closed"]).disconnect_sockets(false);
        site.io.to("closed").disconnect_sockets(true);
        for guest in &mut guests[4..] {
            guest.client.expect(&["41"]);
        }
        let reasons: Vec<_> = (0..4).map(|_| hear.recv_timeout(PATIENCE).unwrap()).collect();
        assert_eq!(reasons, ["server namespace disconnect"; 4]);
        for mut guest in guests.drain(2..4) {
            // In each namespace, then the connection.
            guest.client.expect(&["41", "41/other,"]);
            guest.client.expect_close();
        }
        let other = site.io.of("/other");
        wait_until("the others are left", || other.socket_count() == 4);
        other.emit("e", ());
        other.emit("mark", ());
        let heard = guests.iter_mut().map(|guest| guest.until("42/other,[\"mark\"]")).collect();
        assert_eq!(who("42/other,[\"e\"]", heard), [0, 1, 2, 3]);
        site.io.disconnect_sockets(false);
        guests[..2].iter_mut().for_each(|guest| guest.client.expect(&["41"]));
        assert_eq!([(); 2].map(|()| hear.recv_timeout(PATIENCE).unwrap()), [reasons[0]; 2]);
    });
}
