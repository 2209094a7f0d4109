/// The five kinds of Socket.IO packet.
///
/// The wire knows seven type digits: `5` and `6` are an [`Event`](Self::Event) and an
/// [`Ack`](Self::Ack) that are followed by attachments, and a decoder reports them as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `0`: a client asks to join a namespace, or the server confirms it.
    Connect,
    /// `1`: one side leaves a namespace.
    Disconnect,
    /// `2`, or `5` with attachments: a named event with arguments.
    Event,
    /// `3`, or `6` with attachments: the answer to an event that carried an id.
    Ack,
    /// `4`: the server refuses a [`Connect`](Self::Connect).
    ConnectError,
}

impl Kind {
    /// The number of this kind, 0 to 4, as [parsers](crate::Parser) write it that send attachments
    /// within the packet.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.digit(false) - b'0'
    }

    /// The kind of a number; `None` beyond 4.
    ///
    /// ```
    /// use siomio_packet::Kind;
    ///
    /// assert_eq!(Kind::from_number(Kind::Ack.number()), Some(Kind::Ack));
    /// assert_eq!(Kind::from_number(5), None);
    /// ```
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Connect,
            1 => Self::Disconnect,
            2 => Self::Event,
            3 => Self::Ack,
            4 => Self::ConnectError,
            _ => return None,
        })
    }

    /// The type digit of this kind in a packet with or without attachments.
    ///
    /// Only events and acks can have attachments; the other kinds ignore the question.
    #[must_use]
    pub const fn digit(self, with_attachments: bool) -> u8 {
        match (self, with_attachments) {
            (Self::Connect, _) => b'0',
            (Self::Disconnect, _) => b'1',
            (Self::Event, false) => b'2',
            (Self::Ack, false) => b'3',
            (Self::ConnectError, _) => b'4',
            (Self::Event, true) => b'5',
            (Self::Ack, true) => b'6',
        }
    }

    /// The kind a type character stands for, and whether attachments follow.
    pub(crate) const fn from_char(digit: char) -> Option<(Self, bool)> {
        Some(match digit {
            '0' => (Self::Connect, false),
            '1' => (Self::Disconnect, false),
            '2' => (Self::Event, false),
            '3' => (Self::Ack, false),
            '4' => (Self::ConnectError, false),
            '5' => (Self::Event, true),
            '6' => (Self::Ack, true),
            _ => return None,
        })
    }
}
