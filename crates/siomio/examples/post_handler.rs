//! The same port answers plain HTTP, and its handlers emit: what comes by POST goes to all sockets.
//!
//! `cargo run --example post_handler` serves <http://localhost:3000>. Open it, and from a terminal:
//!
//!     curl -d 'lunch is ready' localhost:3000/announce
//!     curl -d 'who is hungry?' localhost:3000/ask
//!
//! The first is shown by every page, and answered with how many there are. The second is answered when the pages have answered,
//! or have let five seconds pass.

use std::{io, time::Duration};

use serde::Serialize;
use siomio::{Args, BROWSER_CLIENT, Incomplete, Method, Server};

const PAGE: &str = "<!doctype html><meta charset='utf-8'><title>post handler</title><pre></pre>
<script src='/siomio.js'></script><script>
const log = (...words) => document.querySelector('pre').append(words.join(' ') + '\\n');
const socket = siomio();
socket.on('announcement', (text) => log(text));
socket.on('question', (text, answer) => answer(confirm(text)));
</script>";

/// What `/ask` is answered with, as JSON.
#[derive(Serialize)]
struct Result {
    yes: usize,
    no: usize,
    silent: usize,
}

fn main() -> io::Result<()> {
    println!("http://localhost:3000");
    server().listen("localhost:3000")
}

/// Everything but the address.
pub fn server() -> Server {
    let server = Server::new();
    let io = server.io();
    server.http(move |request, response| match (request.method(), request.path()) {
        (Method::Get, "/") => response.html(PAGE),
        (Method::Get, "/siomio.js") => response.body("text/javascript", BROWSER_CLIENT),
        (Method::Post, "/announce") => {
            io.emit("announcement", request.text());
            response.status(202).text(format!("told {} pages\n", io.socket_count()));
        }
        // The response waits for the answers, and nothing else does.
        (Method::Post, "/ask") => io
            .emit_with_ack("question", request.text(), Duration::from_secs(5))
            .on_reply(|replies| response.json(&count(replies))),
        _ => response.not_found(),
    });
    server
}

fn count(replies: std::result::Result<Vec<Args>, Incomplete<Args>>) -> Result {
    let (replies, silent) = match replies {
        Ok(replies) => (replies, 0),
        Err(incomplete) => (incomplete.answers, incomplete.missing),
    };
    let yes = replies.iter().filter(|reply| reply.get(0) == Ok(true)).count();
    Result { yes, no: replies.len() - yes, silent }
}
