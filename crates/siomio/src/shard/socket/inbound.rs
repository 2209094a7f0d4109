//! From messages of a session to the application's handlers.

use std::rc::Rc;

use siomio_engine::Message;
use siomio_hub::{Received, SocketKey};
use siomio_packet::{ArgsRef, Data};

use crate::{
    Ack, Carrier, Event, HandlerError, Socket, WebSocketError,
    namespace::table::EventHandler,
    shard::{
        core::{Pending, SessionKey},
        local::Local,
        space::Space,
    },
};

/// An event that is being handled.
#[derive(Clone, Copy)]
pub(crate) struct Call<'c> {
    pub(crate) event: &'c str,
    pub(crate) args: ArgsRef<'c>,
    /// The number under which the client wants it acknowledged.
    pub(crate) id: Option<u64>,
}

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
            Ok(Received::Event { socket, id, data }) => self.receive(session, socket, id, data),
            Ok(Received::Ack { by, data, .. }) => self.handle_ack(by, &data),
            Ok(Received::Connect { namespace, auth }) => match self.space(namespace) {
                Some(space) => self.connect(session, &space, auth.json()),
                None => self.refuse_unknown(session, "/"),
            },
            Ok(Received::UnknownNamespace { name, auth }) => {
                self.look_up(session, &name, auth.json());
            }
            Ok(Received::Disconnect { socket }) => self.leave_by_client(socket),
            Err(_) => self.close_session(session),
        }
    }

    /// An event arrived. It is handled at once, unless earlier ones are still being handled.
    fn receive(
        self: &Rc<Self>,
        session: SessionKey,
        key: SocketKey,
        id: Option<u64>,
        data: Data<'_>,
    ) {
        if self.is_behind(key) {
            return self.postpone(session, key, id, data.into_owned());
        }
        let Some(space) = self.space_of(key) else { return };
        self.handle_event(&Socket::new(self.clone(), key, space, session), id, &data);
    }

    /// Takes an event through catch-alls and middlewares to its handlers.
    pub(crate) fn handle_event(self: &Rc<Self>, socket: &Socket, id: Option<u64>, data: &Data<'_>) {
        let Some((name, args)) = data.event() else { return };
        let table = &socket.space().table;
        let has_listeners = self.core.borrow_mut().has_listeners(socket.key());
        if !has_listeners && table.any.is_empty() && table.event_middlewares.is_empty() {
            let call = Call { event: &name, args, id };
            let handlers = table.events.get(name.as_str()).map_or(&[][..], |handlers| handlers);
            return self.run_handlers(socket, call, handlers);
        }
        let mut event = Event::new(name.into_cow(), args, id.is_some());
        if !self.pass_middlewares(socket, &mut event) {
            return;
        }
        let mut handlers = table.events.get(event.name()).cloned().unwrap_or_default();
        handlers.extend(self.take_handlers(socket.key(), event.name()));
        let call = Call { event: event.name(), args: event.args(), id };
        self.run_handlers(socket, call, &handlers);
    }

    /// Shows an event to those who see all of them, and asks those who may refuse it. Returns whether it is to be handled.
    fn pass_middlewares(self: &Rc<Self>, socket: &Socket, event: &mut Event<'_>) -> bool {
        let table = &socket.space().table;
        let (any, middlewares) = self.core.borrow_mut().catch_alls(socket.key());
        let panic = |event: &Event<'_>, message| HandlerError::Panic {
            event: event.name().to_owned(),
            message,
        };
        for see in &table.any {
            if let Err(message) = self.guard(|| see(socket, event)) {
                self.report(socket, &panic(event, message));
            }
        }
        for see in any {
            if let Err(message) = self.guard(|| see(socket, event)) {
                self.report(socket, &panic(event, message));
            }
        }
        let refusal = 'asked: {
            for ask in &table.event_middlewares {
                match self.guard(|| ask(socket, event)) {
                    Ok(Ok(())) => {}
                    refusal => break 'asked Some(refusal),
                }
            }
            for ask in middlewares {
                match self.guard(|| ask(socket, event)) {
                    Ok(Ok(())) => {}
                    refusal => break 'asked Some(refusal),
                }
            }
            None
        };
        let error = match refusal {
            None => return socket.is_connected() || self.is_behind(socket.key()),
            Some(Err(message)) => panic(event, message),
            Some(Ok(refusal)) => HandlerError::Refused {
                event: event.name().to_owned(),
                reason: refusal.err().unwrap_or_default(),
            },
        };
        self.report(socket, &error);
        false
    }

    /// Runs handlers in turn. With the first that may block, the rest waits until it has run.
    pub(crate) fn run_handlers(
        self: &Rc<Self>,
        socket: &Socket,
        call: Call<'_>,
        handlers: &[EventHandler],
    ) {
        // Of several handlers, the first that acknowledges does.
        let asked = call.id.map(|id| Ack::to_client(socket.handle(), id, handlers.len() > 1));
        for (place, handler) in handlers.iter().enumerate() {
            let ack = asked.as_ref().map_or_else(Ack::unwanted, Ack::again);
            let handler = match handler {
                EventHandler::Here(handler) => handler,
                EventHandler::Blocking(handler) => {
                    return self.run_blocking(socket, call, ack, handler, &handlers[place + 1..]);
                }
            };
            if !socket.is_connected() && !self.is_behind(socket.key()) {
                // The one before disconnected it, or panicked.
                return;
            }
            let error = match self.guard(|| handler.call(socket, call.args.reader(), ack)) {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => HandlerError::Argument { event: call.event.to_owned(), error },
                Err(message) => HandlerError::Panic { event: call.event.to_owned(), message },
            };
            self.report(socket, &error);
        }
    }

    /// Tells the application that a handler failed; a socket whose handler panicked is disconnected.
    pub(crate) fn report(self: &Rc<Self>, socket: &Socket, error: &HandlerError) {
        for hook in &socket.space().table.error {
            drop(self.guard(|| hook(socket, error)));
        }
        if matches!(error, HandlerError::Panic { .. }) {
            self.disconnect(socket.key(), false);
        }
    }

    /// The namespace of a socket.
    pub(crate) fn space_of(&self, key: SocketKey) -> Option<Rc<Space>> {
        let namespace = self.core.borrow().hub.namespace_of(key)?;
        self.space(namespace)
    }

    /// Works off what had to wait until no code of the application runs.
    pub(crate) fn settle(self: &Rc<Self>) {
        loop {
            let event = self.core.borrow_mut().events.pop_front();
            match event {
                Some(Pending::Opened { session }) => {
                    self.engine_opened(session);
                    self.join_main(session);
                }
                Some(Pending::Closing { session }) => self.handle_closing(session),
                Some(Pending::Closed { session, reason }) => self.handle_closed(session, reason),
                Some(Pending::RawEnded { raw, code }) => self.raw_closed(raw, code, ""),
                Some(Pending::RawTooSlow { raw }) => {
                    self.raw_failed(raw, &WebSocketError::SlowConsumer)
                }
                Some(Pending::Drained { session }) => self.drained(session),
                Some(Pending::Permitted { socket, stage, verdict }) => {
                    self.permitted(socket, stage, verdict);
                }
                Some(Pending::LookedUp { lookup, allowed }) => self.looked_up(lookup, allowed),
                Some(Pending::Rooms { space }) => self.tell_of_rooms(&space),
                Some(Pending::Stop { deadline }) => self.stop(deadline),
                None => return,
            }
        }
    }

    /// The handlers that a socket was given for an event.
    fn take_handlers(&self, key: SocketKey, event: &str) -> Vec<EventHandler> {
        let mut core = self.core.borrow_mut();
        let listeners = core.extra_mut(key, false).and_then(|extra| extra.listeners.as_mut());
        listeners.map(|listeners| listeners.take(event)).unwrap_or_default()
    }
}
