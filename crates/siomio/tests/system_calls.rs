//! How often a connection is read and written.

use std::{
    cell::RefCell,
    io::{self, ErrorKind, Read, Write},
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

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Counting {
    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn eight_events_that_come_together_cost_one_read_and_one_write() {
    let server = Server::builder().shards(1).build();
    server.on("message", |socket: &Socket, args: Args| {
        socket.emit("message-back", args);
    });
    let clock = Clock::new();
    let environment = SimEnvironment::new(clock.clone(), Random::new(1));
    let mut shard = Shard::new(&server.io(), 0, Box::new(environment));
    let stream = Counting::default();
    shard.begin(clock.now());
    let peer = ([127, 0, 0, 1], 1).into();
    let (unread, since) = (Vec::new(), clock.now());
    let token = shard.adopt(Adopted { stream: stream.clone(), peer, unread, since });
    shard.end();

    let mut turn = |input: Vec<u8>| {
        *stream.0.borrow_mut() = State { input, ..State::default() };
        shard.begin(clock.now());
        shard.ready(token, Readiness { readable: true, ..Readiness::default() });
        shard.end();
        let state = std::mem::take(&mut *stream.0.borrow_mut());
        // Only Linux tells by a short read that nothing is left.
        let reads = if cfg!(target_os = "linux") { state.reads } else { state.reads - 1 };
        (reads, state.writes, state.output)
    };
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (reads, writes, answer) = turn(request.as_bytes().to_vec());
    assert_eq!((reads, writes), (1, 1), "the 101 and the handshake leave together");
    assert!(answer.starts_with(b"HTTP/1.1 101 "));

    let frames = |texts: &[&str]| {
        let mut bytes = Vec::new();
        for text in texts {
            write_frame(&mut bytes, OpCode::Text, text.as_bytes(), Some([1, 2, 3, 4]));
        }
        bytes
    };
    turn(frames(&["40"]));
    let (reads, writes, echoes) = turn(frames(&[r#"42["message","sixteen letters."]"#; 8]));
    assert_eq!((reads, writes), (1, 1));
    let echo = r#"42["message-back","sixteen letters."]"#;
    assert_eq!(echoes.len(), 8 * (2 + echo.len()));
}
