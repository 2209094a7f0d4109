//! What revision 3 does differently.

use super::*;

/// A polling session of revision 3 whose handshake has been fetched.
fn polling(prepare: impl FnOnce(&mut Session)) -> World {
    let mut world = World::open_polling(Protocol::V3);
    prepare(&mut world.session);
    let handshake = world.get(0);
    assert!(
        handshake.contains(r#"0{\"sid\":"#) || handshake.contains(r#":0{"sid":"#),
        "{handshake}"
    );
    world
}

fn websocket() -> World {
    let mut world = World::open_websocket(Protocol::V3);
    assert!(world.log().starts_with("WS <- 0{"));
    world
}

#[test]
fn the_handshake_is_that_of_revision_4_behind_its_length() {
    let mut world = World::open_polling(Protocol::V3);
    let handshake = world.get(0);
    let json = concat!(
        r#"0{"sid":"BgUFBQUFBQUFBQUFBQUF","upgrades":["websocket"],"pingInterval":300,"#,
        r#""pingTimeout":200,"maxPayload":1000000}"#
    );
    let json = json.replace("BgUFBQUFBQUFBQUFBQUF", world.session.sid().as_str());
    assert_eq!(handshake, format!("GET0 <- {}:{json}", json.len()));
}

#[test]
fn the_client_pings_and_what_comes_along_is_not_sent_back() {
    let mut world = polling(|_| {});
    assert_eq!(world.post(1, "1:2"), "GET1 <- ok");
    assert_eq!(world.get(2), "GET2 <- 1:3");
    assert_eq!(world.post(3, "6:2hello2:4a"), "GET3 <- ok");
    assert_eq!(world.get(4), "GET4 <- 1:32:4a");
    let mut world = websocket();
    assert_eq!(world.ws("2"), "WS <- 3");
    assert_eq!(world.ws("2hello"), "WS <- 3");
    assert_eq!(world.ws("2probe"), "WS <- 3");
    assert_eq!(world.ws_message(Message::Binary(vec![2, 7].into())), "WS <- 3");
}

#[test]
fn only_pings_keep_a_session_alive() {
    for mut world in [polling(|_| {}), websocket()] {
        assert_eq!(world.after(499), "");
        world.session.handle_packet(world.now, Ok(Packet::Ping("")), &mut world.actions);
        world.log();
        assert_eq!(world.after(499), "");
        for packet in [Packet::Noop, Packet::Message(Message::Text("a")), Packet::Upgrade] {
            world.session.handle_packet(world.now, Ok(packet), &mut world.actions);
        }
        assert!(world.session.is_open());
        assert_eq!(world.session.deadline(), Some(world.now + Duration::from_millis(1)));
        world.after(1);
        assert_eq!(world.closed, [CloseReason::PingTimeout]);
    }
}

#[test]
fn pongs_from_the_client_have_the_wrong_direction() {
    let mut world = polling(|_| {});
    world.post(1, "1:32:4a");
    let mut other = websocket();
    other.ws("3");
    for world in [world, other] {
        let reason = CloseReason::TransportError(TransportError::HeartbeatDirection);
        assert_eq!(world.closed, [reason]);
    }
}

#[test]
fn packets_of_our_own_are_written_behind_their_length() {
    let mut world = polling(|_| {});
    world.get(1);
    assert_eq!(world.post(2, "1:1"), "GET1 <- 1:6; closed: transport close; GET2 <- ok");

    let mut world = polling(|_| {});
    world.get(1);
    assert_eq!(world.get(2), "GET1 <- 1:1; closed: transport error; GET2 <- 400");

    let mut world = polling(|_| {});
    assert_eq!(world.close(), "");
    assert_eq!(world.get(1), "GET1 <- 1:61:1; closed: forced close");

    let mut world = polling(|_| {});
    world.send(Outgoing::text("€"));
    world.session.close(world.now, &mut world.actions);
    assert_eq!(world.get(1), "GET1 <- 2:4€");
    assert_eq!(world.get(2), "GET2 <- 1:61:1; closed: forced close");
}

#[test]
fn an_upgrade_answers_gets_with_a_noop_of_the_revision() {
    let mut world = polling(|_| {});
    world.get(1);
    world.session.handle_channel(world.now, CHANNEL, false, &mut world.actions);
    assert_eq!(world.ws("2probe"), "WS <- 3probe; GET1 <- 1:6");
    world.send(Outgoing::Binary(vec![1].into()));
    assert!(world.ws("5").ends_with("WS <- b4AQ=="));
    assert_eq!(world.ws("2"), "WS <- 3");
}

#[test]
fn binary_data_goes_as_the_client_takes_it() {
    type Prepare = fn(&mut Session);
    let cases: [(Prepare, &str); 4] = [
        (|_| {}, r"GET2 <- \x00\x02\xff4a\x01\x02\xff\x04\x01"),
        (Session::set_base64, "GET2 <- 2:4a6:b4AQ=="),
        (|session| session.set_jsonp("7"), r#"GET2 <- ___eio[7]("2:4a6:b4AQ==");"#),
        (
            |session| {
                session.set_base64();
                session.set_jsonp("");
            },
            r#"GET2 <- ___eio[]("2:4a6:b4AQ==");"#,
        ),
    ];
    for (prepare, expected) in cases {
        let mut world = polling(prepare);
        let is_form = expected.contains("___eio");
        let body = if is_form { "d=2:4a6:b4AQ%3D%3D" } else { "2:4a6:b4AQ==" };
        assert_eq!(world.post(1, body), "GET1 <- ok");
        assert_eq!(world.get(2), expected);
    }
}

#[test]
fn scripts_are_for_revision_3() {
    let mut world = World::open_polling(Protocol::V4);
    world.session.set_jsonp("1");
    assert!(world.get(0).starts_with("GET0 <- 0{"));
}

#[test]
fn binary_messages_on_a_websocket_begin_with_their_type() {
    let mut world = websocket();
    assert_eq!(world.ws_message(Message::Binary((&[4, 1, 2][..]).into())), "WS <- b4AQI=");
    // Not of any type: passed over.
    assert_eq!(world.ws_message(Message::Binary((&[9, 1][..]).into())), "");
    assert_eq!(world.ws_message(Message::Binary((&[][..]).into())), "");
    assert_eq!(world.ws("b4AQI="), "WS <- b4AQI=");
    assert_eq!(world.session.framing().binary_prefix(), [4]);
    assert_eq!(
        world.ws_message(Message::Binary(vec![1].into())),
        "WS closed; closed: transport close"
    );
}
