//! How long a client may take over HTTP, to the second, with the default settings and on any network.

use std::time::Duration;

use siomio::Server;
use siomio_testkit::sim::{End, Random, SimHttp, World, seeds};

/// A client whose every second can be watched.
struct Slow {
    world: World,
    http: SimHttp,
}

/// Alarms may be a little late, never early, and the network takes its time.
const LATE: Duration = Duration::from_millis(500);

impl Slow {
    fn connect(seed: u64) -> Self {
        let shards = *Random::new(seed ^ 0x510).pick(&[1, 4]);
        let server = Server::builder().shards(shards).build();
        server.http(|request, response| response.text(request.body().len().to_string()));
        let mut world = World::new(seed, shards, server);
        let http = SimHttp::connect(&mut world);
        Self { world, http }
    }

    /// Sends one byte of this every second, for so many seconds, and hears nothing.
    fn drip(&mut self, byte: &[u8], seconds: u32) {
        for second in 0..seconds {
            self.http.send(byte);
            self.world.advance(Duration::from_secs(1));
            assert_eq!(self.http.poll(), None, "after {second} s");
            assert_eq!(self.http.ended(), None, "after {second} s");
        }
    }

    /// Nothing happens until the moment comes, but then.
    fn wait(&mut self, seconds: u64) {
        self.world.advance(Duration::from_secs(seconds) - LATE);
        assert_eq!(self.http.poll(), None);
        assert_eq!(self.http.ended(), None);
        self.world.advance(2 * LATE);
    }

    fn ask(&mut self, path: &str) -> String {
        self.http.request("GET", path, &[], b"");
        self.world.run_until_quiet();
        self.http.poll().expect("an answer").text().to_owned()
    }

    /// The last word was that it took too long.
    fn assert_late(&mut self) {
        let response = self.http.poll().expect("an answer");
        assert_eq!(response.status, 408);
        assert_eq!(response.header("connection"), Some("close"));
        self.assert_silent();
    }

    fn assert_silent(&mut self) {
        assert_eq!(self.http.poll(), None);
        assert_eq!(self.http.ended(), Some(End::Fin));
    }
}

#[test]
fn a_connection_without_a_request() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        slow.wait(60);
        slow.assert_silent();
    });
}

#[test]
fn empty_lines_are_no_request() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        slow.http.send(b"\r\n\r\n");
        slow.wait(60);
        slow.assert_silent();
    });
}

#[test]
fn a_first_head_counts_from_the_connection() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        slow.drip(b"", 20);
        slow.http.send(b"GET /");
        slow.drip(b"a", 39);
        slow.wait(1);
        slow.assert_late();
    });
}

#[test]
fn a_later_head_counts_from_its_first_byte() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        assert_eq!(slow.ask("/"), "0");
        slow.drip(b"", 40);
        slow.http.send(b"GET / HTTP/1.1\r\nA: ");
        slow.drip(b"a", 59);
        slow.wait(1);
        slow.assert_late();
    });
}

#[test]
fn a_body_counts_from_the_first_byte_of_its_head() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        slow.http.send(b"POST / HTTP/1.1\r\nHost: h\r\n");
        slow.drip(b"", 50);
        slow.http.send(b"Transfer-Encoding: chunked\r\n\r\n");
        slow.drip(b"1\r\nx\r\n", 249);
        slow.wait(1);
        slow.assert_late();
    });
}

#[test]
fn a_body_of_a_later_request_does_not_count_from_the_connection() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        assert_eq!(slow.ask("/"), "0");
        slow.drip(b"", 50);
        slow.http.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999\r\n\r\n");
        slow.drip(b"x", 299);
        slow.wait(1);
        slow.assert_late();
    });
}

#[test]
fn the_rest_of_a_request_that_was_answered_is_not_waited_for_any_longer() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        let target = "/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA";
        slow.http.send(
            format!("POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: 999\r\n\r\n").as_bytes(),
        );
        slow.world.run_until_quiet();
        assert_eq!(slow.http.poll().expect("an answer").status, 400);
        slow.drip(b"x", 299);
        slow.wait(1);
        slow.assert_silent();
    });
}

#[test]
fn a_connection_between_requests() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        for _ in 0..3 {
            assert_eq!(slow.ask("/"), "0");
            slow.drip(b"", 64);
        }
        slow.wait(1);
        slow.assert_silent();
    });
}

#[test]
fn a_get_that_waits_does_so_until_the_heartbeat() {
    seeds(20, |seed| {
        let mut slow = Slow::connect(seed);
        let open = slow.ask("/socket.io/?EIO=4&transport=polling");
        let open: serde_json::Value = serde_json::from_str(&open[1..]).expect("a handshake");
        let sid = open["sid"].as_str().expect("an id");
        let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        slow.http.request("POST", &target, &[], b"40");
        slow.world.run_until_quiet();
        assert_eq!(slow.http.poll().expect("an answer").text(), "ok");
        assert!(slow.ask(&target).starts_with("40"));
        slow.http.request("GET", &target, &[], b"");
        // Half a request behind it has its own deadline, and its word comes in its turn.
        slow.http.send(b"GET / HT");
        slow.wait(25);
        assert_eq!(slow.http.poll().expect("an answer").text(), "2");
        slow.world.advance(Duration::from_secs(60));
        slow.assert_late();
    });
}
