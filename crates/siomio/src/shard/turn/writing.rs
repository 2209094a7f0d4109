//! What connections are told.

use std::io;

use super::{Shard, Stream};
use crate::{
    config::MAX_RESPONSES,
    shard::conn::{ConnKey, State, write_queue::Flush},
};

impl<S: Stream> Shard<S> {
    /// Writes before the end of the turn where much waits already: nobody could take it all at once then, and who takes nothing is
    /// noticed before there is more.
    pub(super) fn relieve(&mut self) {
        loop {
            let conn = self.local.core.borrow_mut().brimming.pop();
            let Some(conn) = conn else { return };
            self.flush(conn);
            self.local.settle();
        }
    }

    /// Writes what a connection has to say, and sees what is next for it.
    pub(super) fn flush(&mut self, conn: ConnKey) {
        let (flushed, progress) = {
            let mut core = self.local.core.borrow_mut();
            core.take_responses(conn, MAX_RESPONSES);
            let now = core.now;
            let Some(state) = core.conns.get_mut(conn) else { return };
            state.dirty = false;
            let Some(stream) = self.streams.get_mut(conn.index()).and_then(Option::as_mut) else {
                return;
            };
            let before = state.waiting();
            let flushed = match state.state {
                State::Dead => Err(io::ErrorKind::ConnectionAborted.into()),
                _ => state.flush(stream, now),
            };
            let sent = before.saturating_sub(state.waiting());
            self.local.counts.bytes_sent.add(sent as u64);
            state.count_waiting(&self.local.counts);
            (flushed, sent > 0)
        };
        match flushed {
            Ok(Flush::Done) => self.all_written(conn),
            Ok(Flush::Blocked) => {
                let mut core = self.local.core.borrow_mut();
                if core.blocked(conn, progress) {
                    core.drop_slow_consumer(conn);
                }
            }
            Err(_) => self.remove(conn, true),
        }
    }

    fn all_written(&mut self, conn: ConnKey) {
        let next = self.local.core.borrow_mut().after_flush(conn);
        match next {
            Next::Wait => {}
            Next::Write => self.local.core.borrow_mut().mark(conn),
            Next::Shutdown => {
                let stream = self.streams.get_mut(conn.index()).and_then(Option::as_mut);
                if stream.is_none_or(|stream| stream.shutdown_write().is_err()) {
                    self.remove(conn, true);
                } else {
                    // The peer may have ended its half long ago.
                    self.again.push(conn);
                }
            }
            Next::Feed(mut bytes) => self.local.feed(conn, &mut bytes),
        }
    }
}

/// What a connection does when everything is written.
pub(crate) enum Next {
    Wait,
    /// Something had to wait for room.
    Write,
    Shutdown,
    Feed(Vec<u8>),
}
