//! Who pings, when, and who counts as gone. Time itself is the subject here: what must not happen too early is measured
//! exactly, what must happen in the end only has to happen.

use std::time::{Duration, Instant};

use siomio_testkit::{
    PATIENCE,
    http::Http,
    ws::{Got, Ws},
};
use siomio_websocket::OpCode;

use crate::{
    assert_gone,
    common::{Client, heartbeat},
    echo, echo_with, open, open_ws,
};

const MS: Duration = Duration::from_millis(1);
/// The server's clock stands still during a turn, which may have begun before the request came.
const TURN: Duration = Duration::from_millis(20);

/// Reads until the server ends the connection, and does nothing about it.
fn end_of(ws: &mut Ws) {
    while !matches!(ws.next(), Got::Close(None)) {}
}

#[test]
fn the_interval_counts_from_the_handshake_and_from_every_pong() {
    echo_with(heartbeat(200, 5000), |address| {
        let opened = Instant::now();
        let mut ws = open_ws(address);
        assert_eq!(ws.text(), "2");
        assert!(opened.elapsed() >= 200 * MS - TURN);
        // Nothing pings while a ping is out.
        assert_eq!(ws.next_within(250 * MS), None);
        for _ in 0..2 {
            let answered = Instant::now();
            ws.send("3");
            assert_eq!(ws.text(), "2");
            assert!(answered.elapsed() >= 200 * MS - TURN);
        }
    });
}

#[test]
fn a_pong_that_nobody_asked_for_starts_the_interval_anew() {
    echo_with(heartbeat(1000, 5000), |address| {
        let mut ws = open_ws(address);
        assert_eq!(ws.next_within(300 * MS), None);
        let answered = Instant::now();
        ws.send("3");
        assert_eq!(ws.text(), "2");
        assert!(answered.elapsed() >= 1000 * MS - TURN);
    });
}

#[test]
fn messages_before_a_ping_do_not_put_it_off() {
    echo_with(heartbeat(200, 5000), |address| {
        let mut ws = open_ws(address);
        let opened = Instant::now();
        // Talking without a pause: the ping comes in between.
        loop {
            ws.send("4x");
            match ws.text().as_str() {
                "2" => break,
                "4x" => assert!(opened.elapsed() < PATIENCE, "no ping"),
                other => panic!("{other}"),
            }
        }
    });
}

#[test]
fn a_ping_waits_for_a_get_in_its_place_among_the_messages() {
    echo_with(heartbeat(1000, 5000), |address| {
        let session = open(address);
        session.send(&["4before"]);
        assert!(Http::connect(address).is_quiet_for(1200 * MS));
        session.send(&["4after"]);
        session.expect("4before\u{1e}2\u{1e}4after");
    });
}

#[test]
fn silence_ends_a_websocket_and_not_too_early() {
    echo_with(heartbeat(100, 200), |address| {
        let opened = Instant::now();
        let mut ws = open_ws(address);
        assert_eq!(ws.text(), "2");
        end_of(&mut ws);
        assert!(opened.elapsed() >= 300 * MS - TURN);
    });
}

#[test]
fn silence_ends_a_polling_session_and_its_waiting_get_hears_of_it() {
    echo_with(heartbeat(100, 200), |address| {
        let opened = Instant::now();
        let session = open(address);
        session.expect("2");
        // To ask for messages is no sign of life.
        session.expect("1");
        assert!(opened.elapsed() >= 300 * MS - TURN);
        assert_gone(&session);
    });
}

#[test]
fn one_message_extends_the_deadline_and_others_do_not() {
    echo_with(heartbeat(100, 800), |address| {
        Client::on_both(address, crate::PATH, |mut client| {
            client.expect(&["2"]);
            assert!(Http::connect(address).is_quiet_for(300 * MS));
            let first = Instant::now();
            client.send(&["4x"]);
            client.expect(&["4x"]);
            // More of them every now and then, until the server has had enough.
            while talk(&mut client) {
                assert!(first.elapsed() < PATIENCE, "it never ends");
                assert!(Http::connect(address).is_quiet_for(50 * MS));
            }
            assert!(first.elapsed() >= 800 * MS - TURN, "closed after {:?}", first.elapsed());
        });
    });
}

/// Sends a message; `false` when the session is over.
fn talk(client: &mut Client) -> bool {
    match client {
        Client::Polling { session, .. } => {
            session.post("4x").status == 200 && session.get().text() == "4x"
        }
        Client::WebSocket { ws, .. } => {
            ws.send("4x");
            match ws.next() {
                Got::Text(text) => text == "4x",
                Got::Close(None) => false,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn pings_of_the_websocket_layer_are_answered_and_are_no_sign_of_life() {
    echo_with(heartbeat(500, 300), |address| {
        let mut ws = open_ws(address);
        ws.frame(OpCode::Ping, b"are you there?");
        assert_eq!(ws.next(), Got::Pong(b"are you there?".to_vec()));
        assert_eq!(ws.text(), "2");
        let started = Instant::now();
        loop {
            ws.frame(OpCode::Ping, b"");
            match ws.next() {
                Got::Pong(payload) => assert!(payload.is_empty()),
                Got::Close(None) => break,
                other => panic!("{other:?}"),
            }
            ws.frame(OpCode::Pong, b"3");
            assert!(started.elapsed() < PATIENCE, "it never ends");
        }
    });
}

#[test]
fn pings_go_the_other_way() {
    echo(|address| {
        for packet in ["2", "2probe"] {
            let session = open(address);
            assert_eq!(session.post(packet).text(), "ok");
            assert_gone(&session);
            let mut ws = open_ws(address);
            ws.send(packet);
            ws.expect_close(None);
        }
    });
}

#[test]
fn the_deadline_goes_along_through_an_upgrade() {
    echo_with(heartbeat(100, 700), |address| {
        let session = open(address);
        session.expect("2");
        let mut ws = session.upgrade();
        // The ping that was sent over polling is still to be answered: nobody does, and that has consequences.
        end_of(&mut ws);
        // Answered over the WebSocket, it is fine, and another one follows.
        let session = open(address);
        session.expect("2");
        let mut ws = session.upgrade();
        for _ in 0..2 {
            ws.send("3");
            assert_eq!(ws.text(), "2");
        }
    });
}

#[test]
fn a_ping_that_falls_into_an_upgrade_is_not_lost() {
    echo_with(heartbeat(150, 5000), |address| {
        let session = open(address);
        let mut ws = session.probe();
        assert_eq!(ws.next_within(250 * MS), None, "nothing comes before the upgrade is complete");
        ws.send("5");
        assert_eq!(ws.text(), "2");
    });
}
