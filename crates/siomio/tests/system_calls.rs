//! How often a connection is read and written.

use std::{
    cell::RefCell,
    io::{self, ErrorKind, IoSlice, Read, Write},
    rc::Rc,
};

use siomio::{
    Args, Server, Socket,
    shard::{Adopted, Readiness, Shard, Stream},
};
use siomio_testkit::sim::{Clock, Random, SimEnvironment};
use siomio_websocket::{OpCode, write_frame};

/// A connection that counts.
#[derive(Clone, Default)]
struct Counting(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    input: Vec<u8>,
    output: Vec<u8>,
    reads: u32,
    writes: u32,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        state.reads += 1;
        if state.input.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = state.input.len().min(buffer.len());
        buffer[..count].copy_from_slice(&state.input[..count]);
        state.input.drain(..count);
        Ok(count)
    }
}

impl Write for Counting {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        state.writes += 1;
        state.output.extend_from_slice(data);
        Ok(data.len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        state.writes += 1;
        slices.iter().for_each(|slice| state.output.extend_from_slice(slice));
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Counting {
    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server on one shard, and its clients on WebSocket.
struct Site {
    shard: Shard<Counting>,
    clock: Clock,
    clients: Vec<(Counting, u64)>,
}

/// What a turn came to for a client: how often it was read and written, and what.
type Turn = (u32, u32, Vec<u8>);

const REQUEST: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\
     Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

impl Site {
    fn new(server: &Server) -> Self {
        let clock = Clock::new();
        let environment = SimEnvironment::new(clock.clone(), Random::new(1));
        let shard = Shard::new(&server.io(), 0, Box::new(environment));
        Self { shard, clock, clients: Vec::new() }
    }

    /// A client connects, and joins the main namespace. Returns what its handshake came to.
    fn join(&mut self) -> Turn {
        let stream = Counting::default();
        self.shard.begin(self.clock.now());
        let (peer, since) = (([127, 0, 0, 1], 1).into(), self.clock.now());
        let adopted = Adopted { stream: stream.clone(), peer, unread: Vec::new(), since };
        let token = self.shard.adopt(adopted);
        self.shard.end();
        self.clients.push((stream, token));
        let client = self.clients.len() - 1;
        let handshake = self.turn(&[(client, REQUEST.as_bytes().to_vec())]).swap_remove(client);
        self.turn(&[(client, frames(&["40"]))]);
        handshake
    }

    /// Clients say something, all in one turn. What that came to for each client.
    fn turn(&mut self, said: &[(usize, Vec<u8>)]) -> Vec<Turn> {
        for (stream, _) in &self.clients {
            *stream.0.borrow_mut() = State::default();
        }
        self.shard.begin(self.clock.now());
        for (client, input) in said {
            let (stream, token) = &self.clients[*client];
            stream.0.borrow_mut().input.clone_from(input);
            self.shard.ready(*token, Readiness { readable: true, ..Readiness::default() });
        }
        self.shard.end();
        let came_to = |(stream, _): &(Counting, u64)| {
            let state = std::mem::take(&mut *stream.0.borrow_mut());
            // Only Linux tells by a short read that nothing is left.
            let extra = u32::from(!cfg!(target_os = "linux") && state.reads > 0);
            (state.reads - extra, state.writes, state.output)
        };
        self.clients.iter().map(came_to).collect()
    }
}

fn frames(texts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        write_frame(&mut bytes, OpCode::Text, text.as_bytes(), Some([1, 2, 3, 4]));
    }
    bytes
}

#[test]
fn eight_events_that_come_together_cost_one_read_and_one_write() {
    let server = Server::builder().shards(1).build();
    server.on("message", |socket: &Socket, args: Args| {
        socket.emit("message-back", args);
    });
    let mut site = Site::new(&server);
    let (reads, writes, answer) = site.join();
    assert_eq!((reads, writes), (1, 1), "the 101 and the handshake leave together");
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    let echo = r#"42["message-back","sixteen letters."]"#;
    // One that comes alone does not wait for others.
    for count in [8, 1] {
        let said = frames(&vec![r#"42["message","sixteen letters."]"#; count]);
        let (reads, writes, echoes) = site.turn(&[(0, said)]).swap_remove(0);
        assert_eq!((reads, writes), (1, 1));
        assert_eq!(echoes.len(), count * (2 + echo.len()));
    }
}

#[test]
fn several_emits_and_broadcasts_of_a_turn_leave_in_one_write() {
    let server = Server::builder().shards(1).build();
    server.on("talk", |socket: &Socket| {
        socket.emit("a", 1);
        socket.namespace().emit("b", 2);
        socket.join("room");
        socket.namespace().to("room").emit("c", vec![3; 3000]);
        socket.emit("d", 4);
    });
    let mut site = Site::new(&server);
    (0..3).for_each(|_| drop(site.join()));
    let talk = || frames(&[r#"42["talk"]"#]);
    // Two of them, in the same turn.
    let turns = site.turn(&[(0, talk()), (1, talk())]);
    for (client, (reads, writes, heard)) in turns.iter().enumerate() {
        assert_eq!((*reads, *writes), (u32::from(client < 2), 1), "client {client}");
        let count = |name: &str| {
            let event = format!("42[\"{name}\",");
            heard.windows(event.len()).filter(|bytes| *bytes == event.as_bytes()).count()
        };
        // The first is in the room when the second speaks to it, and not the other way round.
        let expected = [[1, 2, 2, 1], [1, 2, 1, 1], [0, 2, 0, 0]][client];
        assert_eq!(["a", "b", "c", "d"].map(count), expected, "client {client}");
    }
}
