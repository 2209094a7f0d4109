//! WebSocket messages: binary ones say of which type they are.

use siomio_testkit::{
    polling_v3,
    ws::{Got, Ws},
};

use crate::{WEBSOCKET, assert_echoes, echo, open, open_with, open_ws};

#[test]
fn binary_messages_of_no_known_type_are_ignored() {
    echo(|address| {
        let mut ws = open_ws(address);
        for frame in [&[][..], &[9, 1], &[b'4', 1], &[255], &[0, 1], &[5], &[6, 1]] {
            ws.send_binary(frame);
        }
        ws.send_binary(&[4]);
        assert_eq!(ws.next(), Got::Binary(vec![4]));
        ws.send_binary(&[1]);
        ws.expect_close(None);
    });
}

#[test]
fn text_may_hold_binary_data() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.send("b4AQIDBA==");
        assert_eq!(ws.next(), Got::Binary(vec![4, 1, 2, 3, 4]));
        ws.send("b9AQID");
        ws.send("4a");
        assert_eq!(ws.text(), "4a");
    });
}

#[test]
fn large_binary_messages_begin_with_their_type_as_well() {
    echo(|address| {
        let mut ws = open_ws(address);
        for size in [125, 126, 4095, 4096, 65_535, 65_536, 300_000] {
            let mut frame = vec![7; size];
            frame[0] = 4;
            ws.send_binary(&frame);
            assert!(ws.next() == Got::Binary(frame), "{size}");
        }
    });
}

#[test]
fn clients_may_ask_for_text() {
    echo(|address| {
        let mut ws = Ws::connect(address, &format!("{WEBSOCKET}&b64=1"));
        assert!(ws.text().starts_with("0{"));
        for binary in [true, false] {
            if binary {
                ws.send_binary(&[4, 1, 2])
            } else {
                ws.send("b4AQI=")
            }
            assert_eq!(ws.text(), "b4AQI=");
        }
    });
}

#[test]
fn an_upgrade_decides_anew_whether_binary_data_is_text() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        polling_v3::send(&session, &["b4AQ=="]);
        session.expect("6:b4AQ==");
        let mut ws = session.upgrade();
        ws.send_binary(&[4, 1]);
        assert_eq!(ws.next(), Got::Binary(vec![4, 1]));

        let session = open(address);
        let mut ws = Ws::connect(address, &format!("{}&b64=1", session.upgrade_target()));
        ws.send("2probe");
        assert_eq!(ws.text(), "3probe");
        ws.send("5");
        ws.send_binary(&[4, 1]);
        assert_eq!(ws.text(), "b4AQ==");
    });
}

#[test]
fn what_was_queued_for_polling_leaves_on_the_websocket_with_its_type() {
    echo(|address| {
        let session = open(address);
        let mut ws = session.probe();
        session.expect("1:6");
        polling_v3::send(&session, &["4a", "b4AQI="]);
        ws.send("5");
        assert_eq!(ws.text(), "4a");
        assert_eq!(ws.next(), Got::Binary(vec![4, 1, 2]));
    });
}

#[test]
fn a_probe_that_says_something_else_leaves_the_session_alone() {
    echo(|address| {
        let session = open(address);
        for binary in [true, false] {
            let mut ws = session.channel();
            if binary {
                ws.send_binary(&[2])
            } else {
                ws.send("4early")
            }
            ws.expect_close(None);
        }
        assert_echoes(&session);
    });
}
