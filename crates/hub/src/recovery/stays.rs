//! When a socket was in its rooms, by places of the log.

use std::sync::Arc;

/// Stays that began or ended while the socket was connected: what a room was told before somebody came, or after they went, is not for
/// them, also when it is sent again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stays(Vec<Stay>);

#[derive(Clone, Debug)]
struct Stay {
    room: Arc<str>,
    from: u64,
    /// It lasts, if there is none.
    until: Option<u64>,
}

/// More stays that are over are not remembered: what was said during the oldest is not sent again.
const MAX_OVER: usize = 64;

impl Stays {
    pub(crate) fn begin(&mut self, room: &str, place: u64) {
        self.0.push(Stay { room: room.into(), from: place, until: None });
    }

    /// A stay ends. One that is not known has lasted since the socket was let in. What the log has `forgotten` need not be known.
    pub(crate) fn end(&mut self, room: &str, place: u64, forgotten: u64) {
        match self.0.iter_mut().find(|stay| stay.until.is_none() && *stay.room == *room) {
            Some(stay) => stay.until = Some(place),
            None => self.0.push(Stay { room: room.into(), from: 0, until: Some(place) }),
        }
        self.0.retain(|stay| stay.until.is_none_or(|until| until > forgotten));
        let over = self.0.iter().filter(|stay| stay.until.is_some()).count();
        if over > MAX_OVER {
            let oldest = self.0.iter().position(|stay| stay.until.is_some());
            oldest.map(|place| self.0.remove(place));
        }
    }

    /// Whether it was in a room at a place; `is_in_now` says that it is in the room in the end.
    pub(crate) fn include(&self, room: &str, place: u64, is_in_now: bool) -> bool {
        let mut began = false;
        for stay in self.0.iter().filter(|stay| *stay.room == *room) {
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
    fn what_the_log_has_forgotten_and_what_is_too_much_is_not_kept() {
        let mut stays = Stays::default();
        for place in 0..1000 {
            stays.begin("a", 10 * place);
            stays.end("a", 10 * place + 5, 0);
        }
        assert_eq!(stays.0.len(), MAX_OVER);
        assert!(stays.include("a", 9990, false) && !stays.include("a", 0, false));
        stays.begin("b", 10_000);
        stays.end("b", 10_001, 10_000);
        assert_eq!(stays.0.len(), 1);
    }
}
