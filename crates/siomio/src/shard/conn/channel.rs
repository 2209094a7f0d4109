//! WebSocket connections: what arrives on them.

use std::{borrow::Cow, rc::Rc};

use siomio_engine::{ChannelId, Message};
use siomio_websocket::{
    Answer, CloseCode, CloseFrame, Item, OpCode, Role, write_close, write_frame,
};

use crate::{
    Carrier, WebSocketError,
    config::MAX_RESPONSES,
    shard::{
        conn::{ConnKey, Recipient, spares},
        local::Local,
    },
    trace::log,
};

impl Local {
    /// Works off one item from the front of `input` and returns how long it was; `None` when all is used up.
    pub(crate) fn feed_websocket(
        self: &Rc<Self>,
        conn: ConnKey,
        input: &mut [u8],
    ) -> Option<usize> {
        let (step, recipient) = {
            let mut core = self.core.borrow_mut();
            let websocket = core.conns.get_mut(conn)?.websocket_mut()?;
            (websocket.reader.read_with(input, spares::buffer), websocket.recipient)
        };
        let step = match step {
            Ok(step) => step,
            Err(error) => {
                self.fail_channel(conn, error);
                return None;
            }
        };
        let message = match step.item? {
            Item::Text(text) => {
                // Owned or borrowed, the text lives until the handlers are done.
                self.handle_channel_message(conn, recipient, Message::Text(&text));
                if let Cow::Owned(text) = text {
                    spares::keep_buffer(text.into_bytes());
                }
                return Some(step.consumed);
            }
            Item::Binary(data) => Message::Binary(data),
            Item::Ping(payload) => {
                self.answer_ping(conn, &payload);
                return Some(step.consumed);
            }
            Item::Close(close) => {
                self.handle_channel_close(conn, close.as_ref());
                return None;
            }
            Item::Pong(payload) => {
                self.handle_pong(recipient, &payload);
                return Some(step.consumed);
            }
            // No extension is negotiated.
            Item::Extended { .. } => return Some(step.consumed),
        };
        self.handle_channel_message(conn, recipient, message);
        Some(step.consumed)
    }

    fn handle_channel_message(
        self: &Rc<Self>,
        conn: ConnKey,
        recipient: Recipient,
        message: Message<'_>,
    ) {
        let session = match recipient {
            Recipient::Session(session) => session,
            Recipient::Raw(raw) => {
                self.counts.messages_received.add(1);
                self.raw_message(raw, message);
                return self.settle();
            }
            Recipient::Nobody => return,
        };
        let message = {
            let mut core = self.core.borrow_mut();
            let (now, channel) = (core.now, ChannelId(conn.to_bits()));
            core.with_session(session, |machine, actions| {
                machine.handle_channel_message(now, channel, message, actions)
            })
        };
        if let Some(Some(message)) = message {
            self.handle_message(session, message, Carrier::WebSocket);
        }
        self.settle();
    }

    fn handle_pong(self: &Rc<Self>, recipient: Recipient, payload: &[u8]) {
        if let Recipient::Raw(raw) = recipient {
            self.raw_pong(raw, payload);
            self.settle();
        }
    }

    fn answer_ping(&self, conn: ConnKey, payload: &[u8]) {
        let mut core = self.core.borrow_mut();
        let Some(state) = core.conns.get_mut(conn) else { return };
        let waits = state.out.len() > MAX_RESPONSES;
        let Some(websocket) = state.websocket_mut().filter(|ws| ws.closing.may_send()) else {
            return;
        };
        // Who sends pings and reads no pongs gets no more of them: of those that wait only the last one has to be answered
        // (RFC 6455, section 5.5.3).
        if waits {
            websocket.delayed_mut().unanswered = Some(payload.into());
        } else {
            websocket.take_delayed(|delayed| &mut delayed.unanswered);
        }
        if !waits {
            state.out.append(|out| write_frame(out, OpCode::Pong, payload, None));
        }
        core.mark(conn);
    }

    fn handle_channel_close(self: &Rc<Self>, conn: ConnKey, close: Option<&CloseFrame<'_>>) {
        let recipient = {
            let mut core = self.core.borrow_mut();
            let recipient = core.take_recipient(conn);
            let Some(state) = core.conns.get_mut(conn) else { return };
            let Some(websocket) = state.websocket_mut() else { return };
            if let Answer::Echo(code) = websocket.closing.received(close) {
                websocket.closing.sent();
                state.out.append(|out| write_close(out, code.map(|code| (code, "")), None));
            }
            let ends = state
                .websocket_mut()
                .is_some_and(|websocket| websocket.closing.ends_tcp(Role::Server));
            debug_assert!(ends, "both close frames have gone their way");
            core.linger(conn);
            if let Recipient::Session(session) = recipient {
                let channel = ChannelId(conn.to_bits());
                core.with_session(session, |machine, actions| {
                    machine.handle_channel_gone(channel, false, actions)
                });
            }
            recipient
        };
        if let Recipient::Raw(raw) = recipient {
            let code = close.map_or(CloseCode::NO_STATUS, |close| close.code);
            self.raw_closed(raw, code, close.map_or("", |close| &close.reason));
        }
        self.settle();
    }

    /// The peer broke a rule: it is told which kind, and whoever listened that it failed.
    fn fail_channel(self: &Rc<Self>, conn: ConnKey, error: siomio_websocket::Error) {
        let (recipient, may_send) = {
            let mut core = self.core.borrow_mut();
            let recipient = core.take_recipient(conn);
            let Some(state) = core.conns.get_mut(conn) else { return };
            let Some(websocket) = state.websocket_mut() else { return };
            let may_send = websocket.closing.may_send();
            if may_send {
                state.out.append(|out| write_close(out, Some((error.close_code(), "")), None));
            }
            core.linger(conn);
            if let Recipient::Session(session) = recipient {
                let channel = ChannelId(conn.to_bits());
                core.with_session(session, |machine, actions| {
                    machine.handle_channel_gone(channel, true, actions)
                });
            }
            (recipient, may_send)
        };
        self.counts.violations.add(1);
        log!(DEBUG, "siomio::websocket", "violation", why = error);
        if let Recipient::Raw(raw) = recipient {
            self.raw_failed(raw, &WebSocketError::Protocol(error));
            let code = if may_send { error.close_code() } else { CloseCode::ABNORMAL };
            self.raw_closed(raw, code, "");
        }
        self.settle();
    }
}
