//! How clients join namespaces.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use siomio_testkit::polling::Polling;

use crate::{
    PATH, assert_echoes, common::Client, connected, join, joined, joined_on_both, on_both, served,
    served_with,
};

#[test]
fn ids_are_twenty_characters_and_all_different() {
    served(|address| {
        let mut ids = HashSet::new();
        for _ in 0..5 {
            on_both(address, |mut client| {
                let own =
                    [client.sid().to_owned(), join(&mut client, "/"), join(&mut client, "/custom")];
                for id in &own {
                    assert_eq!(id.len(), 20, "{id}");
                    assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
                }
                assert_eq!(HashSet::from(own).len(), 3);
            });
            let mut client = joined(address);
            ids.insert(join(&mut client, "/custom"));
            client.send(&["41/custom"]);
            ids.insert(join(&mut client, "/custom"));
        }
        assert_eq!(ids.len(), 10, "also of the same client, when it comes again");
    });
}

#[test]
fn the_answer_comes_first_and_alone_knows_the_id() {
    served(|address| {
        on_both(address, |mut client| {
            client.send(&["40{\"sid\":\"mine\",\"pid\":\"p\",\"offset\":\"o\"}"]);
            assert_ne!(connected(&mut client, "/"), "mine");
            client.expect(&["42[\"auth\",{\"sid\":\"mine\",\"pid\":\"p\",\"offset\":\"o\"}]"]);
        });
    });
}

#[test]
fn the_comma_behind_a_namespace_may_be_missing_in_packets_without_payload() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["40/custom"]);
            connected(&mut client, "/custom");
            client.expect(&["42/custom,[\"auth\",{}]"]);
            client.send(&["41/custom"]);
            client.send(&["40/custom,"]);
            connected(&mut client, "/custom");
            client.expect(&["42/custom,[\"auth\",{}]"]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn what_comes_along_is_kept_as_it_was() {
    served(|address| {
        for auth in [
            r#"{}"#,
            r#"{"b":1,"a":2,"10":3,"9":4}"#,
            r#"{"n":1.5,"i":-7,"big":18446744073709551615,"d":{"x":[null,true,{}]}}"#,
            r#"{"__proto__":{"a":1},"constructor":"x","":"","é":"😀"}"#,
        ] {
            on_both(address, |mut client| {
                client.send(&[&format!("40{auth}")]);
                connected(&mut client, "/");
                client.expect(&[&format!("42[\"auth\",{auth}]")]);
            });
        }
    });
}

#[test]
fn unknown_namespaces_are_refused_by_name_and_nothing_is_closed() {
    served(|address| {
        on_both(address, |mut client| {
            for name in
                ["/random", "/", "/custom/", "/Custom", "/custom?a=b", "/é 😀", "/__proto__"]
            {
                if name == "/" {
                    join(&mut client, name);
                    continue;
                }
                for packet in [format!("40{name}"), format!("40{name},{{\"a\":1}}")] {
                    client.send(&[&packet]);
                    client.expect(&[&format!("44{name},{{\"message\":\"Invalid namespace\"}}")]);
                }
            }
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn namespaces_share_a_connection_and_nothing_else() {
    served(|address| {
        joined_on_both(address, |mut client| {
            join(&mut client, "/custom");
            client.send(&["42/custom,[\"message\",1]", "42[\"message\",2]"]);
            client.expect(&["42/custom,[\"message-back\",1]", "42[\"message-back\",2]"]);
            client.send(&["41"]);
            client.send(&["42/custom,[\"message\",3]"]);
            client.expect(&["42/custom,[\"message-back\",3]"]);
            join(&mut client, "/");
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn everything_may_come_in_one_payload() {
    served(|address| {
        let session = Polling::open(address, PATH);
        session.send(&["40", "40/custom", "40/none"]);
        let packets = session.receive();
        assert_eq!(packets.len(), 5);
        assert!(packets[0].starts_with("40{\"sid\":"));
        assert_eq!(packets[1], "42[\"auth\",{}]");
        assert!(packets[2].starts_with("40/custom,{\"sid\":"));
        assert_eq!(packets[3], "42/custom,[\"auth\",{}]");
        assert_eq!(packets[4], "44/none,{\"message\":\"Invalid namespace\"}");
    });
}

const HASTE: Duration = Duration::from_millis(500);
/// The server's clock stands still during a turn, which may have begun before the request came.
const TURN: Duration = Duration::from_millis(20);

fn hasty(builder: siomio::ServerBuilder) -> siomio::ServerBuilder {
    builder.connect_timeout(HASTE)
}

#[test]
fn who_joins_nothing_in_time_is_closed() {
    served_with(hasty, |address| {
        let opened = Instant::now();
        let session = Polling::open(address, PATH);
        session.expect("1");
        assert!(opened.elapsed() >= HASTE - TURN);
        assert_eq!(session.get().status, 400);

        let opened = Instant::now();
        // A refusal is no join.
        let mut client = Client::websocket(address, PATH);
        client.send(&["40/random"]);
        client.expect(&["44/random,{\"message\":\"Invalid namespace\"}"]);
        client.expect_close();
        assert!(opened.elapsed() >= HASTE - TURN);
    });
}

#[test]
fn who_has_joined_once_may_stay_with_or_without_a_namespace() {
    served_with(hasty, |address| {
        let (mut stays, mut leaves) = (joined(address), joined(address));
        leaves.send(&["41"]);
        // Somebody who comes after them is thrown out, so their time would be over as well.
        Client::websocket(address, PATH).expect_close();
        assert_echoes(&mut stays);
        join(&mut leaves, "/custom");
    });
}

#[test]
fn a_namespace_survives_the_upgrade() {
    served(|address| {
        let session = Polling::open(address, PATH);
        session.send(&["40"]);
        assert!(session.receive()[0].starts_with("40{"));
        session.send(&["42[\"message\",1]"]);
        let mut ws = session.upgrade();
        ws.send("42[\"message\",2]");
        assert_eq!(ws.text(), "42[\"message-back\",1]");
        assert_eq!(ws.text(), "42[\"message-back\",2]");
    });
}
