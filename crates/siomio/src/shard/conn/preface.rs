//! The answer that makes a connection a WebSocket, sent apart from what follows.
//!
//! In revision 3, too, a session that begins on a WebSocket is greeted without having asked. Programs of that time, the
//! official test suite among them, begin to listen for the greeting only after they were told that the WebSocket is open, and
//! miss one that arrives in the same piece as the 101. The reference is slow enough to get by, mostly; here it takes a rule.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use crate::shard::{
    conn::{
        Conn, ConnKey,
        write_queue::{Flush, WriteQueue},
    },
    core::{Alarm, Core},
};

/// Time that a client has to begin to listen.
const MOMENT: Duration = Duration::from_millis(20);

/// What goes out before the rest of a connection's queue.
#[derive(Debug)]
pub(crate) struct Preface {
    queue: WriteQueue,
    /// The rest may follow.
    until: Instant,
}

impl Preface {
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

impl Core {
    /// What is queued for a connection goes out now, and what will be queued a moment later.
    pub(crate) fn send_apart(&mut self, conn: ConnKey) {
        let until = self.now + MOMENT;
        let Some(state) = self.conns.get_mut(conn) else { return };
        let queue = std::mem::take(&mut state.out);
        state.preface = Some(Box::new(Preface { queue, until }));
        self.wheel.insert(self.wheel.tick(until), Alarm::Flush(conn));
    }
}

impl Conn {
    /// Writes as much as the stream takes, and as it is time for.
    pub(crate) fn flush(&mut self, stream: &mut impl Write, now: Instant) -> io::Result<Flush> {
        if let Some(preface) = &mut self.preface {
            if preface.queue.flush(stream)? == Flush::Blocked || now < preface.until {
                return Ok(Flush::Blocked);
            }
            self.preface = None;
        }
        self.out.flush(stream)
    }
}

#[cfg(test)]
mod tests {
    use siomio_http::Limits;

    use super::*;

    #[test]
    fn the_rest_follows_a_moment_later() {
        let now = Instant::now();
        let mut conn = Conn::new(([0, 0, 0, 0], 0).into(), Limits::default(), now, now);
        let mut queue = WriteQueue::default();
        queue.append(|out| out.extend_from_slice(b"101"));
        conn.preface = Some(Box::new(Preface { queue, until: now + MOMENT }));
        conn.out.append(|out| out.extend_from_slice(b"greeting"));
        let mut stream = Vec::new();
        for early in [now, now + MOMENT - Duration::from_nanos(1)] {
            assert_eq!(conn.flush(&mut stream, early).unwrap(), Flush::Blocked);
            assert_eq!(stream, b"101");
        }
        assert_eq!(conn.flush(&mut stream, now + MOMENT).unwrap(), Flush::Done);
        assert_eq!(stream, b"101greeting");
    }
}
