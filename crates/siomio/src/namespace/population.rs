//! How many are in a namespace.

use std::sync::{
    Arc,
    atomic::{AtomicIsize, AtomicUsize, Ordering},
};

/// The sockets of a namespace, those included that are being connected.
#[derive(Debug, Default)]
pub(crate) struct Population {
    /// [`CLOSED`] once the namespace is gone.
    sockets: AtomicUsize,
    /// Of a child: where it counts while nobody is in it.
    vacancies: Option<Arc<Vacancies>>,
}

const CLOSED: usize = usize::MAX;

/// How many children nobody is in, of all parents together.
///
/// A child and this change one after the other. So it may be off by those who come and go in between, one for each shard at most, and
/// even below zero; it is right again when they are done.
#[derive(Debug, Default)]
pub(crate) struct Vacancies(AtomicIsize);

impl Population {
    /// That of a child, which nobody is in yet.
    pub(crate) fn of_child(vacancies: &Arc<Vacancies>) -> Self {
        vacancies.0.fetch_add(1, Ordering::AcqRel);
        Self { sockets: AtomicUsize::new(0), vacancies: Some(vacancies.clone()) }
    }

    /// A socket comes. Returns `false` when the namespace is gone.
    pub(crate) fn enter(&self) -> bool {
        let more = |count: usize| (count != CLOSED).then(|| count + 1);
        let before = self.sockets.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        if before == Ok(0) {
            self.count_vacancy(-1);
        }
        before.is_ok()
    }

    /// A socket has gone. Tells whether it was the last.
    pub(crate) fn exit(&self) -> bool {
        let was_last = self.sockets.fetch_sub(1, Ordering::AcqRel) == 1;
        if was_last {
            self.count_vacancy(1);
        }
        was_last
    }

    /// Ends a namespace without sockets: nobody can enter it from now on. Returns `false` when somebody is in it.
    pub(crate) fn close(&self) -> bool {
        let was_empty =
            self.sockets.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if was_empty {
            self.count_vacancy(-1);
        }
        was_empty
    }

    fn count_vacancy(&self, more: isize) {
        if let Some(vacancies) = &self.vacancies {
            vacancies.0.fetch_add(more, Ordering::AcqRel);
        }
    }
}

impl Vacancies {
    pub(crate) fn are_more_than(&self, most: usize) -> bool {
        usize::try_from(self.0.load(Ordering::Acquire)).is_ok_and(|count| count > most)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Barrier, atomic::AtomicU32},
        thread,
    };

    use super::*;

    #[test]
    fn nobody_enters_what_is_closed_and_nobody_closes_what_somebody_is_in() {
        let own = Population::default();
        assert!(own.enter() && own.enter());
        assert!(!own.close());
        assert!(!own.exit(), "somebody is left");
        assert!(!own.close());
        assert!(own.exit(), "that was the last");
        assert!(own.enter() && own.exit(), "it is still open");
        assert!(own.close());
        assert!(!own.close(), "once");
        assert!(!own.enter());
    }

    #[test]
    fn a_child_is_vacant_until_somebody_comes_and_when_the_last_has_gone() {
        let vacancies = Arc::default();
        let count = |vacancies: &Arc<Vacancies>| vacancies.0.load(Ordering::SeqCst);
        let (one, two) = (Population::of_child(&vacancies), Population::of_child(&vacancies));
        assert_eq!(count(&vacancies), 2);
        assert!(vacancies.are_more_than(1) && !vacancies.are_more_than(2));
        assert!(one.enter() && one.enter());
        assert_eq!(count(&vacancies), 1);
        assert!(!one.close() && !one.exit());
        assert_eq!(count(&vacancies), 1);
        assert!(one.exit());
        assert_eq!(count(&vacancies), 2);
        assert!(one.close() && !one.close() && !one.enter());
        assert_eq!(count(&vacancies), 1);
        assert!(two.enter());
        assert!(!vacancies.are_more_than(0));
    }

    #[test]
    fn of_those_who_come_and_close_at_once_one_side_wins() {
        for _ in 0..200 {
            let vacancies = Arc::default();
            let own = Population::of_child(&vacancies);
            let (start, entered) = (Barrier::new(3), AtomicU32::new(0));
            let is_closed = thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        start.wait();
                        entered.fetch_add(u32::from(own.enter()), Ordering::SeqCst);
                    });
                }
                let closing = scope.spawn(|| {
                    start.wait();
                    own.close()
                });
                closing.join().unwrap()
            });
            // Whoever is in keeps it open; once it is closed nobody is in.
            assert_eq!(is_closed, entered.load(Ordering::SeqCst) == 0);
            assert!(is_closed || entered.load(Ordering::SeqCst) == 2);
            assert_eq!(vacancies.0.load(Ordering::SeqCst), 0, "either way it is not vacant");
        }
    }
}
