//! Acknowledgements, both ways: whoever emits an event may ask for an answer.
//!
//! `cargo run --example acks` serves <http://localhost:3000>. The page asks the server for a sum, which is answered at once, and
//! for something that another thread answers later; the server asks the page for its language and tells it what it heard. The
//! button asks all open pages for a number each: open a few.

use std::{io, thread, time::Duration};

use siomio::{Ack, BROWSER_CLIENT, Server, Socket};

const PAGE: &str = "<!doctype html><meta charset='utf-8'><title>acks</title>
<button>ask everybody</button><pre></pre><script src='/siomio.js'></script><script>
const log = (...words) => document.querySelector('pre').append(words.join(' ') + '\\n');
const socket = siomio();
socket.on('connect', async () => {
  socket.emit('add', 1, 2, (sum) => log('1 + 2 is', sum));
  log('later:', await socket.timeout(5000).emitWithAck('later', 'hello'));
});
socket.on('language?', (answer) => answer(navigator.language));
socket.on('number?', (answer) => answer(Math.floor(Math.random() * 100)));
socket.on('heard', (text) => log('the server has heard:', text));
document.querySelector('button').onclick = async () => log(await socket.emitWithAck('everybody'));
</script>";

/// How long clients have for their answers.
const TIMEOUT: Duration = Duration::from_secs(2);

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

    // The last parameter is the callback of the client.
    io.on("add", |_: &Socket, a: f64, b: f64, ack: Ack| ack.send(a + b));

    // It may go anywhere, and be called whenever the answer is known.
    io.on("later", |_: &Socket, text: String, ack: Ack| {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(300)); // it is hard work
            ack.send(text.to_uppercase());
        });
    });

    // The server asks one client...
    io.on_connect(|socket| {
        let client = socket.handle();
        socket.emit_with_ack("language?", (), TIMEOUT).on_reply(move |reply| match reply {
            Ok(reply) => {
                let language: String = reply.get(0).unwrap_or_default();
                client.emit("heard", format!("you speak {language}"));
            }
            Err(error) => println!("{}: {error}", client.id()),
        });
    });

    // ... or all of them, and takes the answers that come in time.
    io.on("everybody", |socket: &Socket, ack: Ack| {
        socket.io().emit_with_ack("number?", (), TIMEOUT).on_reply(move |replies| {
            let (replies, missing) = match replies {
                Ok(replies) => (replies, 0),
                Err(incomplete) => (incomplete.answers, incomplete.missing),
            };
            let numbers: Vec<u32> = replies.iter().filter_map(|reply| reply.get(0).ok()).collect();
            ack.send(format!("{numbers:?}, and {missing} did not answer"));
        });
    });
    io
}
