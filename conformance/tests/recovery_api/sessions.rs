//! What is kept, for whom, and how long.

use std::{sync::Mutex, time::Duration};

use siomio::{ConnectError, DisconnectReason, Recovery, Socket, Value};

use super::*;

#[test]
fn rooms_and_data_come_back_with_the_session() {
    #[derive(Clone)]
    struct Name(String);

    let register = |server: &Server| {
        server.on("name", |socket: &Socket, name: String| {
            socket.data().insert(Name(name));
            socket.emit("named", "");
        });
        server.on("who", |socket: &Socket| {
            let name = socket.data().get::<Name>().map(|name| name.0);
            let rooms = socket.rooms().len();
            socket.emit(
                "me",
                format!("{} {rooms} {}", name.unwrap_or_default(), socket.is_recovered()),
            );
        });
    };
    served(&Recovery::new(), register, |address, gone| {
        let mut speaker = speaker(address);
        let mut client = Client::websocket(address, PATH);
        let session = join(&mut client);
        client.send(&[r#"42["name","Ada"]"#]);
        event(&mut client, "named", "");
        client.send(&[r#"42["join","lobby"]"#]);
        let mut offset = event(&mut client, "joined", "");
        // Several times, so that it gets around.
        for round in 0..5 {
            lose(client, gone, &session);
            for room in ["lobby", "elsewhere", &session.sid] {
                speaker.send(&[&format!("42[\"tell\",\"{room}\",\"to {room} {round}\"]")]);
            }
            speaker.send(&[r#"42["say","done"]"#]);
            event(&mut speaker, "said", "done");
            client = Client::websocket(address, PATH);
            let packets = come_back(&mut client, &back(&session, Some(&offset)), 2);
            let (answers, events): (Vec<_>, Vec<_>) =
                packets.iter().partition(|packet| packet.starts_with("40"));
            assert_eq!(super::session(answers[0]), session);
            super::offset(events[0], "told", &format!("to lobby {round}"));
            super::offset(events[1], "told", &format!("to {} {round}", session.sid));
            client.send(&[r#"42["who"]"#]);
            offset = event(&mut client, "me", "Ada 2 true");
        }
    });
}

#[test]
fn whoever_parts_on_purpose_is_not_kept() {
    let register = |server: &Server| {
        server.on("kick", |socket: &Socket| socket.disconnect(false));
        server.on("kick-all", |socket: &Socket| socket.disconnect(true));
    };
    served(&Recovery::new(), register, |address, gone| {
        for parting in ["41", r#"42["kick"]"#, r#"42["kick-all"]"#] {
            let mut client = Client::websocket(address, PATH);
            let session = join(&mut client);
            client.send(&[parting]);
            until_gone(gone, &session);
            let mut client = Client::websocket(address, PATH);
            client.send(&[&back(&session, None)]);
            assert_ne!(connected(&mut client).sid, session.sid, "{parting}");
        }
        // What is no packet ends a session for good, too.
        let mut client = Client::websocket(address, PATH);
        let session = join(&mut client);
        client.send(&["x"]);
        until_gone(gone, &session);
        let mut client = Client::websocket(address, PATH);
        client.send(&[&back(&session, None)]);
        assert_ne!(connected(&mut client).sid, session.sid);
    });
}

#[test]
fn every_other_loss_is_kept() {
    let reasons = Mutex::new(Vec::new());
    let (tell, hear) = mpsc::channel();
    let register = |server: &Server| {
        let tell = tell.clone();
        server.on_disconnect(move |_, reason| {
            let _ = tell.send(reason);
        });
    };
    served(&Recovery::new(), register, |address, _| {
        // Not a packet of Socket.IO; a close frame; a connection that ends.
        let losses: [fn(&mut Client); 3] = [
            |client| client.send(&["4x"]),
            |client| {
                if let Client::WebSocket { ws, .. } = client {
                    ws.close(Some(1000));
                }
            },
            |_| {},
        ];
        for lose in losses {
            let mut client = Client::websocket(address, PATH);
            let session = join(&mut client);
            lose(&mut client);
            drop(client);
            reasons.lock().unwrap().push(hear.recv_timeout(SOON).expect("a reason"));
            let mut client = Client::websocket(address, PATH);
            client.send(&[&back(&session, None)]);
            assert_eq!(connected(&mut client), session);
            client.send(&["41"]);
            hear.recv_timeout(SOON).expect("a reason");
        }
        let reasons = std::mem::take(&mut *reasons.lock().unwrap());
        use DisconnectReason::{ForcedClose, TransportClose};
        assert_eq!(reasons, [ForcedClose, TransportClose, TransportClose]);
    });
}

#[test]
fn a_session_is_given_up_once_and_its_old_holder_goes() {
    served(
        &Recovery::new(),
        |_| {},
        |address, gone| {
            let mut old = Client::websocket(address, PATH);
            let session = join(&mut old);
            old.send(&[r#"42["say","x"]"#]);
            let offset = event(&mut old, "said", "x");
            // The server has not noticed anything: the old connection is as good as ever.
            let mut new = Client::websocket(address, PATH);
            new.send(&[&back(&session, Some(&offset))]);
            assert_eq!(connected(&mut new), session);
            until_gone(gone, &session);
            old.expect_close();
            new.send(&[r#"42["shout","y"]"#]);
            event(&mut new, "shouted", "y");
        },
    );
}

#[test]
fn a_session_that_is_too_old_is_gone() {
    served(
        &Recovery::new().max_disconnection(Duration::ZERO),
        |_| {},
        |address, gone| {
            let mut client = Client::websocket(address, PATH);
            let session = join(&mut client);
            lose(client, gone, &session);
            let mut client = Client::websocket(address, PATH);
            client.send(&[&back(&session, None)]);
            assert_ne!(connected(&mut client).sid, session.sid);
        },
    );
}

#[test]
fn middlewares_are_skipped_unless_they_should_not_be() {
    for skip in [true, false] {
        let register = |server: &Server| {
            server.use_middleware(|_, auth: Value| match auth["token"].as_str() {
                Some("good") => Ok(()),
                _ => Err(ConnectError::new("who are you?")),
            });
        };
        served(&Recovery::new().skip_middlewares(skip), register, |address, gone| {
            let mut client = Client::websocket(address, PATH);
            client.send(&[r#"40{"token":"good"}"#]);
            let session = connected(&mut client);
            lose(client, gone, &session);
            let mut client = Client::websocket(address, PATH);
            client.send(&[&back(&session, None)]);
            if skip {
                assert_eq!(connected(&mut client), session);
            } else {
                client.expect(&[r#"44{"message":"who are you?"}"#]);
            }
        });
    }
}

#[test]
fn a_secret_is_good_for_its_namespace_only() {
    served(
        &Recovery::new(),
        |server| drop(server.of("/other")),
        |address, gone| {
            let mut client = Client::websocket(address, PATH);
            let session = join(&mut client);
            let mut thief = Client::websocket(address, PATH);
            let connect = back(&session, None).replacen("40", "40/other,", 1);
            thief.send(&[&connect]);
            let new = super::session(&thief.next().replacen("/other,", "", 1));
            assert_ne!((&new.sid, &new.pid), (&session.sid, &session.pid));
            // Whose session it is has noticed nothing, and can still come back.
            client.send(&[r#"42["say","here"]"#]);
            let offset = event(&mut client, "said", "here");
            lose(client, gone, &session);
            let mut client = Client::websocket(address, PATH);
            client.send(&[&back(&session, Some(&offset))]);
            assert_eq!(connected(&mut client), session);
        },
    );
}

#[test]
fn several_namespaces_of_one_connection_come_back_each_by_itself() {
    served(
        &Recovery::new(),
        |server| {
            server.of("/other").on("say", |socket: &Socket, text: String| {
                socket.emit("said", text);
            });
        },
        |address, gone| {
            let mut client = Client::websocket(address, PATH);
            let main = join(&mut client);
            client.send(&["40/other,"]);
            let other = session(&client.next().replacen("/other,", "", 1));
            client.send(&[r#"42/other,["say","x"]"#]);
            let offset = offset(&client.next().replacen("/other,", "", 1), "said", "x");
            drop(client);
            until_gone(gone, &main);
            let mut client = Client::websocket(address, PATH);
            client.send(&[&back(&main, None)]);
            assert_eq!(connected(&mut client), main);
            client.send(&[&back(&other, Some(&offset)).replacen("40", "40/other,", 1)]);
            let again = session(&client.next().replacen("/other,", "", 1));
            assert_eq!(again, other);
        },
    );
}

#[test]
fn emits_to_whoever_is_gone_are_kept_for_the_rooms_they_were_in() {
    let register = |server: &Server| {
        let io = server.io();
        server.on("later", move |_: &Socket, id: String| {
            io.to(&id[..]).emit("for you", id);
        });
    };
    served(&Recovery::new(), register, |address, gone| {
        let mut speaker = speaker(address);
        let mut client = Client::websocket(address, PATH);
        let session = join(&mut client);
        lose(client, gone, &session);
        speaker.send(&[&format!("42[\"later\",\"{}\"]", session.sid)]);
        speaker.send(&[r#"42["say","done"]"#]);
        event(&mut speaker, "said", "done");
        let mut client = Client::websocket(address, PATH);
        // It has never received an event, so it has no offset to send.
        let mut packets = come_back(&mut client, &back(&session, None), 1);
        packets.sort_unstable();
        assert_eq!(super::session(&packets[0]), session);
        offset(&packets[1], "for you", &session.sid);
    });
}
