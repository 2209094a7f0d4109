//! Plain WebSockets: every message comes back, and everybody else hears of it.
//!
//! `cargo run --release --example websocket_echo` serves <http://localhost:3000>, page and WebSocket on the same path. Any
//! RFC 6455 client will do: `npx wscat -c ws://localhost:3000`, say.

use std::{io, time::Duration};

use siomio::{Message, Server};

const PAGE: &str = "<!doctype html><title>echo</title><input autofocus placeholder='say something'><pre></pre><script>
const [input, log] = [document.querySelector('input'), document.querySelector('pre')];
const socket = new WebSocket(location.href.replace('http', 'ws'));
socket.onmessage = (event) => log.append(event.data + '\\n');
socket.onclose = (event) => log.append(`closed: ${event.code} ${event.reason}\\n`);
input.onchange = () => { socket.send(input.value); input.value = ''; };
</script>";

/// Whether it has answered the last ping.
struct Alive(bool);

fn main() -> io::Result<()> {
    let server = Server::new();
    server.http(|_, response| response.html(PAGE));
    let echo = server.websocket("/");
    echo.on_open(|socket| {
        println!("{} comes from {}", socket.id(), socket.peer_addr());
        socket.data().insert(Alive(true));
        socket.every(Duration::from_secs(30), |socket| match socket.data().insert(Alive(false)) {
            Some(Alive(true)) => drop(socket.ping(b"")),
            _ => socket.terminate(),
        });
    });
    echo.on_pong(|socket, _| {
        socket.data().insert(Alive(true));
    });
    echo.on_message(|socket, message| {
        if let Message::Text(text) = message {
            socket.broadcast(Message::Text(&format!("{} says {text}", socket.id())));
        }
        socket.send(message);
    });
    echo.on_error(|socket, error| println!("{}: {error}", socket.id()));
    echo.on_close(|socket, code, reason| println!("{} leaves: {code} {reason}", socket.id()));
    println!("http://localhost:3000");
    server.listen("localhost:3000")
}
