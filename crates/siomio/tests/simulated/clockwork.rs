//! Timers of the server, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{Server, Timer};
use siomio_testkit::sim::World;

const SECOND: Duration = Duration::from_secs(1);

/// What has happened, in order.
type Times = Arc<Mutex<Vec<&'static str>>>;

fn note(times: &Times, what: &'static str) {
    times.lock().unwrap().push(what);
}

fn noted(times: &Times) -> Vec<&'static str> {
    std::mem::take(&mut *times.lock().unwrap())
}

#[test]
fn timers_of_the_server_run_in_time_whoever_sets_and_cancels_them() {
    for shards in [1, 4] {
        let server = Server::builder().shards(shards).build();
        let times = Times::default();
        // Before it runs, and from another thread.
        let (once, often) = (times.clone(), times.clone());
        server.after(3 * SECOND, move |_| note(&once, "once"));
        let io = server.io();
        let beat: Timer =
            std::thread::spawn(move || io.every(2 * SECOND, move |_| note(&often, "beat")))
                .join()
                .unwrap();
        server.after(SECOND, |_| panic!("it was cancelled")).cancel();
        let (panics, late) = (times.clone(), times.clone());
        server.engine().on_panic(move |panic| {
            assert_eq!(panic.hook(), "timer");
            note(&panics, "panic");
        });
        server.after(5 * SECOND, move |io| {
            io.after(SECOND, move |_| note(&late, "later"));
            panic!("in vain");
        });
        let mut world = World::new(1, shards, server);
        world.run_until_quiet();
        world.advance(2 * SECOND - Duration::from_millis(1));
        assert_eq!(noted(&times), [""; 0]);
        world.advance(SECOND + Duration::from_millis(2));
        assert_eq!(noted(&times), ["beat", "once"]);
        world.advance(4 * SECOND);
        assert_eq!(noted(&times), ["beat", "panic", "beat", "later"]);
        beat.cancel();
        world.advance(10 * SECOND);
        assert_eq!(noted(&times), [""; 0]);
    }
}
