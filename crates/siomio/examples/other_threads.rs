//! Everything works from any thread: broadcasts, sending to one client, and waiting for its answers.
//!
//! `cargo run --example other_threads` serves <http://localhost:3000>. One thread tells all pages the time each second. The button starts a
//! quiz: a thread of its own asks one question after the other, waits for each answer, and tells the score.

use std::{io, thread, time::Duration, time::Instant};

use siomio::{BROWSER_CLIENT, Io, Server, Socket, SocketHandle};

const PAGE: &str = "<!doctype html><meta charset='utf-8'><title>other threads</title>
<output></output> <button>quiz</button><pre></pre><script src='/siomio.js'></script><script>
const log = (...words) => document.querySelector('pre').append(words.join(' ') + '\\n');
const socket = siomio();
socket.on('uptime', (seconds) => document.querySelector('output').value = 'up for ' + seconds + ' s');
socket.on('question', (text, answer) => answer(Number(prompt(text))));
socket.on('score', (right, all) => log(right, 'of', all, 'are right'));
socket.on('too slow', () => log('that took too long'));
document.querySelector('button').onclick = () => socket.emit('quiz');
</script>";

fn main() -> io::Result<()> {
    println!("http://localhost:3000");
    server().listen("localhost:3000")
}

/// Everything but the address.
pub fn server() -> Server {
    let io = Server::new();
    io.http(|request, response| match request.path() {
        "/" => response.html(PAGE),
        "/siomio.js" => response.body("text/javascript", BROWSER_CLIENT),
        _ => response.not_found(),
    });

    // `Io` is the server for other threads...
    let handle = io.io();
    thread::spawn(move || tell_the_time(&handle));

    // ... and `SocketHandle` a client. Here the handler is done at once; the thread is not.
    io.on("quiz", |socket: &Socket| {
        let client = socket.handle();
        thread::spawn(move || quiz(&client));
    });
    io
}

fn tell_the_time(io: &Io) {
    let start = Instant::now();
    loop {
        // Those who cannot take it now will be told the next time.
        io.volatile().emit("uptime", start.elapsed().as_secs());
        thread::sleep(Duration::from_secs(1));
    }
}

fn quiz(client: &SocketHandle) {
    const QUESTIONS: [(&str, i32); 3] = [("6 * 7", 42), ("2 - 5", -3), ("99 + 1", 100)];
    let mut right = 0;
    for (question, answer) in QUESTIONS {
        // Blocks this thread, and no other, until the answer is there; also when the client goes, or is too slow.
        match client.emit_with_ack("question", question, Duration::from_secs(20)).wait() {
            Ok(reply) => right += u32::from(reply.get(0) == Ok(answer)),
            Err(error) => {
                println!("{}: {error}", client.id());
                client.emit("too slow", ());
                return;
            }
        }
    }
    client.emit("score", (right, QUESTIONS.len()));
}
