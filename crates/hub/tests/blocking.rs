//! The blocking example, driven over real TCP by scripted clients.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "clients need the network")]

#[allow(dead_code, reason = "the example's own main, and what only that uses")]
#[path = "../examples/blocking/main.rs"]
mod blocking;

use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use blocking::{Config, Server, State};
use siomio_testkit::{
    PATIENCE,
    http::Http,
    polling::Polling,
    ws::{Got, Ws},
};
use siomio_websocket::{OpCode, write_close, write_frame};

const PATH: &str = "/socket.io/";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

fn serve(settings: impl FnOnce(&mut Config)) -> (SocketAddr, Arc<Server>) {
    let mut config = Config::default();
    settings(&mut config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (address, server) = (listener.local_addr().expect("an address"), Server::start(config));
    let running = server.clone();
    thread::spawn(move || running.serve(&listener));
    (address, server)
}

fn heartbeat(config: &mut Config, interval: u64, timeout: u64) {
    config.engine.ping_interval = Duration::from_millis(interval);
    config.engine.ping_timeout = Duration::from_millis(timeout);
}

/// A polling session in the main namespace.
fn polling(address: SocketAddr) -> Polling {
    let session = Polling::open(address, PATH);
    session.send(&["40"]);
    let packets = session.receive();
    assert!(packets[0].starts_with("40{\"sid\":\""), "{packets:?}");
    assert_eq!(packets[1..], ["42[\"auth\",{}]"]);
    session
}

/// A WebSocket in the main namespace.
fn websocket(address: SocketAddr) -> Ws {
    let mut ws = Ws::connect(address, WEBSOCKET);
    assert!(ws.text().starts_with("0{\"sid\""));
    ws.send("40");
    assert!(ws.text().starts_with("40{\"sid\""));
    assert_eq!(ws.text(), "42[\"auth\",{}]");
    ws
}

fn assert_echoes(ws: &mut Ws) {
    ws.send("42[\"message\",\"still there\"]");
    assert_eq!(ws.text(), "42[\"message-back\",\"still there\"]");
}

/// Everything must be gone: connections with their threads, sessions, sockets.
fn expect_nobody(server: &Server) {
    let end = Instant::now() + PATIENCE;
    while server.step(|state| State::census(state)) != (0, 0, 0) {
        let census = server.step(|state| State::census(state));
        assert!(Instant::now() < end, "left behind: {census:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_waiting_get_is_answered_by_what_another_connection_brings() {
    let (address, _) = serve(|_| {});
    let session = polling(address);
    let mut get = session.start_get();
    assert!(get.is_quiet_for(Duration::from_millis(30)), "nothing to say yet");
    session.send(&["42[\"message\",1]", "427[\"message-with-ack\",\"b\"]"]);
    assert_eq!(get.response().text(), "42[\"message-back\",1]\u{1e}437[\"b\"]");

    let mut get = session.start_get();
    websocket(address).send("42[\"broadcast\",{\"from\":\"elsewhere\"}]");
    assert_eq!(get.response().text(), "42[\"broadcast-back\",{\"from\":\"elsewhere\"}]");
}

#[test]
fn a_post_behind_a_waiting_get_on_one_connection_is_worked_off_and_both_are_answered_in_order() {
    let (address, _) = serve(|_| {});
    let session = polling(address);
    let mut http = Http::connect(address);
    http.request("GET", &session.target, &[], b"");
    http.request("POST", &session.target, &[], b"42[\"message\",1]");
    assert_eq!(http.response().text(), "42[\"message-back\",1]");
    assert_eq!(http.response().text(), "ok");
}

#[test]
fn attachments_travel_on_either_transport() {
    let (address, _) = serve(|_| {});
    let text =
        r#"["message-back",{"_placeholder":true,"num":0},{"a":{"_placeholder":true,"num":1}}]"#;
    let event = format!("452-{}", text.replace("-back", ""));

    let session = polling(address);
    session.send(&[&event, "bAQID", "bBAUG"]);
    assert_eq!(session.receive(), [&*format!("452-{text}"), "bAQID", "bBAUG"]);

    let mut ws = websocket(address);
    ws.send(&event);
    ws.send_binary(&[1, 2, 3]);
    ws.send_binary(&[4, 5, 6]);
    assert_eq!(ws.text(), format!("452-{text}"));
    assert_eq!(ws.next(), Got::Binary(vec![1, 2, 3]));
    assert_eq!(ws.next(), Got::Binary(vec![4, 5, 6]));
}

#[test]
fn the_server_asks_for_acknowledgements_and_takes_each_once() {
    let (address, _) = serve(|_| {});
    let mut ws = websocket(address);
    ws.send("42[\"ack-me\",\"x\"]");
    assert_eq!(ws.text(), "420[\"ack-request\",\"x\"]");
    ws.send_all(["430[1,2]", "430[3]", "439[4]"]);
    assert_eq!(ws.text(), "42[\"ack-response\",1,2]");
    assert_echoes(&mut ws);
}

#[test]
fn an_upgrade_keeps_the_order_of_a_thousand_messages() {
    const COUNT: usize = 1_000;
    let (address, _) = serve(|_| {});
    let session = polling(address);
    let mut get = session.start_get();
    let mut ws = session.probe();
    assert_eq!(get.response().text(), "6", "the client waits for its last GET");
    for number in 0..COUNT / 2 {
        session.send(&[&format!("42[\"message\",{number}]")]);
    }
    ws.send_all(
        std::iter::once("5".to_owned())
            .chain((COUNT / 2..COUNT).map(|number| format!("42[\"message\",{number}]"))),
    );
    for number in 0..COUNT {
        assert_eq!(ws.text(), format!("42[\"message-back\",{number}]"));
    }
    assert_eq!(session.get().text(), r#"{"code":3,"message":"Bad request"}"#);
    Ws::connect(address, &session.upgrade_target()).expect_close(None);
    assert_echoes(&mut ws);
}

#[test]
fn a_failed_probe_leaves_the_session_on_polling() {
    let (address, _) = serve(|config| config.engine.upgrade_timeout = Duration::from_millis(50));
    let session = polling(address);
    session.probe().expect_close(None);
    let mut early = session.probe();
    early.send("4early");
    early.expect_close(None);
    session.send(&["42[\"message\",1]"]);
    session.expect("42[\"message-back\",1]");
}

#[test]
fn rooms_reach_their_members_on_all_transports_and_no_other_namespace() {
    let (address, _) = serve(|_| {});
    let (session, mut ws, mut other, mut sender) =
        (polling(address), websocket(address), websocket(address), websocket(address));
    let joined = |packet: String| assert!(packet.starts_with("40/custom,{\"sid\":\""), "{packet}");
    other.send_all(["40/custom", "42/custom,[\"join\",\"r\"]"]);
    joined(other.text());
    assert_eq!(other.text(), "42/custom,[\"auth\",{}]");

    session.send(&["42[\"join\",\"r\"]"]);
    ws.send("42[\"join\",\"r\"]");
    sender.send("42[\"join\",\"r\"]");
    [&mut ws, &mut other, &mut sender].into_iter().for_each(assert_echoes);
    sender.send("42[\"to-room\",\"r\",\"all\",2]");
    session.expect("42[\"room-back\",\"all\",2]");
    assert_eq!(ws.text(), "42[\"room-back\",\"all\",2]");
    // Neither who sent it, nor a namesake in another namespace.
    [&mut other, &mut sender].into_iter().for_each(assert_echoes);
}

#[test]
fn a_client_that_answers_no_ping_is_gone() {
    let (address, server) = serve(|config| heartbeat(config, 60, 40));
    let (session, mut ws) = (polling(address), websocket(address));
    session.expect("2");
    assert_eq!(ws.text(), "2");
    ws.expect_close(None);
    assert_eq!(session.get().text(), r#"{"code":1,"message":"Session ID unknown"}"#);
    drop(ws);
    expect_nobody(&server);
}

#[test]
fn pongs_keep_a_client_alive() {
    let (address, _) = serve(|config| heartbeat(config, 30, 5_000));
    let (session, mut ws) = (polling(address), websocket(address));
    for _ in 0..5 {
        session.expect("2");
        session.send(&["3"]);
        assert_eq!(ws.text(), "2");
        ws.send("3");
    }
}

#[test]
fn refusals_have_the_codes_and_bodies_of_the_protocol() {
    let (address, _) = serve(|_| {});
    let unknown = "&sid=AAAAAAAAAAAAAAAAAAAA";
    let target = |query: &str| format!("{PATH}?{query}");
    let table = [
        ("GET", target("EIO=4"), 400, r#"{"code":0,"message":"Transport unknown"}"#),
        ("GET", target("EIO=4&transport=x"), 400, r#"{"code":0,"message":"Transport unknown"}"#),
        ("GET", format!("{POLLING}{unknown}"), 400, r#"{"code":1,"message":"Session ID unknown"}"#),
        ("POST", POLLING.to_owned(), 400, r#"{"code":2,"message":"Bad handshake method"}"#),
        ("GET", WEBSOCKET.to_owned(), 400, r#"{"code":3,"message":"Bad request"}"#),
        (
            "GET",
            target("EIO=3&transport=polling"),
            400,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
        ("GET", "/elsewhere".to_owned(), 404, ""),
    ];
    // All on one connection: none of them is the end of it.
    let mut http = Http::connect(address);
    for (method, target, status, body) in table {
        http.request(method, &target, &[], b"");
        let response = http.response();
        assert_eq!((response.status, response.text()), (status, body), "{method} {target}");
    }
    let refused = Ws::try_connect(address, &format!("{WEBSOCKET}{unknown}")).expect_err("no sid");
    assert_eq!((refused.status, refused.text()), (400, "Session ID unknown"));
    http.request("GET", WEBSOCKET, &[("Connection", "Upgrade"), ("Upgrade", "websocket")], b"");
    let refused = http.response();
    assert_eq!(refused.text(), "Missing or invalid Sec-WebSocket-Key header");
    assert!(http.is_closed());
}

#[test]
fn overlapping_requests_end_the_session() {
    let (address, server) = serve(|_| {});
    let session = polling(address);
    let mut get = session.start_get();
    // Which of them comes second is the system's to decide.
    let answers = [session.get(), get.response()].map(|answer| (answer.status, answer.body.len()));
    assert!(answers == [(400, 0), (200, 1)] || answers == [(200, 1), (400, 0)], "{answers:?}");

    let session = polling(address);
    let mut post = Http::connect(address);
    let head =
        format!("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n42", session.target);
    post.send(head);
    while session.post("42[\"message\",1]").status == 200 {} // until the first has arrived
    assert!(post.is_closed());
    drop(get);
    expect_nobody(&server);
}

#[test]
fn what_is_too_long_is_refused_and_the_session_goes_on_only_over_polling() {
    let (address, _) = serve(|config| config.engine.max_payload = 1_000);
    let session = polling(address);
    let mut http = Http::connect(address);
    assert_eq!(http.post(&session.target, "4".repeat(1_001)).status, 413);
    assert_eq!(http.post(&session.target, "42[\"message\",1]").text(), "ok");
    session.expect("42[\"message-back\",1]");
    let mut ws = websocket(address);
    ws.send(&"4".repeat(1_001));
    assert_eq!(ws.closing(), Some(1009));
}

#[test]
fn a_violation_closes_the_session() {
    let (address, server) = serve(|_| {});
    for packet in ["4abc", "42{}", "42abc[\"message\"]", "40", "42/custom,[\"message\"]"] {
        let mut ws = websocket(address);
        ws.send(packet);
        ws.expect_close(None);
        let session = polling(address);
        session.send(&[packet]);
        session.expect("6\u{1e}1");
        assert_eq!(session.get().status, 400);
    }
    // Once it is known to have left, a client has nothing more to say.
    let mut ws = websocket(address);
    ws.send_all(["41", "40/nowhere"]);
    assert_eq!(ws.text(), "44/nowhere,{\"message\":\"Invalid namespace\"}");
    ws.send("42[\"message\"]");
    ws.expect_close(None);
    drop(ws);
    expect_nobody(&server);
}

#[test]
fn what_crosses_a_close_frame_does_not_hide_the_answer_to_it() {
    let (address, _) = serve(|_| {});
    let mut ws = websocket(address);
    let mut bytes = Vec::new();
    for text in ["42{}", "42[\"message\",\"crossed\"]"] {
        write_frame(&mut bytes, OpCode::Text, text.as_bytes(), Some([1, 2, 3, 4]));
    }
    write_close(&mut bytes, None, Some([1, 2, 3, 4]));
    ws.raw(&bytes);
    assert_eq!(ws.next(), Got::Close(None));
    let mut stream = ws.into_stream();
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout is not zero");
    assert_eq!(stream.read(&mut [0]).expect("nobody waits for the answer any more"), 0);
}

#[test]
fn either_side_leaves_a_namespace() {
    let (address, _) = serve(|_| {});
    let mut ws = websocket(address);
    // What came together with the farewell is ignored; later the namespace can be joined again.
    ws.send_all(["41", "42[\"message\",\"late\"]"]);
    ws.send("40");
    assert!(ws.text().starts_with("40{\"sid\""));
    assert_eq!(ws.text(), "42[\"auth\",{}]");
    ws.send("42[\"bye\"]");
    assert_eq!(ws.text(), "41");
    ws.send("40/nowhere");
    assert_eq!(ws.text(), "44/nowhere,{\"message\":\"Invalid namespace\"}");
    ws.send("40{\"token\":1}");
    assert!(ws.text().starts_with("40{\"sid\""));
    assert_eq!(ws.text(), "42[\"auth\",{\"token\":1}]");
    ws.send("42[\"bye-all\"]");
    assert_eq!(ws.text(), "41");
    ws.expect_close(None);

    let session = polling(address);
    session.send(&["42[\"bye-all\"]"]);
    session.expect("41");
    session.expect("6\u{1e}1");
    assert_eq!(session.get().status, 400);
}

#[test]
fn who_joins_nothing_is_closed() {
    let (address, server) = serve(|config| config.hub.connect_timeout = Duration::from_millis(50));
    let mut ws = Ws::connect(address, WEBSOCKET);
    assert!(ws.text().starts_with('0'));
    ws.expect_close(None);
    drop(ws);
    expect_nobody(&server);
}

#[test]
fn nothing_is_left_of_clients_that_vanish() {
    let (address, server) = serve(|_| {});
    let waiting = polling(address).start_get();
    let quiet = Http::connect(address);
    let posting = polling(address);
    let mut post = Http::connect(address);
    post.send(format!(
        "POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n42",
        posting.target
    ));
    let ws = websocket(address);
    let upgrading = polling(address).upgrade();
    assert_eq!(server.step(|state| state.census().1), 4);
    waiting.reset();
    quiet.shutdown_write();
    post.shutdown_write();
    drop((ws, upgrading, quiet, post));
    expect_nobody(&server);
}

#[test]
fn nobody_holds_a_thread_longer_than_patience() {
    let (address, server) = serve(|config| config.patience = Duration::from_millis(80));
    let _silent = Http::connect(address);
    let mut dripping = Http::connect(address);
    let mut torn = Http::connect(address);
    torn.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n42");
    // A refused WebSocket whose client never answers the close frame.
    let session = polling(address);
    let _ws = session.upgrade();
    let _second = Ws::connect(address, &session.upgrade_target());
    let end = Instant::now() + PATIENCE;
    // The dripping head, and all others, end although bytes come again and again; the good WebSocket stays.
    let mut head = "GET /".bytes().chain(std::iter::repeat(b'a'));
    while server.step(|state| state.census()) != (1, 1, 1) {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(10));
        if !dripping.is_quiet_for(Duration::from_millis(1)) {
            continue;
        }
        dripping.send([head.next().unwrap_or_default()]);
    }
}

#[test]
fn a_client_that_takes_nothing_is_dropped_while_others_go_on() {
    let (address, server) = serve(|_| {});
    let (_deaf, lazy, mut ws) = (websocket(address), polling(address), websocket(address));
    let event = format!("42[\"broadcast\",\"{}\"]", "x".repeat(500_000));
    let end = Instant::now() + PATIENCE;
    // What the system buffers for the deaf one comes on top of what the server does.
    while server.step(|state| state.census().2) > 1 {
        assert!(Instant::now() < end, "nobody is dropped");
        ws.send(&event);
        assert!(ws.text().starts_with("42[\"broadcast-back\",\"xxx"));
    }
    assert_eq!(lazy.get().status, 400);
    assert_echoes(&mut ws);
}
