//! Sessions as their handlers see them.

use std::{
    net::SocketAddr,
    sync::{Mutex, mpsc},
};

use siomio::{EngineServer, EngineSocket, Message, ServerBuilder};
use siomio_testkit::{
    PATIENCE,
    http::Http,
    polling::{Polling, handshake},
    ws::Ws,
};

use crate::{PATH, POLLING, WEBSOCKET, assert_echoes, common::Client, open, open_ws, served};

/// Runs a test against a server, and what its handlers tell.
fn telling<T: Send + 'static>(
    build: impl Fn(ServerBuilder, mpsc::Sender<T>) -> EngineServer,
    test: impl Fn(SocketAddr, &mpsc::Receiver<T>),
) {
    let told = Mutex::new(None);
    served(
        |builder| {
            let (tell, hear) = mpsc::channel();
            *told.lock().expect("nobody panics") = Some(hear);
            build(builder.path("/engine.io"), tell)
        },
        |address| {
            let hear = told.lock().expect("nobody panics").take().expect("a server");
            test(address, &hear);
        },
    );
}

/// Everything that a socket knows about its session.
fn describe(socket: &EngineSocket) -> String {
    let handshake = socket.handshake().expect("a session");
    let (id, protocol) = (socket.id().expect("a session"), socket.protocol().expect("a session"));
    format!(
        "{id} {protocol:?} {:?} {} {} {}",
        socket.transport().expect("a session"),
        handshake.peer_addr().ip(),
        handshake.query("name").unwrap_or_default(),
        handshake.header("x-name").unwrap_or_default(),
    )
}

#[test]
fn a_socket_knows_its_session_on_either_transport() {
    served(
        |builder| {
            let server = builder.path("/engine.io").build_engine();
            server.on_message(|socket, _, _| drop(socket.send_text(&describe(socket))));
            server
        },
        |address| {
            let target = format!("{POLLING}&name=one");
            let mut http = Http::connect(address);
            http.request("GET", &target, &[("X-Name", "two")], b"");
            let session = Polling::opened(address, &target, http.response().text());
            let sid = &session.sid;
            session.send(&["4?"]);
            session.expect(&format!("4{sid} V4 Polling 127.0.0.1 one two"));
            let mut ws = session.upgrade();
            ws.send("4?");
            // The request that opened it is still that of then.
            assert_eq!(ws.text(), format!("4{sid} V4 WebSocket 127.0.0.1 one two"));

            let http = Http::connect(address);
            let headers = [("X-Name", "four")];
            let mut ws =
                Ws::upgrade(http, &format!("{WEBSOCKET}&name=three"), &headers).expect("a session");
            let sid = handshake(&ws.text())["sid"].as_str().expect("an id").to_owned();
            ws.send("4?");
            assert_eq!(ws.text(), format!("4{sid} V4 WebSocket 127.0.0.1 three four"));
        },
    );
}

#[test]
fn a_session_is_told_of_once_when_it_opens_and_once_when_it_closes() {
    telling(
        |builder, tell| {
            let server = builder.build_engine();
            let say = move |what: &str, socket: &EngineSocket| {
                let known = "it is known until its last handler has run";
                let (id, transport) = (socket.id().expect(known), socket.transport().expect(known));
                // The test may be over.
                let _ = tell.send(format!("{what} {id} {}", transport.as_str()));
            };
            let (opened, heard) = (say.clone(), say.clone());
            server.on_open(move |socket| opened("open", socket));
            server.on_message(move |socket, _, _| heard("message", socket));
            server.on_close(move |socket, _| say("close", socket));
            server
        },
        |address, hear| {
            Client::on_both(address, PATH, |mut client| {
                let (sid, transport) = (client.sid().to_owned(), client.transport());
                client.send(&["4a", "4b", "1", "4c"]);
                for what in ["open", "message", "message", "close"] {
                    assert_eq!(
                        hear.recv_timeout(PATIENCE),
                        Ok(format!("{what} {sid} {transport}"))
                    );
                }
            });
            assert!(hear.try_recv().is_err(), "that was all");
        },
    );
}

#[test]
fn what_is_sent_on_opening_comes_with_the_open_packet() {
    served(
        |builder| {
            let server = builder.path("/engine.io").build_engine();
            server.on_open(|socket| {
                socket.send_text("hello");
                socket.send_binary(&[1, 2, 3]);
            });
            server
        },
        |address| {
            let response = Http::connect(address).get(POLLING);
            let packets: Vec<_> = response.text().split('\u{1e}').collect();
            assert!(packets[0].starts_with("0{"), "{packets:?}");
            assert_eq!(packets[1..], ["4hello", "bAQID"]);
            let mut client = Client::websocket(address, PATH);
            client.expect(&["4hello", "bAQID"]);
        },
    );
}

#[test]
fn a_handle_speaks_from_any_thread_and_keeps_its_order() {
    telling(
        |builder, tell| {
            let server = builder.build_engine();
            server.on_open(move |socket| drop(tell.send(socket.handle().expect("a session"))));
            server
        },
        |address, hear| {
            Client::on_both(address, PATH, |mut client| {
                let handle = hear.recv_timeout(PATIENCE).expect("a session");
                assert_eq!(handle.id().as_str(), client.sid());
                handle.send_text("a");
                handle.send_binary(&[1, 2, 3]);
                handle.send(Message::Text("b"));
                handle.close();
                handle.send_text("never");
                client.expect(&["4a", "bAQID", "4b"]);
                client.expect_close();
                handle.send_text("harmless");
            });
        },
    );
}

#[test]
fn a_closed_socket_takes_no_more_messages() {
    telling(
        |builder, tell| {
            let server = builder.build_engine();
            server.on_message(move |socket, _, _| {
                let before = socket.send_text("last").is_queued();
                socket.close();
                socket.close();
                let after = socket.send_text("never").is_queued();
                let _ = tell.send((before, after));
            });
            server
        },
        |address, hear| {
            Client::on_both(address, PATH, |mut client| {
                client.send(&["4x"]);
                assert_eq!(hear.recv_timeout(PATIENCE), Ok((true, false)));
                client.expect(&["4last"]);
                client.expect_close();
            });
        },
    );
}

#[test]
fn a_handler_that_panics_costs_its_session_and_nothing_else() {
    served(
        |builder| {
            let server = builder.path("/engine.io").build_engine();
            server.on_open(|socket| {
                let handshake = socket.handshake().expect("a session");
                assert!(handshake.query("panic").is_none(), "on purpose");
            });
            server.on_message(|socket, message, _| {
                assert_ne!(message, Message::Text("panic"), "on purpose");
                socket.send(message);
            });
            server.on_close(|_, _| panic!("on purpose"));
            server
        },
        |address| {
            let (other, mut other_ws) = (open(address), open_ws(address));
            Client::on_both(address, PATH, |mut client| {
                client.send(&["4a", "4panic", "4b"]);
                client.expect(&["4a"]);
                client.expect_close();
            });
            let mut ws = Ws::connect(address, &format!("{WEBSOCKET}&panic=1"));
            assert!(ws.text().starts_with("0{"));
            ws.expect_close(None);
            assert_echoes(&other);
            other_ws.send("4x");
            assert_eq!(other_ws.text(), "4x");
        },
    );
}

#[test]
fn the_limit_is_for_what_clients_send() {
    served(
        |builder| {
            let server = builder.path("/engine.io").max_payload(100).build_engine();
            server.on_message(|socket, _, _| drop(socket.send_text(&"x".repeat(300_000))));
            server
        },
        |address| {
            Client::on_both(address, PATH, |mut client| {
                client.send(&["4?", "4?"]);
                for _ in 0..2 {
                    assert_eq!(client.next().len(), 300_001);
                }
            });
        },
    );
}
