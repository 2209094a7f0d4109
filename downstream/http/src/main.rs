//! A calculator over HTTP: `std::net`, one thread for each connection, keep-alive and pipelining.
//!
//! `POST /numbers` remembers the numbers of its body, one on each line, and `GET /sum` waits until `POST /done` says that
//! there are no more: so an answer may have to wait for a request behind it, and the answers are still in order.

use std::{
    error,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    str, thread,
    time::{Duration, SystemTime},
};

use siomio_http::{
    Body, CONTINUE, Head, Item, Limits, Method, Pipeline, Reader, Response, Ticket, http_date,
};

type Result<T> = std::result::Result<T, Box<dyn error::Error + Send + Sync>>;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));
/// Requests of one connection that may wait for their answers.
const MAX_WAITING: usize = 16;
/// Bytes of a body.
const MAX_BODY: usize = 1000;

fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that fails is its client's to notice.
            thread::spawn(move || serve(stream));
        }
    });

    answers_keep_the_order_of_the_requests(address)?;
    one_connection_takes_request_after_request(address)?;
    what_is_wrong_is_answered_and_ends_the_connection(address)?;
    println!("http: requests were answered in order, by one connection and by several");
    Ok(())
}

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(PATIENCE)?;
    let mut calculator = Calculator::default();
    let (mut buffer, mut out) = ([0; 4096], Vec::new());
    loop {
        let count = stream.read(&mut buffer)?;
        let goes_on = count > 0 && calculator.take(&buffer[..count], &mut out);
        stream.write_all(&out)?;
        if !goes_on {
            return Ok(());
        }
        out.clear();
    }
}

/// What is known of a connection. No I/O in here.
struct Calculator {
    reader: Reader,
    pipeline: Pipeline,
    /// The request whose body is being read.
    request: Option<(Ticket, Head<'static>, Body)>,
    /// Requests for the sum.
    waiting: Vec<Ticket>,
    numbers: Vec<i64>,
}

impl Default for Calculator {
    fn default() -> Self {
        Self {
            reader: Reader::new(Limits::default()),
            pipeline: Pipeline::new(),
            request: None,
            waiting: Vec::new(),
            numbers: Vec::new(),
        }
    }
}

impl Calculator {
    /// Takes what came, and appends the answers that are due. Returns whether the connection goes on.
    fn take(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> bool {
        loop {
            let step = match self.reader.read(input) {
                Ok(step) => step,
                Err(error) => {
                    let ticket = self.pipeline.open_last();
                    self.respond(ticket, Response::new(error.status()).text(error.to_string()));
                    break;
                }
            };
            input = &input[step.consumed..];
            match step.item {
                // Nothing behind a request that closes is answered.
                Some(Item::Head(_)) if self.pipeline.is_closing() => break,
                Some(Item::Head(head)) => self.begin(head, out),
                Some(Item::Chunk(data)) => self.collect(data),
                Some(Item::End) => self.finish(),
                None => break,
            }
        }
        while let Some(ready) = self.pipeline.next_ready() {
            out.extend_from_slice(&ready.bytes);
            if ready.close {
                return false;
            }
        }
        true
    }

    fn begin(&mut self, head: Head<'_>, out: &mut Vec<u8>) {
        let ticket = self.pipeline.open(&head);
        if self.pipeline.len() > MAX_WAITING {
            self.pipeline.respond(ticket, &Response::new(503), None, true);
            return;
        }
        if head.expects_continue() && self.pipeline.is_first(ticket) {
            out.extend_from_slice(CONTINUE);
        }
        self.request = Some((ticket, head.into_owned(), Body::new(MAX_BODY)));
    }

    fn collect(&mut self, data: &[u8]) {
        let too_large = self.request.take_if(|(.., body)| body.push(data).is_err());
        if let Some((ticket, ..)) = too_large {
            // The rest of the body is not worth waiting for.
            self.pipeline.respond(ticket, &Response::new(413), None, true);
        }
    }

    fn finish(&mut self) {
        let Some((ticket, head, body)) = self.request.take() else { return };
        let response = match (head.method(), head.path()) {
            (Method::Post, "/numbers") => match numbers(&body.finish()) {
                Some(numbers) => {
                    self.numbers.extend(numbers);
                    Response::new(202)
                }
                None => Response::new(400).text("numbers, please"),
            },
            (Method::Get | Method::Head, "/sum") => return self.waiting.push(ticket),
            (Method::Post, "/done") => {
                let sum = self.numbers.drain(..).sum::<i64>().to_string();
                for ticket in std::mem::take(&mut self.waiting) {
                    self.respond(ticket, Response::new(200).text(sum.clone()));
                }
                Response::new(204)
            }
            (Method::Get, "/hello") => {
                let name = head.query_param("name").unwrap_or("stranger".into());
                Response::new(200).html(format!("<h1>Hello, {name}!</h1>"))
            }
            _ => Response::new(404),
        };
        self.respond(ticket, response);
    }

    /// Puts an answer in its place. Whether it is the last one, its request has decided.
    fn respond(&mut self, ticket: Ticket, response: Response) {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let date = http_date(since_1970.as_secs());
        self.pipeline.respond(ticket, &response, Some(&date), false);
    }
}

fn numbers(body: &[u8]) -> Option<Vec<i64>> {
    str::from_utf8(body).ok()?.lines().map(|line| line.trim().parse().ok()).collect()
}

fn answers_keep_the_order_of_the_requests(address: SocketAddr) -> Result<()> {
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(PATIENCE)?;
    // All at once. The first answer is known with the last request only.
    let requests = [
        "GET /sum HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /numbers HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n20\n22",
        "HEAD /sum HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /numbers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n-1\r\n2\r\n\n1\r\n0\r\n\r\n",
        "GET /hello?name=J%C3%B6rg+A. HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /done HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    ];
    client.write_all(requests.concat().as_bytes())?;
    let mut answers = String::new();
    client.read_to_string(&mut answers)?;

    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "202", "200", "202", "200", "204"], "{answers}");
    let bodies = ["\r\n\r\n42HTTP", "\r\n\r\nHTTP", "<h1>Hello, Jörg A.!</h1>", "\r\n\r\n"];
    let mut rest = &answers[..];
    for body in bodies {
        rest = rest.split_once(body).unwrap_or_else(|| panic!("no {body:?} in {answers}")).1;
    }
    assert_eq!(answers.matches("Content-Length: 2\r\n").count(), 2, "of the GET and of the HEAD");
    Ok(())
}

fn one_connection_takes_request_after_request(address: SocketAddr) -> Result<()> {
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(PATIENCE)?;
    for name in ["Ada", "Grace"] {
        write!(client, "GET /hello?name={name} HTTP/1.1\r\nHost: h\r\n\r\n")?;
        read_until(&mut client, &format!("<h1>Hello, {name}!</h1>"))?;
    }

    let head =
        "POST /numbers HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    // Torn apart, as networks do.
    for byte in head.as_bytes() {
        client.write_all(&[*byte])?;
    }
    read_until(&mut client, "HTTP/1.1 100 Continue\r\n\r\n")?;
    client.write_all(b"7")?;
    read_until(&mut client, "HTTP/1.1 202 ")
}

fn what_is_wrong_is_answered_and_ends_the_connection(address: SocketAddr) -> Result<()> {
    let too_large = "POST /numbers HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n".to_string()
        + &"7".repeat(1001);
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/9.9\r\nHost: h\r\n\r\n", "HTTP/1.1 505 "),
        (&too_large, "HTTP/1.1 413 "),
    ];
    for (request, answer) in cases {
        let mut client = TcpStream::connect(address)?;
        client.set_read_timeout(PATIENCE)?;
        client.write_all(request.as_bytes())?;
        let mut answers = String::new();
        client.read_to_string(&mut answers)?;
        assert!(answers.starts_with(answer), "{request} -> {answers}");
        assert!(answers.contains("Connection: close\r\n"), "{request} -> {answers}");
    }
    Ok(())
}

/// Reads until `end` has come.
fn read_until(client: &mut TcpStream, end: &str) -> Result<()> {
    let (mut read, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        let text = String::from_utf8_lossy(&read);
        if text.contains(end) {
            return Ok(());
        }
        let count = client.read(&mut buffer)?;
        if count == 0 {
            return Err(format!("the connection ended behind {text}").into());
        }
        read.extend_from_slice(&buffer[..count]);
    }
}
