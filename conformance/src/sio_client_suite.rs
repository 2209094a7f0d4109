//! Socket.IO as the test suites of client programs want it: namespaces that refuse, events that answer in every shape, and
//! sessions that outlive their connections.

use std::{
    sync::mpsc::{self, Sender},
    thread,
    time::{Duration, Instant, SystemTime},
};

use siomio::{
    Ack, Args, Binary, ConnectError, Decision, Namespace, Recovery, Server, ServerBuilder, Socket,
    Value,
};

/// How long every session has to wait before it may open.
const DELAY: Duration = Duration::from_millis(10);
/// How long a client may take to acknowledge.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// What there is of binary data.
const BYTES: &[u8] = b"asdfasdf";
const TEXTS: [&str; 5] = ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"];

/// A server at `/socket.io/` with the namespaces that clients ask for.
pub fn server(builder: ServerBuilder) -> Server {
    let waiting = waiting_room();
    let server = builder
        .path("/socket.io")
        .recovery(Recovery::new())
        .allow_request(move |_, decision| {
            // If the thread is gone the decision is dropped, and refuses.
            let _ = waiting.send((Instant::now() + DELAY, decision));
        })
        .build();
    server.use_middleware(|socket, _: Value| {
        match socket.handshake().query("fail").is_some_and(|value| !value.is_empty()) {
            true => Err(ConnectError::new("Auth failed (main namespace)")),
            false => Ok(()),
        }
    });
    talk(&server);
    exchange_binary(&server);
    server.of("/foo").on("getId", |socket: &Socket, ack: Ack| ack.send(socket.id()));
    server.of("/abc").on_connect(|socket| {
        socket.emit("handshake", socket.handshake());
    });
    server
        .of("/no")
        .use_middleware(|_, _: Value| Err(ConnectError::new("Auth failed (custom namespace)")));
    for name in ["/timeout_socket", "/valid", "/asd"] {
        server.of(name);
    }
    server
}

/// A thread that allows each request when its time has come; the others go on meanwhile.
fn waiting_room() -> Sender<(Instant, Decision)> {
    let (sender, arriving) = mpsc::channel::<(Instant, Decision)>();
    thread::spawn(move || {
        // They all wait equally long, so they leave in the order they came.
        for (until, decision) in arriving {
            thread::sleep(until.saturating_duration_since(Instant::now()));
            decision.allow();
        }
    });
    sender
}

fn talk(namespace: &Namespace) {
    namespace.on("hi", |socket: &Socket| {
        socket.emit("hi", ());
    });
    // One argument, whatever it is; a value that is left out comes back as nothing.
    namespace.on("echo", |_: &Socket, args: Args, ack: Ack| ack.send(args));
    namespace.on("getId", |socket: &Socket, ack: Ack| ack.send(socket.id()));
    namespace.on("getHandshake", |socket: &Socket, ack: Ack| ack.send(socket.handshake()));
    namespace.on("ack", |socket: &Socket| {
        let handle = socket.handle();
        socket.emit_with_ack("ack", (), ACK_TIMEOUT).on_reply(move |answer| {
            let answer = answer.ok().and_then(|args| args.parse::<(Value, Value)>().ok());
            let is_right = |(number, object): &(Value, Value)| {
                number.as_i64() == Some(5) && object["test"].as_bool() == Some(true)
            };
            if answer.is_some_and(|answer| is_right(&answer)) {
                handle.emit("got it", ());
            }
        });
    });
    namespace.on("getAckDate", |_: &Socket, _: Args, ack: Ack| ack.send(now()));
    namespace.on("getDate", |socket: &Socket| {
        socket.emit("takeDate", now());
    });
    namespace.on("getDateObj", |socket: &Socket| {
        socket.emit("takeDateObj", Value::from([("date", now())]));
    });
    namespace.on("getUtf8", |socket: &Socket| {
        for text in TEXTS {
            socket.emit("takeUtf8", text);
        }
    });
    namespace.on("false", |socket: &Socket| {
        socket.emit("false", false);
    });
}

/// Who has sent which of several events that belong together.
#[derive(Clone, Copy, Default)]
struct Seen {
    abuff1: bool,
    blobs: u8,
}

fn exchange_binary(namespace: &Namespace) {
    namespace.on("doge", |socket: &Socket| {
        socket.emit("doge", Binary::from(BYTES));
    });
    namespace.on("getbin", |socket: &Socket| {
        socket.emit("takebin", Binary::from(BYTES));
    });
    for (event, answer) in [("buffa", "buffack"), ("blob", "back")] {
        namespace.on(event, move |socket: &Socket, value: Value| {
            if value.as_bytes().is_some() {
                socket.emit(answer, ());
            }
        });
    }
    for (event, answer) in [("jsonbuff", "jsonbuff-ack"), ("jsonblob", "jsonblob-ack")] {
        namespace.on(event, move |socket: &Socket, value: Value| {
            let is_right = value["hello"].as_str() == Some("lol")
                && value["message"].as_bytes().is_some()
                && value["goodbye"].as_str() == Some("gotcha");
            if is_right {
                socket.emit(answer, ());
            }
        });
    }
    namespace.on_connect(|socket| {
        socket.data().insert(Seen::default());
    });
    namespace.on("abuff1", |socket: &Socket, value: Value| {
        socket.data().update(|seen: &mut Seen| seen.abuff1 |= value.as_bytes().is_some());
    });
    namespace.on("abuff2", |socket: &Socket| {
        if socket.data().get::<Seen>().is_some_and(|seen| seen.abuff1) {
            socket.emit("abuff2-ack", ());
        }
    });
    namespace.on("blob1", |socket: &Socket, value: Value| {
        socket.data().update(|seen: &mut Seen| seen.blobs = u8::from(value.as_bytes().is_some()));
    });
    namespace.on("blob2", |socket: &Socket, value: Value| {
        let is_right = value.as_str() == Some("second");
        socket.data().update(|seen: &mut Seen| {
            seen.blobs = if seen.blobs == 1 && is_right { 2 } else { 0 };
        });
    });
    namespace.on("blob3", |socket: &Socket, value: Value| {
        let has_all = socket.data().get::<Seen>().is_some_and(|seen| seen.blobs == 2);
        if has_all && value.as_bytes().is_some() {
            socket.emit("blob3-ack", ());
        }
    });
}

/// The time as JavaScript writes it.
fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
