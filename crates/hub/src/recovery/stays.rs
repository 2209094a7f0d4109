//! When a socket was in its rooms, by places of the log.

use std::sync::Arc;

/// Stays that began or ended while the socket was connected: what a room was told before somebody came, or after they went, is not for
/// them, also when it is sent again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stays {
    noted: Vec<Stay>,
    /// What is known of places before this one is not all.
    known_from: u64,
}

#[derive(Clone, Debug)]
struct Stay {
    room: Arc<str>,
    from: u64,
    /// It lasts, if there is none.
    until: Option<u64>,
}

/// Of more stays that are over the oldest are forgotten.
const MAX_OVER: usize = 64;

impl Stays {
    pub(crate) fn begin(&mut self, room: &str, place: u64) {
        // Nothing was said while it was out.
        let unbroken = |stay: &&mut Stay| stay.until == Some(place) && *stay.room == *room;
        match self.noted.iter_mut().find(unbroken) {
            Some(stay) => stay.until = None,
            None => self.noted.push(Stay { room: room.into(), from: place, until: None }),
        }
    }

    /// A stay ends. One that is not known has lasted since the socket was let in. What the log has `forgotten` need not be known.
    pub(crate) fn end(&mut self, room: &str, place: u64, forgotten: u64) {
        match self.noted.iter_mut().find(|stay| stay.until.is_none() && *stay.room == *room) {
            Some(stay) => stay.until = Some(place),
            None => self.noted.push(Stay { room: room.into(), from: 0, until: Some(place) }),
        }
        // Nor need one in which nothing was said.
        self.noted.retain(|stay| stay.until.is_none_or(|until| until > forgotten.max(stay.from)));
        let over = self.noted.iter().filter(|stay| stay.until.is_some()).count();
        if over > MAX_OVER {
            let oldest = self.noted.iter().position(|stay| stay.until.is_some());
            let oldest = oldest.map(|place| self.noted.remove(place));
            let until = oldest.and_then(|stay| stay.until).unwrap_or_default();
            self.known_from = self.known_from.max(until);
        }
    }

    /// From which place on it can be told in which rooms the socket was: when it has moved very often, that of the oldest moves is
    /// forgotten.
    pub(crate) const fn known_from(&self) -> u64 {
        self.known_from
    }

    /// Whether it was in a room at a place; `is_in_now` says that it is in the room in the end.
    pub(crate) fn include(&self, room: &str, place: u64, is_in_now: bool) -> bool {
        let mut began = false;
        for stay in self.noted.iter().filter(|stay| *stay.room == *room) {
            began |= stay.until.is_none();
            if stay.from <= place && stay.until.is_none_or(|until| place < until) {
                return true;
            }
        }
        // One that began before the socket was let in is not noted.
        is_in_now && !began
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stay_has_a_beginning_and_an_end() {
        let mut stays = Stays::default();
        stays.begin("a", 3);
        assert_eq!([2, 3, 9].map(|place| stays.include("a", place, true)), [false, true, true]);
        stays.end("a", 5, 0);
        assert_eq!(
            [2, 3, 4, 5].map(|place| stays.include("a", place, false)),
            [false, true, true, false]
        );
        stays.begin("a", 7);
        assert_eq!([4, 6, 7].map(|place| stays.include("a", place, true)), [true, false, true]);
    }

    #[test]
    fn one_that_is_not_known_has_always_been() {
        let mut stays = Stays::default();
        assert!(stays.include("a", 0, true) && !stays.include("a", 0, false));
        stays.end("a", 5, 0);
        assert_eq!([0, 4, 5].map(|place| stays.include("a", place, false)), [true, true, false]);
    }

    #[test]
    fn stays_in_which_nothing_was_said_are_one_or_none() {
        let mut stays = Stays::default();
        for _ in 0..1000 {
            stays.begin("a", 5);
            stays.end("a", 5, 0);
        }
        assert!(stays.noted.is_empty());
        // In since it was let in, and out again and again only while nothing was said.
        for place in 10..1000 {
            stays.end("b", place, 0);
            stays.begin("b", place);
        }
        stays.end("b", 1000, 0);
        assert_eq!((stays.noted.len(), stays.known_from()), (1, 0));
        assert!(stays.include("b", 1, false) && stays.include("b", 999, false));
    }

    #[test]
    fn what_the_log_has_forgotten_and_what_is_too_much_is_not_kept() {
        let mut stays = Stays::default();
        for place in 0..1000 {
            stays.begin("a", 10 * place);
            stays.end("a", 10 * place + 5, 0);
        }
        assert_eq!(stays.noted.len(), MAX_OVER);
        assert!(stays.include("a", 9990, false) && !stays.include("a", 0, false));
        // It is known that this is not known.
        assert_eq!(stays.known_from(), 10 * (999 - MAX_OVER as u64) + 5);
        assert!(stays.include("a", stays.known_from() + 5, false));
        stays.begin("b", 10_000);
        stays.end("b", 10_001, 10_000);
        assert_eq!(stays.noted.len(), 1);
    }
}
