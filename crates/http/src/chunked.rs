use crate::reader::{Item, Step};
use crate::scan::Scan;
use crate::{Error, Limits};

/// Takes a chunked body apart (RFC 9112 §7.1), strictly and without holding any of it.
///
/// ```text
///            ┌───────────────────────────────────────────────┐
///            ▼      ;               CR                  LF    │
///   ──▶ Size ────▶ Extension ────▶ SizeLf ──▶ Data ──▶ DataCr ──▶ DataLf
///        │                          ▲  │
///        └───────────CR─────────────┘  └─ size 0 ─▶ Trailer ─▶ End
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of extensions so far; a peer could otherwise send them without end.
    extensions: u16,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer { scan: Scan, seen: u16 },
}

/// Hexadecimal digits of a 64-bit number.
const MAX_SIZE_DIGITS: u8 = 16;

impl Chunked {
    pub(crate) fn new() -> Self {
        Self { state: State::NEXT_SIZE, extensions: 0 }
    }

    /// Takes from `input` up to and with the next piece of data or the end of the body.
    pub(crate) fn read<'a>(&mut self, input: &'a [u8]) -> Result<Step<'a>, Error> {
        let mut rest = input;
        loop {
            match &mut self.state {
                State::Data { left } => {
                    let (data, after) = split_at_most(rest, *left);
                    if data.is_empty() {
                        return Ok(Step::need_more(input));
                    }
                    *left -= data.len() as u64;
                    if *left == 0 {
                        self.state = State::DataCr;
                    }
                    let consumed = input.len() - after.len();
                    return Ok(Step { consumed, item: Some(Item::Chunk(data)) });
                }
                State::Trailer { scan, seen } => {
                    let room = Limits::TRAILER - usize::from(*seen);
                    let window = rest.get(..room).unwrap_or(rest);
                    return match scan.find_end(window)? {
                        Some(end) => {
                            let consumed = input.len() - rest.len() + end;
                            Ok(Step { consumed, item: Some(Item::End) })
                        }
                        None if window.len() == room => Err(Error::TrailerTooLarge),
                        None => {
                            *seen += window.len() as u16;
                            Ok(Step::need_more(input))
                        }
                    };
                }
                _ => {
                    let Some((&byte, after)) = rest.split_first() else {
                        return Ok(Step::need_more(input));
                    };
                    rest = after;
                    self.state = self.step(byte)?;
                }
            }
        }
    }

    /// One byte of the lines between the pieces of data.
    fn step(&mut self, byte: u8) -> Result<State, Error> {
        Ok(match (self.state, byte) {
            (State::Size { size, digits }, _) => match (hex_value(byte), byte) {
                (Some(_), _) if digits == MAX_SIZE_DIGITS => return Err(Error::ChunkSize),
                (Some(value), _) => State::Size { size: size << 4 | value, digits: digits + 1 },
                (None, b';') if digits > 0 => State::Extension { size },
                (None, b'\r') if digits > 0 => State::SizeLf { size },
                _ => return Err(Error::ChunkSize),
            },
            (State::Extension { size }, b'\r') => State::SizeLf { size },
            // Extensions are ignored, but a bare line feed in one would be a line end to others.
            (State::Extension { size }, b'\t' | b' '..=b'~' | 0x80..) => {
                self.extensions += 1;
                if usize::from(self.extensions) > Limits::CHUNK_EXTENSIONS {
                    return Err(Error::ChunkExtensionsTooLarge);
                }
                State::Extension { size }
            }
            (State::SizeLf { size: 0 }, b'\n') => State::Trailer { scan: Scan::LineStart, seen: 0 },
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::NEXT_SIZE,
            (State::DataCr | State::DataLf, _) => return Err(Error::ChunkEnd),
            _ => return Err(Error::ChunkSize),
        })
    }
}

impl State {
    const NEXT_SIZE: Self = Self::Size { size: 0, digits: 0 };
}

/// The first `most` bytes, or all if there are fewer, and the rest.
pub(crate) fn split_at_most(bytes: &[u8], most: u64) -> (&[u8], &[u8]) {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    bytes.split_at_checked(most).unwrap_or((bytes, &[]))
}

fn hex_value(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}
