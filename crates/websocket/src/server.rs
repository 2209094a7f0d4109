use std::borrow::Cow;

use crate::{
    Answer, CloseCode, CloseFrame, Closing, Error, Item, Limits, OpCode, Reader, Role, write_close,
    write_frame,
};

/// A server's side of a connection, behind the opening handshake: a [`Reader`] and a [`Closing`]
/// that know each other.
///
/// What the protocol answers by itself, pings, close frames and what breaks a rule, is appended to
/// the caller's buffer; messages are the caller's to answer. After our close frame nothing is
/// written any more, whoever asks for it. Deadlines are the caller's, as they are with `Closing`.
///
/// ```
/// use siomio_websocket::{Event, Limits, OpCode, ServerConnection};
///
/// let mut connection = ServerConnection::new(Limits::default());
/// let (mut received, mut out) = (*b"\x89\x80\x01\x02\x03\x04\x81\x82\x01\x02\x03\x04ik", Vec::new());
///
/// let mut input = &mut received[..];
/// while let Some(event) = connection.read(&mut input, &mut out) {
///     match event {
///         Event::Text(text) => _ = connection.write(OpCode::Text, text.as_bytes(), &mut out),
///         Event::Binary(data) => _ = connection.write(OpCode::Binary, &data, &mut out),
///         Event::Pong(_) => {}
///         // Close the TCP connection, once `out` is flushed.
///         Event::Closed(_) | Event::Failed(_) => {}
///     }
/// }
/// assert_eq!(out, b"\x8a\x00\x81\x02hi");
/// ```
#[derive(Debug)]
pub struct ServerConnection {
    reader: Reader,
    closing: Closing,
}

/// What a peer's bytes came to; see [`ServerConnection::read`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A text message.
    Text(Cow<'a, str>),
    /// A binary message.
    Binary(Cow<'a, [u8]>),
    /// A pong, asked for or not.
    Pong(Cow<'a, [u8]>),
    /// The peer's last word, which has been answered: the TCP connection ends as soon as what is
    /// written is flushed.
    Closed(Option<CloseFrame<'a>>),
    /// The peer broke a rule or a limit, and has been told: the TCP connection ends as after
    /// [`Closed`](Self::Closed).
    Failed(Error),
}

impl ServerConnection {
    /// A connection right behind the opening handshake, without extensions.
    pub fn new(limits: Limits) -> Self {
        Self { reader: Reader::new(Role::Server, limits), closing: Closing::Open }
    }

    /// Takes bytes from the front of `input`, unmasking them in place, up to the end of the first
    /// thing the caller has to know of, and appends to `out` what the protocol answers.
    ///
    /// Call it again until it gives `None`: then all of the input is taken. Messages are also given
    /// when our close frame is out, for the peer may have sent them before it saw that. After
    /// [`Event::Closed`] and [`Event::Failed`] nothing more comes.
    pub fn read<'a>(&mut self, input: &mut &'a mut [u8], out: &mut Vec<u8>) -> Option<Event<'a>> {
        while !self.closing.is_done() {
            match self.reader.take(input) {
                Ok(Some(Item::Text(text))) => return Some(Event::Text(text)),
                Ok(Some(Item::Binary(data))) => return Some(Event::Binary(data)),
                Ok(Some(Item::Ping(payload))) => _ = self.write(OpCode::Pong, &payload, out),
                Ok(Some(Item::Pong(payload))) => return Some(Event::Pong(payload)),
                Ok(Some(Item::Close(close))) => {
                    if let Answer::Echo(code) = self.closing.received(close.as_ref()) {
                        self.close(code.map(|code| (code, "")), out);
                    }
                    return Some(Event::Closed(close));
                }
                // No extension was negotiated, so the reader lets none of this through.
                Ok(Some(Item::Extended { .. })) => {}
                Ok(None) => break,
                Err(error) => {
                    self.close(Some((error.close_code(), "")), out);
                    // The peer is not waited for.
                    self.closing = Closing::Done;
                    return Some(Event::Failed(error));
                }
            }
        }
        *input = &mut [];
        None
    }

    /// Appends a message, or a ping, to `out`. Returns `false`, and appends nothing, once our close
    /// frame is out.
    pub fn write(&self, opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let may_send = self.closing.may_send();
        if may_send {
            write_frame(out, opcode, payload, None);
        }
        may_send
    }

    /// Appends our close frame to `out`, as [`write_close`] does, unless it is out already. The
    /// peer's [`Event::Closed`] is still to come.
    pub fn close(&mut self, close: Option<(CloseCode, &str)>, out: &mut Vec<u8>) {
        if self.closing.may_send() {
            write_close(out, close, None);
            self.closing.sent();
        }
    }

    /// How far the closing handshake has come. After a failure it is over.
    pub const fn closing(&self) -> Closing {
        self.closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Violation;

    fn frame(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write_frame(&mut frame, opcode, payload, Some([1, 2, 3, 4]));
        frame
    }

    /// What bytes come to, and what is answered.
    fn feed(
        connection: &mut ServerConnection,
        mut bytes: Vec<u8>,
    ) -> (Vec<Event<'static>>, Vec<u8>) {
        let (mut input, mut out, mut events) = (&mut bytes[..], Vec::new(), Vec::new());
        while let Some(event) = connection.read(&mut input, &mut out) {
            events.push(match event {
                Event::Text(text) => Event::Text(text.into_owned().into()),
                Event::Binary(data) => Event::Binary(data.into_owned().into()),
                Event::Pong(data) => Event::Pong(data.into_owned().into()),
                Event::Closed(close) => Event::Closed(close.map(CloseFrame::into_owned)),
                Event::Failed(error) => Event::Failed(error),
            });
        }
        assert!(input.is_empty(), "all is taken");
        (events, out)
    }

    fn open() -> ServerConnection {
        ServerConnection::new(Limits::default())
    }

    #[test]
    fn pings_are_answered_between_messages_wherever_the_input_is_cut() {
        let bytes = [
            frame(OpCode::Text, b"one"),
            frame(OpCode::Ping, b"?"),
            frame(OpCode::Pong, b"!"),
            frame(OpCode::Binary, b"two"),
        ]
        .concat();
        let expected =
            [Event::Text("one".into()), Event::Pong(b"!".into()), Event::Binary(b"two".into())];
        for cut in 0..bytes.len() {
            let mut connection = open();
            let (mut events, mut out) = feed(&mut connection, bytes[..cut].to_vec());
            let (rest, answer) = feed(&mut connection, bytes[cut..].to_vec());
            events.extend(rest);
            out.extend(answer);
            assert_eq!(events, expected);
            assert_eq!(out, b"\x8a\x01?");
        }
    }

    #[test]
    fn a_close_is_echoed_and_ends_everything() {
        let mut connection = open();
        let bytes = [frame(OpCode::Close, b"\x03\xe9bye"), frame(OpCode::Ping, b"?")].concat();
        let close = CloseFrame { code: CloseCode::GOING_AWAY, reason: "bye".into() };
        let (events, out) = feed(&mut connection, bytes);
        assert_eq!(
            (events, &out[..]),
            (vec![Event::Closed(Some(close))], &b"\x88\x02\x03\xe9"[..])
        );
        assert!(connection.closing().is_done());
        assert!(!connection.write(OpCode::Text, b"late", &mut Vec::new()));
    }

    #[test]
    fn behind_our_close_frame_messages_are_heard_and_nothing_is_written() {
        let (mut connection, mut out) = (open(), Vec::new());
        connection.close(None, &mut out);
        connection.close(Some((CloseCode::NORMAL, "again")), &mut out);
        assert!(!connection.write(OpCode::Text, b"late", &mut out));
        assert_eq!(out, b"\x88\x00");
        let bytes =
            [frame(OpCode::Ping, b"?"), frame(OpCode::Text, b"crossed"), frame(OpCode::Close, b"")]
                .concat();
        let events = vec![Event::Text("crossed".into()), Event::Closed(None)];
        assert_eq!(feed(&mut connection, bytes), (events, vec![]));
        assert!(connection.closing().is_done());
    }

    #[test]
    fn a_broken_rule_is_told_once_to_each_side() {
        let failed = Event::Failed(Error::Protocol(Violation::NotMasked));
        let mut connection = open();
        let (events, out) = feed(&mut connection, b"\x81\x02hi".to_vec());
        assert_eq!((events, &out[..]), (vec![failed.clone()], &b"\x88\x02\x03\xea"[..]));
        assert_eq!(feed(&mut connection, frame(OpCode::Text, b"more")), (vec![], vec![]));

        let mut connection = open();
        connection.close(None, &mut Vec::new());
        assert_eq!(feed(&mut connection, b"\x81\x02hi".to_vec()), (vec![failed], vec![]));
    }
}
