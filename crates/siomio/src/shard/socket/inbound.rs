//! From messages of a session to the application's handlers.

use std::rc::Rc;

use siomio_engine::Message;
use siomio_hub::{AckToken, Received, SocketKey};
use siomio_packet::Data;

use crate::{
    Ack, AckError, Carrier, HandlerError, Socket, WebSocketError,
    registry::NamespaceTable,
    shard::{
        core::{Event, SessionKey},
        local::Local,
    },
};

impl Local {
    /// A message of a client arrived.
    pub(crate) fn handle_message(
        self: &Rc<Self>,
        session: SessionKey,
        message: Message<'_>,
        carrier: Carrier<'_>,
    ) {
        let received = {
            let mut core = self.core.borrow_mut();
            let Some(state) = core.sessions.get(session) else { return };
            let Some(client) = state.client else {
                drop(core);
                return self.engine_message(session, message, carrier);
            };
            match message {
                Message::Text(text) => core.hub.handle_text(client, text),
                Message::Binary(data) => core.hub.handle_binary(client, data),
            }
        };
        match received {
            Ok(Received::Nothing) => {}
            Ok(Received::Event { socket, id, data }) => {
                self.handle_event(session, socket, id, &data)
            }
            Ok(Received::Ack { token, data, .. }) => self.handle_ack(token, &data),
            Ok(Received::Connect { namespace, auth }) => self.connect(session, namespace, &auth),
            Ok(Received::UnknownNamespace { name }) => self.refuse_unknown(session, &name),
            Ok(Received::Disconnect { socket }) => self.leave_by_client(socket),
            Err(_) => self.close_session(session),
        }
    }

    fn handle_event(
        self: &Rc<Self>,
        session: SessionKey,
        key: SocketKey,
        id: Option<u64>,
        data: &Data<'_>,
    ) {
        let Some((name, args)) = data.event() else { return };
        let Some(namespace) = self.core.borrow().hub.namespace_of(key) else { return };
        let tables = self.tables();
        let Some(table) = tables.namespaces.get(namespace.index()) else { return };
        let Some(handlers) = table.events.get(name.as_str()) else { return };
        let socket = Socket::new(self.clone(), key, namespace, session);
        for handler in handlers {
            if !socket.is_connected() {
                // The one before disconnected it, or panicked.
                return;
            }
            let ack = Ack::new(id.map(|id| (socket.handle(), id)));
            let outcome = self.guard(|| handler.call(&socket, args.reader(), ack));
            let error = match outcome {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => HandlerError::Argument { event: name.as_str().to_owned(), error },
                Err(message) => HandlerError::Panic { event: name.as_str().to_owned(), message },
            };
            self.report(&socket, key, table, &error);
        }
    }

    fn handle_ack(&self, token: AckToken, data: &Data<'_>) {
        let reply = self.core.borrow_mut().replies.remove(&token);
        if let Some(reply) = reply {
            let args = data.args().to_args();
            reply.send(Ok(args));
        }
    }

    /// An acknowledgement did not come in time.
    pub(crate) fn ack_timed_out(&self, token: AckToken) {
        let reply = self.core.borrow_mut().replies.remove(&token);
        if let Some(reply) = reply {
            reply.send(Err(AckError::Timeout));
        }
    }

    /// Tells the application that a handler failed; a socket whose handler panicked is disconnected.
    pub(crate) fn report(
        self: &Rc<Self>,
        socket: &Socket,
        key: SocketKey,
        table: &NamespaceTable,
        error: &HandlerError,
    ) {
        for hook in &table.error {
            drop(self.guard(|| hook(socket, error)));
        }
        if matches!(error, HandlerError::Panic { .. }) {
            self.disconnect(key, false);
        }
    }

    /// Works off what had to wait until no code of the application runs.
    pub(crate) fn settle(self: &Rc<Self>) {
        loop {
            let event = self.core.borrow_mut().events.pop_front();
            match event {
                Some(Event::Opened { session }) => {
                    self.engine_opened(session);
                    self.join_main(session);
                }
                Some(Event::Closing { session }) => self.handle_closing(session),
                Some(Event::Closed { session, reason }) => self.handle_closed(session, reason),
                Some(Event::RawEnded { raw, code }) => self.raw_closed(raw, code, ""),
                Some(Event::RawTooSlow { raw }) => {
                    self.raw_failed(raw, &WebSocketError::SlowConsumer)
                }
                Some(Event::Stop { deadline }) => self.stop(deadline),
                None => return,
            }
        }
    }
}
