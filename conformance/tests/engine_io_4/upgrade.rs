//! From polling to WebSocket, and back when that fails.

use std::{net::SocketAddr, thread, time::Duration};

use siomio_testkit::{
    http::Http,
    polling::Polling,
    ws::{Got, Ws},
};

use crate::{
    BAD_REQUEST, PATH, WEBSOCKET, assert_echoes, assert_gone, common::Client, echo, echo_with,
    open, status_and_text,
};

fn assert_ws_echoes(ws: &mut Ws) {
    ws.send("4still there");
    assert_eq!(ws.text(), "4still there");
}

#[test]
fn every_get_comes_back_while_the_upgrade_waits() {
    echo(|address| {
        let session = open(address);
        let mut waiting = session.start_get();
        let mut ws = session.probe();
        // The one that waited, and those of a client that has not read the answer to its probe yet.
        assert_eq!(status_and_text(&waiting.response()), (200, "6"));
        for _ in 0..3 {
            session.expect("6");
        }
        ws.send("5");
        assert_ws_echoes(&mut ws);
    });
}

#[test]
fn messages_leave_over_polling_until_the_upgrade_is_complete() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.probe();
        session.send(&["4during"]);
        session.expect("4during");
        session.expect("6");
        ws.send("5");
        assert_ws_echoes(&mut ws);
    });
}

#[test]
fn what_waits_for_a_get_leaves_on_the_websocket_first() {
    echo(|address| {
        let session = open(address);
        session.send(&["4before"]);
        let mut ws = session.probe();
        session.send(&["4during", "bAQID"]);
        ws.send_all(["5", "4after"]);
        assert_eq!(ws.text(), "4before");
        assert_eq!(ws.text(), "4during");
        assert_eq!(ws.next(), Got::Binary(vec![1, 2, 3]));
        assert_eq!(ws.text(), "4after");
    });
}

#[test]
fn the_upgrade_needs_no_probe() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        let mut ws = session.channel();
        ws.send("5");
        assert_eq!(status_and_text(&get.response()), (200, "1"), "nobody polls any more");
        assert_ws_echoes(&mut ws);
    });
}

#[test]
fn the_whole_upgrade_may_come_in_one_piece() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.channel();
        ws.send_all(["2probe", "5", "4x"]);
        assert_eq!(ws.text(), "3probe");
        assert_eq!(ws.text(), "4x");
        assert_eq!(status_and_text(&session.get()), (400, BAD_REQUEST));
    });
}

#[test]
fn after_the_upgrade_polling_is_over() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.upgrade();
        assert_eq!(status_and_text(&session.get()), (400, BAD_REQUEST));
        assert_eq!(status_and_text(&session.post("4x")), (400, BAD_REQUEST));
        assert_ws_echoes(&mut ws);
        ws.send("1");
        ws.expect_close(None);
        assert_gone(&session);
    });
}

#[test]
fn a_probe_that_says_something_else_is_closed_and_polling_goes_on() {
    type Deed = fn(&mut Ws);
    let deeds: [Deed; 8] = [
        |ws| ws.send("4early"),
        |ws| ws.send("2"),
        |ws| ws.send("2prob"),
        |ws| ws.send("3"),
        |ws| ws.send("1"),
        |ws| ws.send(""),
        |ws| ws.send_binary(b"2probe"),
        |ws| ws.send("x"),
    ];
    echo(|address| {
        for deed in deeds {
            let session = open(address);
            for open in [Polling::channel, Polling::probe] {
                let mut ws = open(&session);
                deed(&mut ws);
                ws.expect_close(None);
                assert_echoes(&session);
            }
        }
    });
}

#[test]
fn a_failed_probe_leaves_polling_as_it_was() {
    type End = fn(Ws);
    let ends: [End; 4] = [
        drop,
        |mut ws| {
            ws.close(Some(1000));
            assert_eq!(ws.next(), Got::Close(Some(1000)));
            assert_eq!(ws.next(), Got::End);
        },
        |mut ws| {
            ws.raw(b"\xf0\x80\0\0\0\0");
            assert_eq!(ws.next(), Got::Close(Some(1002)));
        },
        |mut ws| {
            ws.send("4early");
            ws.expect_close(None);
        },
    ];
    echo(|address| {
        for end in ends {
            let session = open(address);
            session.send(&["4before"]);
            end(session.probe());
            session.expect("4before");
            // A GET waits again, in place of coming back at once.
            let mut get = session.start_get();
            session.send(&["4after"]);
            assert_eq!(get.response().text(), "4after");
            // And another attempt succeeds.
            assert_ws_echoes(&mut session.upgrade());
        }
    });
}

#[test]
fn an_upgrade_that_takes_too_long_is_given_up() {
    let settings =
        |builder: siomio::ServerBuilder| builder.upgrade_timeout(Duration::from_millis(400));
    echo_with(settings, |address| {
        let session = open(address);
        for open in [Polling::channel, Polling::probe] {
            open(&session).expect_close(None);
            assert_echoes(&session);
        }
        assert_ws_echoes(&mut session.upgrade());
    });
}

#[test]
fn a_second_websocket_is_closed_at_once_and_the_first_completes() {
    echo(|address| {
        let session = open(address);
        let mut first = session.probe();
        session.channel().expect_close(None);
        first.send("5");
        session.channel().expect_close(None);
        assert_ws_echoes(&mut first);
    });
}

#[test]
fn a_session_that_began_on_a_websocket_cannot_be_taken_over() {
    echo(|address| {
        let client = Client::websocket(address, PATH);
        let mut thief = Ws::connect(address, &format!("{WEBSOCKET}&sid={}", client.sid()));
        thief.expect_close(None);
        let Client::WebSocket { mut ws, .. } = client else { unreachable!() };
        assert_ws_echoes(&mut ws);
    });
}

#[test]
fn a_session_that_ends_takes_its_probe_along() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.probe();
        session.send(&["1"]);
        ws.expect_close(None);
        assert_gone(&session);
    });
}

#[test]
fn polling_and_upgrade_do_not_go_together() {
    echo(|address| {
        let session = open(address);
        Ws::connect(address, &session.target).expect_close(None);
        assert_echoes(&session);
    });
}

#[test]
fn an_unknown_session_has_nothing_to_upgrade() {
    echo(|address| {
        let session = open(address);
        session.send(&["1"]);
        let refusal = Ws::try_connect(address, &session.upgrade_target()).expect_err("a refusal");
        assert_eq!(status_and_text(&refusal), (400, "Session ID unknown"));
    });
}

#[test]
fn a_connection_that_polls_may_carry_the_upgrade() {
    echo(|address| {
        let mut http = Http::connect(address);
        let session = Polling::open_on(&mut http, address, PATH);
        assert_eq!(http.post(&session.target, "4x").text(), "ok");
        assert_eq!(http.get(&session.target).text(), "4x");
        let mut ws = Ws::upgrade(http, &session.upgrade_target(), &[]).expect("a WebSocket");
        ws.send_all(["2probe", "5", "4y"]);
        assert_eq!(ws.text(), "3probe");
        assert_eq!(ws.text(), "4y");
    });
}

/// Sends and receives numbers, in the middle of it over another transport.
fn numbers_across_an_upgrade(address: SocketAddr) {
    const HALF: u32 = 300;
    let session = open(address);
    let reader = session.clone();
    // As clients do: it polls until it is told that there is nothing more to come.
    let polling = thread::spawn(move || {
        let mut got = Vec::new();
        loop {
            let payload = reader.receive();
            if payload == ["6"] {
                return got;
            }
            got.extend(payload);
        }
    });
    let mut http = Http::connect(address);
    for n in 0..HALF {
        assert_eq!(http.post(&session.target, format!("4{n}")).text(), "ok");
    }
    let mut ws = session.probe();
    let mut got = polling.join().expect("a reader that ends well");
    ws.send("5");
    ws.send_all((HALF..2 * HALF).map(|n| format!("4{n}")));
    while got.len() < 2 * HALF as usize {
        got.push(ws.text());
    }
    assert_eq!(got, (0..2 * HALF).map(|n| format!("4{n}")).collect::<Vec<_>>());
}

#[test]
fn order_is_kept() {
    echo(numbers_across_an_upgrade);
}

#[test]
fn many_sessions_upgrade_at_once() {
    echo(|address| {
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| numbers_across_an_upgrade(address));
            }
        });
    });
}
