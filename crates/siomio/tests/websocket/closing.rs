//! How they end, and what is told of it.

use siomio::{CloseCode, Message, ReadyState, Server};
use siomio_testkit::{
    PATIENCE,
    http::Http,
    ws::{Got, Ws},
};
use siomio_websocket::{OpCode, write_close};

use crate::{Diary, SOON, UPGRADE, start, with_shards};

#[test]
fn the_clients_code_and_reason_are_told_and_its_code_is_sent_back() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        let (running, address) = start(server);
        for (close, told) in [
            (None, "close 1005"),
            (Some((1000, "")), "close 1000"),
            (Some((1001, "leaving")), "close 1001 leaving"),
            (Some((4999, "dernière")), "close 4999 dernière"),
        ] {
            let mut ws = Ws::connect(address, "/raw");
            let mut frame = Vec::new();
            let code = close.map(|(code, reason)| (CloseCode(code), reason));
            write_close(&mut frame, code, Some([1, 2, 3, 4]));
            ws.raw(&frame);
            assert_eq!(ws.next(), Got::Close(close.map(|(code, _)| code)));
            assert_eq!(ws.next(), Got::End);
            diary.expect(&["open", told]);
            assert_eq!(endpoint.clients(), 0);
        }
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn the_server_closes_and_hears_until_it_is_answered() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        endpoint.on_message(|socket, message| match message {
            Message::Text("close") => {
                assert_eq!(socket.ready_state(), ReadyState::Open);
                socket.send_text("before");
                socket.close(4001, "enough");
                assert_eq!(socket.ready_state(), ReadyState::Closing);
                assert!(!socket.send_text("after").is_queued());
                assert!(!socket.ping(b"").is_queued());
                socket.close(4002, "again");
            }
            Message::Text(text) => {
                assert_eq!(socket.ready_state(), ReadyState::Closing);
                socket.endpoint().send_text("nobody is open to hear this");
                socket.data().insert(text.to_owned());
            }
            Message::Binary(_) => unreachable!(),
        });
        let (told, late) = Diary::new();
        endpoint.on_close(move |socket, _, _| {
            assert_eq!(socket.ready_state(), ReadyState::Closed);
            assert!(!socket.send_text("too late").is_queued());
            told.send(socket.data().remove().unwrap_or_default()).unwrap();
        });
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/raw");
        ws.send("close");
        assert_eq!(ws.text(), "before");
        assert_eq!(ws.take_raw(10), b"\x88\x08\x0f\xa1enough");
        ws.send("on its way");
        ws.close(Some(4003));
        assert_eq!(ws.next(), Got::End);
        diary.expect(&["open", "close 4003"]);
        late.expect(&["on its way"]);
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn codes_that_may_not_be_sent_are_left_out() {
    let server = Server::builder().shards(1).build();
    server.websocket("/raw").on_message(|socket, message| {
        if let Message::Text(code) = message {
            socket.close(code.parse::<u16>().unwrap(), "reason");
        }
    });
    let (running, address) = start(server);
    for (code, seen) in [("1005", None), ("1006", None), ("999", None), ("3000", Some(3000))] {
        let mut ws = Ws::connect(address, "/raw");
        ws.send(code);
        ws.expect_close(seen);
    }
    running.shutdown(SOON).unwrap();
}

#[test]
fn a_connection_that_dies_is_told_as_1006() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        endpoint.on_message(|socket, _| {
            socket.send_text("lost");
            socket.terminate();
            assert_eq!(socket.ready_state(), ReadyState::Closed);
            assert!(!socket.send_text("lost").is_queued());
            socket.terminate();
            socket.close(1000, "");
        });
        let (running, address) = start(server);
        drop(Ws::connect(address, "/raw"));
        diary.expect(&["open", "close 1006"]);
        Ws::connect(address, "/raw").reset();
        diary.expect(&["open", "close 1006"]);
        // In the middle of a message.
        let mut ws = Ws::connect(address, "/raw");
        ws.raw(&[0x81, 0xff, 0, 0, 0, 0, 0, 1]);
        drop(ws);
        diary.expect(&["open", "close 1006"]);
        let mut ws = Ws::connect(address, "/raw");
        ws.send("go");
        assert_eq!(ws.next(), Got::End);
        diary.expect(&["open", "close 1006"]);
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn it_may_end_while_it_opens() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        endpoint.on_open(|socket| match socket.request().query("how").as_deref() {
            Some("close") => socket.close(CloseCode::TRY_AGAIN_LATER, "full"),
            _ => socket.terminate(),
        });
        let diary = Diary::of(&endpoint);
        endpoint.on_message(|_, _| panic!("nothing arrives"));
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/raw?how=close");
        ws.expect_close(Some(1013));
        // It is closing, and so it is there for the second handler.
        diary.expect(&["open", "close 1005"]);
        // Nothing is left of it for the second handler, and not even 101 goes out.
        let mut http = Http::connect(address);
        http.request("GET", "/raw", &UPGRADE, b"");
        assert!(http.is_closed());
        diary.expect(&["close 1006"]);
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn what_comes_behind_a_close_frame_is_ignored() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        endpoint.on_message(|_, _| panic!("nothing arrives"));
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/raw");
        ws.close(Some(1000));
        let mut sender = ws.sender();
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            sender.send("after");
            sender.frame(OpCode::Ping, b"after");
        }));
        assert_eq!((ws.next(), ws.next()), (Got::Close(Some(1000)), Got::End));
        diary.expect(&["open", "close 1000"]);
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn nobody_gets_in_while_the_server_goes_down() {
    let server = Server::builder().shards(1).build();
    let endpoint = server.websocket("/raw");
    let diary = Diary::of(&endpoint);
    let (running, address) = start(server);
    let mut late = Http::connect(address);
    late.send("GET /raw HTTP/1.1\r\n");
    // Behind this, on the same shard, the beginning of that request is known.
    let mut ws = Ws::connect(address, "/raw");
    ws.frame(OpCode::Ping, b"");
    assert_eq!(ws.next(), Got::Pong(Vec::new()));
    running.io().close(PATIENCE);
    ws.expect_close(Some(1001));
    let rest: String = UPGRADE.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    late.send(format!("Host: localhost\r\n{rest}\r\n"));
    assert_eq!(late.response().status, 503);
    assert!(late.is_closed());
    drop((ws, late));
    running.join().unwrap();
    assert_eq!(diary.rest(), ["open", "close 1001"]);
}

#[test]
fn shutting_down_closes_with_1001() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        let clients = endpoint.clone();
        endpoint.on_close(move |socket, _, _| {
            assert!(!socket.send_text("never").is_queued());
            assert_eq!(socket.ready_state(), ReadyState::Closed);
        });
        endpoint.on_message(|socket, _| socket.close(4000, ""));
        let (running, address) = start(server);
        let mut open: Vec<Ws> = (0..6).map(|_| Ws::connect(address, "/raw")).collect();
        let mut closing = Ws::connect(address, "/raw");
        closing.send("close");
        assert_eq!(closing.next(), Got::Close(Some(4000)));
        for _ in 0..7 {
            diary.expect(&["open"]);
        }
        assert_eq!(clients.clients(), 7);
        clients.send_text("last words");
        running.io().close(PATIENCE);
        for ws in &mut open {
            assert_eq!(ws.text(), "last words");
            ws.expect_close(Some(1001));
        }
        // Told at once, whatever the client answers.
        for _ in 0..7 {
            diary.expect(&["close 1001"]);
        }
        assert_eq!(clients.clients(), 0);
        closing.close(Some(4000));
        assert_eq!(closing.next(), Got::End);
        // The connections end when we do.
        drop((open, closing));
        running.join().unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}
