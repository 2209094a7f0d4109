//! What the server tells through `tracing`, and what it never tells. Alone in its program, because there is one listener for all
//! of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use siomio::{ConnectError, Io, Recovery, Server, Socket, SocketHandle, Value};
use siomio_testkit::{
    PATIENCE,
    http::Http,
    polling::{Polling, handshake},
    ws::Ws,
};
use siomio_websocket::OpCode;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Everything that was told: `LEVEL target: message field=value …`.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The server, for the listener.
static IO: Mutex<Option<Io>> = Mutex::new(None);

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("siomio")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line { message: String::new(), fields: String::new() };
        event.record(&mut line);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        told().push(format!("{level} {target}: {}{}", line.message, line.fields));
        // It is code of the application, and may use the server: nothing is borrowed where something is told.
        if let Some(io) = io().as_ref() {
            if line.message == "disconnected" {
                // Those who stay change rooms, which needs the census.
                io.sockets_join(format!("told{}", told().len()));
            }
            io.to("nobody").emit("told", line.message);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

fn told() -> MutexGuard<'static, Vec<String>> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn io() -> MutexGuard<'static, Option<Io>> {
    IO.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until something was told that begins so and has all of these in it.
fn wait_for(beginning: &str, parts: &[&str]) {
    let late = Instant::now() + PATIENCE;
    let fits =
        |line: &String| line.starts_with(beginning) && parts.iter().all(|part| line.contains(part));
    while !told().iter().any(fits) {
        assert!(Instant::now() < late, "{beginning} {parts:?} is not in {:#?}", told());
        std::thread::yield_now();
    }
}

const WS: &str = "/socket.io/?EIO=4&transport=websocket";

#[test]
fn what_happens_is_told_and_secrets_are_not() {
    tracing::subscriber::set_global_default(Listener).unwrap();
    for shards in [1, 2] {
        told().clear();
        let secrets = story(shards);
        *io() = None;
        let told = told();
        for secret in &secrets {
            assert!(secret.len() >= 8, "{secret}");
            let leak = told.iter().find(|line| line.contains(&**secret));
            assert_eq!(leak, None, "{secret}");
        }
        let levels: BTreeSet<&str> =
            told.iter().filter_map(|line| line.split_once(' ')).map(|(level, _)| level).collect();
        assert_eq!(levels.len(), 5, "{levels:?}");
        // What comes for every message is not told.
        assert!(told.len() < 200, "{}", told.len());
    }
}

/// Lets everything happen, waits for it to be told, and returns what must not have been.
fn story(shards: u8) -> Vec<String> {
    let server = Server::builder()
        .shards(shards)
        .allow_eio3(true)
        .blocking_threads(1)
        .max_buffered(200_000)
        .slow_handler(Duration::from_millis(20))
        .recovery(Recovery::new())
        .build();
    server.of("/locked").use_middleware(|_, _: Value| Err(ConnectError::new("not you")));
    server.of("/typed").use_middleware(|_, _: BTreeMap<String, u32>| Ok(()));
    server.on_room_event(|_| {});
    server.on("number", |_: &Socket, _: u32| {});
    server.on("fail", |_: &Socket| panic!("as was to be shown"));
    server.on("block", |socket: &Socket| {
        let until = Instant::now() + Duration::from_millis(20);
        while Instant::now() < until {}
        socket.emit("done", ());
    });
    server.on("echo", |socket: &Socket| drop(socket.emit("echoed", ())));
    server.on_blocking("work", |_: &SocketHandle| {
        while !TOLD.lock().unwrap().iter().any(|line| line.contains("blocking threads are busy")) {
            std::thread::yield_now();
        }
    });
    *io() = Some(server.io());
    let running = server.bind("127.0.0.1:0").unwrap().spawn().unwrap();
    let address = running.local_addrs()[0];
    let mut secrets = Vec::new();

    wait_for("INFO siomio::server: listens", &[&address.to_string()]);
    // Polling, an upgrade, the end.
    let polling = Polling::open(address, "/socket.io/");
    secrets.push(polling.sid.clone());
    wait_for("TRACE siomio::http: connection opened", &["peer=127.0.0.1:"]);
    wait_for("DEBUG siomio::engine: session opened", &[&polling.sid[..4], "transport=polling"]);
    let mut ws = polling.upgrade();
    wait_for("DEBUG siomio::engine: session upgraded", &[&polling.sid[..4]]);
    ws.send("40{\"token\":\"open sesame\"}");
    secrets.push("open sesame".to_owned());
    let answer: Value = serde_json::from_str(&ws.text()[2..]).unwrap();
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap().to_owned();
    let (id, pid) = (text("sid"), text("pid"));
    wait_for("DEBUG siomio::socket: connected", &[&id, "namespace=/", "recovered=false"]);
    ws.send("40/locked,{\"token\":\"open sesame\"}");
    assert!(ws.text().starts_with("44/locked,"));
    wait_for("DEBUG siomio::socket: refused", &["namespace=/locked", "why=not you"]);
    ws.send("40/typed,{\"token\":\"open sesame\"}");
    assert!(ws.text().starts_with("44/typed,"));
    wait_for("DEBUG siomio::socket: refused", &["namespace=/typed", "why=invalid auth"]);
    ws.send_all(["42[\"number\",\"a private word\"]", "42[\"block\"]"]);
    secrets.push("a private word".to_owned());
    assert_eq!(ws.message().split(',').next(), Some("42[\"done\""));
    wait_for("DEBUG siomio::socket: argument error", &[&id, "event=number argument=0"]);
    wait_for("WARN siomio::handler: slow handler", &["handler=", "others=", "took=", "ms"]);
    ws.send("42[\"block\"]");
    wait_for("WARN siomio::handler: slow handler", &["handler=block others=0"]);
    ws.message();
    for _ in 0..200 {
        ws.send("42[\"echo\"]");
    }
    for _ in 0..200 {
        ws.message();
    }
    drop(ws);
    wait_for("DEBUG siomio::socket: disconnected", &[&id, "reason=transport close"]);
    wait_for("DEBUG siomio::engine: session closed", &[&polling.sid[..4], "transport close"]);
    wait_for("TRACE siomio::http: connection closed", &[]);

    // Back again, with the secret and without.
    let join = |auth: &str| {
        let mut ws = Ws::connect(address, WS);
        let sid = handshake(&ws.text())["sid"].as_str().unwrap().to_owned();
        ws.send(&format!("40{auth}"));
        // What was missed comes first.
        while !ws.text().starts_with("40{") {}
        (ws, sid)
    };
    let (mut ws, sid) = join(&format!("{{\"pid\":\"{pid}\"}}"));
    secrets.extend([pid, sid]);
    wait_for("DEBUG siomio::socket: connected", &[&id, "recovered=true"]);
    let (late, sid) = join("{\"pid\":\"aVeryOldSecretPid000\"}");
    secrets.extend(["aVeryOldSecretPid000".to_owned(), sid]);
    wait_for("DEBUG siomio::socket: not recovered", &["why="]);
    drop(late);

    // What goes wrong.
    ws.send("42[\"fail\"]");
    assert_eq!(ws.text(), "41");
    wait_for("ERROR siomio::handler: panicked", &["handler=fail", "as was to be shown"]);
    drop(ws);
    let (mut ws, _) = join("");
    ws.send("42{}");
    wait_for("DEBUG siomio::socket: violation", &["invalid packet"]);
    let (mut ws, _) = join("");
    ws.frame(OpCode::Text, &[0xff]);
    wait_for("DEBUG siomio::websocket: violation", &["why="]);
    Http::connect(address).get("/socket.io/?EIO=4&transport=polling&sid=ThisWasASessionOnce00");
    secrets.push("ThisWasASessionOnce00".to_owned());
    Http::connect(address).send("GET / HTTP/1.1\r\nno header\r\n\r\n");
    wait_for("DEBUG siomio::http: bad request", &["status=400"]);
    wait_for("DEBUG siomio::engine: request refused", &["code=1", "Session ID unknown"]);
    let mut clients: Vec<_> = (0..2).map(|_| join("").0).collect();
    clients.iter_mut().for_each(|ws| ws.send("42[\"work\"]"));
    wait_for("WARN siomio::handler: all blocking threads are busy", &["threads=1"]);
    drop(clients);
    let deaf = Polling::open(address, "/socket.io/");
    deaf.send(&["40"]);
    deaf.receive();
    running.io().emit("large", "x".repeat(300_000));
    wait_for("WARN siomio::engine: slow consumer disconnected", &[&deaf.sid[..4]]);
    secrets.push(deaf.sid);

    // The id of an old client's socket is its session's.
    let response = Http::connect(address).get("/socket.io/?EIO=3&transport=polling");
    let sid = response.text().split('"').nth(3).unwrap().to_owned();
    wait_for("DEBUG siomio::socket: connected", &[&format!("id={}…", &sid[..4])]);
    secrets.push(sid);

    running.shutdown(Duration::from_millis(200)).unwrap();
    wait_for("INFO siomio::server: has ended", &[]);
    secrets
}
