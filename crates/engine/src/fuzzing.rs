//! Bodies of the fuzz targets. They live here so that a change of the library breaks the build and not the fuzzers; no part
//! of the public interface.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Action, ChannelId, CloseReason, Config, InvalidPacket, Message, Outgoing, Packet, Protocol,
    RequestId, Session, Sid,
    payload::{Body, Format, v3, v3_binary},
};

/// Reads the body of a POST in one of the formats, chosen by the first byte, and checks what must hold of what comes out.
///
/// # Panics
/// If something does not hold.
pub fn payload(input: &[u8]) {
    let Some((&format, body)) = input.split_first() else { return };
    let format = [Format::V4, Format::V3, Format::V3Binary, Format::Jsonp][usize::from(format % 4)];
    let read = Body::read(format, body);
    let packets: Vec<_> = read.packets().collect();
    let good = packets.iter().take_while(|packet| packet.is_ok()).count();
    assert!(packets.len() - good <= 1, "an error is the end");
    assert!(packets.len() <= body.len() + 1, "every packet takes a byte");
    let messages: Vec<_> = packets.iter().flatten().filter_map(outgoing).collect();
    if messages.is_empty() {
        return;
    }
    let expected: Vec<_> =
        packets.into_iter().filter(|packet| matches!(packet, Ok(Packet::Message(_)))).collect();
    let mut text = Vec::new();
    v3::encode(&mut text, &messages);
    reads_as(Format::V3, &text, &expected);
    let mut bytes = Vec::new();
    v3_binary::encode(&mut bytes, &messages);
    reads_as(Format::V3Binary, &bytes, &expected);
}

/// Drives a session through operations that the bytes choose, as a server would that lives through anything, and checks what must hold.
///
/// # Panics
/// If something does not hold.
pub fn session(input: &[u8]) {
    let Some((&first, operations)) = input.split_first() else { return };
    let mut life = Life::begin(first);
    let mut bytes = operations.iter().copied();
    while let Some(operation) = bytes.next() {
        life.step(operation, bytes.next().unwrap_or_default());
    }
    life.end();
}

/// A session, and what its surroundings know of it.
struct Life {
    session: Session,
    now: Instant,
    actions: Vec<Action>,
    /// Requests that wait for an answer.
    waiting: Vec<RequestId>,
    /// The POST whose body is being read.
    reading: Option<RequestId>,
    requests: u64,
    channels: Vec<ChannelId>,
    next_channel: u64,
    closed: usize,
}

/// What clients say.
const WORDS: [&str; 10] = ["4hello", "2", "3", "1", "5", "6", "2probe", "4", "x", "bAAEC"];

impl Life {
    #[allow(clippy::disallowed_methods, reason = "some instant has to be the first")]
    fn begin(first: u8) -> Self {
        let (now, config, mut actions) = (Instant::now(), Arc::new(Config::default()), Vec::new());
        let protocol = if first & 2 == 0 { Protocol::V4 } else { Protocol::V3 };
        let sid = Sid::new(0, [first; 15]);
        let (session, channels) = if first & 1 == 0 {
            (Session::open_polling(now, config, sid, protocol), vec![])
        } else {
            let channel = ChannelId(0);
            let session =
                Session::open_websocket(now, config, sid, protocol, channel, &mut actions);
            (session, vec![channel])
        };
        let (waiting, reading) = (Vec::new(), None);
        let mut life = Self {
            session,
            now,
            actions,
            waiting,
            reading,
            requests: 0,
            channels,
            next_channel: 1,
            closed: 0,
        };
        life.carry_out();
        life
    }

    fn request(&mut self, connection: u8) -> RequestId {
        self.requests += 1;
        RequestId { connection: (connection % 3).into(), sequence: self.requests }
    }

    fn step(&mut self, operation: u8, what: u8) {
        let (now, word) = (self.now, WORDS[usize::from(what) % WORDS.len()]);
        match operation % 14 {
            0 => {
                let request = self.request(what);
                self.waiting.push(request);
                self.session.handle_get(request, &mut self.actions);
            }
            1 => {
                let request = self.request(what);
                self.waiting.push(request);
                if self
                    .session
                    .handle_post_head(request, what & 8 != 0, &mut self.actions)
                    .is_some()
                {
                    self.reading = Some(request);
                }
            }
            2 => {
                if let Some(request) = self.reading {
                    let packet = Packet::parse(word);
                    self.session.handle_post_packet(now, request, packet, &mut self.actions);
                }
            }
            3 => {
                if let Some(request) = self.reading.take() {
                    self.session.handle_post_end(request, &mut self.actions);
                }
            }
            4 => {
                let channel = ChannelId(self.next_channel);
                self.next_channel += 1;
                self.channels.push(channel);
                self.session.handle_channel(now, channel, what & 1 != 0, &mut self.actions);
            }
            5 => {
                if let Some(channel) = self.channel(what / 16) {
                    let message = Message::Text(word);
                    self.session.handle_channel_message(now, channel, message, &mut self.actions);
                }
            }
            6 => {
                if let Some(channel) = self.channel(what) {
                    self.channels.retain(|own| *own != channel);
                    self.session.handle_channel_gone(channel, what & 1 != 0, &mut self.actions);
                }
            }
            7 => {
                self.now += Duration::from_secs(u64::from(what) / 4);
                self.session.handle_timeout(self.now, &mut self.actions);
            }
            8 if what < 32 => self.session.close(now, &mut self.actions),
            9 => self.session.send(Outgoing::text("said"), &mut self.actions),
            10 => self.session.flush(&mut self.actions),
            11 => {
                let connection = u64::from(what % 3);
                self.waiting.retain(|request| request.connection != connection);
                self.reading = self.reading.filter(|request| request.connection != connection);
                self.session.handle_connection_gone(connection, &mut self.actions);
            }
            12 if what < 8 => self.session.discard(CloseReason::SlowConsumer, &mut self.actions),
            13 if what & 1 == 0 => self.session.suspend_heartbeat(),
            13 => self.session.resume_heartbeat(now),
            _ => {}
        }
        self.carry_out();
    }

    fn channel(&self, which: u8) -> Option<ChannelId> {
        let count = self.channels.len();
        (count > 0).then(|| self.channels[usize::from(which) % count])
    }

    fn carry_out(&mut self) {
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::Respond { request, .. } | Action::Abort { request } => {
                    let place = self.waiting.iter().position(|own| *own == request);
                    let place = place.unwrap_or_else(|| panic!("{request:?} is answered twice"));
                    self.waiting.swap_remove(place);
                    self.reading = self.reading.filter(|own| *own != request);
                }
                Action::Transmit { channel, .. } | Action::Upgraded { channel } => {
                    assert!(self.channels.contains(&channel), "{channel:?} is gone");
                    assert_eq!(self.closed, 0, "nothing more is said");
                }
                Action::CloseChannel { channel } => self.channels.retain(|own| *own != channel),
                Action::Closed { .. } => self.closed += 1,
            }
        }
        assert!(self.closed <= 1, "it ends once");
        assert_eq!(self.session.is_closed(), self.closed == 1);
        assert!(!(self.session.is_open() && self.session.is_closed()));
        assert!(self.session.is_closed() || self.session.deadline().is_some() || self.closed == 0);
    }

    /// Whatever it was in the midst of: it ends, and everybody has an answer.
    fn end(mut self) {
        self.session.discard(CloseReason::ForcedClose, &mut self.actions);
        self.carry_out();
        for _ in 0..4 {
            if self.session.is_closed() {
                break;
            }
            self.now += Duration::from_secs(100);
            self.session.handle_timeout(self.now, &mut self.actions);
            self.carry_out();
        }
        assert_eq!(self.closed, 1, "it has ended");
        let reading = self.reading;
        self.waiting.retain(|request| Some(*request) != reading);
        assert!(self.waiting.is_empty(), "{:?} wait for ever", self.waiting);
        let late = RequestId { connection: 9, sequence: 9 };
        self.waiting.push(late);
        self.session.handle_get(late, &mut self.actions);
        self.carry_out();
        assert!(self.waiting.is_empty(), "who comes too late is told");
    }
}

fn outgoing(packet: &Packet<'_>) -> Option<Outgoing> {
    match packet {
        Packet::Message(Message::Text(text)) => Some(Outgoing::text(*text)),
        Packet::Message(Message::Binary(data)) => Some(Outgoing::Binary(data.to_vec().into())),
        _ => None,
    }
}

fn reads_as(format: Format, body: &[u8], expected: &[Result<Packet<'_>, InvalidPacket>]) {
    let body = Body::read(format, body);
    assert_eq!(body.packets().collect::<Vec<_>>(), expected, "encoded and decoded again");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_life_holds(first: u8, steps in proptest::collection::vec(any::<(u8, u8)>(), 0..60)) {
            let steps = steps.into_iter().flat_map(|(operation, what)| [operation, what]);
            super::session(&std::iter::once(first).chain(steps).collect::<Vec<_>>());
        }

        #[test]
        fn any_body_holds(format in any::<u8>(), body in any::<Vec<u8>>()) {
            super::payload(&[&[format][..], &body].concat());
        }

        #[test]
        fn bodies_that_look_right_hold(
            format in any::<u8>(),
            body in "(d=)?((\0|\u{1})?[0-9\0-\u{9}]{0,2}(:|ÿ|\u{1e})(\\PC|[4b26]){0,3}){0,5}",
        ) {
            // ÿ stands for the byte that ends a length.
            let body: Vec<u8> = body.chars().flat_map(|c| match c {
                'ÿ' => vec![0xff],
                c => c.to_string().into_bytes(),
            }).collect();
            super::payload(&[&[format][..], &body].concat());
        }
    }
}
