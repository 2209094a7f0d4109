//! When sessions end, to the instant, with the default heartbeat and on any network.

use std::time::Duration;

use siomio::{Server, Socket};
use siomio_testkit::{
    http::Response,
    sim::{Random, SimHttp, World, seeds},
};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
/// Alarms may be a little late, never early, and the network takes its time.
const LATE: Duration = Duration::from_millis(500);

/// A session that was opened a moment ago, and a connection for its requests.
struct Fresh {
    world: World,
    http: SimHttp,
    target: String,
}

impl Fresh {
    fn open(seed: u64) -> Self {
        let shards = *Random::new(seed ^ 0x5e55).pick(&[1, 4]);
        // To join no namespace would end it, too.
        let server = Server::builder().shards(shards).connect_timeout(Duration::MAX).build();
        server.on_connect(|socket: &Socket| socket.disconnect(true));
        let mut world = World::new(seed, shards, server);
        let http = SimHttp::connect(&mut world);
        let mut fresh = Self { world, http, target: POLLING.to_owned() };
        let opened = fresh.ask("GET", b"");
        let open: serde_json::Value =
            serde_json::from_str(&opened.text()[1..]).expect("a handshake");
        fresh.target = format!("{POLLING}&sid={}", open["sid"].as_str().expect("an id"));
        fresh
    }

    /// The answer to a request, for which no time has to pass.
    fn ask(&mut self, method: &str, body: &[u8]) -> Response {
        self.http.request(method, &self.target, &[], body);
        self.world.run_until_quiet();
        self.http.poll().expect("an answer at once")
    }

    fn sessions(&self) -> usize {
        self.world.population().iter().map(|[_, sessions, ..]| sessions).sum()
    }
}

#[test]
fn a_silent_one_is_not_found_at_its_last_instant_although_no_alarm_was_served() {
    seeds(60, |seed| {
        let mut fresh = Fresh::open(seed);
        // The interval and the timeout, from a moment after the handshake: whatever comes now comes too late.
        fresh.world.advance(Duration::from_secs(25 + 20));
        let response = fresh.ask("GET", b"");
        assert_eq!(response.text(), r#"{"code":1,"message":"Session ID unknown"}"#);
    });
}

#[test]
fn a_silent_one_lives_until_then() {
    seeds(20, |seed| {
        let mut fresh = Fresh::open(seed);
        fresh.world.advance(Duration::from_secs(25 + 20) - LATE);
        assert_eq!(fresh.ask("GET", b"").text(), "2");
        fresh.world.advance(2 * LATE);
        assert_eq!(fresh.sessions(), 0);
    });
}

#[test]
fn a_closing_one_waits_half_a_minute_for_a_get() {
    seeds(20, |seed| {
        let mut fresh = Fresh::open(seed);
        assert_eq!(fresh.ask("POST", b"40").text(), "ok");
        fresh.world.advance(Duration::from_secs(30) - LATE);
        assert_eq!(fresh.sessions(), 1);
        fresh.world.advance(2 * LATE);
        assert_eq!(fresh.sessions(), 0);
    });
}
