//! A first look at speed: echoes events on many WebSockets and tells what that costs the server.
//!
//! `echo_load ADDRESS PID [CONNECTIONS IN_FLIGHT SECONDS]` connects to a server that answers the event `message` with
//! `message-back` (any `sio_conformance` does), keeps so many events in flight on every connection, checks every answer, and
//! prints the CPU time of process PID for each echo. Run the server on one core and this on another.

use std::{
    env, fs,
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use siomio_testkit::ws::Ws;
use siomio_websocket::{Item, Limits, OpCode, Reader, Role, write_frame};

const TEXT: &str = "sixteen letters.";

struct Client {
    stream: TcpStream,
    reader: Reader,
    echoes: u64,
}

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize, default: u64| {
        args.get(index).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let address: SocketAddr =
        args.first().and_then(|text| text.parse().ok()).expect("an address such as 127.0.0.1:3000");
    let (pid, connections, in_flight, seconds) =
        (number(1, 0), number(2, 64), number(3, 8), number(4, 5));

    let mut poll = Poll::new()?;
    let mut clients = Vec::new();
    for index in 0..connections as usize {
        let mut client = connect(address)?;
        poll.registry().register(&mut client.stream, Token(index), Interest::READABLE)?;
        clients.push(client);
    }
    let expected = format!("42[\"message-back\",\"{TEXT}\"]");
    for client in &mut clients {
        client.stream.write_all(&events(in_flight))?;
    }
    run(&mut poll, &mut clients, &expected, Duration::from_millis(500))?;
    let before = cpu_time(pid)?;
    let (echoes, elapsed) = run(&mut poll, &mut clients, &expected, Duration::from_secs(seconds))?;
    let used = cpu_time(pid)? - before;
    println!(
        "{connections} × {in_flight}: {echoes} echoes, {:.0} per second, server {:.3} µs each ({:.0} % of a core)",
        echoes as f64 / elapsed.as_secs_f64(),
        used.as_secs_f64() * 1e6 / echoes as f64,
        used.as_secs_f64() / elapsed.as_secs_f64() * 100.0,
    );
    Ok(())
}

fn connect(address: SocketAddr) -> io::Result<Client> {
    let mut ws = Ws::connect(address, "/socket.io/?EIO=4&transport=websocket");
    ws.text();
    ws.send("40");
    // The CONNECT and the `auth` event.
    assert!(ws.message().starts_with("40"));
    assert!(ws.message().starts_with("42[\"auth\""));
    let stream = ws.into_stream();
    stream.set_nonblocking(true)?;
    Ok(Client {
        stream: TcpStream::from_std(stream),
        reader: Reader::new(Role::Client, Limits::default()),
        echoes: 0,
    })
}

/// So many events in one piece.
fn events(count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        let event = format!("42[\"message\",\"{TEXT}\"]");
        write_frame(&mut bytes, OpCode::Text, event.as_bytes(), Some([1, 2, 3, 4]));
    }
    bytes
}

/// Answers every echo with another event, for so long.
fn run(
    poll: &mut Poll,
    clients: &mut [Client],
    expected: &str,
    time: Duration,
) -> io::Result<(u64, Duration)> {
    let (start, before) = (Instant::now(), clients.iter().map(|client| client.echoes).sum::<u64>());
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 * 1024];
    while start.elapsed() < time {
        poll.poll(&mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            clients[event.token().0].answer(&mut buffer, expected)?;
        }
    }
    Ok((clients.iter().map(|client| client.echoes).sum::<u64>() - before, start.elapsed()))
}

impl Client {
    fn answer(&mut self, buffer: &mut [u8], expected: &str) -> io::Result<()> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let (mut input, mut answers) = (&mut buffer[..count], 0);
            loop {
                let step = self.reader.read(input).map_err(io::Error::other)?;
                let consumed = step.consumed;
                match step.item {
                    Some(Item::Text(text)) if text == expected => answers += 1,
                    Some(Item::Text(text)) if text == "2" => {
                        let mut pong = Vec::new();
                        write_frame(&mut pong, OpCode::Text, b"3", Some([1, 2, 3, 4]));
                        self.stream.write_all(&pong)?;
                    }
                    Some(other) => return Err(io::Error::other(format!("{other:?}"))),
                    None => break,
                }
                input = &mut input[consumed..];
            }
            self.echoes += answers;
            self.stream.write_all(&events(answers))?;
        }
    }
}

/// User and system time of a process.
fn cpu_time(pid: u64) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse().ok()).unwrap_or(0);
    // In hundredths of a second on every common Linux.
    Ok(Duration::from_millis(10 * (ticks(11) + ticks(12))))
}
