//! Body of the fuzz target for the whole server. It lives here so that a change of the library breaks the build and not the fuzzer; no part
//! of the public interface.

use std::{
    cell::{Cell, RefCell},
    io::{self, Read, Write},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    Ack, Args, Server, Socket,
    shard::{Adopted, Environment, Readiness, Shard, Stream},
};

/// Feeds a server with what connections send. After every four bytes of instructions (which connection; how many bytes; how much time
/// passes; what else happens) that many bytes follow.
///
/// # Panics
/// If something is left when all connections are gone and all time has passed.
pub fn server(input: &[u8]) {
    let mut world = World::new();
    let mut rest = input;
    while let [which, length, time, what, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        world.step(usize::from(*which % 4), bytes, *time, *what);
    }
    world.end();
}

struct World {
    shard: Shard<Pipe>,
    clock: Clock,
    links: [Option<(Pipe, u64)>; 4],
}

#[derive(Clone)]
struct Clock(Rc<Cell<Instant>>, Rc<Cell<u8>>);

impl Environment for Clock {
    fn now(&self) -> Instant {
        self.0.get()
    }

    fn time_of_day(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }

    fn random(&mut self, bytes: &mut [u8]) {
        // So that seeds can name sessions: the first is always the same.
        bytes.fill(self.1.get());
        self.1.set(self.1.get().wrapping_add(1));
    }
}

#[derive(Clone, Default)]
struct Pipe(Rc<RefCell<(Vec<u8>, bool)>>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (bytes, has_ended) = &mut *self.0.borrow_mut();
        if bytes.is_empty() && !*has_ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        bytes.drain(..count);
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Pipe {
    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl World {
    #[allow(clippy::disallowed_methods, reason = "some instant has to be the first")]
    fn new() -> Self {
        let server = Server::builder().shards(1).allow_eio3(true).max_payload(10_000).build();
        server.on("message", |socket: &Socket, args: Args| {
            socket.emit("message-back", args);
        });
        server.on("ack", |_: &Socket, args: Args, ack: Ack| ack.send(args));
        server.on("join", |socket: &Socket, room: String| {
            socket.join(&*room);
            socket.to(room).emit("joined", ());
        });
        server.of_pattern("/p-{n}");
        server.http(|request, response| response.text(request.path().to_owned()));
        let clock = Clock(Rc::new(Cell::new(Instant::now())), Rc::new(Cell::new(7)));
        let shard = Shard::new(&server.io(), 0, Box::new(clock.clone()));
        Self { shard, clock, links: Default::default() }
    }

    fn step(&mut self, which: usize, bytes: &[u8], time: u8, what: u8) {
        let now = self.clock.0.get() + Duration::from_millis(u64::from(time) * u64::from(time));
        self.clock.0.set(now);
        self.shard.begin(now);
        self.shard.resume();
        let (stream, token) = self.links[which].get_or_insert_with(|| {
            let (stream, peer) = (Pipe::default(), SocketAddr::from(([127, 0, 0, 1], 1)));
            let adopted = Adopted { stream: stream.clone(), peer, unread: Vec::new(), since: now };
            (stream, self.shard.adopt(adopted))
        });
        let has_ended = what & 7 == 7;
        {
            let (waiting, end) = &mut *stream.0.borrow_mut();
            waiting.extend_from_slice(bytes);
            *end |= has_ended;
        }
        let readiness = Readiness { readable: true, writable: what & 8 != 0, ended: has_ended };
        self.shard.ready(*token, readiness);
        if has_ended {
            self.links[which] = None;
        }
        self.shard.end();
    }

    /// Everybody hangs up, and all time passes: nothing is left.
    fn end(mut self) {
        for which in 0..self.links.len() {
            if self.links[which].is_some() {
                self.step(which, b"", 0, 7);
            }
        }
        for _ in 0..1000 {
            let Some(deadline) = self.shard.deadline() else { break };
            self.clock.0.set(deadline.max(self.clock.0.get()));
            self.shard.begin(self.clock.0.get());
            self.shard.resume();
            self.shard.end();
        }
        assert_eq!(
            self.shard.population(),
            [0; 5],
            "connections, sessions, clients, sockets, raw ones"
        );
        assert_eq!(self.shard.remains(), [0; 4]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let text = |text: &'static str| Just(text.as_bytes().to_vec());
        prop_oneof![
            text("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: h\r\n\r\n"),
            text("GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\nHost: h\r\n\r\n"),
            text(
                "GET /socket.io/?EIO=4&transport=polling&sid=BwcHBwcHBwcHBwcHBwcH HTTP/1.1\r\nHost: h\r\n\r\n"
            ),
            text(
                "POST /socket.io/?EIO=4&transport=polling&sid=BwcHBwcHBwcHBwcHBwcH HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n40"
            ),
            text(
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ),
            text("\u{81}"),
            Just([&[0x81, 0x82, 0, 0, 0, 0][..], b"40"].concat()),
            Just([&[0x81, 0x93, 0, 0, 0, 0][..], b"42[\"message\",\"hey\"]"].concat()),
            Just([&[0x81, 0x86, 0, 0, 0, 0][..], b"40/p-1"].concat()),
            Just([&[0x88, 0x80, 0, 0, 0, 0][..]].concat()),
            proptest::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_is_left_of_anything(
            steps in proptest::collection::vec((0_u8..4, piece(), any::<u8>(), any::<u8>()), 0..30),
        ) {
            let mut input = Vec::new();
            for (which, bytes, time, what) in steps {
                input.extend([which, bytes.len().min(255) as u8, time, what]);
                input.extend(&bytes[..bytes.len().min(255)]);
            }
            super::server(&input);
        }
    }
}
