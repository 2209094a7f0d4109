//! The server that is soaked: the ordinary one, with deadlines short enough to be met in the time there is.

use std::{
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use siomio::{Ack, Binary, Io, Metrics, Recovery, Server, Socket, SocketHandle};

/// Rooms are numbered from 0.
pub(super) const ROOMS: usize = 40;
/// A client that is silent for longer than both together is gone.
pub(super) const PING: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];
/// Time for a head.
pub(super) const HEAD: Duration = Duration::from_secs(3);
/// Who has been away for longer is somebody new.
pub(super) const AWAY: Duration = Duration::from_secs(10);
/// Largest message.
pub(super) const MAX_PAYLOAD: usize = 100_000;

/// Something to be found out, for tests of the soak itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One echo of a hundred is wrong.
    Lie,
    /// Every echo costs memory for good.
    Leak,
    /// One thing in ten that is said in a room is said to nobody.
    Loss,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "lie" => Ok(Self::Lie),
            "leak" => Ok(Self::Leak),
            "loss" => Ok(Self::Loss),
            _ => Err(format!("{name} is no fault")),
        }
    }
}

/// The server.
pub fn server(fault: Option<Fault>) -> Server {
    let recovery = Recovery::new().max_disconnection(AWAY);
    let server = Server::builder()
        .shards(1)
        .recovery(recovery)
        .ping_interval(PING[0])
        .ping_timeout(PING[1])
        .head_timeout(HEAD)
        .request_timeout(Duration::from_secs(8))
        .connect_timeout(Duration::from_secs(8))
        .send_timeout(Duration::from_secs(5))
        .close_timeout(Duration::from_secs(4))
        .upgrade_timeout(Duration::from_secs(4))
        .keep_alive_timeout(Duration::from_secs(5))
        .max_payload(MAX_PAYLOAD)
        .max_http_body(MAX_PAYLOAD)
        .high_water(256 * 1024)
        .max_buffered(768 * 1024)
        .build();
    answer(&server, fault);
    rooms(&server, fault);
    tell(&server);
    server
}

/// What comes back to who has asked.
fn answer(server: &Server, fault: Option<Fault>) {
    let (count, leaked) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    server.on("echo", move |socket: &Socket, number: u64, text: String| {
        let count = count.fetch_add(1, Ordering::Relaxed);
        if fault == Some(Fault::Leak) {
            leaked.lock().unwrap_or_else(PoisonError::into_inner).push(vec![1_u8; 16 * 1024]);
        }
        let is_lie = fault == Some(Fault::Lie) && count % 100 == 99;
        socket.emit("echoed", (number + u64::from(is_lie), text));
    });
    server.on("ask", |_: &Socket, number: u64, ack: Ack| ack.send(number));
    server.on("blob", |socket: &Socket, number: u64, blob: Binary| {
        socket.emit("blobbed", (number, blob));
    });
    server.on_blocking("think", |_: &SocketHandle, number: u64, ack: Ack| ack.send(number));
    server.on("quiz", |socket: &Socket, number: u64| {
        let asker = socket.handle();
        let reply = socket.emit_with_ack("question", number, Duration::from_secs(10));
        reply.on_reply(move |answer| {
            if answer.is_ok_and(|args| args.get::<u64>(0).is_ok_and(|it| it == number)) {
                asker.emit("right", number);
            }
        });
    });
    server.on("go", |socket: &Socket| socket.disconnect(true));
    server.on("flood", |socket: &Socket, times: usize, size: usize| {
        let text = "x".repeat(size);
        (0..times).for_each(|_| drop(socket.emit("flooded", &text)));
    });
}

/// What is said in a room is numbered, so that a gap shows.
fn rooms(server: &Server, fault: Option<Fault>) {
    let said: Arc<[AtomicU64; ROOMS]> = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
    let last = said.clone();
    server.on("join", move |socket: &Socket, room: usize, ack: Ack| {
        socket.join(format!("room-{room}"));
        ack.send(last[room].load(Ordering::Relaxed));
    });
    server.on("leave", |socket: &Socket, room: usize, ack: Ack| {
        socket.leave(format!("room-{room}"));
        ack.send(());
    });
    server.on("say", move |socket: &Socket, room: usize, text: String| {
        let number = said[room].fetch_add(1, Ordering::Relaxed) + 1;
        if fault != Some(Fault::Loss) || number % 10 != 0 {
            socket.namespace().to(format!("room-{room}")).emit("said", (room, number, text));
        }
    });
    let ticks = AtomicU64::new(0);
    server.every(Duration::from_millis(500), move |io: &Io| {
        io.emit("tick", ticks.fetch_add(1, Ordering::Relaxed));
    });
}

/// What it knows of itself.
fn tell(server: &Server) {
    let io = server.io();
    server.http(move |request, response| match request.path() {
        "/metrics" => response.body(Metrics::CONTENT_TYPE, io.metrics().to_prometheus()),
        _ => response.not_found(),
    });
}
