//! What threads tell a shard.

mod mail;

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

pub(crate) use self::mail::{Errand, Mail, Order, RawOrder, RunHere, SessionOrder};

/// A shard's letter box. Any thread posts; the shard empties it once a turn, and is woken at most once in between.
pub(crate) struct Mailbox {
    /// `None` once nobody empties it any more.
    queue: Mutex<Option<Vec<Mail>>>,
    /// What was posted and is not worked off yet, by its weight.
    load: AtomicUsize,
    /// A wake is on its way, or the shard is about to look anyway.
    notified: AtomicBool,
    waker: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Mailbox {
    /// Posts a batch, in order, and leaves it empty.
    pub(crate) fn post(&self, batch: &mut Vec<Mail>) {
        if batch.is_empty() {
            return;
        }
        if let Some(queue) = &mut *self.queue() {
            self.load.fetch_add(batch.iter().map(Mail::weight).sum(), Ordering::Relaxed);
            queue.append(batch);
        }
        // Where nobody reads it, mail is dropped: outside of the lock, for it holds values of the application.
        batch.clear();
        self.wake();
    }

    pub(crate) fn post_one(&self, mail: Mail) {
        self.post(&mut vec![mail]);
    }

    /// Nobody will empty it any more: what is in it, and what still comes, is dropped.
    pub(crate) fn close(&self) {
        let rest = self.queue().take();
        self.load.store(0, Ordering::Relaxed);
        drop(rest);
    }

    /// Takes everything out.
    pub(crate) fn take(&self, mail: &mut Vec<Mail>) {
        // First the flag: whoever posts from here on wakes again.
        self.notified.store(false, Ordering::SeqCst);
        if let Some(queue) = &mut *self.queue() {
            mail.append(queue);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue().as_ref().is_none_or(Vec::is_empty)
    }

    /// Letters that were posted and are not worked off yet, large ones counted as several.
    pub(crate) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// So much of what was taken out is worked off.
    pub(crate) fn worked_off(&self, weight: usize) {
        self.load.fetch_sub(weight, Ordering::Relaxed);
    }

    /// How to wake the shard. Before it is known, mail just waits.
    pub(crate) fn set_waker(&self, waker: Box<dyn Fn() + Send + Sync>) {
        // A second run of the same server is refused elsewhere.
        let _ = self.waker.set(waker);
        if self.notified.load(Ordering::SeqCst) {
            // Somebody called before anybody could hear it.
            self.waker.get().into_iter().for_each(|wake| wake());
        }
    }

    /// Makes the shard look, also when there is no mail.
    pub(crate) fn wake(&self) {
        if !self.notified.swap(true, Ordering::SeqCst) {
            if let Some(wake) = self.waker.get() {
                wake();
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Option<Vec<Mail>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        let (notified, waker) = (AtomicBool::new(false), OnceLock::new());
        Self { queue: Mutex::new(Some(Vec::new())), load: AtomicUsize::new(0), notified, waker }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.queue().as_ref().map(Vec::len);
        f.debug_struct("Mailbox").field("waiting", &waiting).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod stress;

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use super::*;

    fn stop() -> Mail {
        Mail::Stop { deadline: Instant::now() }
    }

    #[test]
    fn many_letters_make_one_wake() {
        let (mailbox, wakes) = (Mailbox::default(), Arc::new(AtomicUsize::new(0)));
        let counter = wakes.clone();
        mailbox.post_one(stop());
        mailbox.set_waker(Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        let mut mail = Vec::new();
        assert_eq!(
            wakes.load(Ordering::SeqCst),
            1,
            "a call before the waker was known is not lost"
        );
        mailbox.take(&mut mail);
        assert_eq!(mail.len(), 1);
        for _ in 0..10 {
            mailbox.post_one(stop());
        }
        assert_eq!(wakes.load(Ordering::SeqCst), 2);
        mailbox.take(&mut mail);
        assert_eq!(mail.len(), 11);
        mailbox.post(&mut mail);
        assert!(mail.is_empty());
        assert_eq!(wakes.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_closed_mailbox_keeps_nothing() {
        let mailbox = Mailbox::default();
        mailbox.post_one(stop());
        mailbox.close();
        mailbox.post_one(stop());
        let mut mail = Vec::new();
        mailbox.take(&mut mail);
        assert!(mail.is_empty() && mailbox.is_empty());
    }
}
