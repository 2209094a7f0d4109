//! Broken rules and panics.

use std::time::Duration;

use siomio::{FrameError, Message, WebSocketError};
use siomio_testkit::ws::{Got, Ws};
use siomio_websocket::{Limit, OpCode, Violation};

use crate::{Diary, SOON, start, with_shards};

#[test]
fn a_broken_rule_is_reported_and_costs_the_connection() {
    with_shards(|builder| {
        let server = builder.max_payload(100).max_fragments(3).build();
        let endpoint = server.websocket("/raw");
        let (told, errors) = std::sync::mpsc::channel();
        endpoint.on_error(move |socket, error| {
            let WebSocketError::Protocol(error) = error else { panic!("{error}") };
            assert!(!socket.send_text("hello?").is_queued());
            told.send(*error).unwrap();
        });
        let diary = Diary::of(&endpoint);
        endpoint.on_message(|socket, message| drop(socket.send(message)));
        let (running, address) = start(server);
        let table: [(&[u8], FrameError, u16); 6] = [
            (b"\x81\x02hi", Violation::NotMasked.into(), 1002),
            (b"\xc1\x80\0\0\0\0", Violation::ReservedBits.into(), 1002),
            (b"\x88\x82\0\0\0\0\x03\xed", Violation::InvalidCloseCode(1005).into(), 1002),
            (b"\x81\x81\0\0\0\0\xff", FrameError::InvalidUtf8, 1007),
            (b"\x82\xff\0\0\0\0\0\0\0\x65\0\0\0\0", Limit::Message.into(), 1009),
            (
                b"\x02\x80\0\0\0\0\x00\x80\0\0\0\0\x00\x80\0\0\0\0\x80\x80\0\0\0\0",
                Limit::Fragments.into(),
                1008,
            ),
        ];
        for (bytes, error, code) in table {
            let mut ws = Ws::connect(address, "/raw");
            ws.send("before");
            ws.raw(bytes);
            assert_eq!(ws.text(), "before");
            // The code and not a word.
            assert_eq!(ws.take_raw(4), [0x88, 2, (code >> 8) as u8, code as u8], "{error}");
            assert_eq!(ws.next(), Got::End);
            diary.expect(&["open", &format!("error: {error}"), &format!("close {code}")]);
            assert_eq!(errors.recv().unwrap(), error);
        }
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn a_rule_broken_after_our_own_close_is_no_answer() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        endpoint.on_message(|socket, _| socket.close(4000, ""));
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/raw");
        ws.send("close");
        assert_eq!(ws.next(), Got::Close(Some(4000)));
        ws.raw(b"\x81\x02hi");
        assert_eq!(ws.next(), Got::End);
        let error = FrameError::from(Violation::NotMasked);
        diary.expect(&["open", &format!("error: {error}"), "close 1006"]);
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn a_panic_costs_its_own_connection() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        endpoint.on_open(|socket| match socket.request().query("where").as_deref() {
            Some("open") => panic!("thrown in open"),
            Some("timer") => {
                socket.after(Duration::ZERO, |_| panic!("thrown in timer"));
            }
            _ => {}
        });
        endpoint.on_message(|socket, message| match message {
            Message::Text("panic") => panic!("thrown in message"),
            message => drop(socket.send(message)),
        });
        endpoint.on_message(|_, message| {
            assert_ne!(message, Message::Text("panic"), "the other one panicked already");
        });
        endpoint.on_pong(|_, _| panic!("thrown in pong"));
        endpoint.on_close(|socket, _, _| {
            if socket.request().query("where").as_deref() == Some("close") {
                panic!("thrown in close");
            }
        });
        endpoint.on_error(|_, _| panic!("thrown in error"));
        let (running, address) = start(server);
        let mut neighbour = Ws::connect(address, "/raw");
        diary.expect(&["open"]);
        for place in ["open", "message", "pong", "timer"] {
            let mut ws = Ws::connect(address, &format!("/raw?where={place}"));
            match place {
                "message" => ws.send_all(["panic", "unheard"]),
                "pong" => ws.frame(OpCode::Pong, b""),
                _ => {}
            }
            ws.expect_close(Some(1011));
            let error = format!("error: the handler of \"{place}\" panicked: thrown in {place}");
            diary.expect(&["open", &error, "close 1011"]);
        }
        let mut ws = Ws::connect(address, "/raw?where=close");
        ws.close(None);
        assert_eq!((ws.next(), ws.next()), (Got::Close(None), Got::End));
        let error = "error: the handler of \"close\" panicked: thrown in close";
        diary.expect(&["open", "close 1005", error]);
        neighbour.send("still here");
        assert_eq!(neighbour.text(), "still here");
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), ["close 1001"]);
    });
}
