//! What a socket knows of how its client came, and what happens when it is let in.

use std::{
    borrow::Cow,
    time::{SystemTime, UNIX_EPOCH},
};

use siomio::{Protocol, Socket, Transport, Value};
use siomio_testkit::{http::Http, polling::Polling, ws::Ws};

use crate::{PATH, Tell, common::Client, connected, join, on_both, served};

#[test]
fn it_is_that_of_the_first_request_of_the_session() {
    served(
        |server, tell| {
            server.on("how", move |socket: &Socket| {
                let handshake = socket.handshake();
                tell.say((
                    handshake.url().to_owned(),
                    handshake.header("x-tag").map(str::to_owned),
                    handshake.query("transport").map(Cow::into_owned),
                    handshake.query("a").map(Cow::into_owned),
                    socket.transport(),
                ));
            });
        },
        |stage| {
            let target = format!("{PATH}?EIO=4&transport=polling&a=b%20c&t=x");
            let mut http = Http::connect(stage.address);
            http.request("GET", &target, &[("X-Tag", "first")], b"");
            let response = http.response();
            let session = Polling::opened(stage.address, &target, response.text());
            session.send(&["40"]);
            session.receive();
            let seen = |transport| {
                let tag = Some("first".to_owned());
                let (query, a) = (Some("polling".to_owned()), Some("b c".to_owned()));
                (target.clone(), tag, query, a, Some(transport))
            };
            session.send(&["42[\"how\"]"]);
            stage.said.expect([seen(Transport::Polling)]);
            // Also in a request with other headers, and after an upgrade.
            let mut ws = session.upgrade();
            ws.send("42[\"how\"]");
            stage.said.expect([seen(Transport::WebSocket)]);
        },
    );
}

#[test]
fn it_has_all_that_javascript_has() {
    served(
        |server, tell| {
            server.on_connect(move |socket| {
                let handshake = socket.handshake();
                assert_eq!(handshake.peer_addr().ip().to_string(), "127.0.0.1");
                assert_eq!(socket.protocol(), Protocol::V4);
                tell.say(serde_json::to_value(&handshake).expect("it can be serialised"));
            });
        },
        |stage| {
            for origin in [None, Some(("Origin", "http://elsewhere"))] {
                let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
                let http = Http::connect(stage.address);
                let target = format!("{PATH}?EIO=4&transport=websocket&q=1&q=2");
                let headers: Vec<_> =
                    [("X-Two", "1"), ("X-Two", "2")].into_iter().chain(origin).collect();
                let mut ws = Ws::upgrade(http, &target, &headers).expect("a WebSocket");
                ws.text();
                ws.send("40{\"token\":\"t\"}");
                let seen = stage.said.next();
                let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
                assert_eq!(text("address"), "127.0.0.1");
                assert_eq!(text("url"), target);
                assert_eq!(seen["xdomain"], origin.is_some());
                assert_eq!(seen["secure"], false);
                assert_eq!(seen["auth"], serde_json::json!({"token": "t"}));
                let query = serde_json::json!({"EIO": "4", "transport": "websocket", "q": "2"});
                assert_eq!(seen["query"], query);
                assert_eq!(seen["headers"]["x-two"], "1, 2");
                assert_eq!(seen["headers"]["upgrade"], "websocket");
                let issued = seen["issued"].as_u64().expect("milliseconds");
                let before = before.as_millis() as u64;
                assert!((before - 1000..before + 20_000).contains(&issued), "{before} {issued}");
                assert!(text("time").ends_with(" GMT"), "{seen}");
            }
        },
    );
}

#[test]
fn what_the_client_sends_along_belongs_to_the_namespace() {
    served(
        |server, tell| {
            for name in ["/", "/a"] {
                let tell = tell.clone();
                server.of(name).on_connect(move |socket| {
                    let auth = socket.handshake().auth::<Value>().expect("an object");
                    tell.say(serde_json::to_string(&auth).expect("JSON"));
                });
            }
        },
        |stage| {
            on_both(stage.address, |mut client| {
                client.send(&["40{\"b\":1,\"a\":2}"]);
                connected(&mut client, "/");
                client.send(&["40/a"]);
                connected(&mut client, "/a");
                stage.said.expect(["{\"b\":1,\"a\":2}".to_owned(), "{}".to_owned()]);
            });
        },
    );
}

#[test]
fn the_answer_leaves_before_anything_that_a_handler_sends() {
    served(
        |server, _: Tell<()>| {
            server.on_connect(|socket| {
                assert!(socket.is_connected());
                socket.emit("first", ());
                socket.namespace().emit("second", ());
                socket.handle().emit("third", ());
                socket.io().to(socket.id()).emit("fourth", ());
            });
            server.on_connect(|socket| {
                socket.emit("fifth", ());
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                join(&mut client, "/");
                let events = ["first", "second", "third", "fourth", "fifth"];
                for event in events {
                    client.expect(&[&format!("42[\"{event}\"]")]);
                }
                match client {
                    Client::WebSocket { ws, .. } => drop(ws),
                    Client::Polling { session, .. } => session.send(&["1"]),
                }
                crate::eventually(|| stage.io.socket_count() == 0);
            });
        },
    );
}

#[test]
fn events_right_behind_the_connect_are_handled_after_it() {
    served(
        |server, tell| {
            let told = tell.clone();
            server.on_connect(move |_| told.say("connect".to_owned()));
            server.on("x", move |_: &Socket, n: u32| tell.say(format!("x {n}")));
        },
        |stage| {
            on_both(stage.address, |mut client| {
                match &mut client {
                    Client::WebSocket { ws, .. } => {
                        ws.send_all(["40", "42[\"x\",1]", "42[\"x\",2]"]);
                    }
                    Client::Polling { .. } => client.send(&["40", "42[\"x\",1]", "42[\"x\",2]"]),
                }
                connected(&mut client, "/");
                stage.said.expect(["connect", "x 1", "x 2"].map(str::to_owned));
            });
        },
    );
}

#[test]
fn a_socket_begins_with_its_id_its_room_and_no_data() {
    served(
        |server, tell| {
            server.on_connect(move |socket| {
                assert!(!socket.is_recovered());
                assert!(!socket.data().contains::<u8>());
                socket.data().insert(7_u8);
                assert_eq!(socket.data().get::<u8>(), Some(7));
                assert_eq!(socket.namespace().name(), "/");
                tell.say((socket.id().to_string(), socket.rooms()));
            });
        },
        |stage| {
            on_both(stage.address, |mut client| {
                let id = join(&mut client, "/");
                assert_eq!(id.len(), 20);
                assert_ne!(id, client.sid());
                stage.said.expect([(id.clone(), vec![id.into()])]);
            });
        },
    );
}
