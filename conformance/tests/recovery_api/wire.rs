//! What clients see of it.

use siomio::{Binary, Recovery, Socket};
use siomio_testkit::polling_v3;

use super::*;

#[test]
fn the_answer_to_a_connect_has_a_second_secret() {
    served(
        &Recovery::new(),
        |_| {},
        |address, _| {
            let [mut one, mut other] = [(); 2].map(|()| Client::websocket(address, PATH));
            let (one, other) = (join(&mut one), join(&mut other));
            for id in [&one.sid, &one.pid, &other.sid, &other.pid] {
                assert_eq!(id.len(), 20, "{id}");
            }
            assert_ne!(one.sid, one.pid);
            assert_ne!(one.pid, other.pid);
        },
    );
}

#[test]
fn events_carry_an_offset_whether_for_one_or_for_many_but_not_with_an_ack_and_not_volatile() {
    let register = |server: &Server| {
        server.on("ask", |socket: &Socket| {
            let handle = socket.handle();
            socket.emit_with_ack("asked", "x", SOON).on_reply(move |answer| {
                handle.emit_volatile("answered", answer.is_ok());
            });
        });
        server.on("binary", |socket: &Socket| {
            socket.emit("bytes", Binary::from(vec![1, 2, 3, 4]));
        });
        server.on("nothing", |socket: &Socket| {
            socket.emit("nothing", ());
        });
    };
    served(&Recovery::new(), register, |address, _| {
        let mut client = Client::websocket(address, PATH);
        join(&mut client);
        client.send(&[r#"42["say","a"]"#]);
        let first = event(&mut client, "said", "a");
        client.send(&[r#"42["shout","b"]"#]);
        let second = event(&mut client, "shouted", "b");
        assert_ne!(first, second);
        client.send(&[r#"42["nothing"]"#]);
        let packet = client.next();
        assert!(packet.starts_with(r#"42["nothing",""#), "{packet}");
        client.send(&[r#"42["binary"]"#]);
        let packet = client.next();
        let head = r#"451-["bytes",{"_placeholder":true,"num":0},""#;
        assert!(packet.starts_with(head), "{packet}");
        client.expect(&["bAQIDBA=="]);
        // These carry none.
        client.send(&[r#"42["ask"]"#]);
        client.expect(&[r#"420["asked","x"]"#]);
        client.send(&[r#"430["y"]"#]);
        client.expect(&[r#"42["answered",true]"#]);
    });
}

#[test]
fn what_was_missed_comes_before_the_answer_and_the_ids_stay_the_same() {
    served(
        &Recovery::new(),
        |_| {},
        |address, gone| {
            let mut speaker = speaker(address);
            for transport in [Client::polling, Client::websocket] {
                let mut client = transport(address, PATH);
                let session = join(&mut client);
                client.send(&[r#"42["say","before"]"#]);
                let offset = event(&mut client, "said", "before");
                lose(client, gone, &session);
                for text in ["one", "two"] {
                    speaker.send(&[&format!("42[\"shout\",\"{text}\"]")]);
                    event(&mut speaker, "shouted", text);
                }
                let mut client = Client::websocket(address, PATH);
                let packets = come_back(&mut client, &back(&session, Some(&offset)), 2);
                let (answers, events): (Vec<_>, Vec<_>) =
                    packets.iter().partition(|packet| packet.starts_with("40"));
                assert_eq!(super::session(answers[0]), session);
                super::offset(events[0], "shouted", "one");
                super::offset(events[1], "shouted", "two");
                client.send(&[r#"42["say","after"]"#]);
                event(&mut client, "said", "after");
                // It has not said that it has seen any of this, so it comes once more.
                lose(client, gone, &session);
                let mut client = transport(address, PATH);
                client.send(&[&back(&session, Some(&offset))]);
                for (name, text) in [("shouted", "one"), ("shouted", "two"), ("said", "after")] {
                    event(&mut client, name, text);
                }
                assert_eq!(connected(&mut client), session);
                lose(client, gone, &session);
            }
        },
    );
}

#[test]
fn secret_and_offset_stay_visible_in_what_came_along() {
    let register = |server: &Server| {
        server.on("auth", |socket: &Socket| {
            socket.volatile().emit("auth", socket.handshake().auth_json());
        });
    };
    served(&Recovery::new(), register, |address, gone| {
        let mut client = Client::websocket(address, PATH);
        let session = join(&mut client);
        lose(client, gone, &session);
        let mut client = Client::websocket(address, PATH);
        let auth = format!("{{\"pid\":\"{}\",\"token\":\"t\"}}", session.pid);
        client.send(&[&format!("40{auth}")]);
        assert_eq!(connected(&mut client), session);
        client.send(&[r#"42["auth"]"#]);
        let auth = serde_json::Value::from(auth);
        client.expect(&[&format!("42[\"auth\",{auth}]")]);
    });
}

#[test]
fn whoever_is_not_known_gets_a_new_session_without_a_word() {
    served(
        &Recovery::new(),
        |_| {},
        |address, gone| {
            let mut client = Client::websocket(address, PATH);
            let session = join(&mut client);
            client.send(&[r#"42["say","x"]"#]);
            let offset = event(&mut client, "said", "x");
            lose(client, gone, &session);
            let stranger = Session { pid: "AAAAAAAAAAAAAAAAAAAA".to_owned(), ..session.clone() };
            for connect in [
                back(&stranger, Some(&offset)),
                back(&Session { pid: String::new(), ..session.clone() }, None),
                back(&session, Some("nonsense")),
                "40{\"pid\":7,\"offset\":[]}".to_owned(),
            ] {
                let mut client = Client::websocket(address, PATH);
                client.send(&[&connect]);
                let new = connected(&mut client);
                assert_ne!((&new.sid, &new.pid), (&session.sid, &session.pid), "{connect}");
            }
        },
    );
}

#[test]
fn clients_of_revision_4_have_no_second_secret() {
    common::for_shards(
        |builder| builder.allow_eio3(true).recovery(Recovery::new()).build().bind("127.0.0.1:0"),
        |address| {
            let (_, packets) = polling_v3::open(address, PATH, "");
            assert_eq!(packets, ["40"]);
        },
    );
}
