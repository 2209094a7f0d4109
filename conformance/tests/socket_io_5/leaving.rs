//! How sockets leave their namespaces, by their own will or the server's.

use siomio_testkit::polling::Polling;

use crate::{PATH, assert_echoes, common::Client, join, joined, joined_on_both, on_both, served};

#[test]
fn the_server_takes_a_socket_out_and_keeps_the_connection() {
    served(|address| {
        joined_on_both(address, |mut client| {
            join(&mut client, "/custom");
            client.send(&["42/custom,[\"bye\"]"]);
            client.expect(&["41/custom,"]);
            client.send(&["42[\"bye\"]"]);
            client.expect(&["41"]);
            join(&mut client, "/custom");
            join(&mut client, "/");
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn packets_that_cross_the_farewell_are_ignored() {
    let place = r#"{"_placeholder":true,"num":0}"#;
    served(|address| {
        joined_on_both(address, |mut client| {
            let before = join(&mut client, "/custom");
            client.send(&["42/custom,[\"bye\"]", "42/custom,[\"message\",\"same payload\"]"]);
            client.expect(&["41/custom,"]);
            // Sent before the client could know, as far as the server can tell.
            client.send(&[
                "42/custom,[\"message\",1]",
                "42/custom,5[\"message-with-ack\",1]",
                "43/custom,0[]",
                &format!("451-/custom,[\"message\",{place}]"),
                "bAQID",
                "41/custom",
                "42/custom,[\"message\",2]",
            ]);
            assert_echoes(&mut client);
            assert_ne!(join(&mut client, "/custom"), before, "it is somebody new");
            client.send(&["42/custom,[\"message\",3]"]);
            client.expect(&["42/custom,[\"message-back\",3]"]);
        });
    });
}

#[test]
fn the_server_closes_the_whole_connection() {
    served(|address| {
        on_both(address, |mut client| {
            join(&mut client, "/custom");
            join(&mut client, "/");
            client.send(&[
                "42/custom,[\"message\",1]",
                "42/custom,[\"bye-all\"]",
                "42[\"message\",2]",
            ]);
            client.expect(&["42/custom,[\"message-back\",1]"]);
            // One farewell for each namespace, and then the end.
            let mut farewells = [client.next(), client.next()];
            farewells.sort();
            assert_eq!(farewells, ["41", "41/custom,"]);
            client.expect_close();
        });
    });
}

#[test]
fn a_waiting_get_takes_the_farewell_and_the_next_one_the_end() {
    served(|address| {
        let mut client = Client::polling(address, PATH);
        join(&mut client, "/");
        let Client::Polling { session, .. } = client else { unreachable!() };
        let mut get = session.start_get();
        session.send(&["42[\"bye-all\"]"]);
        assert_eq!(get.response().text(), "41");
        session.expect("6\u{1e}1");
        assert_eq!(session.get().status, 400);
    });
}

#[test]
fn the_client_leaves_and_comes_again() {
    served(|address| {
        joined_on_both(address, |mut client| {
            for packet in ["41", "41"] {
                client.send(&[packet]);
                join(&mut client, "/");
            }
            join(&mut client, "/custom");
            client.send(&["41/custom,"]);
            join(&mut client, "/custom");
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn what_was_sent_before_leaving_is_still_worked_on() {
    served(|address| {
        let (mut one, mut two) = (joined(address), joined(address));
        one.send(&["42[\"broadcast\",1]", "41"]);
        two.expect(&["42[\"broadcast-back\",1]"]);
        let mut three = Client::polling(address, PATH);
        join(&mut three, "/");
        three.send(&["42[\"broadcast\",2]", "1"]);
        two.expect(&["42[\"broadcast-back\",2]"]);
        assert_echoes(&mut two);
    });
}

#[test]
fn a_connection_that_ends_takes_all_its_sockets_along() {
    served(|address| {
        let mut witness = joined(address);
        on_both(address, |mut client| {
            join(&mut client, "/");
            client.send(&["42[\"join\",\"r\"]"]);
            assert_echoes(&mut client);
        });
        // Polling sessions do not end with their connections; those that were told to are gone at once.
        let session = Polling::open(address, PATH);
        session.send(&["40"]);
        session.send(&["1"]);
        assert_eq!(session.get().status, 400);
        witness.send(&["42[\"to-room\",\"r\",1]"]);
        assert_echoes(&mut witness);
    });
}

#[test]
fn what_a_client_sends_along_with_its_farewell_is_ignored() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let packets = ["41", "42[\"message\",\"together\"]"];
            match &mut client {
                Client::WebSocket { ws, .. } => ws.send_all(packets),
                Client::Polling { .. } => client.send(&packets),
            }
            join(&mut client, "/");
            assert_echoes(&mut client);
        });
    });
}
