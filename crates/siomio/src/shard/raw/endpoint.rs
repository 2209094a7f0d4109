//! Raw WebSockets and the handlers of their endpoints.

use std::{net::SocketAddr, rc::Rc};

use siomio_engine::Message;
use siomio_http::{Head, Headers, Response};
use siomio_websocket::{CloseCode, handshake::ServerHandshake};

use crate::{
    Rejection, Request, WebSocket, WebSocketError,
    handshake::Opening,
    mailbox::RawOrder,
    registry::{EndpointTable, Tables},
    shard::{
        conn::{ConnKey, Hold, State, http::Routed, upgrade::check_upgrade},
        local::Local,
        raw::RawKey,
    },
};

impl Local {
    /// The endpoint whose WebSocket a request asks for. What asks for something else, or for nothing, is a plain request.
    pub(crate) fn endpoint_opened_by(&self, head: &Head<'_>) -> Option<u32> {
        let is_ours = head.is_upgrade() && head.has_token("upgrade", "websocket");
        if !is_ours || head.path().starts_with(&self.shared.config.path) {
            return None;
        }
        self.tables().endpoint(head.path())
    }

    /// Opens a raw WebSocket, or refuses it.
    pub(crate) fn open_endpoint(
        self: &Rc<Self>,
        conn: ConnKey,
        head: &Head<'_>,
        endpoint: u32,
    ) -> Routed {
        let peer = match self.core.borrow().conns.get(conn) {
            Some(state) => match &state.state {
                State::Http(http) if http.pipeline.is_closing() => return Routed::Ignored,
                State::Http(http) if !http.pipeline.is_empty() => {
                    return Routed::Held(Hold::Answers);
                }
                _ => state.peer,
            },
            None => return Routed::Ignored,
        };
        let tables = self.tables();
        let Some(table) = tables.endpoints.get(endpoint as usize) else { return Routed::Ignored };
        match self.admit_raw(table, head, peer) {
            Ok(handshake) => self.enter_endpoint(conn, head, peer, &handshake, (endpoint, table)),
            Err(response) => self.core.borrow_mut().refuse_upgrade(conn, head, response),
        }
        Routed::Taken
    }

    /// Asks whether a WebSocket may be opened.
    fn admit_raw<'h>(
        &self,
        table: &EndpointTable,
        head: &'h Head<'_>,
        peer: SocketAddr,
    ) -> Result<ServerHandshake<'h>, Response> {
        if self.core.borrow().stopping.is_some() {
            return Err(Response::new(503));
        }
        let handshake = check_upgrade(head)?;
        let request = Request::new(head, b"", peer);
        if self.shared.config.origins.as_ref().is_some_and(|origins| !origins.allow(head)) {
            return Err(Response::new(403).text("origin not allowed"));
        }
        self.hold_off(&request)?;
        if let Some(verify) = &table.verify {
            self.call("verify", || verify(&request))
                .map_err(|_| Response::new(500))?
                .map_err(Rejection::into_response)?;
        }
        Ok(handshake)
    }

    fn enter_endpoint(
        self: &Rc<Self>,
        conn: ConnKey,
        head: &Head<'_>,
        peer: SocketAddr,
        handshake: &ServerHandshake<'_>,
        (endpoint, table): (u32, &EndpointTable),
    ) {
        let raw = {
            let mut core = self.core.borrow_mut();
            let issued = core.environment.time_of_day();
            let opening = Rc::new(Opening { head: head.clone().into_owned(), peer, issued });
            if !core.become_websocket(conn, head, handshake, &Headers::default()) {
                return;
            }
            core.attach_raw(conn, endpoint, table.clients.clone(), opening)
        };
        if let Some(raw) = raw {
            self.raw_opened(raw, table);
        }
    }

    fn raw_opened(self: &Rc<Self>, raw: RawKey, table: &EndpointTable) {
        let Some(socket) = WebSocket::find(self, raw) else { return };
        for handler in &table.open {
            self.raw_run(raw, "open", || handler(&socket));
        }
    }

    /// A message has arrived.
    pub(crate) fn raw_message(self: &Rc<Self>, raw: RawKey, message: Message<'_>) {
        let tables = self.tables();
        let Some((socket, table)) = self.raw_view(&tables, raw) else { return };
        let Some((last, others)) = table.message.split_last() else { return };
        for handler in others {
            let message = match &message {
                Message::Text(text) => Message::Text(text),
                Message::Binary(data) => Message::Binary((&**data).into()),
            };
            self.raw_run(raw, "message", || handler(&socket, message));
        }
        // The last one may keep what had to be put together.
        self.raw_run(raw, "message", || last(&socket, message));
    }

    pub(crate) fn raw_pong(self: &Rc<Self>, raw: RawKey, payload: &[u8]) {
        let tables = self.tables();
        let Some((socket, table)) = self.raw_view(&tables, raw) else { return };
        for handler in &table.pong {
            self.raw_run(raw, "pong", || handler(&socket, payload));
        }
    }

    /// Tells the application what went wrong.
    pub(crate) fn raw_failed(self: &Rc<Self>, raw: RawKey, error: &WebSocketError) {
        let tables = self.tables();
        let Some((socket, table)) = self.raw_view(&tables, raw) else { return };
        for handler in &table.error {
            drop(self.call("error", || handler(&socket, error)));
        }
    }

    /// It has ended, and is gone when the application has heard of it.
    pub(crate) fn raw_closed(self: &Rc<Self>, raw: RawKey, code: CloseCode, reason: &str) {
        let tables = self.tables();
        if let Some((socket, table)) = self.raw_view(&tables, raw) {
            for handler in &table.close {
                if let Err(message) = self.call("close", || handler(&socket, code, reason)) {
                    let handler = "close";
                    self.raw_failed(raw, &WebSocketError::Panic { handler, message });
                }
            }
        }
        let belongings = {
            let mut core = self.core.borrow_mut();
            let belongings = core.remove_raw(raw);
            let keys = belongings.iter().flat_map(|belongings| &belongings.timers);
            let timers: Vec<_> = keys.filter_map(|(_, key)| core.timers.remove(*key)).collect();
            (belongings, timers)
        };
        self.discard(belongings);
    }

    /// A handler of a raw WebSocket, or one of its timers, panicked.
    pub(crate) fn raw_panicked(
        self: &Rc<Self>,
        raw: RawKey,
        handler: &'static str,
        message: String,
    ) {
        self.raw_failed(raw, &WebSocketError::Panic { handler, message });
        self.core.borrow_mut().abort_raw(raw, CloseCode::INTERNAL_ERROR);
    }

    pub(crate) fn obey_raw(&self, raw: RawKey, order: RawOrder) {
        let mut core = self.core.borrow_mut();
        match order {
            RawOrder::Send(frame) => drop(core.raw_send_frame(raw, frame)),
            RawOrder::Close { code, reason } => core.close_raw(raw, code, &reason),
            RawOrder::Terminate => core.terminate_raw(raw),
        }
    }

    /// Runs one of several handlers, unless an earlier one ended the connection.
    fn raw_run(self: &Rc<Self>, raw: RawKey, handler: &'static str, run: impl FnOnce()) {
        if !self.core.borrow_mut().is_attached(raw) {
            return;
        }
        if let Err(message) = self.call(handler, run) {
            self.raw_panicked(raw, handler, message);
        }
    }

    /// A raw WebSocket as its handlers see it, and those handlers.
    fn raw_view<'t>(
        self: &Rc<Self>,
        tables: &'t Tables,
        raw: RawKey,
    ) -> Option<(WebSocket, &'t EndpointTable)> {
        let socket = WebSocket::find(self, raw)?;
        let table = tables.endpoints.get(socket.endpoint as usize)?;
        Some((socket, table))
    }
}
