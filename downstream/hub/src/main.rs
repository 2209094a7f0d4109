//! A chat in memory: clients are numbers with an inbox each, and every message is a text handed over as a value.
//!
//! What a client says in a room goes to the others in it, as it came: a relay needs no encoder, and so no other crate.

use std::{
    collections::BTreeMap,
    mem,
    time::{Duration, Instant},
};

use siomio_hub::{
    AckToken, Awaiter, ClientKey, Config, DisconnectReason, Due, Hub, NamespaceId, Received,
    Revision, Rooms, Selector, SharedRooms, SocketKey,
};

fn main() {
    rooms_and_namespaces();
    acknowledgements();
    whoever_breaks_a_rule_is_closed();
    println!("hub: rooms were joined, heard and left in two namespaces, and nobody is left");
}

fn rooms_and_namespaces() {
    let mut chat = Chat::new();
    for tag in 1..=3 {
        chat.open(tag);
        chat.receive(tag, "0");
        assert_eq!(chat.read(tag), [format!(r#"0{{"sid":"main-{tag}"}}"#)]);
    }
    for (tag, room) in [(1, "red"), (2, "red"), (3, "blue"), (1, "blue")] {
        chat.receive(tag, &format!(r#"2["join","{room}"]"#));
    }
    chat.receive(1, r#"2["red","hello"]"#);
    assert_eq!(chat.inboxes(), ["2: 2[\"red\",\"hello\"]"]);
    chat.receive(3, r#"2["blue","hello",{"to":"blue"}]"#);
    assert_eq!(chat.inboxes(), [r#"1: 2["blue","hello",{"to":"blue"}]"#]);
    // A socket's id is a room of its own.
    chat.receive(3, r#"2["main-2","psst"]"#);
    assert_eq!(chat.inboxes(), [r#"2: 2["main-2","psst"]"#]);
    // Rooms of the same name in another namespace are others.
    chat.receive(2, "0/side,");
    chat.receive(3, "0/side,");
    chat.receive(3, "0/nowhere,");
    assert_eq!(
        chat.inboxes(),
        [
            r#"2: 0/side,{"sid":"side-2"}"#,
            r#"3: 0/side,{"sid":"side-3"}"#,
            r#"3: 4/nowhere,{"message":"Invalid namespace"}"#,
        ]
    );
    chat.receive(2, r#"2/side,["join","red"]"#);
    chat.receive(3, r#"2/side,["red","only here"]"#);
    assert_eq!(chat.inboxes(), [r#"2: 2/side,["red","only here"]"#]);

    // The index of rooms can be read from elsewhere.
    let index = chat.rooms.lock().expect("nobody panicked");
    assert_eq!(index.count(chat.main), 3);
    assert_eq!(index.names(chat.main), ["blue".into(), "red".into()]);
    assert_eq!(index.ids_in(chat.side, "red"), ["side-2".into()]);
    drop(index);

    // One namespace is left, then the connection ends.
    chat.receive(2, "1/side,");
    assert_eq!(chat.left, ["side-2 left side-2, red: client namespace disconnect"]);
    chat.close(1);
    assert_eq!(chat.left.len(), 2);
    chat.receive(2, r#"2["red","is anybody here?"]"#);
    assert!(chat.inboxes().is_empty());
    chat.close(2);
    chat.close(3);
    assert_eq!(chat.left.len(), 5);
    assert_eq!(chat.hub.len(), (0, 0));
    assert!(chat.rooms.lock().expect("nobody panicked").names(chat.main).is_empty());
}

fn acknowledgements() {
    let mut chat = Chat::new();
    chat.open(1);
    chat.receive(1, "0");
    chat.read(1);
    let socket = chat.sockets(1)[0];

    // Two questions, and one answer.
    let (soon, later) = (Duration::from_secs(1), Duration::from_secs(60));
    for (token, patience) in [(10, soon), (11, later)] {
        let id = chat.hub.expect_ack(socket, AckToken(token), chat.now + patience);
        chat.send(1, format!(r#"2{}["ready?"]"#, id.expect("it is connected")));
    }
    assert_eq!(chat.read(1), [r#"20["ready?"]"#, r#"21["ready?"]"#]);
    chat.receive(1, r#"31["yes"]"#);
    chat.receive(1, r#"31["yes, again"]"#);
    assert_eq!(chat.answers, [(AckToken(11), r#"["yes"]"#.into())]);
    chat.pass(soon);
    assert_eq!(chat.due, [Due::Ack(AckToken(10))]);

    // What is not answered when a socket goes will never be.
    chat.hub.expect_ack(socket, AckToken(12), chat.now + later);
    chat.hub.begin_disconnect(socket, false);
    let reason = DisconnectReason::ServerNamespaceDisconnect;
    let departure = chat.hub.remove(chat.now, socket, reason).expect("it was there");
    assert_eq!(departure.acks, [Awaiter::One(AckToken(12))]);
    assert_eq!(chat.hub.deadline(), None);
}

fn whoever_breaks_a_rule_is_closed() {
    let cases = [
        (r#"2["too early"]"#, "the client sent to a namespace it has not joined"),
        ("rubbish", "the client sent an invalid packet: unknown packet type r"),
        ("4\"no\"", "the client sent a packet that only servers send"),
    ];
    for (text, violation) in cases {
        let mut chat = Chat::new();
        chat.open(1);
        chat.receive(1, text);
        assert_eq!(chat.violations, [violation], "{text}");
        assert_eq!(chat.hub.len(), (0, 0));
    }
    // Nor may a client say nothing at all.
    let mut chat = Chat::new();
    chat.open(1);
    chat.pass(Config::default().connect_timeout);
    assert_eq!(chat.due, [Due::Connect(1)]);
}

struct Chat {
    now: Instant,
    hub: Hub,
    rooms: SharedRooms,
    main: NamespaceId,
    side: NamespaceId,
    clients: BTreeMap<u64, (ClientKey, Vec<String>)>,
    /// Who left which rooms, and why.
    left: Vec<String>,
    answers: Vec<(AckToken, String)>,
    due: Vec<Due>,
    violations: Vec<String>,
}

impl Chat {
    fn new() -> Self {
        // Of course: a random seed.
        let rooms = Rooms::shared(7);
        let mut hub = Hub::new(Config::default(), rooms.clone(), 7);
        let (main, side) = (hub.declare("/"), hub.declare("/side"));
        let (now, clients) = (Instant::now(), BTreeMap::new());
        let (left, answers, due, violations) = Default::default();
        Self { now, hub, rooms, main, side, clients, left, answers, due, violations }
    }

    fn open(&mut self, tag: u64) {
        let client = self.hub.open_client(self.now, tag, Revision::V5);
        self.clients.insert(tag, (client, Vec::new()));
    }

    fn receive(&mut self, tag: u64, text: &str) {
        let Some((client, _)) = self.clients.get(&tag) else { return };
        let client = *client;
        match self.hub.handle_text(client, text) {
            Ok(Received::Connect { namespace, .. }) => self.connect(tag, client, namespace),
            Ok(Received::UnknownNamespace { name, .. }) => {
                self.send(tag, format!(r#"4{name},{{"message":"Invalid namespace"}}"#));
            }
            Ok(Received::Event { socket, data, .. }) => {
                let (name, args) = data.event().expect("events have names");
                match &*name {
                    "join" => {
                        let room: String = args.get(0).expect("the name of a room");
                        self.hub.join(socket, &room);
                    }
                    room => self.relay(socket, room, data.json()),
                }
            }
            Ok(Received::Ack { by: Awaiter::One(token), data, .. }) => {
                self.answers.push((token, data.json().to_owned()));
            }
            Ok(Received::Disconnect { socket }) => {
                self.leave(socket, true, DisconnectReason::ClientNamespaceDisconnect);
            }
            Ok(Received::Nothing | Received::Ack { .. }) => {}
            Err(violation) => {
                self.violations.push(violation.to_string());
                self.close(tag);
            }
        }
        self.hub.end_batch();
    }

    fn connect(&mut self, tag: u64, client: ClientKey, namespace: NamespaceId) {
        let id = if namespace == self.main { "main" } else { "side" };
        let id = format!("{id}-{tag}");
        let socket = self.hub.begin_connect(client, namespace, id.as_str().into());
        let socket = socket.expect("the client is there");
        assert!(self.hub.accept(self.now, socket, None).is_some());
        self.send(tag, format!(r#"0{}{{"sid":"{id}"}}"#, self.prefix(socket)));
    }

    /// Sends an event as it came to all in a room but the one that it comes from.
    fn relay(&mut self, from: SocketKey, room: &str, json: &str) {
        let namespace = self.hub.namespace_of(from).expect("it is connected");
        let own = self.hub.id(from).expect("it is connected").clone();
        let mut recipients = Vec::new();
        self.hub.select(namespace, &Selector::all().room(room).except(own), &mut recipients);
        let text = format!("2{}{json}", self.prefix(from));
        recipients.into_iter().for_each(|tag| self.send(tag, text.clone()));
    }

    /// How packets name the namespace of a socket.
    fn prefix(&self, socket: SocketKey) -> String {
        match self.hub.name_of(socket).map(|name| &**name) {
            None | Some("/") => String::new(),
            Some(name) => format!("{name},"),
        }
    }

    fn leave(&mut self, socket: SocketKey, by_client: bool, reason: DisconnectReason) {
        assert!(self.hub.begin_disconnect(socket, by_client));
        let id = self.hub.id(socket).expect("until it is removed").clone();
        let rooms = self.hub.rooms_of(socket).join(", ");
        self.left.push(format!("{id} left {rooms}: {}", reason.as_str()));
        self.hub.remove(self.now, socket, reason);
    }

    fn close(&mut self, tag: u64) {
        for socket in self.sockets(tag) {
            self.leave(socket, false, DisconnectReason::TransportClose);
        }
        if let Some((client, _)) = self.clients.remove(&tag) {
            self.hub.close_client(client);
        }
    }

    fn sockets(&self, tag: u64) -> Vec<SocketKey> {
        self.clients.get(&tag).map(|(client, _)| self.hub.sockets(*client)).unwrap_or_default()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        while let Some(due) = self.hub.handle_timeout(self.now) {
            self.due.push(due);
        }
    }

    fn send(&mut self, tag: u64, text: String) {
        if let Some((_, inbox)) = self.clients.get_mut(&tag) {
            inbox.push(text);
        }
    }

    /// What has come to one client.
    fn read(&mut self, tag: u64) -> Vec<String> {
        let inbox = self.clients.get_mut(&tag).map(|(_, inbox)| mem::take(inbox));
        inbox.unwrap_or_default()
    }

    /// What has come to whom.
    fn inboxes(&mut self) -> Vec<String> {
        let clients = self.clients.iter_mut();
        let lines = clients.flat_map(|(tag, (_, inbox))| {
            inbox.drain(..).map(move |text| format!("{tag}: {text}"))
        });
        lines.collect()
    }
}
