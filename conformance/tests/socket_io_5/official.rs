//! The cases of the official protocol suite that concern Socket.IO, one test for each.

use std::time::Duration;

use crate::{
    PATH,
    common::{Client, heartbeat},
    connected, joined, served, served_with,
};

fn client(address: std::net::SocketAddr) -> Client {
    Client::websocket(address, PATH)
}

#[test]
fn connect_to_the_main_namespace() {
    served(|address| {
        let mut client = client(address);
        client.send(&["40"]);
        connected(&mut client, "/");
        client.expect(&["42[\"auth\",{}]"]);
    });
}

#[test]
fn connect_with_a_payload() {
    served(|address| {
        let mut client = client(address);
        client.send(&["40{\"token\":\"123\"}"]);
        connected(&mut client, "/");
        client.expect(&["42[\"auth\",{\"token\":\"123\"}]"]);
    });
}

#[test]
fn connect_to_a_custom_namespace() {
    served(|address| {
        let mut client = client(address);
        client.send(&["40/custom,"]);
        connected(&mut client, "/custom");
        client.expect(&["42/custom,[\"auth\",{}]"]);
    });
}

#[test]
fn connect_to_a_custom_namespace_with_a_payload() {
    served(|address| {
        let mut client = client(address);
        client.send(&["40/custom,{\"token\":\"abc\"}"]);
        connected(&mut client, "/custom");
        client.expect(&["42/custom,[\"auth\",{\"token\":\"abc\"}]"]);
    });
}

#[test]
fn connect_to_an_unknown_namespace() {
    served(|address| {
        let mut client = client(address);
        client.send(&["40/random"]);
        client.expect(&["44/random,{\"message\":\"Invalid namespace\"}"]);
    });
}

#[test]
fn invalid_handshake() {
    served(|address| {
        let mut client = client(address);
        client.send(&["4abc"]);
        client.expect_close();
    });
}

#[test]
fn no_handshake() {
    let settings = |builder: siomio::ServerBuilder| {
        heartbeat(300, 200)(builder).connect_timeout(Duration::from_millis(1000))
    };
    served_with(settings, |address| {
        let mut client = client(address);
        client.expect(&["2"]);
        client.expect_close();
    });
}

#[test]
fn disconnect_from_the_main_namespace() {
    served_with(heartbeat(300, 5000), |address| {
        let mut client = joined(address);
        client.send(&["41"]);
        client.expect(&["2"]);
    });
}

#[test]
fn connect_to_a_custom_namespace_and_disconnect() {
    served_with(heartbeat(300, 5000), |address| {
        let mut client = joined(address);
        client.expect(&["2"]);
        client.send(&["40/custom"]);
        connected(&mut client, "/custom");
        client.expect(&["42/custom,[\"auth\",{}]"]);
        client.send(&["41/custom", "42[\"message\",\"message to main namespace\"]"]);
        client.expect(&["42[\"message-back\",\"message to main namespace\"]"]);
    });
}

#[test]
fn plain_text() {
    served(|address| {
        let mut client = joined(address);
        client.send(&["42[\"message\",1,\"2\",{\"3\":[true]}]"]);
        client.expect(&["42[\"message-back\",1,\"2\",{\"3\":[true]}]"]);
    });
}

#[test]
fn binary() {
    served(|address| {
        let mut client = joined(address);
        let args = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
        client.send(&[&format!("452-[\"message\",{args}]"), "bAQID", "bBAUG"]);
        client.expect(&[&format!("452-[\"message-back\",{args}]"), "bAQID", "bBAUG"]);
    });
}

#[test]
fn plain_text_with_ack() {
    served(|address| {
        let mut client = joined(address);
        client.send(&["42456[\"message-with-ack\",1,\"2\",{\"3\":[false]}]"]);
        client.expect(&["43456[1,\"2\",{\"3\":[false]}]"]);
    });
}

#[test]
fn binary_with_ack() {
    served(|address| {
        let mut client = joined(address);
        let args = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
        client.send(&[&format!("452-789[\"message-with-ack\",{args}]"), "bAQID", "bBAUG"]);
        client.expect(&[&format!("462-789[{args}]"), "bAQID", "bBAUG"]);
    });
}

#[test]
fn unknown_packet_type() {
    served(|address| {
        let mut client = joined(address);
        client.send(&["4abc"]);
        client.expect_close();
    });
}

#[test]
fn invalid_payload() {
    served(|address| {
        let mut client = joined(address);
        client.send(&["42{}"]);
        client.expect_close();
    });
}

#[test]
fn invalid_ack_id() {
    served(|address| {
        let mut client = joined(address);
        client.send(&["42abc[\"message-with-ack\",1,\"2\",{\"3\":[false]}]"]);
        client.expect_close();
    });
}
