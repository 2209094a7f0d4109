//! Middlewares decide who may connect to a namespace, by what the client sends along as `auth`: at once, or when they know.
//!
//! `cargo run --example auth_middleware` serves <http://localhost:3000>, with three connections on one page: one with a good token is
//! welcomed, one with a bad token is refused and told why, and one to `/admin` waits until another thread has looked its user up.
//! Nobody else waits meanwhile.

use std::{io, thread, time::Duration};

use serde::{Deserialize, Serialize};
use siomio::{BROWSER_CLIENT, ConnectError, Server};

const PAGE: &str = "<!doctype html><meta charset='utf-8'><title>auth</title><pre></pre>
<script src='/siomio.js'></script><script>
const log = (...words) => document.querySelector('pre').append(words.join(' ') + '\\n');
const attempt = (nsp, auth) => {
  const socket = siomio(nsp, { auth, forceNew: true });
  socket.on('welcome', (name) => log(nsp, JSON.stringify(auth), '- welcome', name));
  socket.on('connect_error', (error) => log(nsp, JSON.stringify(auth), '-', error.message, JSON.stringify(error.data)));
};
attempt('/', { token: 'secret-of-ada' });
attempt('/', { token: 'guessed' });
attempt('/admin', { token: 'secret-of-ada' });
attempt('/admin', { token: 'secret-of-bob' });
</script>";

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Clone, Serialize)]
struct User(String);

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

    // At once: what does not fit the type of `auth` is refused, too.
    io.use_middleware(|socket, auth: Auth| {
        let refusal = || ConnectError::new("not allowed").with_data("unknown token");
        socket.data().insert(User(name_of(&auth).ok_or_else(refusal)?));
        Ok(())
    });
    io.on_connect(|socket| {
        socket.emit("welcome", socket.data().get::<User>());
    });

    // Later: the permit goes to a thread that may block, and the client waits for it.
    let admin = io.of("/admin");
    admin.use_middleware_later(|_, auth: Auth, permit| {
        thread::spawn(move || match is_admin(&auth) {
            true => permit.grant(),
            false => permit.refuse("not an admin"),
        });
    });
    admin.on_connect(|socket| {
        socket.emit("welcome", "to the administration");
    });
    io
}

fn name_of(auth: &Auth) -> Option<String> {
    auth.token.strip_prefix("secret-of-").map(str::to_owned)
}

fn is_admin(auth: &Auth) -> bool {
    thread::sleep(Duration::from_millis(300)); // a slow database
    name_of(auth).is_some_and(|name| name == "ada")
}
