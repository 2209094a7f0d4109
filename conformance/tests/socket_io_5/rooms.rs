//! Who hears what.

use std::net::SocketAddr;

use crate::{PATH, assert_echoes, common::Client, join, joined, served};

/// Clients on both transports; with several shards, on several of them.
fn crowd(address: SocketAddr, namespace: &str) -> Vec<Client> {
    let open: [fn(SocketAddr, &str) -> Client; 2] = [Client::websocket, Client::polling];
    let mut clients: Vec<_> = (0..8).map(|n| open[n % 2](address, PATH)).collect();
    for client in &mut clients {
        join(client, namespace);
    }
    clients
}

#[test]
fn a_broadcast_reaches_everybody_in_the_namespace_and_nobody_else() {
    let place = r#"{"_placeholder":true,"num":0}"#;
    served(|address| {
        let mut inside = crowd(address, "/custom");
        let mut outside = joined(address);
        inside[0].send(&["42/custom,[\"broadcast\",1,{\"b\":1.0,\"a\":2}]"]);
        for client in &mut inside {
            client.expect(&["42/custom,[\"broadcast-back\",1,{\"b\":1.0,\"a\":2}]"]);
        }
        inside[1].send(&[&format!("451-/custom,[\"broadcast\",{place}]"), "bAQID"]);
        for client in &mut inside {
            client.expect(&[&format!("451-/custom,[\"broadcast-back\",{place}]"), "bAQID"]);
        }
        assert_echoes(&mut outside);
    });
}

#[test]
fn a_room_hears_what_is_sent_to_it_except_for_the_sender() {
    let place = r#"{"_placeholder":true,"num":0}"#;
    served(|address| {
        let mut all = crowd(address, "/");
        for client in &mut all[..5] {
            client.send(&["42[\"join\",\"a room\"]"]);
            assert_echoes(client);
        }
        // One from inside and one from outside.
        for sender in [0, 7] {
            all[sender].send(&["42[\"to-room\",\"a room\",1,[2]]"]);
            all[sender].send(&[&format!("451-[\"to-room\",\"a room\",{place}]"), "bAQID"]);
            assert_echoes(&mut all[sender]);
            for (n, client) in all.iter_mut().enumerate().filter(|(n, _)| *n != sender) {
                if n < 5 {
                    client.expect(&["42[\"room-back\",1,[2]]"]);
                    client.expect(&[&format!("451-[\"room-back\",{place}]"), "bAQID"]);
                } else {
                    assert_echoes(client);
                }
            }
        }
        all[0].send(&["42[\"to-room\",\"an empty room\",1]"]);
        assert_echoes(&mut all[0]);
    });
}

#[test]
fn joining_twice_does_not_double_what_is_heard() {
    served(|address| {
        let (mut one, mut two) = (joined(address), joined(address));
        one.send(&["42[\"join\",\"r\"]", "42[\"join\",\"r\"]"]);
        assert_echoes(&mut one);
        two.send(&["42[\"to-room\",\"r\",1]"]);
        one.expect(&["42[\"room-back\",1]"]);
        assert_echoes(&mut one);
    });
}

#[test]
fn rooms_belong_to_their_namespace() {
    served(|address| {
        let (mut one, mut two) = (joined(address), joined(address));
        join(&mut one, "/custom");
        one.send(&["42/custom,[\"join\",\"r\"]", "42/custom,[\"message\",0]"]);
        one.expect(&["42/custom,[\"message-back\",0]"]);
        two.send(&["42[\"to-room\",\"r\",1]"]);
        assert_echoes(&mut two);
        assert_echoes(&mut one);
    });
}

#[test]
fn everybody_has_a_room_of_their_own() {
    served(|address| {
        let mut one = Client::polling(address, PATH);
        let id = join(&mut one, "/");
        let mut two = joined(address);
        two.send(&[&format!("42[\"to-room\",\"{id}\",\"psst\"]")]);
        one.expect(&["42[\"room-back\",\"psst\"]"]);
        assert_echoes(&mut two);
    });
}

#[test]
fn who_has_left_hears_nothing_more() {
    served(|address| {
        let (mut one, mut two) = (joined(address), joined(address));
        one.send(&["42[\"join\",\"r\"]", "41"]);
        join(&mut one, "/");
        two.send(&["42[\"to-room\",\"r\",1]", "42[\"broadcast\",2]"]);
        two.expect(&["42[\"broadcast-back\",2]"]);
        one.expect(&["42[\"broadcast-back\",2]"]);
    });
}

#[test]
fn events_of_one_sender_arrive_in_order_everywhere() {
    served(|address| {
        let mut all = crowd(address, "/");
        for client in &mut all[1..] {
            client.send(&["42[\"join\",\"r\"]"]);
            assert_echoes(client);
        }
        for n in 0..50 {
            all[0]
                .send(&[&format!("42[\"to-room\",\"r\",{n}]"), &format!("42[\"broadcast\",{n}]")]);
        }
        for (place, client) in all.iter_mut().enumerate() {
            for n in 0..50 {
                if place > 0 {
                    client.expect(&[&format!("42[\"room-back\",{n}]")]);
                }
                client.expect(&[&format!("42[\"broadcast-back\",{n}]")]);
            }
        }
    });
}
