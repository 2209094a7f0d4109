//! Requests that never become what they promise.

use std::{
    io,
    time::{Duration, Instant},
};

use siomio_testkit::sim::Random;

use super::{crowd::Books, ground::Ground, line::Line, subject::MAX_PAYLOAD};

/// A connection on which no client lives. The server has to say something about it, and to end it.
#[derive(Debug)]
pub(super) struct Torso {
    line: Line,
    until: Instant,
    expects: &'static str,
    /// Who cuts the connection off expects nothing any more.
    resets_at: Option<Instant>,
}

/// What is sent, and how the answer begins.
const TORSOS: [(&str, &str); 8] = [
    ("", ""),
    ("GET /socket.io/?EIO=4&tra", "HTTP/1.1 408"),
    ("GET / HTTP/1.1\r\nHost: h\r\nX-Head: ends no", "HTTP/1.1 408"),
    ("nonsense\r\n\r\n", "HTTP/1.1 400"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhalf", "HTTP/1.1 408"),
    ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n", "HTTP/1.1 413"),
    ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404"),
    (
        "GET /socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: h\r\n\r\n",
        "HTTP/1.1 400",
    ),
];

/// Longer than the server waits for any request.
const PATIENCE: Duration = Duration::from_secs(14);

impl Torso {
    pub(super) fn open(ground: &Ground<'_>, random: &mut Random) -> io::Result<Self> {
        let mut line = ground.open(0)?;
        let expects = if random.one_in(9) {
            let head = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "x".repeat(MAX_PAYLOAD / 4));
            line.send(head.as_bytes());
            "HTTP/1.1 431"
        } else {
            let (bytes, expects) = *random.pick(&TORSOS);
            line.send(bytes.as_bytes());
            expects
        };
        let resets_at = random
            .one_in(4)
            .then(|| ground.now + Duration::from_millis(random.below(2_000) as u64));
        Ok(Self { line, until: ground.now + PATIENCE, expects, resets_at })
    }

    /// Goes on; `false` when that was all.
    pub(super) fn go_on(
        mut self,
        buffer: &mut [u8],
        now: Instant,
        books: &mut Books,
    ) -> Option<Self> {
        self.line.pull(buffer);
        if self.resets_at.is_some_and(|at| at <= now) {
            books.count("torsos cut off");
            self.line.reset();
            return None;
        }
        if self.line.has_ended {
            let said = String::from_utf8_lossy(&self.line.unread);
            if said.starts_with(self.expects) && said.is_empty() == self.expects.is_empty() {
                books.answered("torsos");
            } else {
                books.wrong(format!("a torso got {said:?} in place of {:?}", self.expects));
            }
            return None;
        }
        if now > self.until {
            books.wrong(format!("a torso was kept; {:?} was expected", self.expects));
            return None;
        }
        Some(self)
    }
}
