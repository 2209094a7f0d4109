//! Requests that wait for a decision, decided about from a page, a timer or another request of the same shard, at any
//! moment: each is seen once, in its place, and what is behind it waits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{Next, Server};
use siomio_testkit::{
    http::Response,
    sim::{Random, SimHttp, World, seeds},
};

/// Requests that wait for their decision.
type Desk = Arc<Mutex<Vec<Next>>>;
/// What was seen of each connection, in order.
type Log = Arc<Mutex<BTreeMap<usize, Vec<usize>>>>;

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

fn server(shards: u8, desk: &Desk, log: &Log) -> Server {
    let server = Server::builder().shards(shards).build();
    let (queue, seen) = (desk.clone(), log.clone());
    server.engine().use_middleware(move |request, next| {
        let number = |name| request.query(name).map(|text| text.parse::<usize>().unwrap());
        let (Some(conn), Some(number)) = (number("conn"), number("n")) else {
            return next.proceed();
        };
        seen.lock().unwrap().entry(conn).or_default().push(number);
        let next = next.header("X-Number", number.to_string());
        // Some are decided at once, and some take others with them.
        match number % 4 {
            0 => next.proceed(),
            1 => {
                let other = queue.lock().unwrap().pop();
                other.into_iter().for_each(Next::proceed);
                queue.lock().unwrap().push(next);
            }
            _ => queue.lock().unwrap().push(next),
        }
    });
    let (queue, seen) = (desk.clone(), log.clone());
    server.http(move |request, response| {
        if let Some(conn) = request.query("conn") {
            let number = request.query("n").unwrap().parse().unwrap();
            seen.lock().unwrap().entry(conn.parse().unwrap()).or_default().push(number);
            return response.header("X-Number", number.to_string()).text("page");
        }
        let all = std::mem::take(&mut *queue.lock().unwrap());
        all.into_iter().for_each(Next::proceed);
        response.text("decided");
    });
    server
}

fn run(seed: u64) {
    let mut random = Random::new(seed ^ 0xdec1);
    let shards = *random.pick(&[1, 1, 3]);
    let (desk, log) = (Desk::default(), Log::default());
    let mut world = World::new(seed, shards, server(shards, &desk, &log));
    let mut clients: Vec<_> =
        (0..random.between(1, 4)).map(|_| SimHttp::connect(&mut world)).collect();
    let counts: Vec<usize> = clients.iter().map(|_| random.between(1, 12)).collect();
    let mut judge = SimHttp::connect(&mut world);
    let mut answers: Vec<Vec<Response>> = clients.iter().map(|_| Vec::new()).collect();
    let mut sent = vec![0; clients.len()];
    let mut rounds = 0;
    while answers.iter().zip(&counts).any(|(answers, count)| answers.len() < *count) {
        rounds += 1;
        assert!(rounds < 10_000, "somebody waits for ever: {:?}", log.lock().unwrap());
        let conn = random.below(clients.len());
        if sent[conn] < counts[conn] && random.one_in(2) {
            let number = sent[conn];
            sent[conn] += 1;
            // A page behind a request in doubt would be answered too early if it were looked at.
            let target = match random.one_in(3) {
                true => format!("/page?conn={conn}&n={number}"),
                false => format!("{POLLING}&conn={conn}&n={number}"),
            };
            let body = if random.one_in(2) {
                "GET /page?conn=9&n=9 HTTP/1.1\r\nHost: h\r\n\r\n"
            } else {
                ""
            };
            let method = if body.is_empty() { "GET" } else { "POST" };
            clients[conn].request(method, &target, &[], body.as_bytes());
        }
        if random.one_in(4) {
            judge.request("GET", "/decide", &[], b"");
        }
        for _ in 0..random.below(8) {
            world.step();
        }
        for (client, answers) in clients.iter_mut().zip(&mut answers) {
            answers.extend(std::iter::from_fn(|| client.poll()));
        }
        while judge.poll().is_some() {}
        if random.one_in(8) {
            world.advance(Duration::from_millis(1));
        }
    }
    for (conn, (answers, count)) in answers.iter().zip(&counts).enumerate() {
        let numbers: Vec<_> = answers.iter().map(|answer| answer.header("x-number")).collect();
        let expected: Vec<_> = (0..*count).map(|number| number.to_string()).collect();
        let expected: Vec<_> = expected.iter().map(|number| Some(number.as_str())).collect();
        assert_eq!(numbers, expected, "in order, each once");
        let seen = log.lock().unwrap().get(&conn).cloned().unwrap_or_default();
        assert_eq!(seen, (0..*count).collect::<Vec<_>>(), "in order, each once");
    }
    assert_eq!(log.lock().unwrap().get(&9), None, "a body is no request");
}

#[test]
fn a_request_keeps_its_place_until_it_is_decided() {
    seeds(300, run);
}
