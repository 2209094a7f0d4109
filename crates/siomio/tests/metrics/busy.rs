//! Handlers that hold everybody up, the pool, and what is not answered.

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use siomio::{Ack, AckError, Overflow, Socket, SocketHandle};
use siomio_testkit::{PATIENCE, ws::Ws};

use super::{SOON, join, start, wait_until, with_shards};

/// Keeps the thread for so long.
fn spin(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[test]
fn a_handler_that_blocks_shows_in_the_count_and_in_the_loop() {
    with_shards(|builder| {
        let limit = Duration::from_millis(200);
        let server = builder.slow_handler(limit).build();
        server.on("block", move |_: &Socket, ack: Ack| {
            spin(limit);
            ack.send(());
        });
        server.on("quick", |_: &Socket, ack: Ack| ack.send(()));
        let (running, address) = start(server);
        let io = running.io();
        let mut ws = join(address);
        ws.send("421[\"quick\"]");
        ws.text();
        assert_eq!(io.metrics().slow_handlers, 0);
        ws.send("422[\"block\"]");
        assert_eq!(ws.text(), "432[]");
        // The turn ends when the answer is written.
        let metrics = wait_until(&io, "over", |metrics| metrics.turns.longest >= limit);
        assert_eq!(metrics.slow_handlers, 1);
        let beyond: u64 = metrics.turns.buckets[10..].iter().sum();
        assert!(beyond >= 1, "{:?}", metrics.turns);
        let busy = metrics.shards.iter().filter(|shard| shard.slow_handlers > 0);
        assert_eq!(busy.count(), 1);
        // From here on each is measured by itself.
        ws.send_all(["423[\"quick\"]", "424[\"block\"]", "425[\"quick\"]"]);
        for id in ["3", "4", "5"] {
            assert_eq!(ws.text(), format!("43{id}[]"));
        }
        assert_eq!(io.metrics().slow_handlers, 2);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn jobs_of_the_pool_run_or_wait_and_hold_nobody_up() {
    with_shards(|builder| {
        let server = builder.blocking_threads(1).slow_handler(Duration::from_secs(60)).build();
        let (free, wait) = mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        server.on_blocking("work", move |_: &SocketHandle, ack: Ack| {
            wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            ack.send(());
        });
        let (running, address) = start(server);
        let io = running.io();
        let mut clients: Vec<Ws> = (0..3).map(|_| join(address)).collect();
        clients.iter_mut().for_each(|ws| ws.send("421[\"work\"]"));
        let metrics = wait_until(&io, "all there", |metrics| {
            (metrics.blocking_running, metrics.blocking_waiting) == (1, 2)
        });
        assert_eq!(metrics.blocking_started, 1);
        (0..3).for_each(|_| free.send(()).unwrap());
        clients.iter_mut().for_each(|ws| assert_eq!(ws.text(), "431[]"));
        let metrics = wait_until(&io, "done", |metrics| metrics.blocking_running == 0);
        assert_eq!((metrics.blocking_waiting, metrics.blocking_started), (0, 3));
        assert_eq!(metrics.slow_handlers, 0);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn panics_are_counted_wherever_they_happen() {
    with_shards(|builder| {
        let server = builder.build();
        server.on("here", |_: &Socket| panic!("here"));
        server.on_blocking("there", |_: &SocketHandle| panic!("there"));
        server.on("number", |_: &Socket, _: u32, ack: Ack| ack.send(()));
        server.http(|_, _| panic!("a page"));
        let (running, address) = start(server);
        let io = running.io();
        let mut ws = join(address);
        ws.send("421[\"number\",\"none\"]");
        ws.send("42[\"here\"]");
        assert_eq!(ws.text(), "41");
        let metrics = io.metrics();
        assert_eq!((metrics.panics, metrics.argument_errors), (1, 1));
        let mut ws = join(address);
        ws.send("42[\"there\"]");
        assert_eq!(ws.text(), "41");
        assert_eq!(io.metrics().panics, 2);
        let mut http = siomio_testkit::http::Http::connect(address);
        assert_eq!(http.get("/").status, 500);
        assert_eq!(io.metrics().panics, 3);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn acknowledgements_that_do_not_come_are_counted() {
    with_shards(|builder| {
        let server = builder.build();
        let (running, address) = start(server);
        let io = running.io();
        let (told, hear) = mpsc::channel();
        io.on("ask", move |socket: &Socket| {
            let told = told.clone();
            let reply = socket.emit_with_ack("question", (), Duration::from_millis(1));
            reply.on_reply(move |answer| told.send(answer.map(drop)).unwrap());
        });
        let mut ws = join(address);
        ws.send("42[\"ask\"]");
        assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), Err(AckError::Timeout));
        assert_eq!(io.metrics().acks_timed_out, 1);
        let _other = join(address);
        let answers = io.emit_with_ack("all", (), Duration::from_millis(100)).wait();
        // Two, unless a shard is so late that it has not even told how many it has asked.
        let missing = answers.unwrap_err().missing as u64;
        assert!((1..=2).contains(&missing));
        assert_eq!(io.metrics().acks_timed_out, 1 + missing);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn what_is_dropped_is_counted_by_why() {
    with_shards(|builder| {
        let server = builder.overflow(Overflow::DropNewest).max_buffered(100_000).build();
        let (running, address) = start(server);
        let io = running.io();
        let polling = super::join_polling(address);
        // No poll waits.
        io.volatile().emit("tick", 1);
        wait_until(&io, "dropped", |metrics| metrics.dropped_volatile == 1);
        io.emit("large", "x".repeat(90_000));
        io.emit("large", "x".repeat(90_000));
        let metrics = wait_until(&io, "too much", |metrics| metrics.dropped_overflow == 1);
        assert_eq!((metrics.dropped_volatile, metrics.slow_consumers), (1, 0));
        assert_eq!(polling.receive().len(), 1);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn slow_consumers_are_counted_on_either_transport() {
    with_shards(|builder| {
        let server = builder.max_buffered(100_000).build();
        let (running, address) = start(server);
        let io = running.io();
        let polling = super::join_polling(address);
        io.emit("large", "x".repeat(200_000));
        let metrics = wait_until(&io, "gone", |metrics| metrics.sockets == 0);
        assert_eq!((metrics.slow_consumers, metrics.closed_slow_consumer), (1, 1));
        assert_eq!(metrics.buffered_bytes, 0);
        drop(polling);
        let _deaf = join(address);
        for n in 0.. {
            io.emit("large", "x".repeat(90_000));
            let metrics = io.metrics();
            if metrics.closed_slow_consumer == 2 {
                assert_eq!(metrics.slow_consumers, 2);
                break;
            }
            assert!(n < 5_000, "{metrics:?}");
        }
        wait_until(&io, "gone", |metrics| metrics.buffered_bytes == 0);
        running.shutdown(SOON).unwrap();
    });
}
