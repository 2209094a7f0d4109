//! What a client asks, and what it has to hear.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use serde_json::{Value, json};
use siomio_testkit::sim::Random;

use super::{crowd::Books, subject::ROOMS};

/// What travels between client and server, by whichever transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Text(String),
    Binary(Vec<u8>),
}

/// A client's side of the conversation. It outlives a connection that is lost.
#[derive(Debug, Default)]
pub(super) struct Talk {
    next: u64,
    /// Answered in this order.
    awaited: VecDeque<(Asked, Instant)>,
    /// Answered in any order.
    quizzes: BTreeMap<u64, Instant>,
    /// The rooms it is in, and the number of what was said there last.
    rooms: BTreeMap<u64, u64>,
    tick: Option<u64>,
    /// An event whose attachment is still to come: what was asked.
    blob: Option<Vec<Value>>,
    /// Of the last event that could be sent again.
    pub(super) offset: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Echo(u64),
    Blob(u64),
    Ask(u64),
    Think(u64),
    Join(u64, u64),
    Leave(u64, u64),
}

/// More than this is not asked at once.
const IN_FLIGHT: usize = 8;

impl Talk {
    /// Since when it waits for an answer.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        let since = self.awaited.front().map(|(_, since)| *since);
        since.into_iter().chain(self.quizzes.values().copied()).min()
    }

    /// Asks something, whatever it is.
    pub(super) fn ask(&mut self, random: &mut Random, now: Instant) -> Vec<Message> {
        if self.awaited.len() + self.quizzes.len() >= IN_FLIGHT {
            return Vec::new();
        }
        self.next += 1;
        let (number, room) = (self.next, random.below(ROOMS) as u64);
        let (asked, event) = match random.below(20) {
            0..=6 => (Asked::Echo(number), json!(["echo", number, text(number)])),
            7..=9 => (Asked::Ask(number), json!(["ask", number])),
            10 => (Asked::Think(number), json!(["think", number])),
            11..=12 => {
                self.awaited.push_back((Asked::Blob(number), now));
                let placeholder = json!({"_placeholder": true, "num": 0});
                let event = json!(["blob", number, placeholder]);
                return vec![Message::Text(format!("451-{event}")), Message::Binary(blob(number))];
            }
            13..=14 => (Asked::Join(number, room), json!(["join", room])),
            15..=16 => (Asked::Leave(number, room), json!(["leave", room])),
            17 => {
                self.quizzes.insert(number, now);
                return vec![Message::Text(format!("42{}", json!(["quiz", number])))];
            }
            _ => return vec![Message::Text(format!("42{}", json!(["say", room, text(number)])))],
        };
        self.awaited.push_back((asked, now));
        let id = if matches!(asked, Asked::Echo(_)) { String::new() } else { number.to_string() };
        vec![Message::Text(format!("42{id}{event}"))]
    }

    /// Hears a packet of Socket.IO; may have to answer.
    pub(super) fn hear(
        &mut self,
        packet: &str,
        books: &mut Books,
    ) -> Result<Option<Message>, String> {
        let wrong = || format!("{} was not expected", &packet[..packet.len().min(200)]);
        if self.blob.is_some() {
            return Err(wrong());
        }
        let (head, json) = packet.split_at(packet.find('[').ok_or_else(wrong)?);
        let args: Vec<Value> = serde_json::from_str(json).map_err(|_| wrong())?;
        match head {
            "2" => self.hear_event(&args, books).ok_or_else(wrong)?,
            "51-" => self.blob = Some(args),
            _ if head.starts_with('3') => {
                let id = head[1..].parse().map_err(|_| wrong())?;
                self.hear_answer(id, &args, books).ok_or_else(wrong)?;
            }
            _ => {
                let id: u64 =
                    head.strip_prefix('2').and_then(|id| id.parse().ok()).ok_or_else(wrong)?;
                let ("question", number) = (args[0].as_str().unwrap_or_default(), &args[1]) else {
                    return Err(wrong());
                };
                return Ok(Some(Message::Text(format!("43{id}[{number}]"))));
            }
        }
        Ok(None)
    }

    /// Hears an attachment.
    pub(super) fn hear_blob(&mut self, data: &[u8], books: &mut Books) -> Result<(), String> {
        let args = self.blob.take().ok_or("an attachment of nothing")?;
        let number = args.get(1).and_then(Value::as_u64).ok_or("a blob without its number")?;
        self.keep_offset(&args, 3);
        self.answered(Asked::Blob(number), "blobs", books)
            .filter(|()| data == blob(number))
            .ok_or_else(|| format!("the blob {number} is wrong, or too early"))
    }

    fn hear_event(&mut self, args: &[Value], books: &mut Books) -> Option<()> {
        let number = args.get(1)?.as_u64();
        match args[0].as_str()? {
            "echoed" => {
                self.keep_offset(args, 3);
                self.answered(Asked::Echo(number?), "echoes", books)?;
                (args.get(2)?.as_str()? == text(number?)).then_some(())
            }
            "said" => {
                self.keep_offset(args, 4);
                let last = self.rooms.get_mut(&number?)?;
                *last += 1;
                books.count("heard in rooms");
                (args.get(2)?.as_u64()? == *last).then_some(())
            }
            "tick" => {
                self.keep_offset(args, 2);
                let last = self.tick.replace(number?);
                books.count("ticks");
                last.is_none_or(|last| last + 1 == number.unwrap_or_default()).then_some(())
            }
            "right" => {
                self.keep_offset(args, 2);
                books.count("quizzes");
                self.quizzes.remove(&number?).map(drop)
            }
            // It should be too much anyway.
            "flooded" => Some(()),
            _ => None,
        }
    }

    fn hear_answer(&mut self, id: u64, args: &[Value], books: &mut Books) -> Option<()> {
        let (asked, _) = *self.awaited.front()?;
        match asked {
            Asked::Ask(number) | Asked::Think(number) => {
                let what = if asked == Asked::Ask(number) { "answers" } else { "thoughts" };
                self.answered(asked, what, books)?;
                (id == number && args == [json!(number)]).then_some(())
            }
            Asked::Join(number, room) => {
                self.answered(asked, "joined", books)?;
                let last = args.first()?.as_u64()?;
                // Who was in it already has heard everything up to here.
                let known = self.rooms.insert(room, last);
                (id == number && known.is_none_or(|known| known == last)).then_some(())
            }
            Asked::Leave(number, room) => {
                self.answered(asked, "left", books)?;
                self.rooms.remove(&room);
                (id == number && args.is_empty()).then_some(())
            }
            Asked::Echo(_) | Asked::Blob(_) => None,
        }
    }

    fn answered(&mut self, asked: Asked, what: &'static str, books: &mut Books) -> Option<()> {
        books.answered(what);
        self.awaited.pop_front().filter(|(first, _)| *first == asked).map(drop)
    }

    /// Events that could be sent again have one argument more.
    fn keep_offset(&mut self, args: &[Value], place: usize) {
        if let Some(offset) = args.get(place).and_then(Value::as_str) {
            self.offset = Some(offset.to_owned());
        }
    }
}

/// The text that belongs to a number: most are short.
fn text(number: u64) -> String {
    let length = match number {
        _ if number % 211 == 0 => 20_000,
        _ if number % 7 == 0 => 1_000,
        _ => number as usize % 60,
    };
    crate::wire::letters(length)
}

fn blob(number: u64) -> Vec<u8> {
    let length = if number % 101 == 0 { 30_000 } else { number as usize * 37 % 900 };
    (0..length).map(|place| (place as u64 + number) as u8).collect()
}
