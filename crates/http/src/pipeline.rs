use std::collections::VecDeque;
use std::mem;

use bytes::Bytes;

use crate::{Head, Response, ResponseContext};

/// Keeps the responses of one connection in the order of its requests (RFC 9112 §9.3.2).
///
/// Requests are read on while a response is outstanding; a response that is ready early waits for
/// those before it. With at most one request outstanding, the common case, nothing is allocated,
/// and an empty pipeline holds no heap memory. How many requests may be outstanding is the
/// caller's to limit, by [`len`](Self::len).
///
/// ```
/// use siomio_http::{Item, Limits, Pipeline, Reader, Response};
///
/// let mut reader = Reader::new(Limits::default());
/// let step = reader.read(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")?;
/// let Some(Item::Head(head)) = step.item else { unreachable!() };
///
/// let mut pipeline = Pipeline::new();
/// let first = pipeline.open(&head);
/// let second = pipeline.open(&head);
/// assert!(pipeline.fill(second, b"two".to_vec(), false));
/// assert_eq!(pipeline.next_ready(), None);
/// assert!(pipeline.fill(first, b"one".to_vec(), false));
/// assert_eq!(pipeline.next_ready().map(|ready| ready.bytes), Some(b"one".to_vec()));
/// assert_eq!(pipeline.next_ready().map(|ready| ready.bytes), Some(b"two".to_vec()));
///
/// // A whole response takes the form that its request asks for.
/// let third = pipeline.open(&head);
/// assert!(pipeline.respond(third, &Response::new(200).text("three"), None, true));
/// let Some(ready) = pipeline.next_ready() else { unreachable!() };
/// assert!(ready.bytes.ends_with(b"Connection: close\r\n\r\nthree") && ready.close);
/// # Ok::<(), siomio_http::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipeline {
    /// The oldest outstanding response.
    front: Option<Slot>,
    /// Those behind it; empty unless there is a front.
    rest: VecDeque<Slot>,
    /// Sequence number of the front.
    first: u64,
    /// Sequence number of the next request.
    next: u64,
    /// Sequence number of the first request that gets no response, because one before it closes.
    end: u64,
}

/// The place of one request in its [`Pipeline`]; means nothing to another pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A response whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The whole response, or what is in front of its body if that was given apart.
    pub bytes: Vec<u8>,
    /// What follows: a body that was given apart ([`Pipeline::fill_shared`]), and nothing otherwise.
    pub body: Bytes,
    /// Whether the connection closes after it.
    pub close: bool,
}

#[derive(Debug)]
enum Slot {
    Waiting(Asked),
    /// And the body, if it was given apart.
    Filled(Vec<u8>, Bytes),
}

/// What of a request decides the form of its response.
#[derive(Clone, Copy, Debug)]
struct Asked {
    minor_version: u8,
    keep_alive: bool,
    is_head: bool,
}

impl Ticket {
    /// How many requests were before it on the connection.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The ticket of that number.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl Pipeline {
    /// An empty pipeline.
    pub fn new() -> Self {
        Self { front: None, rest: VecDeque::new(), first: 0, next: 0, end: u64::MAX }
    }

    /// Takes a place for the response to a request. If the request does not allow
    /// [`keep_alive`](Head::keep_alive) its response closes.
    ///
    /// Behind a closing response the ticket is valid but stands for nothing.
    pub fn open(&mut self, head: &Head<'_>) -> Ticket {
        self.place(Asked::by(head))
    }

    /// Takes a place for a last response that answers no request: what came could not be read.
    ///
    /// Behind a closing response the ticket is valid but stands for nothing.
    pub fn open_last(&mut self) -> Ticket {
        self.place(Asked { minor_version: 1, keep_alive: false, is_head: false })
    }

    /// Takes no more requests: the last response that is outstanding closes, unless an earlier one
    /// does. Of an empty pipeline nothing more comes.
    pub fn close(&mut self) {
        self.end = self.end.min(self.next);
    }

    /// Puts a response in its place; with `close` the connection ends after it and the places
    /// behind it are given up.
    ///
    /// Returns whether the response was taken: not if the place was filled before, was given up,
    /// or never existed.
    pub fn fill(&mut self, ticket: Ticket, bytes: Vec<u8>, close: bool) -> bool {
        self.fill_shared(ticket, bytes, Bytes::new(), close)
    }

    /// Puts a response in its place, like [`fill`](Self::fill), whose body is shared with others instead of copied; `head`
    /// is what goes in front of it, as [`Response::write_head_to`] writes it.
    pub fn fill_shared(&mut self, ticket: Ticket, head: Vec<u8>, body: Bytes, close: bool) -> bool {
        match self.slot(ticket) {
            Some(slot @ Slot::Waiting(_)) => *slot = Slot::Filled(head, body),
            _ => return false,
        }
        if close {
            self.end = ticket.0 + 1;
            self.rest.truncate((ticket.0 - self.first) as usize);
            self.release();
        }
        true
    }

    /// Writes a response into its place, in the form that its request asks for: [`Response::write_to`]
    /// with the context of the request, and [`fill`](Self::fill). `date` is the value of the `Date`
    /// header; with `close` the connection ends after the response, whatever the request allows.
    ///
    /// Returns whether the response was taken, as `fill` does.
    pub fn respond(
        &mut self,
        ticket: Ticket,
        response: &Response,
        date: Option<&str>,
        close: bool,
    ) -> bool {
        let Some(Slot::Waiting(asked)) = self.slot(ticket) else { return false };
        let Asked { minor_version, keep_alive, is_head } = *asked;
        let keep_alive = keep_alive && !close;
        let mut bytes = Vec::new();
        response.write_to(&mut bytes, ResponseContext { minor_version, keep_alive, is_head, date });
        self.fill(ticket, bytes, close)
    }

    /// The next response in order, if it is ready.
    pub fn next_ready(&mut self) -> Option<Ready> {
        let Some(Slot::Filled(bytes, body)) = &mut self.front else { return None };
        let (bytes, body) = (mem::take(bytes), mem::take(body));
        self.front = self.rest.pop_front();
        self.first += 1;
        self.release();
        Some(Ready { bytes, body, close: self.first == self.end })
    }

    /// Whether [`next_ready`](Self::next_ready) has a response.
    pub fn has_ready(&self) -> bool {
        matches!(self.front, Some(Slot::Filled(..)))
    }

    /// Whether the response to `ticket` is outstanding and next in order, so that an interim
    /// response ([`CONTINUE`](crate::CONTINUE)) may be written for it now.
    pub fn is_first(&self, ticket: Ticket) -> bool {
        matches!(self.front, Some(Slot::Waiting(_))) && ticket.0 == self.first
    }

    /// Whether a response that closes has its place or was taken: what is read from now on will
    /// not be answered.
    pub fn is_closing(&self) -> bool {
        self.end != u64::MAX
    }

    /// Whether no response is outstanding or waiting to be taken.
    pub fn is_empty(&self) -> bool {
        self.front.is_none()
    }

    /// Responses outstanding or waiting to be taken.
    pub fn len(&self) -> usize {
        usize::from(self.front.is_some()) + self.rest.len()
    }

    /// Opens the place that comes next, unless nothing comes any more.
    fn place(&mut self, asked: Asked) -> Ticket {
        let sequence = self.next;
        self.next += 1;
        if sequence < self.end {
            match &self.front {
                None => self.front = Some(Slot::Waiting(asked)),
                Some(_) => self.rest.push_back(Slot::Waiting(asked)),
            }
            if !asked.keep_alive {
                self.end = self.next;
            }
        }
        Ticket(sequence)
    }

    fn slot(&mut self, ticket: Ticket) -> Option<&mut Slot> {
        match ticket.0.checked_sub(self.first)? {
            0 => self.front.as_mut(),
            behind => self.rest.get_mut(usize::try_from(behind).ok()? - 1),
        }
    }

    /// Gives the queue's memory back once it is empty.
    fn release(&mut self) {
        if self.rest.is_empty() {
            self.rest = VecDeque::new();
        }
    }
}

impl Asked {
    fn by(head: &Head<'_>) -> Self {
        let context = ResponseContext::new(head, None);
        let ResponseContext { minor_version, keep_alive, is_head, date: _ } = context;
        Self { minor_version, keep_alive, is_head }
    }
}

impl Default for Pipeline {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
