//! Requests one behind the other on one connection, answered at any time and by anybody: the answers keep the order.

use std::sync::{Arc, Mutex};

use siomio::{Responder, Server};
use siomio_testkit::sim::{Random, SimHttp, World, seeds};

/// Requests that wait for somebody to answer them.
type Desk = Arc<Mutex<Vec<(String, Responder)>>>;

/// What is asked, and so, what has to be answered.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// A page, by its number.
    Page(usize),
    /// A new polling session.
    Session,
    /// A session that never was, on a shard that may be another than the connection's.
    Stranger,
}

fn server(shards: u8) -> (Server, Desk) {
    let (server, desk) = (Server::builder().shards(shards).build(), Desk::default());
    let incoming = desk.clone();
    server.http(move |request, responder| {
        incoming.lock().unwrap().push((request.path().to_owned(), responder));
    });
    (server, desk)
}

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0x919e);
    let shards = *random.pick(&[1, 4]);
    let (server, desk) = server(shards);
    let mut world = World::new(seed, shards, server);
    let mut http = SimHttp::connect(&mut world);
    let asks: Vec<Ask> = (0..random.between(0, 150))
        .map(|number| match random.below(8) {
            0 => Ask::Session,
            1 => Ask::Stranger,
            _ => Ask::Page(number),
        })
        .collect();
    for ask in &asks {
        let path = match ask {
            Ask::Page(number) => format!("/{number}"),
            Ask::Session => "/socket.io/?EIO=4&transport=polling".to_owned(),
            Ask::Stranger => {
                // The first eight bits of an id are its shard.
                let shard = *random.pick(&["AA", "AQ", "Ag", "Aw"]);
                let rest = "x".repeat(18);
                format!("/socket.io/?EIO=4&transport=polling&sid={shard}{rest}")
            }
        };
        http.request("GET", &path, &[], b"");
    }
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    http.request("GET", "/socket.io/?EIO=4&transport=websocket", &upgrade, b"");

    let mut answered = 0;
    loop {
        while answered <= asks.len() {
            let Some(response) = http.poll() else { break };
            match asks.get(answered) {
                Some(Ask::Page(number)) => assert_eq!(response.text(), format!("page /{number}")),
                Some(Ask::Session) => assert!(response.text().starts_with("0{"), "{response:?}"),
                Some(Ask::Stranger) => assert_eq!(response.status, 400, "{response:?}"),
                None => assert_eq!((response.status, answered), (101, asks.len())),
            }
            answered += 1;
        }
        let acted = world.random.one_in(3) && answer(&desk, &mut world.random);
        if !(acted || world.step() || answer(&desk, &mut world.random)) {
            break;
        }
    }
    assert_eq!(answered, asks.len() + 1, "everything is answered");
    let (wire, mut frames) = http.into_parts();
    frames.extend(wire.take());
    assert_eq!(frames.get(..1), Some(&b"\x81"[..]), "the WebSocket is open");
}

/// Answers any of the requests that wait; `false` if there is none.
fn answer(desk: &Desk, random: &mut Random) -> bool {
    let mut desk = desk.lock().unwrap();
    if desk.is_empty() {
        return false;
    }
    let any = random.below(desk.len());
    let (path, responder) = desk.swap_remove(any);
    responder.html(format!("page {path}"));
    true
}

#[test]
fn keeps_the_order_of_its_answers() {
    seeds(150, run);
}
