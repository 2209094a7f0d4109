//! Many threads, many sockets, and all of them moving.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use siomio::{Io, Server, ServerBuilder, Socket};
use siomio_testkit::ws::Ws;

use crate::{Guest, Site, common::Client, served_with};

const THREADS: usize = 8;
const SOCKETS: usize = 100;
const ROOMS: usize = 4;
/// What each thread emits at most, and how long all of it may take.
const EMITS: usize = 2_000;
const TIME: Duration = Duration::from_secs(20);

/// What one socket has heard: of each thread, in each way, the last number.
#[derive(Default)]
struct Ear {
    last: HashMap<(String, usize), usize>,
    heard: usize,
}

impl Ear {
    /// Takes in an event `[way, thread, number]`.
    fn hear(&mut self, packet: &str, me: usize) {
        let json = packet.strip_prefix("42").unwrap_or_else(|| panic!("{packet}"));
        let (way, thread, number): (String, usize, usize) =
            serde_json::from_str(json).unwrap_or_else(|_| panic!("{packet}"));
        match way.strip_prefix("room-") {
            // Everybody is only ever in the rooms of their own remainder.
            Some(room) => assert_eq!(me % ROOMS, room.parse::<usize>().unwrap(), "{packet}"),
            None => assert!(way == "all" || way == format!("own-{me}"), "{packet} for {me}"),
        }
        // Over all ways the numbers of one thread grow: order, and nothing twice.
        let last = self.last.insert((String::new(), thread), number);
        assert!(last.is_none_or(|last| last < number), "{packet} behind {last:?} at {me}");
        if way == "all" {
            // And of what is for everybody nothing is left out.
            let last = self.last.insert((way, thread), number);
            assert!(
                last.is_none_or(|last| next_for_all(last) == number),
                "{packet} behind {last:?}"
            );
        }
        self.heard += 1;
    }
}

/// What a thread emits under this number is for everybody.
fn is_for_all(number: usize) -> bool {
    number % 16 == 0
}

fn next_for_all(number: usize) -> usize {
    number + 16
}

/// One thread that emits in all ways.
fn emit(io: &Io, thread: usize, ids: &Mutex<Vec<Option<String>>>, end: Instant) {
    for number in 0..EMITS {
        if Instant::now() > end {
            return;
        }
        let room = (number / 2) % ROOMS;
        let target = (number * 7 + thread) % SOCKETS;
        let id = ids.lock().unwrap_or_else(PoisonError::into_inner)[target].clone();
        match (is_for_all(number), number % 2, id) {
            (true, _, _) => drop(io.emit("all", (thread, number))),
            (_, 0, Some(id)) => {
                io.to(&*id).emit(&format!("own-{target}"), (thread, number));
            }
            _ => {
                let way = format!("room-{room}");
                io.to(&*way).to(format!("more-{room}")).emit(&way, (thread, number));
            }
        }
    }
}

/// One socket that listens, while it joins and leaves its rooms, and now and then leaves and comes back.
fn listen(
    site: &Site,
    me: usize,
    ids: &Mutex<Vec<Option<String>>>,
    done: &AtomicBool,
    came: &AtomicUsize,
) -> usize {
    let mut heard = 0;
    let mut round = 0;
    loop {
        let mut guest = Guest::join(Client::websocket(site.address, crate::PATH), "/");
        ids.lock().unwrap_or_else(PoisonError::into_inner)[me] = Some(guest.id.clone());
        if round == 0 {
            came.fetch_add(1, Ordering::SeqCst);
        }
        let mut ear = Ear::default();
        let moves = 30 + 10 * (me % 5);
        for n in 0.. {
            let is_last = done.load(Ordering::SeqCst);
            // Those whose number is a multiple of three stay all the time.
            let leaves = me % 3 != 0 && n == moves;
            if is_last || leaves {
                guest.ask("[\"bye\"]");
            } else {
                let (verb, kind) = (["join", "leave"][(n / 2) % 2], ["room", "more"][n % 2]);
                guest.ask(&format!("[\"{verb}\",\"{kind}-{}\"]", me % ROOMS));
            }
            let Client::WebSocket { ws, .. } = &mut guest.client else { unreachable!() };
            if is_last || leaves {
                hear_until(ws, "41", &mut ear, me);
                heard += ear.heard;
                if is_last {
                    return heard;
                }
                break;
            }
            hear_until(ws, "42[\"ok\"]", &mut ear, me);
        }
        ids.lock().unwrap_or_else(PoisonError::into_inner)[me] = None;
        round += 1;
        // Another way to go: without a word.
        if round % 2 == 0 {
            drop(Client::websocket(site.address, crate::PATH));
        }
    }
}

fn hear_until(ws: &mut Ws, packet: &str, ear: &mut Ear, me: usize) {
    loop {
        let next = ws.message();
        if next == packet {
            return;
        }
        ear.hear(&next, me);
    }
}

#[test]
fn from_many_threads_to_many_moving_sockets_all_keeps_its_order_and_its_place() {
    let handlers = |server: &Server| {
        server.on("join", |socket: &Socket, room: String| {
            socket.join(room);
            socket.emit("ok", ());
        });
        server.on("leave", |socket: &Socket, room: String| {
            socket.leave(room);
            socket.emit("ok", ());
        });
        server.on("bye", |socket: &Socket| socket.disconnect(false));
    };
    // A slow test machine must not make slow consumers.
    let settings = |builder: ServerBuilder| builder.max_buffered(1 << 30);
    served_with(settings, handlers, |site| {
        let ids = Mutex::new(vec![None; SOCKETS]);
        let (done, heard) = (AtomicBool::new(false), AtomicUsize::new(0));
        let came = AtomicUsize::new(0);
        let end = Instant::now() + TIME;
        thread::scope(|scope| {
            for me in 0..SOCKETS {
                let (ids, done, heard, came) = (&ids, &done, &heard, &came);
                scope.spawn(move || {
                    heard.fetch_add(listen(site, me, ids, done, came), Ordering::SeqCst);
                });
            }
            crate::wait_until("all have been there", || came.load(Ordering::SeqCst) >= SOCKETS);
            let finished = thread::scope(|emitters| {
                let io = Arc::new(site.io.clone());
                let emitters: Vec<_> = (0..THREADS)
                    .map(|thread| {
                        let (io, ids) = (io.clone(), &ids);
                        emitters.spawn(move || emit(&io, thread, ids, end))
                    })
                    .collect();
                emitters.into_iter().all(|emitter| emitter.join().is_ok())
            });
            done.store(true, Ordering::SeqCst);
            assert!(finished);
        });
        let heard = heard.load(Ordering::SeqCst);
        // Those who stay hear at least everything that is for everybody.
        let least = SOCKETS / 3 * THREADS * EMITS / 16;
        assert!(heard >= least || Instant::now() > end, "{heard} of at least {least}");
        crate::wait_until("all have left", || site.io.socket_count() == 0);
        assert_eq!(site.io.rooms().len(), 0, "and no room is left");
    });
}
