//! Reaching clients: from threads, from timers, all of them at once.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use siomio::{Dropped, Message, Sent, WebSocket, WebSocketHandle};
use siomio_testkit::{
    PATIENCE,
    ws::{Got, Ws},
};

use crate::{Diary, SOON, start, with_shards};

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::yield_now();
    }
}

#[test]
fn handles_reach_their_client_from_any_thread_in_order() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let (told, handles) = mpsc::channel();
        endpoint.on_open(move |socket| told.send(socket.handle()).unwrap());
        let diary = Diary::of(&endpoint);
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/raw");
        let handle: WebSocketHandle = handles.recv_timeout(PATIENCE).unwrap();
        diary.expect(&["open"]);
        assert!(handle.is_open());
        let (all, own) = (endpoint.clone(), handle.clone());
        let sending = thread::spawn(move || {
            for n in 0..3000_u32 {
                // Whatever it is said with.
                match n % 3 {
                    0 => drop(own.send_text(&n.to_string())),
                    1 => all.send_text(&n.to_string()),
                    _ => drop(own.clone().send(Message::Text(&n.to_string()))),
                }
            }
            own.send_binary(b"end");
            own.close(4000, "done");
            own
        });
        for n in 0..3000 {
            assert_eq!(ws.text(), n.to_string());
        }
        assert_eq!(ws.next(), Got::Binary(b"end".to_vec()));
        assert_eq!(ws.take_raw(8), b"\x88\x06\x0f\xa0done");
        assert_eq!(handle, sending.join().unwrap());
        assert!(!handle.is_open(), "once the frame is written it is known");
        assert_eq!(handle.send_text("after"), Sent::Dropped(Dropped::Disconnected));
        ws.close(Some(4000));
        diary.expect(&["close 4000"]);

        let ws = Ws::connect(address, "/raw");
        let other = handles.recv_timeout(PATIENCE).unwrap();
        assert_ne!(handle, other);
        handle.terminate();
        handle.close(1000, "nobody there");
        assert!(other.is_open());
        other.terminate();
        diary.expect(&["open", "close 1006"]);
        assert!(!other.is_open());
        drop(ws);
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn one_handler_has_one_order_whatever_it_uses() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let everybody: Arc<Mutex<Vec<WebSocketHandle>>> = Arc::default();
        let all = everybody.clone();
        endpoint.on_open(move |socket| all.lock().unwrap().push(socket.handle()));
        endpoint.on_message(move |socket, message| {
            let Message::Text(who) = message else { unreachable!() };
            for n in (0..60).step_by(3) {
                let text = |n: u32| format!("{who} {n}");
                socket.endpoint().send_text(&text(n));
                // Handles of others go by way of their shards, that of oneself is used here and now.
                everybody
                    .lock()
                    .unwrap()
                    .iter()
                    .for_each(|other| drop(other.send_text(&text(n + 1))));
                socket.broadcast(Message::Text(&text(n + 2)));
                socket.send_text(&text(n + 2));
            }
        });
        let (running, address) = start(server);
        let mut clients: Vec<Ws> = (0..6).map(|_| Ws::connect(address, "/raw")).collect();
        wait_until("six are there", || endpoint.clients() == 6);
        clients.iter_mut().zip(0..).for_each(|(ws, n)| ws.send(&n.to_string()));
        for ws in &mut clients {
            let mut next = [0; 6];
            for _ in 0..6 * 60 {
                let text = ws.text();
                let (who, n) = text.split_once(' ').unwrap();
                let next = &mut next[who.parse::<usize>().unwrap()];
                assert_eq!(n.parse::<u32>().unwrap(), *next, "from {who}");
                *next += 1;
            }
        }
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_broadcast_stays_within_its_endpoint_and_leaves_out_who_sent_it() {
    with_shards(|builder| {
        let server = builder.build();
        let (here, there) = (server.websocket("/here"), server.websocket("/there"));
        here.on_message(|socket, message| {
            socket.broadcast(message);
            socket.send_text("done");
        });
        let (running, address) = start(server);
        let mut one = Ws::connect(address, "/here");
        let mut others: Vec<Ws> = (0..7).map(|_| Ws::connect(address, "/here")).collect();
        let mut stranger = Ws::connect(address, "/there");
        wait_until("everybody is there", || (here.clients(), there.clients()) == (8, 1));
        let large = vec![1; 50_000];
        one.send("small");
        one.send_binary(&large);
        for ws in &mut others {
            assert_eq!(ws.text(), "small");
            assert!(ws.next() == Got::Binary(large.clone()));
        }
        assert_eq!((one.text(), one.text()), ("done".into(), "done".into()));
        here.send_binary(b"to all");
        there.send_text("to them");
        for ws in others.iter_mut().chain([&mut one]) {
            assert_eq!(ws.next(), Got::Binary(b"to all".to_vec()));
        }
        assert_eq!(stranger.text(), "to them");
        // Who has left is not counted, and not written to.
        others.truncate(3);
        wait_until("four have left", || here.clients() == 4);
        here.send_text("still here?");
        others.iter_mut().for_each(|ws| assert_eq!(ws.text(), "still here?"));
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn of_timers_that_are_due_together_the_one_that_ends_it_is_the_last() {
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        endpoint.on_open(|socket| {
            let due = Instant::now() + Duration::from_millis(2);
            socket.after(Duration::from_millis(1), WebSocket::terminate);
            socket.after(Duration::from_millis(1), |_| panic!("it has ended"));
            // When the next turn begins both are due.
            while Instant::now() < due {
                thread::yield_now();
            }
        });
        let diary = Diary::of(&endpoint);
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/raw");
        assert_eq!(ws.next(), Got::End);
        diary.expect(&["open", "close 1006"]);
        running.shutdown(SOON).unwrap();
        assert_eq!(diary.rest(), [""; 0]);
    });
}

#[test]
fn timers_and_data_end_with_their_connection() {
    struct Dropped(mpsc::Sender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            // Nothing is borrowed when values of the application go.
            self.0.send("dropped").unwrap();
        }
    }
    with_shards(|builder| {
        let server = builder.build();
        let endpoint = server.websocket("/raw");
        let ticks = Arc::new(AtomicUsize::new(0));
        let (told, hear) = mpsc::channel();
        let counter = ticks.clone();
        endpoint.on_open(move |socket| {
            socket.data().insert(Dropped(told.clone()));
            socket.after(Duration::from_millis(1), |_| panic!("cancelled")).cancel();
            let never = Dropped(told.clone());
            socket.after(Duration::from_secs(3600), move |_| drop(never));
            let counter = counter.clone();
            socket.every(Duration::from_millis(2), move |socket| {
                match counter.fetch_add(1, Ordering::SeqCst) {
                    n @ 0..10 => drop(socket.send_text(&n.to_string())),
                    10 => {
                        socket.terminate();
                        // Due in the same turn, and not to run.
                        socket.after(Duration::ZERO, |_| panic!("it has ended"));
                    }
                    _ => panic!("it has ended"),
                }
            });
        });
        let diary = Diary::of(&endpoint);
        let (running, address) = start(server);
        let mut ws = Ws::connect(address, "/raw");
        for n in 0..10 {
            assert_eq!(ws.text(), n.to_string());
        }
        assert_eq!(ws.next(), Got::End);
        diary.expect(&["open", "close 1006"]);
        for _ in 0..2 {
            assert_eq!(hear.recv_timeout(PATIENCE), Ok("dropped"));
        }
        running.shutdown(SOON).unwrap();
        assert_eq!(ticks.load(Ordering::SeqCst), 11);
        assert_eq!(diary.rest(), [""; 0]);
    });
}
