//! Everything that threads have in common: mailboxes, connections on their way to other shards, the pool, and answers from anywhere.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use siomio::{Ack, Responder, Server, Socket, SocketHandle};
use siomio_testkit::{http::Http, polling::Polling, ws::Ws};

use super::{SOON, join, join_polling, start};

/// What somebody else is to answer.
enum Task {
    Ack(Ack, u64),
    Page(Responder),
    /// To be told to a client, and who it is.
    Tell(SocketHandle, u64),
}

const HELPERS: usize = 3;
const ROUNDS: u64 = 400;

/// A server whose handlers leave everything to some threads.
fn server(shards: u8) -> (Server, Vec<thread::JoinHandle<()>>) {
    let server = Server::builder().shards(shards).blocking_threads(2).build();
    let (post, take) = mpsc::channel::<Task>();
    let take = Arc::new(Mutex::new(take));
    let helper = |_| {
        let take = take.clone();
        thread::spawn(move || {
            loop {
                let task = take.lock().unwrap().recv();
                match task {
                    Ok(Task::Ack(ack, number)) => ack.send(number),
                    Ok(Task::Page(response)) => response.text("later"),
                    Ok(Task::Tell(socket, number)) => drop(socket.emit("told", number)),
                    Err(_) => return,
                }
            }
        })
    };
    let helpers = (0..HELPERS).map(helper).collect();
    let to = post.clone();
    server.on("ask", move |_: &Socket, number: u64, ack: Ack| {
        to.send(Task::Ack(ack, number)).unwrap();
    });
    let to = post.clone();
    server.on("tell", move |socket: &Socket, number: u64| {
        to.send(Task::Tell(socket.handle(), number)).unwrap();
    });
    server.on_blocking("block", |socket: &SocketHandle, number: u64| {
        socket.emit("blocked", number);
    });
    server.on("echo", |socket: &Socket, number: u64| {
        socket.emit("echo", number);
    });
    server.http(move |_, response| post.send(Task::Page(response)).unwrap());
    (server, helpers)
}

/// Asks one thing at a time, each of which takes another way, and waits for the answer before the next: with no more clients than shards a
/// wake that is lost is not made good by somebody else's.
fn converse(address: SocketAddr) {
    let (mut ws, _): (Ws, _) = join(address);
    let (mut page, mut proxy) = (Http::connect(address), Http::connect(address));
    let sessions: Vec<Polling> = (0..3).map(|_| join_polling(address)).collect();
    for number in 0..ROUNDS {
        ws.send(&format!("42{number}[\"ask\",{number}]"));
        assert_eq!(ws.message(), format!("43{number}[{number}]"));
        ws.send(&format!("42[\"tell\",{number}]"));
        assert_eq!(ws.message(), format!("42[\"told\",{number}]"));
        ws.send(&format!("42[\"block\",{number}]"));
        assert_eq!(ws.message(), format!("42[\"blocked\",{number}]"));
        let response = page.get("/page");
        assert_eq!((response.status, response.text()), (200, "later"));
        // One connection for sessions of any shard: it moves.
        let session = &sessions[number as usize % sessions.len()];
        let response = proxy.post(&session.target, format!("42[\"echo\",{number}]"));
        assert_eq!((response.status, response.text()), (200, "ok"));
        assert_eq!(proxy.get(&session.target).text(), format!("42[\"echo\",{number}]"));
    }
}

#[test]
fn an_answer_from_any_thread_arrives_without_anybody_elses_help() {
    for (shards, clients) in [(1, 1), (4, 2), (4, 4)] {
        let (server, helpers) = server(shards);
        let (running, address) = start(server);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..clients).map(|_| scope.spawn(|| converse(address))).collect();
            clients.into_iter().for_each(|client| client.join().unwrap());
        });
        running.shutdown(SOON).unwrap();
        // The server has gone, and its handlers with it.
        helpers.into_iter().for_each(|helper| helper.join().unwrap());
    }
}
