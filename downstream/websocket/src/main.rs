//! A WebSocket echo server and its client, over `std::net` and one thread for each connection.
//!
//! `siomio-websocket` leaves HTTP to others, so both sides read each other's heads with the few lines of [`Head`].

use std::{
    collections::VecDeque,
    error,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use siomio_websocket::handshake::{ClientHandshake, Rejection, RequestParts, ServerHandshake};
use siomio_websocket::{
    CloseCode, CloseFrame, Event, FrameHeader, Item, Limits, OpCode, Reader, Role,
    ServerConnection, mask, write_close, write_frame,
};

type Result<T> = std::result::Result<T, Box<dyn error::Error + Send + Sync>>;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));
const MAX_MESSAGE: usize = 200_000;

fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that fails is its client's to notice.
            thread::spawn(move || serve(stream));
        }
    });

    everything_comes_back(address)?;
    who_breaks_a_rule_is_told(address)?;
    who_asks_for_too_much_is_told(address)?;
    who_is_no_websocket_is_refused(address)?;
    println!("websocket: messages came back, and four kinds of ends were told");
    Ok(())
}

/// The server's side of a connection, from the first byte to the last.
fn serve(stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(PATIENCE)?;
    let mut stream = BufReader::new(stream);
    let mut out = Vec::new();

    let head = Head::read(&mut stream)?;
    let [method, _target, version] = head.start() else { return Err("no request".into()) };
    let http_minor = u8::from(version == "HTTP/1.1");
    let request = RequestParts { method, http_minor, headers: |name| head.values(name) };
    match ServerHandshake::check(&request) {
        Ok(handshake) => {
            let protocol = handshake.protocols().iter().find(|name| **name == "echo");
            handshake.write_response(&mut out, protocol.copied(), None, [("Server", "echo")])?;
        }
        Err(rejection) => {
            refuse(rejection, &mut out)?;
            return Ok(stream.get_mut().write_all(&out)?);
        }
    }

    let limits = Limits { max_message: MAX_MESSAGE, ..Limits::default() };
    let mut connection = ServerConnection::new(limits);
    let mut buffer = [0; 4096];
    let mut is_over = false;
    while !is_over {
        stream.get_mut().write_all(&out)?;
        out.clear();
        let count = stream.read(&mut buffer)?;
        let mut received = &mut buffer[..count];
        is_over = count == 0;
        while let Some(event) = connection.read(&mut received, &mut out) {
            match event {
                Event::Text(text) if text == "leave" => {
                    connection.close(Some((CloseCode::GOING_AWAY, "as you wish")), &mut out);
                }
                Event::Text(text) => {
                    connection.write(OpCode::Text, text.as_bytes(), &mut out);
                }
                Event::Binary(data) => {
                    connection.write(OpCode::Binary, &data, &mut out);
                }
                Event::Pong(_) => {}
                Event::Closed(_) | Event::Failed(_) => is_over = true,
            }
        }
    }
    stream.get_mut().write_all(&out)?;
    Ok(())
}

fn refuse(rejection: Rejection, out: &mut Vec<u8>) -> io::Result<()> {
    let (status, reason) = (rejection.status(), rejection.reason());
    write!(out, "HTTP/1.1 {status} Refused\r\nConnection: close\r\n")?;
    if let Some((name, value)) = rejection.header() {
        write!(out, "{name}: {value}\r\n")?;
    }
    write!(out, "Content-Length: {}\r\n\r\n{reason}", reason.len())
}

fn everything_comes_back(address: SocketAddr) -> Result<()> {
    let mut client = Client::connect(address)?;

    client.send(OpCode::Text, "Grüße".as_bytes())?;
    assert_eq!(client.receive()?, Item::Text("Grüße".into()));

    let large = vec![7; 150_000];
    client.send(OpCode::Binary, &large)?;
    assert_eq!(client.receive()?, Item::Binary(large.into()));

    // A message in two frames, with a ping between them.
    client.send_frame(false, OpCode::Text, b"half and ")?;
    client.send(OpCode::Ping, b"are you there?")?;
    client.send_frame(true, OpCode::Continuation, b"half")?;
    assert_eq!(client.receive()?, Item::Pong(b"are you there?".into()));
    assert_eq!(client.receive()?, Item::Text("half and half".into()));

    // The server closes, and the client answers.
    client.send(OpCode::Text, b"leave")?;
    let Item::Close(Some(close)) = client.receive()? else { panic!("no close frame") };
    assert_eq!(close, CloseFrame { code: CloseCode::GOING_AWAY, reason: "as you wish".into() });
    client.close(close.code)?;
    client.expect_end()
}

fn who_breaks_a_rule_is_told(address: SocketAddr) -> Result<()> {
    let mut client = Client::connect(address)?;
    let mut unmasked = Vec::new();
    write_frame(&mut unmasked, OpCode::Text, b"hello", None);
    client.stream.get_mut().write_all(&unmasked)?;
    let Item::Close(Some(close)) = client.receive()? else { panic!("no close frame") };
    assert_eq!(close.code, CloseCode::PROTOCOL_ERROR);
    client.expect_end()
}

fn who_asks_for_too_much_is_told(address: SocketAddr) -> Result<()> {
    let mut client = Client::connect(address)?;
    // The header says it all: nothing of the payload has to come.
    let header = FrameHeader {
        fin: true,
        rsv1: false,
        opcode: OpCode::Binary,
        mask: Some([1, 2, 3, 4]),
        len: MAX_MESSAGE as u64 + 1,
    };
    client.stream.get_mut().write_all(&header.encode())?;
    let Item::Close(Some(close)) = client.receive()? else { panic!("no close frame") };
    assert_eq!(close.code, CloseCode::TOO_BIG);
    client.expect_end()
}

fn who_is_no_websocket_is_refused(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(PATIENCE)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with(&format!("HTTP/1.1 {} ", Rejection::Upgrade.status())), "{answer}");
    assert!(answer.ends_with(Rejection::Upgrade.reason()), "{answer}");
    Ok(())
}

/// The client's side of a connection.
struct Client {
    stream: BufReader<TcpStream>,
    reader: Reader,
    received: VecDeque<Item<'static>>,
}

impl Client {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(PATIENCE)?;
        let mut stream = BufReader::new(stream);

        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&random());
        nonce[8..].copy_from_slice(&random());
        let mut handshake = ClientHandshake::new(nonce);
        let mut out = Vec::new();
        handshake.write_request(&mut out, &address.to_string(), "/", &["chat", "echo"], [])?;
        stream.get_mut().write_all(&out)?;

        let head = Head::read(&mut stream)?;
        let [_version, status, ..] = head.start() else { return Err("no response".into()) };
        let accepted = handshake.verify(status.parse()?, |name| head.values(name))?;
        assert_eq!(accepted.protocol, Some("echo"));
        let reader = Reader::new(Role::Client, Limits::default());
        Ok(Self { stream, reader, received: VecDeque::new() })
    }

    fn send(&mut self, opcode: OpCode, payload: &[u8]) -> io::Result<()> {
        let mut out = Vec::new();
        write_frame(&mut out, opcode, payload, Some(random_key()));
        self.stream.get_mut().write_all(&out)
    }

    /// A frame that is not the whole of its message.
    fn send_frame(&mut self, fin: bool, opcode: OpCode, payload: &[u8]) -> io::Result<()> {
        let (key, len) = (random_key(), payload.len() as u64);
        let header = FrameHeader { fin, rsv1: false, opcode, mask: Some(key), len };
        let mut masked = payload.to_vec();
        mask::apply(&mut masked, key, 0);
        self.stream.get_mut().write_all(&[&header.encode(), &masked[..]].concat())
    }

    fn close(&mut self, code: CloseCode) -> io::Result<()> {
        let mut out = Vec::new();
        write_close(&mut out, Some((code, "")), Some(random_key()));
        self.stream.get_mut().write_all(&out)
    }

    fn receive(&mut self) -> Result<Item<'static>> {
        let mut buffer = [0; 1000];
        loop {
            if let Some(item) = self.received.pop_front() {
                return Ok(item);
            }
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err("the connection ended".into());
            }
            let mut rest = &mut buffer[..count];
            while !rest.is_empty() {
                let step = self.reader.read(rest)?;
                let consumed = step.consumed;
                self.received.extend(step.item.map(Item::into_owned));
                rest = &mut rest[consumed..];
            }
        }
    }

    /// The server ends the TCP connection.
    fn expect_end(mut self) -> Result<()> {
        assert!(self.received.is_empty());
        assert_eq!(self.stream.read(&mut [0; 1])?, 0);
        Ok(())
    }
}

/// The head of a request or a response, for friendly peers only.
struct Head {
    start: Vec<String>,
    fields: Vec<(String, String)>,
}

impl Head {
    fn read(stream: &mut BufReader<TcpStream>) -> Result<Self> {
        let mut lines = stream.take(8192).lines();
        let start = lines.next().ok_or("nothing came")??;
        let mut fields = Vec::new();
        for line in lines {
            let line = line?;
            if line.is_empty() {
                let start = start.split(' ').map(String::from).collect();
                return Ok(Self { start, fields });
            }
            let (name, value) = line.split_once(':').ok_or("no field")?;
            fields.push((name.into(), value.trim().into()));
        }
        Err("no end of the head".into())
    }

    /// The words of the first line.
    fn start(&self) -> &[String] {
        &self.start
    }

    fn values<'h>(&'h self, name: &'static str) -> impl Iterator<Item = &'h [u8]> {
        let named = self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name));
        named.map(|field| field.1.as_bytes())
    }
}

fn random_key() -> [u8; 4] {
    let [a, b, c, d, ..] = random();
    [a, b, c, d]
}

/// The standard library has no random numbers, but hashers that nobody can foretell.
fn random() -> [u8; 8] {
    RandomState::new().hash_one(()).to_ne_bytes()
}
