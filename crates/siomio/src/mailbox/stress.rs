//! Many threads post, and one reads that looks only when it is woken, as a shard does that has nothing else to do.

use std::{
    sync::{
        Barrier, Condvar,
        atomic::{AtomicU64, AtomicUsize},
    },
    thread,
};

use super::*;

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
    let request = engine::RequestId { connection: sender, sequence: number };
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
    // Nobody posts anything more before all of a round was read, so nothing makes good for a wake that was lost.
    const SENDERS: u64 = 3;
    const ROUNDS: u64 = 20_000;
    let ((mailbox, bell), read) = (mailbox(), Arc::new(AtomicU64::new(0)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (mailbox, read) = (mailbox.clone(), read.clone());
            thread::spawn(move || {
                for number in 0..ROUNDS {
                    mailbox.post_one(letter(sender, number));
                    let until = Instant::now() + SOON;
                    while read.load(Ordering::Acquire) < (number + 1) * SENDERS {
                        if Instant::now() > until {
                            return;
                        }
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut clerk = Clerk::new(SENDERS);
    while clerk.read_in_all() < SENDERS * ROUNDS {
        bell.sleep();
        clerk.read(&mailbox);
        read.store(clerk.read_in_all(), Ordering::Release);
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert!(mailbox.is_empty());
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
