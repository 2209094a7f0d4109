//! What no server can go below: it knows the bytes that come, and those that go back, and parses nothing.
//!
//! `PORT`, and in `SCENARIO` what it is going to be asked.

use std::{
    env,
    io::{self, ErrorKind, Read, Write},
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use siomio_bench::{
    scenario::Scenario,
    wire::{Exchange, plain},
};
use siomio_websocket::OpCode;

/// The answer to the key that all clients here send.
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const OPEN: &str = "0{\"sid\":\"kM2n4Yq0aXb8RrT1AAAB\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}";
const JOINED: &str = "40{\"sid\":\"bS7q0aXb8kM2n4YRrT1A\"}";
/// A frame with `40`.
const JOIN: usize = 8;

struct Conn {
    stream: TcpStream,
    stage: Stage,
    /// Of the request, so much has come.
    read: usize,
    unsent: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Joining,
    Serving,
}

struct Floor {
    conns: Vec<Option<Conn>>,
    free: Vec<usize>,
    exchange: Exchange,
    is_for_all: bool,
    is_raw: bool,
    greeting: Vec<u8>,
    joined: Vec<u8>,
    replies: Vec<u8>,
}

fn main() -> io::Result<()> {
    let port: u16 = env::var("PORT").ok().and_then(|text| text.parse().ok()).unwrap_or(3000);
    let scenario: Scenario =
        env::var("SCENARIO").unwrap_or_default().parse().map_err(io::Error::other)?;
    let (exchange, hearers) = scenario.exchange().unwrap_or_else(|| (Exchange::echo(1), 1));
    let is_raw = scenario.is_raw();
    let mut greeting = SWITCH.as_bytes().to_vec();
    if !is_raw {
        greeting.extend(plain(OpCode::Text, OPEN.as_bytes()));
    }
    let times = (1024 * 1024 / exchange.reply.len()).clamp(1, 4096);
    let mut floor = Floor {
        conns: Vec::new(),
        free: Vec::new(),
        replies: exchange.reply.repeat(times),
        exchange,
        is_for_all: hearers > 1,
        is_raw,
        greeting,
        joined: plain(OpCode::Text, JOINED.as_bytes()),
    };
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut listener = TcpListener::bind(([0, 0, 0, 0], port).into())?;
    poll.registry().register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        poll.poll(&mut events, None)?;
        let mut said = 0;
        for event in &events {
            if event.token().0 == usize::MAX {
                while let Ok((stream, _)) = listener.accept() {
                    floor.accept(&poll, stream)?;
                }
            } else {
                said += floor.ready(event.token().0, &mut buffer);
            }
        }
        if said > 0 {
            for place in 0..floor.conns.len() {
                floor.reply(place, said);
            }
        }
    }
}

impl Floor {
    fn accept(&mut self, poll: &Poll, mut stream: TcpStream) -> io::Result<()> {
        let _ = stream.set_nodelay(true);
        let place = self.free.pop().unwrap_or(self.conns.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(place), interest)?;
        let conn = Conn { stream, stage: Stage::Head, read: 0, unsent: Vec::new() };
        if place == self.conns.len() {
            self.conns.push(None);
        }
        self.conns[place] = Some(conn);
        Ok(())
    }

    /// Reads what there is, and answers it, unless that is for all: then it tells how much is to be said.
    fn ready(&mut self, place: usize, buffer: &mut [u8]) -> usize {
        let mut said = 0;
        loop {
            let Some(conn) = self.conns[place].as_mut() else { return said };
            if !conn.unsent.is_empty() && !conn.flush() {
                self.close(place);
                return said;
            }
            let Some(conn) = self.conns[place].as_mut() else { return said };
            let count = match conn.stream.read(buffer) {
                Ok(0) => {
                    self.close(place);
                    return said;
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return said,
                Err(_) => {
                    self.close(place);
                    return said;
                }
            };
            conn.read += count;
            match conn.stage {
                Stage::Head if buffer[..count].ends_with(b"\r\n\r\n") => {
                    conn.stage = if self.is_raw { Stage::Serving } else { Stage::Joining };
                    conn.read = 0;
                    conn.send(&self.greeting);
                }
                Stage::Head => {}
                Stage::Joining if conn.read >= JOIN => {
                    (conn.stage, conn.read) = (Stage::Serving, 0);
                    conn.send(&self.joined);
                }
                Stage::Joining => {}
                Stage::Serving => {
                    let times = conn.read / self.exchange.request.len();
                    conn.read %= self.exchange.request.len();
                    if self.is_for_all {
                        said += times;
                    } else {
                        self.reply(place, times);
                    }
                }
            }
            if count < buffer.len() {
                return said;
            }
        }
    }

    fn reply(&mut self, place: usize, times: usize) {
        let length = self.exchange.reply.len();
        let Some(conn) = self.conns[place].as_mut().filter(|conn| conn.stage == Stage::Serving)
        else {
            return;
        };
        let mut rest = times * length;
        while rest > 0 {
            let now = rest.min(self.replies.len());
            conn.send(&self.replies[..now]);
            rest -= now;
        }
    }

    fn close(&mut self, place: usize) {
        if self.conns[place].take().is_some() {
            self.free.push(place);
        }
    }
}

impl Conn {
    fn send(&mut self, bytes: &[u8]) {
        let mut sent = 0;
        if self.unsent.is_empty() {
            // What fails here is noticed when it is read.
            sent = self.stream.write(bytes).unwrap_or(0);
        }
        self.unsent.extend_from_slice(&bytes[sent..]);
    }

    /// Returns `false` when the connection is gone.
    fn flush(&mut self) -> bool {
        match self.stream.write(&self.unsent) {
            Ok(count) => {
                self.unsent.drain(..count);
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}
