//! How old clients get into namespaces, the main one by themselves.

use std::time::Duration;

use siomio::{Protocol, Server, ServerBuilder, Socket};
use siomio_testkit::{polling::Polling, polling_v3};

use crate::{
    Client, PATH, assert_echoes, common::heartbeat, joined_on_both, on_both, served, served_by,
};

/// Tells every socket its id.
fn ids(builder: ServerBuilder) -> Server {
    let server = builder.build();
    for name in ["/", "/adm"] {
        server.of(name).on_connect(|socket| {
            let revision = if socket.handshake().protocol() == Protocol::V3 { 3 } else { 4 };
            socket.emit("id", (socket.id(), revision));
        });
        server.of(name).on("whisper", |socket: &Socket, to: String| {
            socket.to(to).emit("psst", socket.id());
        });
    }
    server
}

#[test]
fn the_first_answer_says_already_that_the_client_is_in() {
    served(|address| {
        let (session, packets) = polling_v3::open(address, PATH, "");
        assert_eq!(packets, ["40", "42[\"auth\",{}]"]);
        polling_v3::send(&session, &["42[\"message\",1]"]);
        session.expect("20:42[\"message-back\",1]");
        Client::websocket(address).expect(&["40", "42[\"auth\",{}]"]);
    });
}

#[test]
fn ids_are_made_of_the_sessions() {
    served_by(ids, |address| {
        on_both(address, |mut client| {
            let sid = client.sid().to_owned();
            client.expect(&["40", &format!("42[\"id\",\"{sid}\",3]")]);
            client.send(&["40/adm"]);
            client.expect(&["40/adm,", &format!("42/adm,[\"id\",\"/adm#{sid}\",3]")]);
            // The same when it comes again.
            client.send(&["41/adm"]);
            client.send(&["40/adm,"]);
            client.expect(&["40/adm,", &format!("42/adm,[\"id\",\"/adm#{sid}\",3]")]);
        });
        let new = Polling::open(address, PATH);
        new.send(&["40"]);
        let packets = new.receive();
        assert!(packets[1].ends_with(",4]") && !packets[1].contains(&new.sid), "{packets:?}");
    });
}

#[test]
fn an_id_is_a_room() {
    served_by(ids, |address| {
        let (mut one, mut two) = (Client::polling(address), Client::websocket(address));
        for client in [&mut one, &mut two] {
            client.send(&["40/adm"]);
            for _ in 0..4 {
                client.next();
            }
        }
        two.send(&[&format!("42[\"whisper\",\"{}\"]", one.sid())]);
        one.expect(&[&format!("42[\"psst\",\"{}\"]", two.sid())]);
        one.send(&[&format!("42/adm,[\"whisper\",\"/adm#{}\"]", two.sid())]);
        two.expect(&[&format!("42/adm,[\"psst\",\"/adm#{}\"]", one.sid())]);
    });
}

#[test]
fn the_query_of_a_namespace_is_what_the_client_sends_along() {
    served(|address| {
        for (query, auth) in [
            ("", "{}"),
            ("?", "{}"),
            ("?token=abc", r#"{"token":"abc"}"#),
            ("?token=1&x=%20y+z", r#"{"token":"1","x":" y z"}"#),
            ("?a=1&b=%E2%82%AC%22&a=2", r#"{"a":"2","b":"€\""}"#),
        ] {
            joined_on_both(address, |mut client| {
                client.send(&[&format!("40/custom{query},")]);
                client.expect(&["40/custom,", &format!("42/custom,[\"auth\",{auth}]")]);
                assert_echoes(&mut client);
            });
        }
    });
}

#[test]
fn every_packet_may_carry_the_query() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["40/custom?t=1"]);
            client.expect(&["40/custom,", "42/custom,[\"auth\",{\"t\":\"1\"}]"]);
            client.send(&["42/custom?t=1,[\"message\",1]"]);
            client.expect(&["42/custom,[\"message-back\",1]"]);
            client.send(&["42/custom?t=1,7[\"message-with-ack\",1]"]);
            client.expect(&["43/custom,7[1]"]);
            client.send(&["42/custom,[\"ack-me\",2]"]);
            // They are numbered for all clients of a namespace.
            let request = client.next();
            let number = request.strip_prefix("42/custom,").and_then(|rest| rest.split('[').next());
            client.send(&[&format!("43/custom?t=1,{}[3]", number.expect("an event"))]);
            client.expect(&["42/custom,[\"ack-response\",3]"]);
            client.send(&["42/?t=1,[\"message\",4]"]);
            client.expect(&["42[\"message-back\",4]"]);
            client.send(&["41/custom?t=1"]);
            assert_echoes(&mut client);
            client.send(&["42/custom,[\"message\",1]"]);
            client.expect_close();
        });
    });
}

#[test]
fn an_unknown_namespace_is_refused_by_its_name() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["40/zz?token=abc,"]);
            client.expect(&["44/zz,{\"message\":\"Invalid namespace\"}"]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn who_asks_for_the_main_namespace_is_in_it_already() {
    served(|address| {
        for packet in ["40", "40/", "40/?token=abc"] {
            joined_on_both(address, |mut client| {
                client.send(&[packet]);
                client.expect_close();
            });
        }
    });
}

#[test]
fn who_asks_twice_is_sent_away() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["40/custom"]);
            client.expect(&["40/custom,", "42/custom,[\"auth\",{}]"]);
            client.send(&["40/custom?again=1"]);
            client.expect_close();
        });
    });
}

#[test]
fn the_main_namespace_counts_for_the_connect_timeout() {
    let quick = |builder: ServerBuilder| {
        siomio_conformance::sio_conformance::server(
            builder.connect_timeout(Duration::from_millis(100)),
        )
    };
    served_by(quick, |address| {
        let mut client = Client::websocket(address);
        client.expect(&["40", "42[\"auth\",{}]"]);
        let Client::WebSocket { ws, .. } = &mut client else { unreachable!() };
        assert_eq!(ws.next_within(Duration::from_millis(300)), None);
        assert_echoes(&mut client);
    });
}

#[test]
fn who_is_in_the_main_namespace_still_has_to_ping() {
    let quick = |builder| siomio_conformance::sio_conformance::server(heartbeat(400, 200)(builder));
    served_by(quick, |address| {
        let mut client = Client::websocket(address);
        client.expect(&["40", "42[\"auth\",{}]"]);
        for _ in 0..2 {
            client.send(&["2", "42[\"message\",1]"]);
            client.expect(&["3", "42[\"message-back\",1]"]);
        }
        client.expect_close();
    });
}
