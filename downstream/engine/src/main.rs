//! An Engine.IO server in memory: requests and WebSocket messages are handed over as values, answers come back as
//! values, and time is what the caller says. What a server needs around the session machine, and nothing else.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use siomio_engine::{
    Action, Admission, ChannelId, CloseReason, Config, Message, Outgoing, Query, Request,
    RequestId, Response, Session, Sid, payload::Body, verify,
};

fn main() {
    let mut server = Server::new();
    messages_come_back_over_polling(&mut server);
    a_client_that_does_not_answer_pings_is_gone(&mut server);
    nothing_is_lost_on_the_way_to_a_websocket(&mut server);
    who_makes_no_sense_is_refused(&mut server);
    assert!(server.sessions.is_empty());
    println!("engine: sessions polled, moved, fell silent and were closed, and none is left");
}

fn messages_come_back_over_polling(server: &mut Server) {
    let sid = server.open();
    let poll = server.get(&sid);
    assert_eq!(server.answer(poll), None, "a GET waits for news");
    let post = server.post(&sid, "4hello\x1ebAQID\x1e4again");
    assert_eq!(server.answer(post), Some((200, "ok".into())));
    assert_eq!(server.answer(poll), Some((200, "4hello\x1ebAQID\x1e4again".into())));

    // What is sent while nobody polls waits for the next GET.
    server.post(&sid, "4one");
    server.post(&sid, "4two");
    let poll = server.get(&sid);
    assert_eq!(server.answer(poll), Some((200, "4one\x1e4two".into())));

    // The client says goodbye, and its GET is let go.
    let poll = server.get(&sid);
    server.post(&sid, "1");
    assert_eq!(server.answer(poll), Some((200, "6".into())));
    assert_eq!(server.closed.pop(), Some((sid, CloseReason::TransportClose)));
}

fn a_client_that_does_not_answer_pings_is_gone(server: &mut Server) {
    let sid = server.open();
    for _ in 0..3 {
        let poll = server.get(&sid);
        server.pass(server.config.ping_interval);
        assert_eq!(server.answer(poll), Some((200, "2".into())), "a ping");
        server.post(&sid, "3");
    }
    let poll = server.get(&sid);
    server.pass(server.config.ping_interval);
    assert_eq!(server.answer(poll), Some((200, "2".into())));
    server.pass(server.config.ping_timeout);
    assert_eq!(server.closed.pop(), Some((sid.clone(), CloseReason::PingTimeout)));
    let poll = server.get(&sid);
    assert_eq!(server.answer(poll), refusal(1, "Session ID unknown"));
}

fn nothing_is_lost_on_the_way_to_a_websocket(server: &mut Server) {
    let sid = server.open();
    let poll = server.get(&sid);
    let channel = server.upgrade(&sid);
    server.message(&sid, channel, "2probe");
    assert_eq!(server.transmitted(channel), ["3probe"]);
    assert_eq!(server.answer(poll), Some((200, "6".into())), "the GET is let go");

    // On its way with the old transport while the new one is not there yet.
    server.post(&sid, "4on the way");
    assert!(server.transmitted(channel).is_empty());
    server.message(&sid, channel, "5");
    server.message(&sid, channel, "4there");
    assert_eq!(server.transmitted(channel), ["4on the way", "4there"]);

    // The application closes.
    server.act(&sid, |session, now, actions| session.close(now, actions));
    assert_eq!(server.transmitted(channel), ["(closed)"]);
    assert_eq!(server.closed.pop(), Some((sid, CloseReason::ForcedClose)));
}

fn who_makes_no_sense_is_refused(server: &mut Server) {
    let cases = [
        ("GET", "EIO=4&transport=pigeon", refusal(0, "Transport unknown")),
        ("GET", "EIO=4&transport=polling&sid=made-up", refusal(1, "Session ID unknown")),
        ("POST", "EIO=4&transport=polling", refusal(2, "Bad handshake method")),
        ("GET", "EIO=3&transport=polling", refusal(5, "Unsupported protocol version")),
    ];
    for (method, query, expected) in cases {
        let request = server.request(method, query, "");
        assert_eq!(server.answer(request), expected, "{method} {query}");
    }
    // A session of a client that sends rubbish is over.
    let sid = server.open();
    server.post(&sid, "rubbish");
    assert_eq!(server.closed.pop(), Some((sid, CloseReason::ParseError)));
}

fn refusal(code: u8, message: &str) -> Option<(u16, String)> {
    Some((400, format!(r#"{{"code":{code},"message":"{message}"}}"#)))
}

/// Whatever it is sent, it sends back.
struct Server {
    now: Instant,
    config: Arc<Config>,
    sessions: HashMap<Sid, Session>,
    /// Numbers of requests, of WebSockets and of sessions.
    count: u64,
    answers: HashMap<RequestId, (u16, String)>,
    channels: HashMap<ChannelId, Vec<String>>,
    closed: Vec<(String, CloseReason)>,
}

impl Server {
    fn new() -> Self {
        let mut config = Config::default();
        config.ping_interval = Duration::from_secs(5);
        config.ping_timeout = Duration::from_secs(3);
        Self {
            now: Instant::now(),
            config: Arc::new(config),
            sessions: HashMap::new(),
            count: 0,
            answers: HashMap::new(),
            channels: HashMap::new(),
            closed: Vec::new(),
        }
    }

    /// A request of its own connection. What became of it, [`answer`](Self::answer) tells.
    fn request(&mut self, method: &str, query: &str, body: &str) -> RequestId {
        self.count += 1;
        let request = RequestId { connection: self.count, sequence: 0 };
        // Whoever reads HTTP decodes the pairs of the query; ours need no decoding.
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let query = Query::from_pairs(pairs.map(|(name, value)| (name.into(), value.into())));
        let session = query.sid.as_deref().and_then(|sid| self.sessions.get(sid));

        let is_get = method == "GET";
        let facts = Request { query: &query, is_get, is_upgrade: false, origin: None };
        match verify(facts, &self.config, session) {
            Ok(Admission::Handshake(_)) => {
                let sid = self.insert(&query);
                self.act(&sid, |session, _, actions| session.handle_get(request, actions));
            }
            Ok(Admission::Session) => {
                let sid = query.sid.unwrap_or_default();
                match is_get {
                    true => self.act(&sid, |it, _, actions| it.handle_get(request, actions)),
                    false => self.read(&sid, request, body),
                }
            }
            Err(refusal) => {
                self.answers.insert(request, (refusal.status(), refusal.body()));
            }
        }
        request
    }

    fn insert(&mut self, query: &Query<'_>) -> String {
        // Of course: random bytes. Here they only have to be others each time.
        let mut entropy = [0; 15];
        entropy[7..].copy_from_slice(&self.count.to_be_bytes());
        let (sid, mut actions) = (Sid::new(0, entropy), Vec::new());
        let config = self.config.clone();
        let session = Session::open(self.now, config, sid.clone(), query, None, &mut actions);
        assert!(actions.is_empty(), "on polling nothing is said before somebody asks");
        self.sessions.insert(sid.clone(), session);
        sid.to_string()
    }

    /// The body of a POST.
    fn read(&mut self, sid: &str, request: RequestId, body: &str) {
        self.act(sid, |session, now, actions| {
            let Some(format) = session.handle_post_head(request, false, actions) else { return };
            for packet in Body::read(format, body.as_bytes()).packets() {
                if let Some(message) = session.handle_post_packet(now, request, packet, actions) {
                    session.send(echo(message), actions);
                }
            }
            session.handle_post_end(request, actions);
        });
    }

    /// Lets a session do something, and carries out what it asks for.
    fn act(&mut self, sid: &str, act: impl FnOnce(&mut Session, Instant, &mut Vec<Action>)) {
        let Some(session) = self.sessions.get_mut(sid) else { return };
        let mut actions = Vec::new();
        act(session, self.now, &mut actions);
        session.flush(&mut actions);
        let framing = session.framing();
        for action in actions {
            match action {
                Action::Respond { request, response } => {
                    let answer = match response {
                        Response::Payload(body) => (200, String::from_utf8(body).expect("text")),
                        Response::Accepted => (200, "ok".into()),
                        _ => (400, String::new()),
                    };
                    self.answers.insert(request, answer);
                }
                Action::Transmit { channel, packet } => {
                    let (is_binary, message) = framing.message(&packet);
                    assert!(!is_binary);
                    let text = String::from_utf8_lossy(&message).into_owned();
                    self.channels.entry(channel).or_default().push(text);
                }
                Action::CloseChannel { channel } => {
                    self.channels.entry(channel).or_default().push("(closed)".into());
                }
                Action::Closed { reason } => {
                    self.sessions.remove(sid);
                    self.closed.push((sid.into(), reason));
                }
                Action::Upgraded { .. } | Action::Abort { .. } => {}
                other => panic!("a new action: {other:?}"),
            }
        }
    }

    /// Time passes, in one step: what was due meanwhile comes with it.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        let is_due = |session: &Session| session.deadline().is_some_and(|at| at <= self.now);
        let due = self.sessions.iter().filter(|(_, session)| is_due(session));
        for sid in due.map(|(sid, _)| sid.to_string()).collect::<Vec<_>>() {
            self.act(&sid, |session, now, actions| session.handle_timeout(now, actions));
        }
    }

    fn answer(&mut self, request: RequestId) -> Option<(u16, String)> {
        self.answers.remove(&request)
    }

    fn transmitted(&mut self, channel: ChannelId) -> Vec<String> {
        self.channels.remove(&channel).unwrap_or_default()
    }
}

/// What a client does.
impl Server {
    fn open(&mut self) -> String {
        let request = self.request("GET", "EIO=4&transport=polling", "");
        let (status, body) = self.answer(request).expect("the handshake is not waited for");
        assert_eq!(status, 200);
        assert!(body.contains(r#""pingInterval":5000,"pingTimeout":3000"#), "{body}");
        let sid = body.strip_prefix(r#"0{"sid":""#).and_then(|rest| rest.split('"').next());
        sid.expect("an open packet").into()
    }

    fn get(&mut self, sid: &str) -> RequestId {
        self.request("GET", &format!("EIO=4&transport=polling&sid={sid}"), "")
    }

    fn post(&mut self, sid: &str, body: &str) -> RequestId {
        self.request("POST", &format!("EIO=4&transport=polling&sid={sid}"), body)
    }

    /// The handshake of a WebSocket is through that names the session.
    fn upgrade(&mut self, sid: &str) -> ChannelId {
        self.count += 1;
        let channel = ChannelId(self.count);
        self.act(sid, |session, now, actions| session.handle_channel(now, channel, false, actions));
        channel
    }

    fn message(&mut self, sid: &str, channel: ChannelId, text: &str) {
        self.act(sid, |session, now, actions| {
            let message = Message::Text(text);
            if let Some(message) = session.handle_channel_message(now, channel, message, actions) {
                session.send(echo(message), actions);
            }
        });
    }
}

fn echo(message: Message<'_>) -> Outgoing {
    match message {
        Message::Text(text) => Outgoing::text(text),
        Message::Binary(data) => Outgoing::Binary(Cow::into_owned(data).into()),
    }
}
