//! Rooms, which sockets join on the server, and namespaces, which clients connect to: one for each topic, or made on demand.
//!
//! `cargo run --example rooms_and_namespaces` serves <http://localhost:3000>: open it in several tabs. What is said in a room is heard by
//! those who have joined it. All tabs hear the namespace `/news`. Tabs with the same game in their address
//! (<http://localhost:3000/?game=chess>) share a namespace `/game-{id}`, which the first of them brings into being.

use std::io;

use siomio::{Ack, BROWSER_CLIENT, Server, Socket};

const PAGE: &str = "<!doctype html><meta charset='utf-8'><title>rooms and namespaces</title>
<form><input name='room' value='lobby'><button value='join'>join</button><button value='leave'>leave</button>
<input name='text' value='hello'><button value='say'>say</button><button value='move'>move</button></form>
<pre></pre><script src='/siomio.js'></script><script>
const log = (...words) => document.querySelector('pre').append(words.join(' ') + '\\n');
const form = document.querySelector('form');
const socket = siomio(), news = siomio('/news');
const game = siomio('/game-' + (new URLSearchParams(location.search).get('game') ?? 'go'));
socket.on('said', (room, text) => log(room + ':', text));
news.on('headline', (text) => log('news:', text));
game.on('moved', (id, move) => log('game', id + ':', move));
form.onsubmit = (event) => {
  event.preventDefault();
  const [room, text, what] = [form.room.value, form.text.value, event.submitter.value];
  if (what === 'move') game.emit('move', text);
  else if (what === 'say') socket.emit('say', room, text);
  else socket.emit(what, room, (rooms) => log('now in', rooms));
};
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

    // Everybody is in a room of their own id, and joins others.
    io.on("join", |socket: &Socket, room: String, ack: Ack| {
        socket.join(&room);
        socket.to(&room).emit("said", (&room, format!("{} is here", socket.id())));
        ack.send(rooms_of(socket));
    });
    io.on("leave", |socket: &Socket, room: String, ack: Ack| {
        socket.leave(&room);
        ack.send(rooms_of(socket));
    });
    // `socket.to` would leave the speaker out.
    io.on("say", |socket: &Socket, room: String, text: String| {
        socket.io().to(&room).emit("said", (&room, text));
    });

    // A namespace has handlers, rooms and broadcasts of its own, over the same connection.
    let news = io.of("/news");
    news.on_connect(|socket| {
        let readers = socket.namespace().socket_count();
        socket.namespace().emit("headline", format!("{readers} read the news"));
    });

    // Namespaces that are made when somebody asks for one.
    let games = io.of_pattern("/game-{id}");
    games.on("move", |socket: &Socket, to: String| {
        let game = socket.namespace();
        game.emit("moved", (game.param("id"), to));
    });
    io
}

fn rooms_of(socket: &Socket) -> Vec<String> {
    socket.rooms().iter().map(|room| room.to_string()).collect()
}
