use std::borrow::Cow;
use std::mem;

use crate::chunked::{Chunked, split_at_most};
use crate::head::{BodyLength, Head};
use crate::scan::Scan;
use crate::{Error, Limits};

/// Reads the requests of one connection, one after the other.
///
/// Every request comes as [`Item::Head`], any number of [`Item::Chunk`], [`Item::End`]; the last
/// also where there is no body. Heads and chunks are slices of the input wherever they lay in it
/// whole; only a head torn over several reads is held here, and only what was received of it.
/// Between requests a reader holds no heap memory.
///
/// ```text
///             first byte       empty line              no body, or a length
///   Between ────────────▶ Head ──────────▶ Item::Head ──────────────────────▶ Sized
///    ▲ │ ▲                                     │ chunked                        │
///    │ └─┘ empty lines                         ▼                                │
///    │                                      Chunked                             │
///    └───────── Item::End ─────────────────────┴────────────────────────────────┘
///
///   any state ── error ──▶ Failed: the same error for ever
/// ```
///
/// ```
/// use siomio_http::{Item, Limits, Reader};
///
/// let mut input: &[u8] = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
/// let mut reader = Reader::new(Limits::default());
/// loop {
///     let step = reader.read(input)?;
///     input = &input[step.consumed..];
///     match step.item {
///         Some(Item::Head(head)) => assert_eq!(head.path(), "/a"),
///         Some(Item::Chunk(data)) => assert_eq!(data, b"hi"),
///         Some(Item::End) => assert!(reader.is_between_requests()),
///         None => break, // read from the connection again
///     }
/// }
/// # Ok::<(), siomio_http::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    state: State,
}

/// What one call of [`Reader::read`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Bytes to drop from the front of the input.
    pub consumed: usize,
    /// What was read; `None` when all of the input is consumed and more is needed.
    pub item: Option<Item<'a>>,
}

/// A piece of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A request begins. Nothing behind its head is consumed yet, so a caller that takes an
    /// upgrade hands the rest of the input to the new protocol.
    Head(Head<'a>),
    /// Bytes of the body, never none, as they came.
    Chunk(&'a [u8]),
    /// The request is complete.
    End,
}

#[derive(Debug)]
enum State {
    Between { blank_lines: u8, cr: bool },
    Head { scan: Scan, held: Vec<u8> },
    Sized { left: u64 },
    Chunked(Chunked),
    Failed(Error),
}

impl Reader {
    /// A reader at the start of a connection.
    pub fn new(limits: Limits) -> Self {
        let max_headers = limits.max_headers.min(Limits::HEADERS_CEILING);
        // A head keeps its offsets in 32 bits.
        let max_head = limits.max_head.min(u32::MAX as usize);
        Self { limits: Limits { max_head, max_headers }, state: State::BOUNDARY }
    }

    /// Reads from the front of `input`, which continues where the last call stopped consuming.
    ///
    /// Call again with what is left, also with nothing left, until no item comes.
    ///
    /// # Errors
    ///
    /// What is wrong with the request. The connection cannot be read any further: every later
    /// call gives the same error.
    pub fn read<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, Error> {
        let step = self.advance(input);
        if let Err(error) = step {
            self.state = State::Failed(error);
        }
        step
    }

    /// Whether the last request is complete and nothing of the next has come.
    pub fn is_between_requests(&self) -> bool {
        matches!(self.state, State::Between { cr: false, .. })
    }

    /// Whether a head has begun and not ended.
    pub fn is_mid_head(&self) -> bool {
        matches!(self.state, State::Head { .. } | State::Between { cr: true, .. })
    }

    /// Bytes of the body that have not come; `None` where only its end will tell
    /// (RFC 9112 §7.1).
    pub fn body_left(&self) -> Option<u64> {
        match self.state {
            State::Chunked(_) => None,
            State::Sized { left } => Some(left),
            State::Between { .. } | State::Head { .. } | State::Failed(_) => Some(0),
        }
    }

    fn advance<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, Error> {
        match &mut self.state {
            State::Between { .. } => self.skip_blank_lines(input),
            State::Head { .. } => self.read_head(input, 0),
            State::Sized { left: 0 } => {
                self.state = State::BOUNDARY;
                Ok(Step { consumed: 0, item: Some(Item::End) })
            }
            State::Sized { left } => {
                let (data, _) = split_at_most(input, *left);
                *left -= data.len() as u64;
                let item = (!data.is_empty()).then_some(Item::Chunk(data));
                Ok(Step { consumed: data.len(), item })
            }
            State::Chunked(chunked) => {
                let step = chunked.read(input)?;
                if step.item == Some(Item::End) {
                    self.state = State::BOUNDARY;
                }
                Ok(step)
            }
            State::Failed(error) => Err(*error),
        }
    }

    /// Passes over empty lines in front of a request line, then goes on with the head.
    fn skip_blank_lines<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, Error> {
        for (at, &byte) in input.iter().enumerate() {
            let State::Between { blank_lines, cr } = &mut self.state else { break };
            match (*cr, byte) {
                (false, b'\r') if *blank_lines == Limits::BLANK_LINES => {
                    return Err(Error::TooManyBlankLines);
                }
                (false, b'\r') => *cr = true,
                (true, b'\n') => {
                    *cr = false;
                    *blank_lines += 1;
                }
                (true, _) => return Err(Error::LineEnding),
                (false, _) => {
                    self.state = State::Head { scan: Scan::Text, held: Vec::new() };
                    return self.read_head(input, at);
                }
            }
        }
        Ok(Step::need_more(input))
    }

    /// Reads the head, or more of it, from `input[at..]`.
    fn read_head<'a>(&mut self, input: &'a [u8], at: usize) -> Result<Step<'a>, Error> {
        let State::Head { scan, held } = &mut self.state else { return Ok(Step::need_more(input)) };
        let Limits { max_head: limit, max_headers } = self.limits;
        let room = limit - held.len();
        let window = input.get(at..).unwrap_or_default();
        let window = window.get(..room).unwrap_or(window);

        let Some(end) = scan.find_end(window)? else {
            if window.len() < room {
                held.extend_from_slice(window);
                return Ok(Step::need_more(input));
            }
            let past_first_line = held.contains(&b'\n') || window.contains(&b'\n');
            return Err(match past_first_line {
                true => Error::HeadTooLarge { limit },
                false => Error::TargetTooLong { limit },
            });
        };

        let (last, _) = window.split_at(end);
        let raw = if held.is_empty() {
            Cow::Borrowed(last)
        } else {
            held.extend_from_slice(last);
            Cow::Owned(mem::take(held))
        };
        let head = Head::parse(raw, max_headers)?;
        self.state = match head.body() {
            BodyLength::None => State::Sized { left: 0 },
            BodyLength::Length(left) => State::Sized { left },
            BodyLength::Chunked => State::Chunked(Chunked::new()),
        };
        Ok(Step { consumed: at + end, item: Some(Item::Head(head)) })
    }
}

impl State {
    const BOUNDARY: Self = Self::Between { blank_lines: 0, cr: false };
}

impl<'a> Step<'a> {
    pub(crate) fn need_more(input: &'a [u8]) -> Self {
        Self { consumed: input.len(), item: None }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
