//! Good requests one behind the other, then one in doubt, then more, in whatever pieces: the good ones are answered, the one
//! in doubt is refused, and nothing behind it is looked at.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{Responder, Server};
use siomio_testkit::sim::{End, Random, SimHttp, World, seeds};

/// Requests that are fine, and what the page saw of them: path and body.
const GOOD: [(&str, &str); 6] = [
    ("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "/a "),
    ("\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "/b "),
    ("POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "/c hello"),
    (
        "POST /d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n1\r\n!\r\n0\r\nT: x\r\n\r\n",
        "/d hi!",
    ),
    // What looks like a request is a body.
    (
        "PUT /e HTTP/1.1\r\nHost: h\r\nContent-Length: 36\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n/",
        "/e GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n/",
    ),
    ("GET /f HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/f "),
];

/// Requests in doubt.
const BAD: [(&str, u16); 8] = [
    (
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    (
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        400,
    ),
    ("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n folded\r\n\r\n", 400),
    ("GET /x HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400),
    ("GET /x HTTP/1.1\nHost: h\n\n", 400),
    ("GET /x HTTP/3.0\r\nHost: h\r\n\r\n", 505),
    ("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
];

/// Requests that wait for their answer.
type Desk = Arc<Mutex<Vec<Responder>>>;

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0x4057);
    let shards = *random.pick(&[1, 4]);
    let (server, seen) =
        (Server::builder().shards(shards).build(), Arc::new(Mutex::new(Vec::new())));
    let (log, desk) = (seen.clone(), Desk::default());
    let waiting = random.one_in(2).then(|| desk.clone());
    server.http(move |request, response| {
        log.lock().unwrap().push(format!("{} {}", request.path(), request.text()));
        match &waiting {
            Some(desk) => desk.lock().unwrap().push(response),
            None => response.text("page"),
        }
    });
    let mut world = World::new(seed, shards, server);
    let mut http = SimHttp::connect(&mut world);
    let good: Vec<_> = (0..random.below(20)).map(|_| *random.pick(&GOOD)).collect();
    let (bad, status) = *random.pick(&BAD);
    let mut stream: String = good.iter().map(|(request, _)| *request).collect();
    stream += bad;
    stream.extend((0..random.below(5)).map(|_| random.pick(&GOOD).0));
    http.send(stream.as_bytes());

    let mut answers = read_along(&mut world, &mut http);
    // The answers may come much later, and in any order.
    loop {
        let any = {
            let mut desk = desk.lock().unwrap();
            let place = (!desk.is_empty()).then(|| world.random.below(desk.len()));
            place.map(|place| desk.swap_remove(place))
        };
        let Some(responder) = any else { break };
        responder.text("page");
        answers.extend(read_along(&mut world, &mut http));
    }
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, good.iter().map(|(_, seen)| *seen).collect::<Vec<_>>());
    let expected: Vec<u16> = good.iter().map(|_| 200).chain([status]).collect();
    assert_eq!(answers, expected, "{bad}");
    assert_eq!(http.ended(), Some(End::Fin), "{bad}");
    world.advance(Duration::from_secs(10));
    assert_eq!(world.open_connections(), 0, "nobody waits for more");
}

/// Lets everything happen that can, and takes the answers as they come.
fn read_along(world: &mut World, http: &mut SimHttp) -> Vec<u16> {
    let mut answers = Vec::new();
    loop {
        let happened = world.step();
        let before = answers.len();
        answers.extend(std::iter::from_fn(|| http.poll()).map(|answer| answer.status));
        // What was taken makes room for more.
        if !happened && answers.len() == before && !world.step() {
            return answers;
        }
    }
}

#[test]
fn nothing_is_answered_behind_a_request_in_doubt() {
    seeds(300, run);
}
