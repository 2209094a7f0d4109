use std::borrow::Cow;

use crate::{CloseFrame, OpCode};

/// What one call of [`Reader::read`](crate::Reader::read) came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// How many bytes were taken from the front of the input. What lies behind is untouched.
    pub consumed: usize,
    /// What they completed. `None` means that all of the input was taken and more is needed.
    pub item: Option<Item<'a>>,
}

/// Something complete that the peer sent.
///
/// Payloads are borrowed from the input where they lay there in one piece, and owned where they
/// had to be put together; never borrowed from the [`Reader`](crate::Reader).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A text message.
    Text(Cow<'a, str>),
    /// A binary message.
    Binary(Cow<'a, [u8]>),
    /// A message with RSV1 set on its first frame, as it travelled: for the extension that was
    /// negotiated to decode, and then to check for UTF-8 if it is text. Only seen with
    /// [`accept_rsv1`](crate::Reader::accept_rsv1).
    Extended {
        /// [`OpCode::Text`] or [`OpCode::Binary`].
        opcode: OpCode,
        /// The payload, not decoded.
        payload: Cow<'a, [u8]>,
    },
    /// A ping, to be answered by a pong with the same payload, of at most 125 bytes.
    Ping(Cow<'a, [u8]>),
    /// A pong, asked for or not.
    Pong(Cow<'a, [u8]>),
    /// The peer's last word; see [`Closing`](crate::Closing) for the answer.
    Close(Option<CloseFrame<'a>>),
}

impl Item<'_> {
    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Item<'static> {
        fn owned(payload: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
            Cow::Owned(payload.into_owned())
        }
        match self {
            Self::Text(text) => Item::Text(Cow::Owned(text.into_owned())),
            Self::Binary(payload) => Item::Binary(owned(payload)),
            Self::Extended { opcode, payload } => {
                Item::Extended { opcode, payload: owned(payload) }
            }
            Self::Ping(payload) => Item::Ping(owned(payload)),
            Self::Pong(payload) => Item::Pong(owned(payload)),
            Self::Close(close) => Item::Close(close.map(CloseFrame::into_owned)),
        }
    }
}
