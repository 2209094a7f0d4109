//! What the server's handlers saw, and what was sent to rooms.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use siomio::Args;

/// Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    /// Which sockets are open, of all that ever were.
    sockets: BTreeMap<String, bool>,
    /// The number that is next to be heard on each.
    next: BTreeMap<String, u64>,
    /// What was asked of clients, and how often the outcome was told.
    questions: Vec<u32>,
    /// To which rooms each broadcast went.
    broadcasts: Vec<Vec<&'static str>>,
}

impl Ledger {
    pub(super) fn open(&self, id: &str, is_recovered: bool) {
        let before = self.pages().sockets.insert(id.to_owned(), true);
        let expected = is_recovered.then_some(false);
        assert_eq!(before, expected, "{id} is opened once, or once more when it comes back");
    }

    pub(super) fn close(&self, id: &str) {
        let before = self.pages().sockets.insert(id.to_owned(), false);
        assert_eq!(before, Some(true), "{id} is closed once");
    }

    /// A client says its numbers in order; what was lost with a connection is not said again on the next, which begins with `first`.
    pub(super) fn hear(&self, id: &str, first: u64, number: u64) {
        let mut pages = self.pages();
        assert_eq!(pages.sockets.get(id), Some(&true), "{id} is heard while it is open");
        let next = pages.next.entry(id.to_owned()).or_default();
        assert_eq!(number, first.max(*next), "{id} is heard in order");
        *next = number + 1;
    }

    /// The number after the last one that was heard of a socket.
    pub(super) fn heard(&self, id: &str) -> u64 {
        self.pages().next.get(id).copied().unwrap_or(0)
    }

    /// A client is going to be asked; returns the number of the question.
    pub(super) fn ask(&self) -> usize {
        let mut pages = self.pages();
        pages.questions.push(0);
        pages.questions.len() - 1
    }

    /// What came of a question: the client's answer, or none.
    pub(super) fn answer(&self, number: usize, answer: Option<Args>) {
        if let Some(answer) = answer {
            assert_eq!(answer.get::<usize>(0).ok(), Some(number), "it answers what it was asked");
        }
        self.pages().questions[number] += 1;
    }

    /// Notes a broadcast; returns its number.
    pub(super) fn broadcast(&self, rooms: &[&'static str]) -> usize {
        let mut pages = self.pages();
        pages.broadcasts.push(rooms.to_vec());
        pages.broadcasts.len() - 1
    }

    /// How many broadcasts there were.
    pub(super) fn broadcasts(&self) -> usize {
        self.pages().broadcasts.len()
    }

    /// The first broadcast from `number` on that goes to one of these rooms; or the number that the next one will have.
    pub(super) fn next_to(&self, own: &[String], number: usize) -> usize {
        let broadcasts = &self.pages().broadcasts;
        let later = broadcasts.iter().enumerate().skip(number);
        let mut matching = later.filter(|(_, rooms)| is_for(rooms, own));
        matching.next().map_or(broadcasts.len(), |(number, _)| number)
    }

    pub(super) fn goes_to(&self, number: usize, own: &[String]) -> bool {
        self.pages().broadcasts.get(number).is_some_and(|rooms| is_for(rooms, own))
    }

    pub(super) fn check_closed(&self) {
        let pages = self.pages();
        let open: Vec<_> = pages.sockets.iter().filter(|(_, is_open)| **is_open).collect();
        assert!(open.is_empty(), "{open:?} were never told to have closed");
    }

    pub(super) fn check_answered(&self) {
        let pages = self.pages();
        assert!(pages.questions.iter().all(|told| *told == 1), "{:?}", pages.questions);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // What failed first is told first.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_for(rooms: &[&str], own: &[String]) -> bool {
    own.iter().any(|own| rooms.contains(&&**own))
}
