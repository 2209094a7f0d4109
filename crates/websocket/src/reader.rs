mod frame;
mod message;
mod spill;

use std::borrow::Cow;
use std::mem;
use std::str;
use std::sync::Arc;

use self::frame::{Frame, PartialControl};
use self::message::PartialMessage;
use self::spill::Spill;
use crate::{CloseFrame, Error, FrameHeader, Item, Limit, Limits, OpCode, Role, Step, Violation};

/// Reads the frames of one peer: takes bytes, gives messages and control frames.
///
/// It holds nothing but what is unfinished. Between messages that is nothing at all, and no heap
/// memory is used ([`is_idle`](Self::is_idle)), so all connections of a thread can share one
/// receive buffer. A message in one frame, whole in that buffer, is unmasked there and borrowed
/// from it; any other is put together in a buffer that is handed over with it.
///
/// ```text
///            header of a data frame                payload of a control frame
///            whose payload is cut off              whose payload is cut off
///   Data ◄─────────────────────────── Header ───────────────────────────► Control
///     └────────── payload ends ───────►  ▲ │ ◄────────── payload ends ───────┘ │
///                                        └─┘                                   │
///                         frame whole in the input         close frame         ▼
///                                          └─────────────────────────────────► Closed
///   any state ── the peer breaks a rule ──► Failed
/// ```
///
/// Text is validated as it arrives, and what is wrong is reported with the byte that makes it so,
/// even in the middle of a frame. After an [`Error`] every further call gives the same one; after
/// a close frame all input is taken and ignored.
///
/// ```
/// use siomio_websocket::{Item, Limits, Reader, Role};
///
/// let mut reader = Reader::new(Role::Server, Limits::default());
/// let mut input = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80";
/// let step = reader.read(&mut input)?;
/// assert_eq!(step.consumed, 11);
/// assert_eq!(step.item, Some(Item::Text("Hello".into())));
///
/// let step = reader.read(&mut input[11..])?; // the first two bytes of a ping
/// assert_eq!((step.consumed, step.item), (2, None));
/// # Ok::<(), siomio_websocket::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    role: Role,
    accept_rsv1: bool,
    limits: Arc<Limits>,
    state: State,
}

/// The diagram is in the documentation of [`Reader`].
#[derive(Debug)]
enum State {
    /// A header is awaited, and some of it may have come. `message` is unfinished.
    Header { spill: Spill, message: Option<Box<PartialMessage>> },
    /// Inside the payload of a data frame.
    Data { frame: Frame, message: Box<PartialMessage> },
    /// Inside the payload of a control frame. `message` is unfinished, and goes on afterwards.
    Control { control: Box<PartialControl>, message: Option<Box<PartialMessage>> },
    /// The peer has said its last word.
    Closed,
    /// The peer has broken a rule.
    Failed(Error),
}

/// What a transition came to.
enum Progress<'a> {
    /// Something is complete.
    Item(Item<'a>),
    /// The next transition is due.
    Continue,
    /// All input is taken.
    Starved,
}

impl Reader {
    /// A reader at the start of a connection, right behind the opening handshake. Many may share their limits.
    pub fn new(role: Role, limits: impl Into<Arc<Limits>>) -> Self {
        let limits = limits.into();
        Self { role, accept_rsv1: false, limits, state: State::between_messages() }
    }

    /// Whether an extension was negotiated that marks messages with RSV1, as permessage-deflate
    /// does (RFC 7692). Such messages come as [`Item::Extended`]. Default: no, and RSV1 is a
    /// violation.
    #[must_use]
    pub fn accept_rsv1(mut self, yes: bool) -> Self {
        self.accept_rsv1 = yes;
        self
    }

    /// Takes bytes from the front of `input`, unmasking them in place, up to the end of the first
    /// item they complete.
    ///
    /// Call it again with the rest of the input until [`Step::item`] is `None`, or the rest is
    /// empty: items never wait inside the reader.
    ///
    /// # Errors
    /// The first rule or limit the peer broke. `input` is then of no more use.
    #[inline]
    pub fn read<'a>(&mut self, input: &'a mut [u8]) -> Result<Step<'a>, Error> {
        self.read_with(input, |_| Vec::new())
    }

    /// The same for callers that have memory to lend: when a message begins that is not whole in the input, `lend` is asked for a buffer
    /// to put it together in, and told how long its first frame is. Whatever the buffer holds is removed; its capacity is used before any
    /// more is allocated, and the buffer is handed over with the message.
    ///
    /// # Errors
    /// As those of [`read`](Self::read).
    #[inline]
    pub fn read_with<'a>(
        &mut self,
        input: &'a mut [u8],
        mut lend: impl FnMut(usize) -> Vec<u8>,
    ) -> Result<Step<'a>, Error> {
        let available = input.len();
        let mut rest = input;
        let item = self.take_with(&mut rest, &mut lend)?;
        let left = if item.is_some() { rest.len() } else { 0 };
        Ok(Step { consumed: available - left, item })
    }

    /// The same, leaving what lies behind in `rest`. With `None` nothing in it is of use.
    #[inline]
    pub(crate) fn take<'a>(&mut self, rest: &mut &'a mut [u8]) -> Result<Option<Item<'a>>, Error> {
        self.take_with(rest, &mut |_| Vec::new())
    }

    #[inline]
    fn take_with<'a>(
        &mut self,
        rest: &mut &'a mut [u8],
        lend: &mut impl FnMut(usize) -> Vec<u8>,
    ) -> Result<Option<Item<'a>>, Error> {
        loop {
            match self.advance(rest, lend) {
                Ok(Progress::Continue) => {}
                Ok(Progress::Item(item)) => return Ok(Some(item)),
                Ok(Progress::Starved) => return Ok(None),
                Err(error) => {
                    self.state = State::Failed(error);
                    return Err(error);
                }
            }
        }
    }

    /// Whether nothing is unfinished: no message, no frame, no part of a header. The reader then
    /// uses no heap memory. Also true once reading has ended, by a close frame or an error.
    pub fn is_idle(&self) -> bool {
        match &self.state {
            State::Header { spill, message } => spill.is_empty() && message.is_none(),
            State::Data { .. } | State::Control { .. } => false,
            State::Closed | State::Failed(_) => true,
        }
    }

    /// How many bytes of payload of unfinished messages and control frames are held.
    pub fn buffered(&self) -> usize {
        let held = |message: &Option<Box<PartialMessage>>| message.as_ref().map_or(0, |m| m.len());
        match &self.state {
            State::Header { message, .. } => held(message),
            State::Data { message, .. } => message.len(),
            State::Control { control, message } => control.len() + held(message),
            State::Closed | State::Failed(_) => 0,
        }
    }

    /// One transition. On an error the state is left for the caller to set.
    #[inline]
    fn advance<'a>(
        &mut self,
        rest: &mut &'a mut [u8],
        lend: &mut impl FnMut(usize) -> Vec<u8>,
    ) -> Result<Progress<'a>, Error> {
        match mem::replace(&mut self.state, State::Closed) {
            State::Header { mut spill, message } => match spill.complete(rest)? {
                Some(header) => self.begin(&header, message, rest, lend),
                None => {
                    self.state = State::Header { spill, message };
                    Ok(Progress::Starved)
                }
            },
            State::Data { frame, message } => self.data(frame, message, rest),
            State::Control { control, message } => self.control(control, message, rest),
            State::Closed => Ok(Progress::Starved),
            State::Failed(error) => Err(error),
        }
    }

    /// A header is complete: judges it, and takes its frame at once if it is whole in the input.
    #[inline]
    fn begin<'a>(
        &mut self,
        header: &FrameHeader,
        message: Option<Box<PartialMessage>>,
        rest: &mut &'a mut [u8],
        lend: &mut impl FnMut(usize) -> Vec<u8>,
    ) -> Result<Progress<'a>, Error> {
        let held = message.as_deref();
        self.check(header, held)?;
        // Past the limits the length fits; on the way there it may not.
        let len = usize::try_from(header.len).map_err(|_| Limit::Message)?;
        let mut frame = Frame::new(header, len);
        let whole = len <= rest.len();

        if header.opcode.is_control() {
            if whole {
                let payload = frame.take(rest);
                return self.deliver_control(header.opcode, Cow::Borrowed(payload), message);
            }
            let control = Box::new(PartialControl::new(header.opcode, frame));
            self.state = State::Control { control, message };
        } else if let Some(mut message) = message {
            message.count_fragment();
            self.state = State::Data { frame, message };
        } else if whole && header.fin {
            let item = whole_message(header, frame.take(rest))?;
            self.state = State::between_messages();
            return Ok(Progress::Item(item));
        } else {
            let message = Box::new(PartialMessage::new(header.opcode, header.rsv1, lend(len)));
            self.state = State::Data { frame, message };
        }
        Ok(Progress::Continue)
    }

    /// What has come of the payload of a data frame moves into the message.
    fn data<'a>(
        &mut self,
        mut frame: Frame,
        mut message: Box<PartialMessage>,
        rest: &mut &'a mut [u8],
    ) -> Result<Progress<'a>, Error> {
        // Where the end is in sight, the buffer never grows beyond it.
        let end = if frame.fin { message.len() + frame.remaining } else { self.limits.max_message };
        message.push(frame.take(rest), end)?;
        if frame.remaining > 0 {
            self.state = State::Data { frame, message };
            Ok(Progress::Starved)
        } else if frame.fin {
            let item = message.finish()?;
            self.state = State::between_messages();
            Ok(Progress::Item(item))
        } else {
            self.state = State::Header { spill: Spill::default(), message: Some(message) };
            Ok(Progress::Continue)
        }
    }

    /// What has come of the payload of a control frame is set aside.
    fn control<'a>(
        &mut self,
        mut control: Box<PartialControl>,
        message: Option<Box<PartialMessage>>,
        rest: &mut &'a mut [u8],
    ) -> Result<Progress<'a>, Error> {
        control.push(rest);
        if control.is_whole() {
            let (opcode, payload) = control.finish();
            self.deliver_control(opcode, Cow::Owned(payload), message)
        } else {
            self.state = State::Control { control, message };
            Ok(Progress::Starved)
        }
    }

    /// A control frame is whole; the message it interrupted goes on, unless it was a close frame.
    fn deliver_control<'a>(
        &mut self,
        opcode: OpCode,
        payload: Cow<'a, [u8]>,
        message: Option<Box<PartialMessage>>,
    ) -> Result<Progress<'a>, Error> {
        let item = match opcode {
            OpCode::Close => {
                self.state = State::Closed;
                return Ok(Progress::Item(Item::Close(CloseFrame::parse(payload)?)));
            }
            OpCode::Ping => Item::Ping(payload),
            _ => Item::Pong(payload),
        };
        self.state = State::Header { spill: Spill::default(), message };
        Ok(Progress::Item(item))
    }

    /// The rules that depend on the connection: masking, RSV1, the order of fragments, limits.
    #[inline]
    fn check(&self, header: &FrameHeader, held: Option<&PartialMessage>) -> Result<(), Error> {
        match (self.role, header.mask) {
            (Role::Server, None) => return Err(Violation::NotMasked.into()),
            (Role::Client, Some(_)) => return Err(Violation::Masked.into()),
            _ => {}
        }
        let begins = matches!(header.opcode, OpCode::Text | OpCode::Binary);
        if header.rsv1 && !(begins && self.accept_rsv1) {
            return Err(Violation::ReservedBits.into());
        }
        if header.opcode.is_control() {
            // Known to be wrong before the payload is there.
            if header.opcode == OpCode::Close && header.len == 1 {
                return Err(Violation::TruncatedCloseCode.into());
            }
            return Ok(());
        }
        match (held, begins) {
            (None, false) => return Err(Violation::NothingToContinue.into()),
            (Some(_), true) => return Err(Violation::MessageNotFinished.into()),
            (Some(message), false) if message.fragments() >= self.limits.max_fragments => {
                return Err(Limit::Fragments.into());
            }
            _ => {}
        }
        if header.len > self.limits.max_frame as u64 {
            return Err(Limit::Frame.into());
        }
        // No overflow: what is held is at most `isize::MAX`, and so is what is announced.
        let total = held.map_or(0, PartialMessage::len) as u64 + header.len;
        if total > self.limits.max_message as u64 {
            return Err(Limit::Message.into());
        }
        Ok(())
    }
}

impl State {
    const fn between_messages() -> Self {
        Self::Header { spill: Spill::EMPTY, message: None }
    }
}

/// A message in one frame that is whole in the input.
#[inline]
fn whole_message<'a>(header: &FrameHeader, payload: &'a [u8]) -> Result<Item<'a>, Error> {
    Ok(if header.rsv1 {
        Item::Extended { opcode: header.opcode, payload: Cow::Borrowed(payload) }
    } else if header.opcode == OpCode::Text {
        let text = str::from_utf8(payload).map_err(|_| Error::InvalidUtf8)?;
        Item::Text(Cow::Borrowed(text))
    } else {
        Item::Binary(Cow::Borrowed(payload))
    })
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
