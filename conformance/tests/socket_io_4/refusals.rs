//! Namespaces that do not let everybody in.

use std::time::Duration;

use siomio::{ConnectError, Server, ServerBuilder, Socket, Value};
use siomio_testkit::ws::Got;

use crate::{Client, PATH, on_both, served_by};

/// `/` wants a query, `/err` nobody, `/data` neither, `/open` everybody.
fn picky(builder: ServerBuilder) -> Server {
    let server = builder.build();
    server.use_middleware(|socket: &Socket, auth: Value| {
        assert_eq!(socket.handshake().auth_json(), "{}");
        assert_eq!(auth, Value::Object(Vec::new()));
        match socket.handshake().query("let") {
            Some(_) => Ok(()),
            None => Err(ConnectError::new("not \"you\"")),
        }
    });
    server.of("/err").use_middleware(|_: &Socket, _: Value| Err(ConnectError::new("nope")));
    server.of("/data").use_middleware(|_: &Socket, _: Value| {
        Err(ConnectError::new("nope").with_data(Value::from([("code", 7)])))
    });
    server.of("/open").use_middleware(|_: &Socket, auth: Value| match auth["token"].as_str() {
        Some("abc") => Ok(()),
        _ => Err(ConnectError::new("no token")),
    });
    server
}

/// A client that the main namespace lets in.
fn polling_in(address: std::net::SocketAddr) -> Client {
    let (session, packets) = siomio_testkit::polling_v3::open(address, PATH, "&b64=1&let=me");
    Client::Polling { session, inbox: packets.into() }
}

#[test]
fn a_refusal_is_the_message_or_the_data() {
    served_by(picky, |address| {
        let mut client = polling_in(address);
        client.expect(&["40"]);
        for (packet, answer) in [
            ("40/err", "44/err,\"nope\""),
            ("40/data?x=1,", "44/data,{\"code\":7}"),
            ("40/open", "44/open,\"no token\""),
            ("40/open?token=abc", "40/open,"),
        ] {
            client.send(&[packet]);
            client.expect(&[answer]);
        }
    });
}

#[test]
fn who_is_refused_everywhere_is_told_and_sent_away_in_time() {
    let hasty = |builder: ServerBuilder| picky(builder.connect_timeout(Duration::from_millis(200)));
    served_by(hasty, |address| {
        on_both(address, |mut client| {
            client.expect(&["44\"not \\\"you\\\"\""]);
            match client {
                Client::Polling { session, .. } => {
                    session.expect("1:1");
                    assert_eq!(session.get().status, 400);
                }
                Client::WebSocket { mut ws, .. } => assert_eq!(ws.next(), Got::Close(None)),
            }
        });
    });
}

#[test]
fn who_is_refused_may_go_elsewhere() {
    served_by(picky, |address| {
        on_both(address, |mut client| {
            client.expect(&["44\"not \\\"you\\\"\""]);
            client.send(&["40/open?token=abc"]);
            client.expect(&["40/open,"]);
        });
    });
}
