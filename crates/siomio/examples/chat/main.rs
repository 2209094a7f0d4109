//! A chat: nicknames, rooms, who is here, typing, whisper. Open http://localhost:3000 in two tabs.

use std::{
    collections::BTreeMap,
    env, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::UNIX_EPOCH,
};

use serde::Deserialize;
use serde_json::{Value, json};
use siomio::{Ack, BROWSER_CLIENT, Server, Socket, SocketHandle};

/// Who is here under which nickname: the room, and how to reach them. Lists of people are numbered, because those that
/// different shards send may overtake each other.
#[derive(Default)]
struct Book {
    guests: BTreeMap<String, (String, SocketHandle)>,
    version: u64,
}

#[derive(Clone, Default)]
struct Guests(Arc<Mutex<Book>>);

/// As whom somebody enters, and what their socket remembers of it.
#[derive(Clone, Deserialize)]
struct Me {
    nickname: String,
    room: String,
}

#[derive(Deserialize)]
struct Whisper {
    to: String,
    text: String,
}

fn main() -> io::Result<()> {
    let (port, shards) = (setting("PORT", 3000), setting("SHARDS", 0));
    println!("chat on http://localhost:{port}");
    server(shards as u8).listen(("localhost", port))
}

/// Everything but the address; 0 shards are one for each core.
pub fn server(shards: u8) -> Server {
    let server = Server::builder().shards(shards).build();
    server.http(|request, response| match request.path() {
        "/" => response.html(include_str!("page.html")),
        "/siomio.js" => response.body("text/javascript; charset=utf-8", BROWSER_CLIENT),
        _ => response.not_found(),
    });

    let guests = Guests::default();
    let all = guests.clone();
    server.on("enter", move |socket: &Socket, me: Me, ack: Ack| {
        let (nickname, room) = (me.nickname.trim().to_owned(), room_name(&me.room));
        if let Err(error) = all.welcome(socket, &nickname, &room) {
            return ack.send(json!({ "ok": false, "error": error }));
        }
        all.enter(socket, nickname, room, ack);
    });
    let all = guests.clone();
    server.on("move", move |socket: &Socket, room: String, ack: Ack| {
        let Some(me) = socket.data().get::<Me>() else { return };
        all.leave(socket, &me);
        all.enter(socket, me.nickname, room_name(&room), ack);
    });
    server.on("message", |socket: &Socket, text: String| {
        let Some(me) = socket.data().get::<Me>() else { return };
        socket.io().to(me.room).emit("message", said(&me.nickname, &text));
    });
    let all = guests.clone();
    server.on("whisper", move |socket: &Socket, Whisper { to, text }: Whisper, ack: Ack| {
        let Some(me) = socket.data().get::<Me>() else { return };
        let Some((_, recipient)) = all.lock().guests.get(&to).cloned() else {
            return ack.send(json!({ "ok": false, "error": format!("{to} is not here") }));
        };
        recipient.emit("whisper", said(&me.nickname, &text));
        ack.send(json!({ "ok": true }));
    });
    server.on("typing", |socket: &Socket, typing: bool| {
        let Some(Me { nickname, room }) = socket.data().get() else { return };
        socket.to(room).emit("typing", json!({ "from": nickname, "typing": typing }));
    });
    server.on_disconnect(move |socket, _| {
        let Some(me) = socket.data().get::<Me>() else { return };
        guests.leave(socket, &me);
        guests.lock().guests.remove(&me.nickname);
    });
    server
}

impl Guests {
    /// Gives out a nickname, unless it is bad or somebody has it.
    fn welcome(&self, socket: &Socket, nickname: &str, room: &str) -> Result<(), String> {
        if nickname.is_empty() || nickname.chars().count() > 24 {
            return Err("a nickname has 1 to 24 characters".to_owned());
        }
        let guests = &mut self.lock().guests;
        if guests.contains_key(nickname) || socket.data().contains::<Me>() {
            return Err(format!("{nickname} is taken"));
        }
        guests.insert(nickname.to_owned(), (room.to_owned(), socket.handle()));
        Ok(())
    }

    fn enter(&self, socket: &Socket, nickname: String, room: String, ack: Ack) {
        self.lock().guests.insert(nickname.clone(), (room.clone(), socket.handle()));
        socket.join(&room);
        socket.to(&room).emit("note", format!("{nickname} joined"));
        let (people, version) = self.tell(socket, &room);
        ack.send(json!({ "ok": true, "nickname": nickname, "room": room, "people": people, "version": version }));
        socket.data().insert(Me { nickname, room });
    }

    fn leave(&self, socket: &Socket, me: &Me) {
        self.lock().guests.insert(me.nickname.clone(), (String::new(), socket.handle()));
        socket.leave(&me.room);
        socket.to(&me.room).emit("note", format!("{} left", me.nickname));
        self.tell(socket, &me.room);
    }

    /// Tells a room who is in it.
    fn tell(&self, socket: &Socket, room: &str) -> (Vec<String>, u64) {
        let mut book = self.lock();
        book.version += 1;
        let here = book.guests.iter().filter(|(_, (own, _))| own == room);
        let people: Vec<String> = here.map(|(nickname, _)| nickname.clone()).collect();
        socket.io().to(room).emit("people", (&people, book.version));
        (people, book.version)
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn said(from: &str, text: &str) -> Value {
    json!({ "from": from, "text": text, "at": UNIX_EPOCH.elapsed().map_or(0, |now| now.as_millis() as u64) })
}

fn room_name(name: &str) -> String {
    let name = name.trim();
    if name.is_empty() { "lobby".to_owned() } else { name.chars().take(64).collect() }
}

fn setting(name: &str, default: u16) -> u16 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
