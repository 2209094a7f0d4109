//! Much at once, and the end right behind it: everything before the end is heard.

use std::{
    cell::Cell,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{DisconnectReason, Server, Socket};
use siomio_testkit::{
    sim::{Random, SimHttp, SimWs, Tear, World, seeds},
    ws::Got,
};

/// The lengths of what was heard, and why it ended.
type Heard = Arc<Mutex<(Vec<usize>, Vec<DisconnectReason>)>>;

fn server() -> (Server, Heard) {
    let (server, heard) = (Server::builder().shards(1).build(), Heard::default());
    let log = heard.clone();
    server.on("much", move |_: &Socket, text: String| log.lock().unwrap().0.push(text.len()));
    let log = heard.clone();
    server.on_disconnect(move |_: &Socket, reason| log.lock().unwrap().1.push(reason));
    (server, heard)
}

/// A network with room for much, which arrives in whatever pieces.
fn wide(random: &mut Random) -> Tear {
    let delivery = *random.pick(&[usize::MAX, 1 << 16, (1 << 18) + 1, 100_000]);
    Tear { delivery, window: 1 << 22, balk: 5, spurious: 5, ..Tear::NONE }
}

/// Lengths that fill the buffer of a read several times over, or just, or just not.
fn lengths(random: &mut Random) -> Vec<usize> {
    let around = |random: &mut Random| random.pick(&[1 << 16, 1 << 18]) - 40 + random.below(80);
    (0..random.between(1, 12))
        .map(|_| match random.below(3) {
            0 => random.below(200),
            1 => around(random),
            _ => random.below(400_000),
        })
        .collect()
}

fn event(length: usize) -> String {
    format!(r#"42["much","{}"]"#, "x".repeat(length))
}

fn on_websocket(seed: u64) {
    let mut random = Random::new(seed ^ 0xf100d);
    let (server, heard) = server();
    let mut world = World::with_tear(seed, 1, server, wide(&mut random));
    let mut ws = SimWs::connect(&mut world, "/socket.io/?EIO=4&transport=websocket");
    wait_for(&mut world, &mut ws, "0{");
    ws.send("40");
    wait_for(&mut world, &mut ws, "40{");
    let lengths = lengths(&mut random);
    lengths.iter().for_each(|length| ws.send(&event(*length)));
    if random.one_in(2) {
        ws.wire().fin();
    } else {
        ws.close(None);
    }
    // No heartbeat may help.
    world.advance(Duration::from_secs(1));
    let heard = heard.lock().unwrap();
    assert_eq!(heard.0, lengths);
    assert_eq!(heard.1, [DisconnectReason::TransportClose]);
}

fn wait_for(world: &mut World, ws: &mut SimWs, start: &str) {
    loop {
        match ws.poll() {
            Some(Got::Text(text)) if text.starts_with(start) => return,
            None => assert!(world.step(), "nothing more happens"),
            Some(other) => panic!("{other:?} in place of {start}"),
        }
    }
}

fn on_polling(seed: u64) {
    let mut random = Random::new(seed ^ 0xf100d);
    let (server, heard) = server();
    let mut world = World::with_tear(seed, 1, server, wide(&mut random));
    let mut http = SimHttp::connect(&mut world);
    let target = Cell::new("/socket.io/?EIO=4&transport=polling".to_owned());
    let mut ask = |method: &str, body: &str| {
        let path = target.take();
        http.request(method, &path, &[], body.as_bytes());
        world.run_until_quiet();
        let response = http.poll().expect("an answer");
        assert_eq!(response.status, 200, "{response:?}");
        let text = response.text().to_owned();
        if let Some(handshake) = text.strip_prefix('0') {
            let json: serde_json::Value = serde_json::from_str(handshake).unwrap();
            target.set(format!("{path}&sid={}", json["sid"].as_str().unwrap()));
        } else {
            target.set(path);
        }
    };
    ask("GET", "");
    ask("POST", "40");
    ask("GET", "");
    // In several requests without waiting, none of them too large.
    let mut lengths = lengths(&mut random);
    lengths.truncate(2);
    let packets: Vec<String> = lengths.iter().map(|length| event(*length)).collect();
    http.request("POST", &target.take(), &[], packets.join("\u{1e}").as_bytes());
    http.request("GET", "/", &[], b"");
    http.wire().fin();
    world.advance(Duration::from_secs(1));
    assert_eq!(heard.lock().unwrap().0, lengths);
    let answers: Vec<u16> =
        std::iter::from_fn(|| http.poll()).map(|response| response.status).collect();
    assert_eq!(answers, [200, 404]);
    assert!(http.wire().is_gone(), "the connection is closed");
}

#[test]
fn is_heard_to_the_end_on_websocket() {
    seeds(60, on_websocket);
}

#[test]
fn is_heard_to_the_end_on_polling() {
    seeds(60, on_polling);
}

#[test]
fn a_flood_of_one_does_not_keep_another_waiting() {
    const MANY: usize = 200_000;
    let server = Server::builder().shards(1).build();
    let heard = Arc::new(Mutex::new(0));
    let count = heard.clone();
    server.on("flood", move |_: &Socket| *count.lock().unwrap() += 1);
    server.on("ask", |socket: &Socket| {
        socket.emit("answer", ());
    });
    let tear = Tear { delivery: usize::MAX, window: 1 << 24, ..Tear::NONE };
    let mut world = World::with_tear(1, 1, server, tear);
    let target = "/socket.io/?EIO=4&transport=websocket";
    let mut clients = [(); 2].map(|()| SimWs::connect(&mut world, target));
    world.run_until_quiet();
    for client in &mut clients {
        while client.poll().is_some() {}
        client.send("40");
    }
    world.run_until_quiet();
    let [flood, lone] = &mut clients;
    (0..MANY).for_each(|_| flood.send("42[\"flood\"]"));
    lone.send("42[\"ask\"]");
    let mut steps = 0;
    let answer = Got::Text("42[\"answer\"]".to_owned());
    while !std::iter::from_fn(|| lone.poll()).any(|got| got == answer) {
        assert!(world.step(), "it is answered");
        steps += 1;
    }
    let so_far = *heard.lock().unwrap();
    // What arrives in a turn, not what waits: 256 KiB in each.
    assert!(so_far < MANY / 2, "{so_far} of {MANY} came first, in {steps} steps");
    world.run_until_quiet();
    assert_eq!(*heard.lock().unwrap(), MANY, "and nothing is lost");
}
