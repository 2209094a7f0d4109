//! Handlers that take long run on a pool of threads, and nobody waits for them who need not.
//!
//! `cargo run --example blocking_handlers` serves <http://localhost:3000>. The page has two sockets. One asks how many primes there are below a
//! number, which takes a while, and then for the time: events of one socket keep their order, so the time comes after the primes.
//! The other socket asks for the time, too, and has it at once.

use std::{io, time::SystemTime};

use siomio::{Ack, BROWSER_CLIENT, Server, Socket, SocketHandle};

const PAGE: &str = "<!doctype html><meta charset='utf-8'><title>blocking handlers</title>
<input type='number' value='3000000'><button>count primes</button><pre></pre>
<script src='/siomio.js'></script><script>
const log = (...words) => document.querySelector('pre').append(words.join(' ') + '\\n');
const [socket, other] = [siomio(), siomio({ forceNew: true })];
socket.on('counting', (below) => log('counting the primes below', below));
document.querySelector('button').onclick = () => {
  socket.emit('primes', Number(document.querySelector('input').value), (count) => log('there are', count));
  socket.emit('time', (ms) => log('the socket that counts is told', ms));
  other.emit('time', (ms) => log('the other socket is told', ms));
};
</script>";

fn main() -> io::Result<()> {
    println!("http://localhost:3000");
    server().listen("localhost:3000")
}

/// Everything but the address.
pub fn server() -> Server {
    let io = Server::builder().blocking_threads(2).build();
    io.http(|request, response| match request.path() {
        "/" => response.html(PAGE),
        "/siomio.js" => response.body("text/javascript", BROWSER_CLIENT),
        _ => response.not_found(),
    });

    // Like `on`, but it gets a `SocketHandle`, and may compute, wait, read files, ask databases.
    io.on_blocking("primes", |socket: &SocketHandle, below: u32, ack: Ack| {
        socket.emit("counting", below);
        ack.send((2..below).filter(is_prime).count());
    });
    // This one is on the event loop of its client, where nothing may take long.
    io.on("time", |_: &Socket, ack: Ack| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        ack.send(now.map_or(0, |now| now.as_millis() as u64));
    });
    io
}

fn is_prime(n: &u32) -> bool {
    (2..).take_while(|divisor| divisor * divisor <= *n).all(|divisor| n % divisor != 0)
}
