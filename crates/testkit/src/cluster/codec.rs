//! Operations as bytes. Numbers are eight bytes, texts and lists begin with their length, and choices with the number of what is
//! chosen.

use std::{sync::Arc, time::Duration};

use siomio::{
    Answer, Args, ArgsRef, BroadcastPacket, Flags, Gathering, Operation, RequestId, Selector,
    SocketInfo, Value, parser::Limits,
};

/// What travels.
#[derive(Debug)]
pub(super) enum Message {
    /// For a namespace.
    Operation(String, Operation),
    /// To a request.
    Answer(RequestId, Answer),
}

/// The bytes of an operation.
pub(super) fn write_operation(namespace: &str, operation: &Operation) -> Vec<u8> {
    let mut out = Writer(vec![0]);
    out.text(namespace);
    match operation {
        Operation::Broadcast { to, packet, flags, gathering } => {
            out.number(0);
            out.selector(to);
            let data = packet.data();
            let (name, args) = data.event().expect("a broadcast is an event");
            out.text(packet.namespace());
            out.text(name.as_str());
            out.args(args);
            out.number(u64::from(flags.volatile) | u64::from(flags.compress) << 1);
            out.optional(gathering.as_ref(), |out, gathering| {
                out.number(gathering.request.0);
                out.number(gathering.timeout.as_secs());
                out.number(gathering.timeout.subsec_nanos().into());
            });
        }
        Operation::Join { who, rooms } => {
            out.number(1);
            out.selector(who);
            out.texts(rooms);
        }
        Operation::Leave { who, rooms } => {
            out.number(2);
            out.selector(who);
            out.texts(rooms);
        }
        Operation::Disconnect { who, close } => {
            out.number(3);
            out.selector(who);
            out.number((*close).into());
        }
        Operation::Fetch { who, request } => {
            out.number(4);
            out.selector(who);
            out.number(request.0);
        }
        Operation::ServerSideEmit { event, args, request } => {
            out.number(5);
            out.text(event);
            out.args(args.as_ref());
            out.optional(request.as_ref(), |out, request| out.number(request.0));
        }
        other => panic!("there is no code for {other:?}"),
    }
    out.0
}

/// The bytes of an answer.
pub(super) fn write_answer(request: RequestId, answer: &Answer) -> Vec<u8> {
    let mut out = Writer(vec![1]);
    out.number(request.0);
    match answer {
        Answer::Recipients(count) => {
            out.number(0);
            out.number((*count).into());
        }
        Answer::Ack(args) => {
            out.number(1);
            out.optional(args.as_ref(), |out, args| out.args(args.as_ref()));
        }
        Answer::Sockets(sockets) => {
            out.number(2);
            out.number(sockets.len() as u64);
            for SocketInfo { id, handshake, rooms, data } in sockets {
                out.text(id);
                out.text(handshake);
                out.texts(rooms);
                out.text(data);
            }
        }
        Answer::ServerSide(args) => {
            out.number(3);
            out.args(args.as_ref());
        }
        other => panic!("there is no code for {other:?}"),
    }
    out.0
}

/// Reads what one of the two above has written.
pub(super) fn read(bytes: &[u8]) -> Message {
    let mut input = Reader(&bytes[1..]);
    let message = match bytes[0] {
        0 => Message::Operation(input.text(), input.operation()),
        _ => Message::Answer(RequestId(input.number()), input.answer()),
    };
    assert!(input.0.is_empty(), "everything is read");
    message
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn texts(&mut self, texts: &[Arc<str>]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.number(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn selector(&mut self, selector: &Selector) {
        self.texts(&selector.rooms);
        self.texts(&selector.except);
    }

    fn args(&mut self, args: ArgsRef<'_>) {
        self.text(args.json());
        self.number(args.attachments().len() as u64);
        args.attachments().iter().for_each(|data| self.bytes(data));
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn number(&mut self) -> u64 {
        let (number, rest) = self.0.split_first_chunk().expect("a number");
        self.0 = rest;
        u64::from_be_bytes(*number)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.number() as usize;
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes.to_vec()
    }

    fn text(&mut self) -> String {
        String::from_utf8(self.bytes()).expect("a text")
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.number()).map(|_| read(self)).collect()
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.number() == 1).then(|| read(self))
    }

    fn texts(&mut self) -> Vec<Arc<str>> {
        self.list(|input| input.text().into())
    }

    fn selector(&mut self) -> Selector {
        let (rooms, except) = (self.texts(), self.texts());
        Selector { rooms, except }
    }

    /// The values, one by one, as a codec has them that knows nothing of our JSON.
    fn args(&mut self) -> Args {
        let json = format!("[{}]", self.text());
        let attachments = self.list(|input| input.bytes().into());
        match Value::parse(&json, &attachments, &Limits::default()) {
            Ok(Value::Array(values)) => Args::from_values(values),
            other => panic!("no arguments: {other:?}"),
        }
    }

    fn operation(&mut self) -> Operation {
        match self.number() {
            0 => self.broadcast(),
            1 => Operation::Join { who: self.selector(), rooms: self.texts() },
            2 => Operation::Leave { who: self.selector(), rooms: self.texts() },
            3 => Operation::Disconnect { who: self.selector(), close: self.number() == 1 },
            4 => Operation::Fetch { who: self.selector(), request: RequestId(self.number()) },
            _ => Operation::ServerSideEmit {
                event: self.text().into(),
                args: self.args(),
                request: self.optional(|input| RequestId(input.number())),
            },
        }
    }

    fn broadcast(&mut self) -> Operation {
        let to = self.selector();
        let (namespace, name, args) = (self.text(), self.text(), self.args());
        let packet = BroadcastPacket::event(namespace, &name, &args).expect("it was sent once");
        let flags = self.number();
        let flags = Flags { volatile: flags & 1 == 1, compress: flags & 2 == 2 };
        let gathering = self.optional(|input| Gathering {
            request: RequestId(input.number()),
            timeout: Duration::new(input.number(), input.number() as u32),
        });
        Operation::Broadcast { to, packet: Arc::new(packet), flags, gathering }
    }

    fn answer(&mut self) -> Answer {
        match self.number() {
            0 => Answer::Recipients(u32::try_from(self.number()).expect("a count")),
            1 => Answer::Ack(self.optional(Self::args)),
            2 => Answer::Sockets(self.list(|input| SocketInfo {
                id: input.text().into(),
                handshake: input.text().into(),
                rooms: input.texts(),
                data: input.text().into(),
            })),
            _ => Answer::ServerSide(self.args()),
        }
    }
}

#[cfg(test)]
mod tests {
    use siomio::Binary;

    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let to = Selector::all().room("a").room("ü").except("b");
        let args = ("x", Binary::from(vec![1, 2, 3]), 1.5, Option::<u8>::None);
        let packet = Arc::new(BroadcastPacket::event("/chat", "say", &args).unwrap());
        let text = packet.text().clone();
        let flags = Flags { volatile: true, compress: false };
        let gathering = Gathering { request: RequestId(u64::MAX), timeout: Duration::from_secs(9) };
        let broadcast =
            Operation::Broadcast { to: to.clone(), packet, flags, gathering: Some(gathering) };
        let Message::Operation(namespace, Operation::Broadcast { to: own, packet, .. }) =
            read(&write_operation("/chat", &broadcast))
        else {
            panic!()
        };
        assert_eq!((&*namespace, &own, packet.text()), ("/chat", &to, &text));
        assert_eq!(packet.attachments(), [vec![1, 2, 3]]);
        let args = Args::new(&args).unwrap();
        let (event, rooms) = ("e".into(), vec!["r".into()]);
        for operation in [
            broadcast,
            Operation::Join { who: to.clone(), rooms: rooms.clone() },
            Operation::Leave { who: to.clone(), rooms: rooms.clone() },
            Operation::Disconnect { who: to.clone(), close: true },
            Operation::Fetch { who: to, request: RequestId(7) },
            Operation::ServerSideEmit { event, args: args.clone(), request: Some(RequestId(0)) },
        ] {
            let bytes = write_operation("/", &operation);
            let Message::Operation(_, again) = read(&bytes) else { panic!() };
            assert_eq!(write_operation("/", &again), bytes, "{operation:?}");
        }
        let info =
            SocketInfo { id: "id".into(), handshake: "{}".into(), rooms, data: "null".into() };
        for answer in [
            Answer::Recipients(3),
            Answer::Ack(None),
            Answer::Ack(Some(args.clone())),
            Answer::Sockets(vec![info.clone(), info]),
            Answer::ServerSide(args),
        ] {
            let Message::Answer(request, again) = read(&write_answer(RequestId(5), &answer)) else {
                panic!()
            };
            assert_eq!((request, again), (RequestId(5), answer));
        }
    }
}
