//! The connections that a client takes: polling, a WebSocket, and the way from one to the other.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use siomio_testkit::sim::Random;
use siomio_websocket::{Item, Limits, OpCode, Reader, Role};

use super::{Ground, Message};
use crate::{
    http::{get, post},
    open::{POLLING, WS},
    soak::{ground::LINES, http::response, line::Line},
    wire::{masked, masked_text},
};

/// How it came, and how far it has got.
#[derive(Debug)]
pub(super) struct Roads {
    road: Road,
    lines: [Option<Line>; LINES],
    /// Whether an answer is awaited to a GET, and to a POST.
    asked: [bool; 2],
    /// When there was a POST last: on a connection that is idle for long the next could cross its end.
    posted: Option<Instant>,
    reader: Option<Reader>,
    sid: String,
    /// It would like to upgrade, and gives the first attempt up.
    wants_upgrade: Option<bool>,
    /// It need not wait any longer with that.
    pub(super) may_upgrade: bool,
    pub(super) outbox: VecDeque<Message>,
}

/// ```text
///   Fresh ─┬─► Polling ── 101 awaited ──► Opening ── 2probe ──► Probing ── 3probe ──► Pausing ── 5 ──► WebSocket
///          └─► Knocking ── 101 ──────────────────────────────────────────────────────────────────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Road {
    /// Nothing is open yet; whether a WebSocket will be.
    Fresh {
        websocket: bool,
    },
    /// The handshake of a session that begins on a WebSocket.
    Knocking,
    Polling,
    Opening,
    Probing,
    Pausing,
    WebSocket,
}

const GET: usize = 0;
const POST: usize = 1;
const SOCKET: usize = 2;
const SEPARATOR: char = '\x1e';
/// Less than the server keeps a connection for.
const FRESH: Duration = Duration::from_secs(2);

type Inbox = VecDeque<Message>;

impl Roads {
    pub(super) fn new(random: &mut Random) -> Self {
        let websocket = random.below(5) < 2;
        let wants_upgrade = random.below(3) > 0;
        Self {
            road: Road::Fresh { websocket },
            lines: Default::default(),
            asked: [false; 2],
            posted: None,
            reader: None,
            sid: String::new(),
            wants_upgrade: wants_upgrade.then(|| random.one_in(6)),
            may_upgrade: false,
            outbox: VecDeque::new(),
        }
    }

    pub(super) const fn road(&self) -> Road {
        self.road
    }

    pub(super) fn is_on_websocket(&self) -> bool {
        self.road == Road::WebSocket
    }

    /// The session is open.
    pub(super) fn has_opened(&mut self, sid: &str) {
        sid.clone_into(&mut self.sid);
    }

    pub(super) fn pull(&mut self, line: usize, buffer: &mut [u8]) {
        if let Some(line) = &mut self.lines[line] {
            line.flush();
            line.pull(buffer);
        }
    }

    pub(super) fn pull_all(&mut self, buffer: &mut [u8]) {
        (0..LINES).for_each(|line| self.pull(line, buffer));
    }

    /// Ends all connections.
    pub(super) fn leave(&mut self, reset: bool) {
        let lines = self.lines.iter_mut().filter_map(Option::take);
        lines.for_each(|line| if reset { line.reset() } else { drop(line) });
    }

    /// Sends bytes on the WebSocket, whatever they are.
    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        if let Some(line) = &mut self.lines[SOCKET] {
            line.send(bytes);
        }
    }

    /// What has come; with the reason if it was the last.
    pub(super) fn receive(&mut self) -> Result<Inbox, (Inbox, String)> {
        let mut inbox = Inbox::new();
        let received =
            self.receive_answers(&mut inbox).and_then(|()| self.receive_frames(&mut inbox));
        match received {
            Ok(()) => Ok(inbox),
            Err(why) => Err((inbox, why)),
        }
    }

    fn receive_answers(&mut self, inbox: &mut Inbox) -> Result<(), String> {
        for which in [GET, POST] {
            let Some(line) = &mut self.lines[which] else { continue };
            if let Some((status, body)) = response(&mut line.unread)? {
                let body = String::from_utf8(body).map_err(|_| "an answer that is no text")?;
                if !std::mem::take(&mut self.asked[which]) {
                    return Err(format!("nobody has asked for {status} {body}"));
                }
                match (status, which) {
                    (200, GET) => {
                        for packet in body.split(SEPARATOR) {
                            inbox.push_back(packet_of_payload(packet)?);
                        }
                    }
                    (200, _) if body == "ok" => {}
                    _ => return Err(format!("{status} {body}")),
                }
            } else if line.has_ended {
                if self.asked[which] {
                    return Err(format!("the connection ended in place of an answer ({which})"));
                }
                self.lines[which] = None;
            }
        }
        Ok(())
    }

    fn receive_frames(&mut self, inbox: &mut Inbox) -> Result<(), String> {
        let Some(line) = &mut self.lines[SOCKET] else { return Ok(()) };
        if self.reader.is_none() {
            if let Some((status, body)) = response(&mut line.unread)? {
                if status != 101 {
                    return Err(format!("{status} {}", body.escape_ascii()));
                }
                let limits = Limits { max_message: usize::MAX, ..Limits::default() };
                self.reader = Some(Reader::new(Role::Client, limits));
                if self.road == Road::Opening {
                    line.send(&masked_text("2probe"));
                }
                self.road =
                    if self.road == Road::Opening { Road::Probing } else { Road::WebSocket };
            }
        }
        while let Some(reader) = &mut self.reader {
            let Some(line) = &mut self.lines[SOCKET] else { break };
            let step = reader.read(&mut line.unread).map_err(|error| error.to_string())?;
            let consumed = step.consumed;
            let message = match step.item {
                None => None,
                Some(Item::Text(text)) => Some(Message::Text(text.into_owned())),
                Some(Item::Binary(data)) => Some(Message::Binary(data.into_owned())),
                Some(other) => return Err(format!("{other:?}")),
            };
            line.unread.drain(..consumed);
            match message {
                None => break,
                Some(Message::Text(text)) if self.road == Road::Probing => {
                    if text != "3probe" {
                        return Err(format!("{text} answers the probe"));
                    }
                    self.probed();
                }
                Some(message) if self.road == Road::WebSocket => inbox.push_back(message),
                Some(message) => return Err(format!("{message:?} before the upgrade")),
            }
        }
        match &self.lines[SOCKET] {
            Some(line) if line.has_ended => Err("the connection ended".to_owned()),
            _ => Ok(()),
        }
    }

    /// The probe was answered.
    fn probed(&mut self) {
        self.road = Road::Pausing;
        if self.wants_upgrade == Some(true) {
            self.wants_upgrade = None;
            self.reader = None;
            self.lines[SOCKET].take().into_iter().for_each(Line::reset);
            self.road = Road::Polling;
        }
    }

    /// Sends what can be sent.
    pub(super) fn send(&mut self, ground: &Ground<'_>) -> io::Result<()> {
        match self.road {
            Road::Fresh { websocket: true } => {
                self.knock(WS, ground)?;
                self.road = Road::Knocking;
            }
            Road::Fresh { websocket: false } => {
                self.ask(GET, &get(POLLING), ground)?;
                self.road = Road::Polling;
            }
            Road::Pausing if self.asked == [false; 2] => {
                self.send_raw(&masked_text("5"));
                (self.lines[GET], self.lines[POST]) = (None, None);
                self.road = Road::WebSocket;
            }
            Road::Polling if self.may_upgrade && self.wants_upgrade.is_some() => {
                self.knock(&format!("{WS}&sid={}", self.sid), ground)?;
                self.road = Road::Opening;
            }
            _ => {}
        }
        match self.road {
            Road::WebSocket => self.send_frames(),
            Road::Polling | Road::Opening | Road::Probing if !self.sid.is_empty() => {
                self.poll(ground)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends what it can although nobody will wait for what comes of it.
    pub(super) fn hurry(&mut self) {
        match self.road {
            Road::WebSocket => self.send_frames(),
            _ => {
                let payload = self.payload();
                if let (Some(line), false) = (&mut self.lines[POST], self.asked[POST]) {
                    line.send(&post(&format!("{POLLING}&sid={}", self.sid), &payload));
                }
            }
        }
    }

    fn send_frames(&mut self) {
        for message in std::mem::take(&mut self.outbox) {
            match message {
                Message::Text(text) => self.send_raw(&masked_text(&text)),
                Message::Binary(data) => self.send_raw(&masked(OpCode::Binary, &data)),
            }
        }
    }

    fn poll(&mut self, ground: &Ground<'_>) -> io::Result<()> {
        let target = format!("{POLLING}&sid={}", self.sid);
        if !self.asked[GET] {
            self.ask(GET, &get(&target), ground)?;
        }
        if !self.asked[POST] && !self.outbox.is_empty() {
            if self.posted.is_none_or(|at| at + FRESH < ground.now) {
                self.lines[POST] = None;
            }
            let payload = self.payload();
            self.ask(POST, &post(&target, &payload), ground)?;
            self.posted = Some(ground.now);
        }
        Ok(())
    }

    fn payload(&mut self) -> String {
        let packets = self.outbox.drain(..).map(|message| match message {
            Message::Text(text) => text,
            Message::Binary(data) => format!("b{}", BASE64_STANDARD.encode(data)),
        });
        packets.collect::<Vec<_>>().join("\x1e")
    }

    fn knock(&mut self, target: &str, ground: &Ground<'_>) -> io::Result<()> {
        let mut line = ground.open(SOCKET)?;
        line.send(
            format!(
                "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            .as_bytes(),
        );
        self.lines[SOCKET] = Some(line);
        Ok(())
    }

    fn ask(&mut self, which: usize, request: &[u8], ground: &Ground<'_>) -> io::Result<()> {
        if self.lines[which].as_ref().is_none_or(|line| line.has_ended) {
            self.lines[which] = Some(ground.open(which)?);
        }
        if let Some(line) = &mut self.lines[which] {
            line.send(request);
        }
        self.asked[which] = true;
        Ok(())
    }
}

fn packet_of_payload(packet: &str) -> Result<Message, String> {
    match packet.strip_prefix('b') {
        Some(data) => {
            let data = BASE64_STANDARD.decode(data).map_err(|_| "an attachment in bad base64")?;
            Ok(Message::Binary(data))
        }
        None => Ok(Message::Text(packet.to_owned())),
    }
}
