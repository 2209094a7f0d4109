//! The client pings, and only that keeps its session alive.

use std::time::{Duration, Instant};

use siomio_testkit::{http::Http, polling_v3, ws::Got};

use crate::{
    assert_gone, common::heartbeat, echo, echo_with, open, open_ws, post_bytes, status_and_text,
};

const MS: Duration = Duration::from_millis(1);
/// The server's clock stands still during a turn, which may have begun before the request came.
const TURN: Duration = Duration::from_millis(20);

#[test]
fn a_ping_is_answered_without_what_came_along() {
    echo(|address| {
        let session = open(address);
        polling_v3::send(&session, &["2hello", "2probe", "4a"]);
        session.expect("1:31:32:4a");
        let mut ws = open_ws(address);
        for ping in ["2", "2hello", "2probe"] {
            ws.send(ping);
            assert_eq!(ws.text(), "3");
        }
        ws.send_binary(&[2, 1]);
        assert_eq!(ws.text(), "3");
    });
}

#[test]
fn a_pong_from_the_client_ends_the_session() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        polling_v3::send(&session, &["3", "4a"]);
        assert_eq!(status_and_text(&get.response()), (200, "1:1"));
        assert_gone(&session);
        let session = open(address);
        assert_eq!(post_bytes(&session, b"\x01\x01\xff\x03").status, 200);
        assert_gone(&session);
        let mut ws = open_ws(address);
        ws.send("3");
        ws.expect_close(None);
    });
}

#[test]
fn the_server_never_pings() {
    echo_with(heartbeat(100, 5000), |address| {
        assert_eq!(open_ws(address).next_within(400 * MS), None);
        assert!(open(address).start_get().is_quiet_for(400 * MS));
    });
}

#[test]
fn other_packets_do_not_put_the_end_off() {
    echo_with(heartbeat(300, 200), |address| {
        let opened = Instant::now();
        let mut ws = open_ws(address);
        loop {
            ws.send("4a");
            match ws.next() {
                Got::Text(text) => assert_eq!(text, "4a"),
                other => break assert_eq!(other, Got::Close(None)),
            }
            if ws.next_within(20 * MS).is_some() {
                break;
            }
        }
        assert!(opened.elapsed() >= 500 * MS - TURN, "{:?}", opened.elapsed());
        assert!(opened.elapsed() < 2000 * MS, "{:?}", opened.elapsed());
    });
}

#[test]
fn a_ping_puts_the_end_off_by_interval_and_timeout() {
    echo_with(heartbeat(500, 900), |address| {
        let mut ws = open_ws(address);
        for _ in 0..3 {
            assert_eq!(ws.next_within(500 * MS), None);
            ws.send("2");
            assert_eq!(ws.text(), "3");
        }
        let pinged = Instant::now();
        ws.expect_close(None);
        assert!(pinged.elapsed() >= 1400 * MS - TURN, "{:?}", pinged.elapsed());
    });
}

#[test]
fn a_waiting_get_is_told_of_the_end() {
    echo_with(heartbeat(300, 200), |address| {
        let session = open(address);
        let mut get = session.start_get();
        assert_eq!(status_and_text(&get.response()), (200, "1:1"));
        assert_gone(&session);
    });
}

#[test]
fn an_upgrade_is_no_ping() {
    echo_with(heartbeat(1000, 1000), |address| {
        let opened = Instant::now();
        let session = open(address);
        assert!(Http::connect(address).is_quiet_for(1000 * MS));
        let mut ws = session.upgrade();
        ws.expect_close(None);
        assert!(opened.elapsed() >= 2000 * MS - TURN, "{:?}", opened.elapsed());
        assert!(opened.elapsed() < 3000 * MS, "{:?}", opened.elapsed());
    });
}
