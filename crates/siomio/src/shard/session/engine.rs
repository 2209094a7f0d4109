//! Sessions of a server that speaks Engine.IO only.

use std::rc::Rc;

use bytes::Bytes;
use siomio_engine::{CloseReason, Message};

use crate::{
    Carrier, EngineSocket, Sent,
    mailbox::SessionOrder,
    shard::{core::SessionKey, local::Local},
};

impl Local {
    pub(crate) fn engine_opened(self: &Rc<Self>, session: SessionKey) {
        if !self.shared.config.engine_only {
            return;
        }
        let (tables, socket) = (self.tables(), EngineSocket::new(self.clone(), session));
        for handler in &tables.engine.open {
            self.guard_session(session, "on_open", || handler(&socket));
        }
    }

    pub(crate) fn engine_message(
        self: &Rc<Self>,
        session: SessionKey,
        message: Message<'_>,
        carrier: Carrier<'_>,
    ) {
        let (tables, socket) = (self.tables(), EngineSocket::new(self.clone(), session));
        for handler in &tables.engine.message {
            self.guard_session(session, "on_message", || {
                handler(&socket, message.clone(), carrier)
            });
        }
    }

    pub(crate) fn engine_closed(self: &Rc<Self>, session: SessionKey, reason: CloseReason) {
        if !self.shared.config.engine_only {
            return;
        }
        let (tables, socket) = (self.tables(), EngineSocket::new(self.clone(), session));
        for handler in &tables.engine.close {
            self.guard_hook("on_close", || handler(&socket, reason));
        }
    }

    pub(crate) fn engine_send(&self, session: SessionKey, message: Message<'_>) -> Sent {
        let mut core = self.core.borrow_mut();
        match message {
            Message::Text(text) => core.send_packet(session, &[text.as_bytes()], &[]),
            Message::Binary(data) => core.send_binary(session, Bytes::from(data.into_owned())),
        }
    }

    pub(crate) fn obey_session(self: &Rc<Self>, session: SessionKey, order: SessionOrder) {
        match order {
            SessionOrder::Text(text) => drop(self.engine_send(session, Message::Text(&text))),
            SessionOrder::Binary(data) => {
                drop(self.engine_send(session, Message::Binary(data.into())))
            }
            SessionOrder::Close => self.close_session(session),
        }
    }

    /// A panic costs the session.
    fn guard_session(self: &Rc<Self>, session: SessionKey, hook: &'static str, run: impl FnOnce()) {
        if self.guard_hook(hook, run).is_none() {
            self.close_session(session);
        }
    }
}
