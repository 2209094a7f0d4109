//! What connections say, and that they end.

use std::io;

use super::{BUFFER, HTTP_READ, Shard, Stream};
use crate::shard::conn::{ConnKey, Recipient, State};

impl<S: Stream> Shard<S> {
    /// Reads a connection; `drain` says that a short read does not mean the end.
    pub(super) fn read(&mut self, conn: ConnKey, drain: bool) {
        let mut budget = BUFFER;
        while budget > 0 {
            let most = self.local.core.borrow_mut().may_read(conn);
            let Some(most) = most else {
                if drain {
                    self.look_for_end(conn);
                }
                return;
            };
            let size = most.min(budget);
            let Some(stream) = self.streams.get_mut(conn.index()).and_then(Option::as_mut) else {
                return;
            };
            match stream.read(&mut self.buffer[..size]) {
                Ok(0) => return self.end_of_stream(conn),
                Ok(count) => {
                    self.local.counts.bytes_received.add(count as u64);
                    self.local.feed(conn, &mut self.buffer[..count]);
                    self.relieve();
                    if count < size && !drain {
                        return;
                    }
                    budget -= count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.remove(conn, true),
            }
        }
        self.again.push(conn);
    }

    /// Reads on those that were put off, as far as others get through with what comes of it.
    pub(super) fn read_put_off(&mut self) {
        let mut look_at = self.local.core.borrow().put_off.len();
        loop {
            let next = self.local.core.borrow_mut().next_put_off(&mut look_at);
            let Some((conn, mut unread)) = next else { return };
            self.local.feed(conn, &mut unread);
            self.relieve();
            self.read(conn, true);
        }
    }

    /// The peer may have ended its half. Where a request is held back nobody reads, and nobody would notice; so what there is
    /// is read after all, as long as it is little, and kept behind that request.
    fn look_for_end(&mut self, conn: ConnKey) {
        while self.local.core.borrow_mut().holds_little(conn) {
            let Some(stream) = self.streams.get_mut(conn.index()).and_then(Option::as_mut) else {
                return;
            };
            match stream.read(&mut self.buffer[..HTTP_READ]) {
                Ok(0) => {
                    self.local.core.borrow_mut().abandon_polls(conn);
                    return self.local.settle();
                }
                Ok(count) => {
                    self.local.counts.bytes_received.add(count as u64);
                    self.local.core.borrow_mut().hold_more(conn, &self.buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.remove(conn, true),
            }
        }
    }

    /// The peer has ended its half. What is ready for it still goes out; what it waited for is given up.
    fn end_of_stream(&mut self, conn: ConnKey) {
        let has_more = {
            let mut core = self.local.core.borrow_mut();
            core.end_farewells(conn);
            core.take_responses(conn, usize::MAX);
            let has_more = core.conns.get(conn).is_some_and(|state| match state.state {
                State::Http(_) => !state.out.is_empty(),
                State::Lingering { shut, .. } => !shut,
                State::WebSocket(ref websocket) => {
                    matches!(websocket.recipient, Recipient::Raw(_)) && !state.out.is_empty()
                }
                State::Dead => false,
            });
            if has_more {
                let abandoned = core.abandoned(conn);
                core.linger(conn);
                core.abandon(abandoned);
            }
            has_more
        };
        if has_more {
            self.local.settle();
        } else {
            self.remove(conn, false);
        }
    }
}
