//! Nobody keeps the others waiting by what it makes us do.
//!
//! What a client sends costs what the application makes of it: an event of twenty bytes may be passed on to thousands. So what one
//! connection has brought is worked on for a while and then put off until the next turn, and it is put off when more comes of it
//! for another shard than that one gets done.

use std::time::{Duration, Instant};

use super::ConnKey;
use crate::shard::{core::Core, local::Local};

/// How long the work may take that a connection brings in one turn, and the mail of one turn.
pub(crate) const SHARE: Duration = Duration::from_millis(10);
/// So many frames, or letters, are worked off between two looks at the clock.
pub(crate) const LOOK_EVERY: usize = 16;
/// How soon is looked whether a shard has got through with its mail.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// Letters that may wait for another shard before nobody brings more. They are waited for until half of them are worked off.
const CONGESTED: usize = 4096;
/// For so long a connection is put off for that at most: then a little of it is worked on all the same, for the sake of its heartbeat.
const PUT_OFF: Duration = Duration::from_secs(1);

/// What a connection has brought, while it is worked on.
pub(crate) struct Piece {
    frames: usize,
    began: Option<Instant>,
    /// How many letters there were for other shards before.
    letters: u64,
}

impl Local {
    pub(super) fn begin_piece(&self) -> Piece {
        Piece { frames: 0, began: None, letters: self.letters.get() }
    }

    /// Puts off the rest of what a WebSocket has brought, if what came of it so far is enough for this turn.
    pub(super) fn is_enough(&self, conn: ConnKey, piece: &mut Piece, rest: &[u8]) -> bool {
        piece.frames += 1;
        let is_late = piece.frames % LOOK_EVERY == 0 && {
            let now = self.clock();
            now.saturating_duration_since(*piece.began.get_or_insert(now)) > SHARE
        };
        let has_written = self.letters.get() != piece.letters;
        if !is_late && !has_written {
            return false;
        }
        let mut core = self.core.borrow_mut();
        let is_congested = has_written && core.is_congested();
        if !is_late && !is_congested {
            return false;
        }
        let until = core.now + if is_congested { PUT_OFF } else { Duration::ZERO };
        core.put_off(conn, until, rest)
    }
}

impl Core {
    /// Lets a WebSocket wait with the rest of what it has brought, or HTTP with what it is about to bring.
    fn put_off(&mut self, conn: ConnKey, until: Instant, rest: &[u8]) -> bool {
        let Some(state) = self.conns.get_mut(conn) else { return false };
        if !rest.is_empty() {
            let Some(websocket) = state.websocket_mut() else { return false };
            websocket.delayed_mut().unread = Some(rest.into());
        }
        if !std::mem::replace(&mut state.is_put_off, true) {
            self.put_off.push_back((until, conn));
        }
        true
    }

    /// Lets HTTP wait: a request may be for as much work as fits into it, and is not interrupted.
    pub(super) fn puts_off_http(&mut self, conn: ConnKey) -> bool {
        self.is_congested() && self.put_off(conn, self.now + PUT_OFF, &[])
    }

    /// The next of so many connections that were put off that need not wait any longer, and what it had brought.
    pub(crate) fn next_put_off(&mut self, look_at: &mut usize) -> Option<(ConnKey, Box<[u8]>)> {
        while *look_at > 0 {
            *look_at -= 1;
            let (until, conn) = self.put_off.pop_front()?;
            if until > self.now && self.waiting_letters() > CONGESTED / 2 {
                self.put_off.push_back((until, conn));
                continue;
            }
            let Some(state) = self.conns.get_mut(conn) else { continue };
            state.is_put_off = false;
            let websocket = state.websocket_mut();
            let unread = websocket.and_then(|it| it.take_delayed(|delayed| &mut delayed.unread));
            return Some((conn, unread.unwrap_or_default()));
        }
        None
    }

    /// When to look at those that were put off.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        let first = self.put_off.iter().map(|(until, _)| *until).min()?;
        Some(first.min(self.now + LOOK_AGAIN))
    }

    fn is_congested(&self) -> bool {
        self.waiting_letters() > CONGESTED
    }

    /// Letters for the other shard that has most of them, large ones counted as several.
    fn waiting_letters(&self) -> usize {
        let others = (0..).zip(&self.outboxes).filter(|(shard, _)| *shard != self.index);
        let waiting =
            others.map(|(shard, outbox)| outbox.len() + self.shared.mailbox(shard).load());
        waiting.max().unwrap_or_default()
    }
}
