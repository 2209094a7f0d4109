//! Clients that lose their connection for a while and miss nothing: they come back to their rooms and data, and what was sent
//! meanwhile is sent again.
//!
//! `cargo run --example recovery` serves <http://localhost:3000>. The page counts along with the server. The button loses the connection,
//! which comes back within a second or two: "recovered: true", and no number is missing. Reload the page, and it is a new client.

use std::{io, thread, time::Duration};

use siomio::{BROWSER_CLIENT, Recovery, Server};

const PAGE: &str = "<!doctype html><meta charset='utf-8'><title>recovery</title>
<button>lose the connection</button><pre></pre><script src='/siomio.js'></script><script>
const log = (...words) => document.querySelector('pre').append(words.join(' '));
const socket = siomio();
socket.on('connect', () => log('\\nconnected as', socket.id, '- recovered:', socket.recovered, '\\n'));
socket.on('disconnect', (reason) => log('\\ndisconnected:', reason));
socket.on('visits', (visits) => log('connection', visits, 'of this client\\n'));
socket.on('tick', (n) => log(n, ''));
document.querySelector('button').onclick = () => socket.io.engine.close();
</script>";

struct Visits(u32);

fn main() -> io::Result<()> {
    println!("http://localhost:3000");
    server().listen("localhost:3000")
}

/// Everything but the address.
pub fn server() -> Server {
    // Kept for a minute, and 16 MiB of events at most.
    let recovery =
        Recovery::new().max_disconnection(Duration::from_secs(60)).max_bytes(16 * 1024 * 1024);
    let io = Server::builder().recovery(recovery).build();
    io.http(|request, response| match request.path() {
        "/" => response.html(PAGE),
        "/siomio.js" => response.body("text/javascript", BROWSER_CLIENT),
        _ => response.not_found(),
    });

    io.on_connect(|socket| {
        // Who comes back is in the room, and has its data.
        if !socket.is_recovered() {
            socket.join("counting");
            socket.data().insert(Visits(0));
        }
        let visits = socket.data().update(|Visits(visits)| {
            *visits += 1;
            *visits
        });
        socket.emit("visits", visits);
    });

    let handle = io.io();
    thread::spawn(move || {
        for n in 1_u64.. {
            handle.to("counting").emit("tick", n);
            thread::sleep(Duration::from_millis(200));
        }
    });
    io
}
