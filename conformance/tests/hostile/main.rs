//! Hostile peers in great numbers, against a server in a process of its own.
//!
//! What a single request or frame is answered is the matter of the other suites. Here the server has to stay alive, to serve
//! everybody else at once, to keep to a bound of memory while it is attacked, and to have forgotten the attack when it is over.
//! Its memory and its connections are read from outside, so they are the truth, and so this is for Linux alone.
//!
//! ```text
//!   peers ── attack ──► server, a process ◄── /proc: memory, connections
//!                         ▲
//!   bystander, newcomers ─┘ served within seconds, all the time
//! ```
#![cfg(target_os = "linux")]

mod abandoned;
mod attachments;
mod bystanders;
mod floods;
mod formats;
mod frames;
mod lengths;
mod packets;
mod peer;
mod queries;
mod slow;
mod smuggling;
mod upgrades;
mod victim;

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use siomio_testkit::PATIENCE;

use crate::{
    bystanders::{Guest, serves_newcomers},
    victim::Victim,
};

const PATH: &str = "/socket.io/";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The largest message that is taken, unless the attack needs another limit.
const MAX_PAYLOAD: usize = 1_000_000;

/// What a connection may cost whose peer has said little: its state, and a buffer that is being filled.
const IDLE: usize = 16 * KIB;

/// What memory may vary by without meaning anything: newcomers that are served meanwhile, and what the allocator keeps.
const NOISE: usize = 8 * MIB;

/// What a shard keeps on purpose, to use it again.
const SPARE: usize = 8 * MIB;

/// How often an attack is repeated whose memory does not come back, until it needs no more.
const ROUNDS: usize = 4;

/// How long an attack goes on at least.
const SIEGE: Duration = Duration::from_millis(200);

/// Sessions that have said nothing for so long are over.
const SILENCE: Duration = Duration::from_millis(2_800);

/// Whoever has ended is gone then: the server waits five seconds for those that it has ended.
const LINGERING: Duration = Duration::from_secs(15);

/// At once, on a machine that has other things to do, too.
const SOON: Duration = Duration::from_secs(4);

/// Attacks the server, with one shard and with four, while others are served.
///
/// The attack is repeated for a while, and may cost so much memory as long as it lasts. Whenever the closure returns its
/// connections are dropped; what it leaves on the server has to go by itself.
fn besiege(settings: &[(&str, &str)], cost: usize, attack: impl Fn(&Victim)) {
    let _turn = Turn::wait();
    for shards in [1, 4] {
        println!("with {shards} shards");
        let victim = Victim::start(&[&[("SHARDS", &*shards.to_string())], settings].concat());
        let mut bystander = Guest::join(victim.address, "/custom");
        for _ in 0..4 {
            serves_newcomers(victim.address);
        }
        are_gone(&victim, &mut bystander);
        let calm = victim.memory();

        let times = endure(&victim, &mut bystander, &attack, None);
        let peak = victim.peak() - calm;
        println!("  {} KiB at most", peak / KIB);
        // What one shard keeps to use again is spent on the attack; others may have kept theirs from its beginning.
        let most = cost + NOISE + (shards - 1) * SPARE;
        assert!(peak <= most, "{} KiB of memory, and {} at most", peak / KIB, most / KIB);
        are_gone(&victim, &mut bystander);
        let mut rounds = 0;
        while !is_back(&victim, &mut bystander, calm + NOISE + shards * SPARE) {
            // Nobody is there any more. What the allocator has kept has to do for the same again, once it has
            // learned how the attack spreads over the shards; what is lost is lost every time.
            assert!(rounds < ROUNDS, "{} KiB at first, and then more every time", peak / KIB);
            rounds += 1;
            let before = victim.peak();
            endure(&victim, &mut bystander, &attack, Some(times));
            are_gone(&victim, &mut bystander);
            let more = victim.peak() - before;
            println!("  {} KiB more", more / KIB);
            if more <= NOISE {
                break;
            }
        }
    }
}

/// Is attacked so often, or else for a while, and serves others meanwhile and behind it. Returns how often it was attacked.
fn endure(
    victim: &Victim,
    bystander: &mut Guest,
    attack: &impl Fn(&Victim),
    times: Option<u32>,
) -> u32 {
    let begun = Instant::now();
    let over = AtomicBool::new(false);
    let mut attacks = 0;
    let served = thread::scope(|scope| {
        let others = scope.spawn(|| serve_until(&over, victim, bystander));
        let ending = Ending(&over);
        while times.map_or_else(|| begun.elapsed() < SIEGE, |times| attacks < times) {
            attack(victim);
            attacks += 1;
        }
        drop(ending);
        others.join().expect("others are served meanwhile")
    });
    println!("  {:?}, {attacks} attacks, others were served {served} times", begun.elapsed());
    assert!(victim.is_alive(), "the server has ended");
    serves_newcomers(victim.address);
    bystander.is_served();
    attacks
}

/// Waits until nobody but the bystander is there.
fn are_gone(victim: &Victim, bystander: &mut Guest) {
    let deadline = Instant::now() + LINGERING;
    while victim.connections() != 1 {
        bystander.is_served();
        assert!(Instant::now() < deadline, "{} connections are left", victim.connections() - 1);
    }
}

/// Waits until the system has got its memory back, as long as there may be sessions whose time is not over; returns whether it has.
fn is_back(victim: &Victim, bystander: &mut Guest, most: usize) -> bool {
    let over = Instant::now() + SILENCE;
    while victim.memory() > most && Instant::now() < over {
        bystander.is_served();
        thread::sleep(Duration::from_millis(10));
    }
    println!("  {} KiB are left, {} KiB are fine", victim.memory() / KIB, most / KIB);
    victim.memory() <= most
}

/// Says that the attack is over, also when it fails.
struct Ending<'o>(&'o AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Serves those who mean well, over and over; returns how often.
fn serve_until(over: &AtomicBool, victim: &Victim, bystander: &mut Guest) -> usize {
    let mut rounds = 0;
    while rounds == 0 || !over.load(Ordering::Acquire) {
        bystander.is_served();
        serves_newcomers(victim.address);
        rounds += 1;
        // The attackers need the processor, too.
        thread::sleep(Duration::from_millis(5));
    }
    rounds
}

/// Two attacks at a time: each has hundreds of connections, and the system has descriptors for so many.
struct Turn;

static TURNS: (Mutex<u8>, Condvar) = (Mutex::new(2), Condvar::new());

impl Turn {
    fn wait() -> Self {
        let free = TURNS.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = TURNS.1.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TURNS.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        TURNS.1.notify_one();
    }
}

/// Looks again and again until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
