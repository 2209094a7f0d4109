//! The end of the server.

use std::{sync::mpsc, time::Duration};

use siomio::{Server, Socket, SocketHandle};
use siomio_testkit::{PATIENCE, ws::Got};

use crate::{PATH, common::Client, join};

/// Runs a test with a server that it ends itself.
fn with_servers(test: impl Fn(Server)) {
    for shards in [1, 4] {
        println!("with {shards} shards");
        test(Server::builder().shards(shards).build());
    }
}

#[test]
fn sockets_end_with_a_reason_of_their_own_and_without_a_farewell() {
    with_servers(|server| {
        let (tell, hear) = mpsc::channel();
        let told = tell.clone();
        server.on_disconnecting(move |socket, reason| {
            let _ = told.send((socket.rooms().len(), reason.as_str()));
        });
        server.of("/a").on_disconnect(move |_, reason| drop(tell.send((0, reason.as_str()))));
        server.on_connect(|socket| {
            socket.join("room");
        });
        let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
        let address = running.local_addrs()[0];
        let mut client = Client::websocket(address, PATH);
        join(&mut client, "/");
        join(&mut client, "/a");
        let mut polling = Client::polling(address, PATH);
        join(&mut polling, "/");
        let Client::Polling { session, .. } = polling else { unreachable!() };
        let mut get = session.start_get();
        // It has arrived: it is older than this.
        session.send(&["3"]);
        let io = running.io();
        io.close(PATIENCE);
        let Client::WebSocket { mut ws, .. } = client else { unreachable!() };
        // No DISCONNECT: to the client the transport has closed, and it will come back.
        assert_eq!(ws.next(), Got::Close(None));
        ws.close(None);
        assert_eq!(ws.next(), Got::End);
        assert_eq!(get.response().text(), "1");
        drop(get);
        running.join().unwrap();
        let mut reasons: Vec<_> = hear.try_iter().collect();
        reasons.sort_unstable();
        let reason = "server shutting down";
        assert_eq!(reasons, [(0, reason), (2, reason), (2, reason)]);
        assert_eq!((io.socket_count(), io.connections()), (0, 0));
        // Again, and afterwards, it does nothing.
        io.close(PATIENCE);
        assert!(io.emit("nobody", 1).is_queued());
    });
}

#[test]
fn closing_before_it_runs_and_from_a_handler() {
    with_servers(|server| {
        server.on("stop", |socket: &Socket| socket.io().close(Duration::from_millis(5)));
        let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
        let mut client = Client::websocket(running.local_addrs()[0], PATH);
        join(&mut client, "/");
        client.send(&["42[\"stop\"]"]);
        running.join().unwrap();
    });
    with_servers(|server| {
        let bound = server.bind("127.0.0.1:0").unwrap();
        bound.io().close(Duration::from_millis(5));
        bound.run().unwrap();
    });
}

#[test]
fn it_waits_for_blocking_handlers_and_their_disconnects_until_the_deadline() {
    with_servers(|server| {
        let ((tell, hear), (go, wait)) = (mpsc::channel(), mpsc::channel::<()>());
        let (told, wait) = (tell.clone(), std::sync::Mutex::new(wait));
        server.on_blocking("work", move |_: &SocketHandle| {
            told.send("working").unwrap();
            wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            told.send("worked").unwrap();
        });
        server.on_disconnect(move |_, reason| tell.send(reason.as_str()).unwrap());
        let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
        let mut client = Client::websocket(running.local_addrs()[0], PATH);
        join(&mut client, "/");
        client.send(&["42[\"work\"]"]);
        assert_eq!(hear.recv_timeout(PATIENCE), Ok("working"));
        running.io().close(PATIENCE);
        client.expect_close();
        assert!(hear.try_recv().is_err());
        go.send(()).unwrap();
        running.join().unwrap();
        assert_eq!(hear.try_iter().collect::<Vec<_>>(), ["worked", "server shutting down"]);
    });
    with_servers(|server| {
        let ((tell, hear), (go, wait)) = (mpsc::channel(), mpsc::channel::<()>());
        let wait = std::sync::Mutex::new(wait);
        server.on_blocking("work", move |_: &SocketHandle| {
            tell.send(()).unwrap();
            let _ = wait.lock().unwrap().recv_timeout(PATIENCE);
        });
        let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
        let mut client = Client::websocket(running.local_addrs()[0], PATH);
        join(&mut client, "/");
        client.send(&["42[\"work\"]"]);
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(()));
        running.shutdown(Duration::from_millis(20)).unwrap();
        drop(go);
    });
}
