//! Many threads post, and one reads that looks only when it is woken, as a shard does that has nothing else to do.

use std::{
    sync::{Arc, Barrier, Condvar, atomic::AtomicU64},
    thread,
    time::{Duration, Instant},
};

use siomio_engine::RequestId;
use siomio_http::Response;

use super::*;
use crate::Io;

/// What sleeps until it is woken, like a poll of the operating system: a wake that comes before is not lost, and many are one.
#[derive(Default)]
struct Bell {
    rings: Mutex<bool>,
    rung: Condvar,
    /// How often it was rung.
    count: AtomicUsize,
}

const SOON: Duration = Duration::from_secs(10);

impl Bell {
    fn ring(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        *self.rings.lock().unwrap() = true;
        self.rung.notify_one();
    }

    fn sleep(&self) {
        let rings = self.rings.lock().unwrap();
        let (mut rings, wait) = self.rung.wait_timeout_while(rings, SOON, |rings| !*rings).unwrap();
        assert!(!wait.timed_out(), "a wake was lost");
        *rings = false;
    }
}

fn mailbox() -> (Arc<Mailbox>, Arc<Bell>) {
    let (mailbox, bell) = (Arc::new(Mailbox::default()), Arc::new(Bell::default()));
    let ringer = bell.clone();
    mailbox.set_waker(Box::new(move || ringer.ring()));
    (mailbox, bell)
}

/// A letter that says who has sent it, and which of its letters it is.
fn letter(sender: u64, number: u64) -> Mail {
    let request = RequestId { connection: sender, sequence: number };
    Mail::Respond { request, response: Response::new(200) }
}

/// Reads letters, of which each sender's must be numbered without a gap.
struct Clerk {
    next: Vec<u64>,
    mail: Vec<Mail>,
}

impl Clerk {
    fn new(senders: u64) -> Self {
        Self { next: vec![0; senders as usize], mail: Vec::new() }
    }

    fn read(&mut self, mailbox: &Mailbox) {
        mailbox.take(&mut self.mail);
        for letter in self.mail.drain(..) {
            let Mail::Respond { request, .. } = letter else { panic!("{letter:?}") };
            let next = &mut self.next[request.connection as usize];
            assert_eq!(request.sequence, *next, "of sender {}", request.connection);
            *next += 1;
        }
    }

    fn read_in_all(&self) -> u64 {
        self.next.iter().sum()
    }
}

#[test]
fn the_last_letter_wakes_however_it_meets_the_reader() {
    // Two letters, the second of which comes at any moment of the reader's work on the first. Nothing is posted before both were read, so
    // nothing makes good for a wake that was lost.
    const ROUNDS: u64 = 100_000;
    let (mailbox, woken) = (Arc::new(Mailbox::default()), Arc::new(AtomicBool::new(false)));
    let (ringer, read) = (woken.clone(), Arc::new(AtomicU64::new(0)));
    mailbox.set_waker(Box::new(move || ringer.store(true, Ordering::Release)));
    let (own, seen) = (mailbox.clone(), read.clone());
    let sender = thread::spawn(move || {
        for round in 0..ROUNDS {
            own.post_one(letter(0, 2 * round));
            (0..round % 300).for_each(|_| std::hint::spin_loop());
            own.post_one(letter(0, 2 * round + 1));
            if !spin_until(|| seen.load(Ordering::Acquire) == 2 * round + 2) {
                return;
            }
        }
    });
    let mut clerk = Clerk::new(1);
    while clerk.read_in_all() < 2 * ROUNDS {
        let is_woken = spin_until(|| woken.swap(false, Ordering::AcqRel));
        assert!(is_woken, "a wake was lost after {} letters", clerk.read_in_all());
        clerk.read(&mailbox);
        read.store(clerk.read_in_all(), Ordering::Release);
    }
    sender.join().unwrap();
    assert!(mailbox.is_empty());
}

/// Waits without giving the processor away, which would take longer than what it waits for; `false` when it takes too long.
fn spin_until(is_so: impl Fn() -> bool) -> bool {
    let mut spins = 0_u64;
    let until = Instant::now() + SOON;
    while !is_so() {
        spins += 1;
        std::hint::spin_loop();
        // The other may be waiting for this processor.
        if spins % 20_000 == 0 {
            thread::yield_now();
            if Instant::now() > until {
                return false;
            }
        }
    }
    true
}

#[test]
fn nothing_is_lost_or_doubled_and_each_thread_keeps_its_order() {
    const SENDERS: u64 = 4;
    const LETTERS: u64 = 40_000;
    let (mailbox, bell) = mailbox();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                let mut number = 0;
                while number < LETTERS {
                    // Letters, batches of any size, and calls without a letter.
                    let size = (number * 7 + sender) % 6;
                    let mut batch: Vec<_> = (number..LETTERS.min(number + size))
                        .map(|number| letter(sender, number))
                        .collect();
                    number += batch.len() as u64;
                    mailbox.post(&mut batch);
                    assert!(batch.is_empty());
                    if number < LETTERS {
                        mailbox.post_one(letter(sender, number));
                        number += 1;
                    }
                    mailbox.wake();
                }
            })
        })
        .collect();
    let mut clerk = Clerk::new(SENDERS);
    while clerk.read_in_all() < SENDERS * LETTERS {
        bell.sleep();
        clerk.read(&mailbox);
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    clerk.read(&mailbox);
    assert_eq!(clerk.next, vec![LETTERS; SENDERS as usize]);
    let rings = bell.count.load(Ordering::Relaxed) as u64;
    assert!(rings < SENDERS * LETTERS, "{rings} wakes: each letter had one of its own");
}

#[test]
fn what_is_posted_while_it_closes_is_dropped_or_read_and_never_kept() {
    const SENDERS: usize = 3;
    for round in 0..300 {
        let (mailbox, _) = mailbox();
        let (parcel, start) = (Arc::new(()), Arc::new(Barrier::new(SENDERS + 1)));
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                let (mailbox, parcel, start) = (mailbox.clone(), parcel.clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    for _ in 0..50 {
                        let parcel = parcel.clone();
                        let run = Box::new(move |_: &Io| drop(parcel));
                        let errand = Errand::Once(run);
                        mailbox.post_one(Mail::SetTimer {
                            serial: 0,
                            delay: Duration::ZERO,
                            errand,
                        });
                    }
                })
            })
            .collect();
        start.wait();
        let mut mail = Vec::new();
        if round % 2 == 0 {
            mailbox.take(&mut mail);
        }
        mailbox.close();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert!(mailbox.is_empty());
        assert_eq!(Arc::strong_count(&parcel), 1 + mail.len(), "round {round}");
    }
}
