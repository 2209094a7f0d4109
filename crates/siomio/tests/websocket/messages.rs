//! What goes through.

use std::borrow::Cow;

use siomio::{Message, Server};
use siomio_testkit::{
    http::Http,
    ws::{Got, Ws},
};
use siomio_websocket::OpCode;

use crate::{SOON, start, with_shards};

fn echo(server: &Server) {
    server.websocket("/echo").on_message(|socket, message| {
        assert!(socket.send(message).is_queued());
    });
}

#[test]
fn text_comes_back_as_text_and_binary_as_binary() {
    with_shards(|builder| {
        let server = builder.build();
        echo(&server);
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/echo");
        // Nothing has a meaning to anybody: no packet types here.
        for text in ["", "2", "40", "42[\"x\"]", "4\u{1e}b", "€😀", &"x".repeat(100_000)] {
            ws.send(text);
            assert_eq!(ws.next(), Got::Text(text.to_owned()));
        }
        for length in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 300_000] {
            let data: Vec<u8> = (0..length).map(|n: u32| (n * 7) as u8).collect();
            ws.send_binary(&data);
            assert!(ws.next() == Got::Binary(data), "{length} bytes were damaged");
        }
        ws.frame(OpCode::Ping, b"are you there?");
        assert_eq!(ws.next(), Got::Pong(b"are you there?".to_vec()));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn every_handler_gets_the_message_in_the_order_of_registration() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/echo");
        for n in 0..3 {
            endpoint.on_message(move |socket, message| match message {
                Message::Text(text) => drop(socket.send_text(&format!("{n} {text}"))),
                Message::Binary(data) => {
                    // What had to be put together is handed over to the last one.
                    let is_owned = matches!(data, Cow::Owned(_));
                    socket.send_text(&format!("{n} {} {is_owned}", data.len()));
                }
            });
        }
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/echo");
        ws.send("hi");
        assert_eq!([ws.text(), ws.text(), ws.text()], ["0 hi", "1 hi", "2 hi"]);
        ws.send_binary(&[0; 200_000]);
        let expected = ["0 200000 false", "1 200000 false", "2 200000 true"];
        assert_eq!([ws.text(), ws.text(), ws.text()], expected);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn ten_thousand_messages_keep_their_order_both_ways() {
    const COUNT: usize = 10_000;
    with_shards(|builder| {
        let server = builder.build();
        echo(&server);
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/echo");
        let mut sender = ws.sender();
        let sending = std::thread::spawn(move || {
            for start in (0..COUNT).step_by(500) {
                sender.send_all((start..start + 500).map(|n| n.to_string()));
            }
        });
        for n in 0..COUNT {
            assert_eq!(ws.text(), n.to_string());
        }
        sending.join().unwrap();
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn what_a_client_asked_for_before_it_ended_its_half_still_comes() {
    with_shards(|builder| {
        let server = builder.build();
        echo(&server);
        let (running, address) = start(server);
        for _ in 0..20 {
            let mut ws = Ws::connect(address, "/echo");
            ws.send("last words");
            ws.shutdown_write();
            assert_eq!((ws.next(), ws.next()), (Got::Text("last words".to_owned()), Got::End));
        }
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn pongs_are_heard() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/beat");
        endpoint.on_open(|socket| drop(socket.ping(&[b'p'; 200])));
        endpoint.on_pong(|socket, payload| drop(socket.send_binary(payload)));
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/beat");
        // A ping has 125 bytes at most.
        assert_eq!(ws.next(), Got::Ping(vec![b'p'; 125]));
        ws.frame(OpCode::Pong, b"answer");
        assert_eq!(ws.next(), Got::Binary(b"answer".to_vec()));
        ws.frame(OpCode::Pong, b"");
        assert_eq!(ws.next(), Got::Binary(Vec::new()));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn they_live_beside_socket_io_and_pages() {
    with_shards(|builder| {
        let server = builder.build();
        echo(&server);
        let io = server.io();
        server.websocket("/news").on_message(move |socket, message| {
            if let Message::Text(text) = message {
                io.emit("news", text);
                socket.send_text("told");
            }
        });
        let feed = server.websocket("/feed");
        server.http(move |_, response| {
            feed.send_text("somebody looks");
            response.text("page");
        });
        let (running, address) = start(server);
        let mut sio = Ws::connect(address, "/socket.io/?EIO=4&transport=websocket");
        sio.text();
        sio.send("40");
        sio.text();
        let (mut news, mut feed) = (Ws::connect(address, "/news"), Ws::connect(address, "/feed"));
        news.send("all is well");
        assert_eq!(
            (news.text(), sio.text()),
            ("told".into(), "42[\"news\",\"all is well\"]".into())
        );
        assert_eq!(Http::connect(address).get("/").text(), "page");
        assert_eq!(feed.text(), "somebody looks");
        running.shutdown(SOON).unwrap();
    });
}
