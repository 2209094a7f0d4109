//! From messages of a session to the application's handlers.

use std::rc::Rc;

use siomio_engine::Message;
use siomio_hub::{Received, SocketKey};
use siomio_packet::{ArgsRef, Data};

use crate::{
    Ack, ArgError, Carrier, Event, HandlerError, Socket, WebSocketError,
    namespace::table::EventHandler,
    shard::{
        core::{Pending, SessionKey},
        local::Local,
        space::Space,
    },
    trace::log,
};

/// An event that is being handled.
#[derive(Clone, Copy)]
pub(crate) struct Call<'c> {
    pub(crate) event: &'c str,
    pub(crate) args: ArgsRef<'c>,
    /// For the first of the handlers that acknowledges.
    pub(crate) ack: &'c Ack,
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
                self.counts.messages_received.add(1);
                return self.engine_message(session, message, carrier);
            };
            core.counts.messages_received.add(1);
            // What a parser of its own writes is one message; otherwise a packet is its text, and attachments follow.
            let is_packet =
                matches!(message, Message::Text(_)) || self.shared.config.hub.parser.is_some();
            core.counts.packets_received.add(is_packet.into());
            match message {
                Message::Text(text) => core.hub.handle_text(client, text),
                Message::Binary(data) => core.hub.handle_binary(client, data),
            }
        };
        match received {
            Ok(Received::Nothing) => {}
            Ok(Received::Event { socket, id, data }) => self.receive(session, socket, id, data),
            Ok(Received::Ack { by, data, .. }) => self.handle_ack(by, &data),
            Ok(Received::Connect { namespace, auth }) => {
                let name = self.core.borrow().hub.name(namespace).cloned();
                let Some(name) = name else { return };
                match self.space(namespace) {
                    _ if !self.takes_auth(session, &name, auth.json()) => {}
                    Some(space) => self.connect(session, &space, auth.json()),
                    None => self.look_up(session, &name, auth.json()),
                }
            }
            Ok(Received::UnknownNamespace { name, auth }) => {
                if self.takes_auth(session, &name, auth.json()) {
                    self.look_up(session, &name, auth.json());
                }
            }
            Ok(Received::Disconnect { socket }) => self.leave_by_client(socket),
            Err(violation) => {
                self.counts.violations.add(1);
                log!(DEBUG, "siomio::socket", "violation", why = violation);
                self.close_session(session);
            }
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
        let (namespace, extra) = {
            let mut core = self.core.borrow_mut();
            let Some(namespace) = core.hub.namespace_of(key) else { return };
            let extra = core.extra_mut(key, false);
            (namespace, extra.map_or((false, false), |extra| extra.peculiarities()))
        };
        let (is_behind, has_listeners) = extra;
        if is_behind {
            return self.postpone(session, key, id, data.into_owned());
        }
        let Some(space) = self.space(namespace) else { return };
        let socket = Socket::new(self.clone(), key, space, session);
        self.handle_event(&socket, id, &data, has_listeners);
    }

    /// Takes an event through catch-alls and middlewares to its handlers.
    pub(crate) fn handle_event(
        self: &Rc<Self>,
        socket: &Socket,
        id: Option<u64>,
        data: &Data<'_>,
        has_listeners: bool,
    ) {
        let Some((name, args)) = data.event() else { return };
        let table = &socket.space().table;
        if !has_listeners && table.any.is_empty() && table.event_middlewares.is_empty() {
            let handlers = table.events.get(name.as_str()).map_or(&[][..], |handlers| handlers);
            let ack = asked_by(socket, id, handlers.len());
            return self.run_handlers(socket, Call { event: &name, args, ack: &ack }, handlers);
        }
        let mut event = Event::new(name.into_cow(), args, id.is_some());
        if !self.pass_middlewares(socket, &mut event) {
            return;
        }
        let mut handlers = table.events.get(event.name()).cloned().unwrap_or_default();
        handlers.extend(self.take_handlers(socket.key(), event.name()));
        let ack = asked_by(socket, id, handlers.len());
        let call = Call { event: event.name(), args: event.args(), ack: &ack };
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
            if let Err(message) = self.call("on_any", || see(socket, event)) {
                self.report(socket, &panic(event, message));
            }
        }
        for see in any {
            if let Err(message) = self.call("on_any", || see(socket, event)) {
                self.report(socket, &panic(event, message));
            }
        }
        let refusal = 'asked: {
            for ask in &table.event_middlewares {
                match self.call("use_event", || ask(socket, event)) {
                    Ok(Ok(())) => {}
                    refusal => break 'asked Some(refusal),
                }
            }
            for ask in middlewares {
                match self.call("use_event", || ask(socket, event)) {
                    Ok(Ok(())) => {}
                    refusal => break 'asked Some(refusal),
                }
            }
            None
        };
        let error = match refusal {
            None => return self.goes_on(socket),
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
        for (place, handler) in handlers.iter().enumerate() {
            if !self.goes_on(socket) {
                // The one before disconnected it, or panicked.
                return;
            }
            let handler = match handler {
                EventHandler::Here(handler) => handler,
                EventHandler::Blocking(handler) => {
                    return self.run_blocking(socket, call, handler, &handlers[place + 1..]);
                }
            };
            let run = || handler.call(socket, call.args.reader(), call.ack.again());
            let error = match self.call(call.event, run) {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => HandlerError::Argument { event: call.event.to_owned(), error },
                Err(message) => HandlerError::Panic { event: call.event.to_owned(), message },
            };
            self.report(socket, &error);
        }
    }

    /// Tells the application that a handler failed; a socket whose handler panicked is disconnected.
    pub(crate) fn report(self: &Rc<Self>, socket: &Socket, error: &HandlerError) {
        if let HandlerError::Argument { event, error } = error {
            self.counts.argument_errors.add(1);
            // The rest of the error may quote the argument.
            let argument = match error {
                ArgError::Invalid { index, .. } | ArgError::Missing { index } => *index,
                _ => 0,
            };
            log!(
                DEBUG,
                "siomio::socket",
                "argument error",
                id = self.shown_id(socket),
                event = event.escape_debug(),
                argument = argument
            );
        }
        for hook in &socket.space().table.error {
            drop(self.call("on_error", || hook(socket, error)));
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
                    self.tell_opened(session);
                    self.engine_opened(session);
                    self.join_main(session);
                }
                Some(Pending::Upgraded { session }) => self.tell_upgraded(session),
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

/// The acknowledgement of an event with so many handlers.
fn asked_by(socket: &Socket, id: Option<u64>, handlers: usize) -> Ack {
    id.map_or_else(Ack::unwanted, |id| Ack::to_client(socket.handle(), id, handlers > 1))
}
