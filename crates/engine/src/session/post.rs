//! The POST of a polling session: at most one at a time.

use std::time::Instant;

use super::{Session, State, respond};
use crate::{
    Action, CloseReason, InvalidPacket, Message, Packet, RequestId, Response, TransportError,
    payload::Format,
};

impl Session {
    /// A POST arrived whose content type says that its body is text, or, with `is_binary`, bytes
    /// (`application/octet-stream`).
    ///
    /// Returns how to read the body when its packets are wanted: [`handle_post`](Self::handle_post),
    /// [`post_format`](Self::post_format) and [`handle_post_invalid`](Self::handle_post_invalid) in one. With `None` the
    /// POST has been answered.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Instant};
    /// use siomio_engine::{Message, Protocol, RequestId, Session, Sid, payload::Body};
    ///
    /// # #[allow(clippy::disallowed_methods)]
    /// # let now = Instant::now();
    /// # let mut actions = Vec::new();
    /// let mut session = Session::open_polling(now, Arc::default(), Sid::new(0, [7; 15]), Protocol::V4);
    /// let post = RequestId { connection: 1, sequence: 0 };
    /// let Some(format) = session.handle_post_head(post, false, &mut actions) else { panic!() };
    /// // … and once the body is complete:
    /// for packet in Body::read(format, b"4hello").packets() {
    ///     let message = session.handle_post_packet(now, post, packet, &mut actions);
    ///     assert_eq!(message, Some(Message::Text("hello")));
    /// }
    /// session.handle_post_end(post, &mut actions);
    /// ```
    pub fn handle_post_head(
        &mut self,
        request: RequestId,
        is_binary: bool,
        actions: &mut Vec<Action>,
    ) -> Option<Format> {
        if !self.handle_post(request, actions) {
            return None;
        }
        let format = self.post_format(is_binary);
        if format.is_none() {
            self.handle_post_invalid(request, actions);
        }
        format
    }

    /// A packet from the body of a POST, or what stood in its place. Returns a message for the application.
    ///
    /// Nothing is heard of a POST that has been answered meanwhile, because the session left polling while its body was on
    /// its way.
    pub fn handle_post_packet<'m>(
        &mut self,
        now: Instant,
        request: RequestId,
        packet: Result<Packet<'m>, InvalidPacket>,
        actions: &mut Vec<Action>,
    ) -> Option<Message<'m>> {
        if !self.is_reading(request) {
            return None;
        }
        self.handle_packet(now, packet, actions)
    }

    /// A POST arrived; its body may still be on its way.
    ///
    /// Returns whether its packets are wanted. If so, hand them to [`handle_post_packet`](Self::handle_post_packet) and
    /// finish with [`handle_post_end`](Self::handle_post_end). If not, it has been answered.
    pub fn handle_post(&mut self, request: RequestId, actions: &mut Vec<Action>) -> bool {
        match (&self.state, self.post) {
            (State::Polling(_) | State::Closing { .. }, None) => {
                self.post = Some(request);
                true
            }
            (State::Polling(_) | State::Closing { .. }, Some(_)) => {
                respond(request, Response::Refused, actions);
                self.end(CloseReason::TransportError(TransportError::PostOverlap), actions);
                false
            }
            (State::Leaving { .. } | State::WebSocket { .. } | State::Closed, _) => {
                respond(request, Response::Refused, actions);
                false
            }
        }
    }

    /// How the body of a POST is written; `is_binary` says that its content type is `application/octet-stream`. `None` when
    /// the session knows no such body: see [`handle_post_invalid`](Self::handle_post_invalid).
    pub fn post_format(&self, is_binary: bool) -> Option<Format> {
        match &self.state {
            State::Polling(polling) | State::Closing { polling, .. } => {
                polling.dialect.format(is_binary)
            }
            State::Leaving { .. } | State::WebSocket { .. } | State::Closed => None,
        }
    }

    /// The packets of a POST have all been handed over: it is answered, even if one of them ended the session. Only when one was
    /// the client's farewell the answer may come a moment later, after [`handle_timeout`](Self::handle_timeout).
    pub fn handle_post_end(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if self.post == Some(request) && !matches!(self.state, State::Leaving { .. }) {
            self.post = None;
            respond(request, Response::Accepted, actions);
        }
    }

    /// A POST was refused for another reason (its size, say) and answered by the caller; the session goes on.
    pub fn handle_post_refused(&mut self, request: RequestId) {
        if self.post == Some(request) {
            self.post = None;
        }
    }

    /// The connection of a POST ended before its body did.
    pub fn handle_post_gone(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if self.post == Some(request) {
            self.post = None;
            let is_leaving = matches!(self.state, State::Leaving { .. });
            self.end(
                if is_leaving {
                    CloseReason::TransportClose
                } else {
                    CloseReason::TransportError(TransportError::PostAborted)
                },
                actions,
            );
        }
    }

    /// The client sends nothing more on the connection of a POST, but may still read: if that brought its farewell, the
    /// answer and the end come now.
    pub fn handle_post_half_closed(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if self.post == Some(request) && matches!(self.state, State::Leaving { .. }) {
            self.end(CloseReason::TransportClose, actions);
        }
    }

    /// A POST carried a content type that this revision of the protocol does not know.
    pub fn handle_post_invalid(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if self.post == Some(request) {
            self.post = None;
            respond(request, Response::Refused, actions);
            self.end(CloseReason::TransportError(TransportError::InvalidContent), actions);
        }
    }

    /// Whether this POST is being read, and has not been answered.
    pub fn is_reading(&self, request: RequestId) -> bool {
        self.post == Some(request)
    }
}
