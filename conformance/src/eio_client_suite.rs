//! Engine.IO as the tests of client programs want it: it can refuse, sets cookies, greets, and answers some messages in
//! its own way.

use std::time::SystemTime;

use siomio::{Carrier, EngineServer, EngineSocket, Headers, InvalidHeader, Message, ServerBuilder};
use siomio_http::http_date;

/// What `give utf8` is answered with.
const CYRILLIC: &str = "пойду спать всем спокойной ночи";

/// A server at `/engine.io/` that refuses handshakes with a parameter `deny`, sets four cookies with the answer that opens a
/// session, says `hi` to it, and sends messages back unless they ask for something else.
pub fn server(builder: ServerBuilder) -> EngineServer {
    let builder =
        builder.path("/engine.io").allow_request(|request, decision| match request.query("deny") {
            Some(_) => decision.refuse("denied"),
            None => decision.allow(),
        });
    let server = builder.build_engine();
    server.engine().on_initial_headers(|headers, _| {
        set_cookies(headers).expect("cookies that HTTP allows");
    });
    server.on_open(|socket| {
        socket.send_text("hi");
    });
    server.on_message(answer);
    server
}

fn set_cookies(headers: &mut Headers) -> Result<(), InvalidHeader> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    headers.append("Set-Cookie", "1=1; Max-Age=86400")?;
    headers.append("Set-Cookie", "2=2; Path=/; HttpOnly; Secure; SameSite=Strict")?;
    headers.append("Set-Cookie", "3=3; Max-Age=0")?;
    headers.append("Set-Cookie", format!("4=4; Expires={}", http_date(now.as_secs())))
}

fn answer(socket: &EngineSocket, message: Message<'_>, carrier: Carrier<'_>) {
    match message {
        Message::Text("give binary") => socket.send_binary(&[0, 1, 2, 3, 4]),
        Message::Text("give utf8") => socket.send_text(CYRILLIC),
        Message::Text("sendHeaders") => socket.send_text(&headers_of(carrier)),
        message => socket.send(message),
    };
}

/// The headers of the request that carried a message, as a JSON object; of repeated ones the last.
fn headers_of(carrier: Carrier<'_>) -> String {
    let mut object = serde_json::Map::new();
    if let Carrier::Post(request) = carrier {
        for (name, value) in request.headers() {
            object.insert(name.to_ascii_lowercase(), String::from_utf8_lossy(value).into());
        }
    }
    serde_json::Value::Object(object).to_string()
}
