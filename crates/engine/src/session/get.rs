//! The GET of a polling session: at most one waits.

use super::{Session, State, respond};
use crate::{Action, CloseReason, RequestId, Response, TransportError};

impl Session {
    /// A GET arrived. It waits until [`flush`](Self::flush) has something for it.
    ///
    /// A second one beside it ends the session: the first is told so, the second refused.
    pub fn handle_get(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if let State::Polling(polling) = &mut self.state {
            // A GET in front that can be answered would have been, had it not come in the same batch.
            polling.flush(actions);
        }
        match &mut self.state {
            State::Polling(polling) if polling.get.is_none() => polling.get = Some(request),
            State::Polling(_) => {
                self.end(CloseReason::TransportError(TransportError::GetOverlap), actions);
                respond(request, Response::Refused, actions);
            }
            State::Closing { polling, .. } => {
                polling.get = Some(request);
                if polling.is_empty() {
                    self.end(CloseReason::ForcedClose, actions);
                } else {
                    polling.flush(actions);
                }
            }
            State::Leaving { polling, .. } => {
                polling.get = Some(request);
                polling.dismiss(actions);
                self.end(CloseReason::TransportClose, actions);
            }
            State::WebSocket { .. } | State::Closed => respond(request, Response::Refused, actions),
        }
    }

    /// The connection of a GET ended before its answer.
    pub fn handle_get_gone(&mut self, request: RequestId, actions: &mut Vec<Action>) {
        if let State::Polling(polling) = &mut self.state {
            if polling.get == Some(request) {
                polling.get = None;
                self.end(CloseReason::TransportError(TransportError::GetAborted), actions);
            }
        }
    }

    /// A connection ended before the requests on it were answered: the GET that waits, the POST whose body is being read, or
    /// neither. The same as [`handle_get_gone`](Self::handle_get_gone) and [`handle_post_gone`](Self::handle_post_gone) for
    /// whoever keeps no list of requests.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Instant};
    /// use siomio_engine::{Action, CloseReason, Protocol, RequestId, Session, Sid, TransportError};
    ///
    /// # #[allow(clippy::disallowed_methods)]
    /// # let now = Instant::now();
    /// # let mut actions = Vec::new();
    /// let mut session = Session::open_polling(now, Arc::default(), Sid::new(0, [7; 15]), Protocol::V4);
    /// session.handle_get(RequestId { connection: 5, sequence: 0 }, &mut actions);
    /// session.handle_connection_gone(6, &mut actions);
    /// assert!(session.is_open());
    /// session.handle_connection_gone(5, &mut actions);
    /// let reason = CloseReason::TransportError(TransportError::GetAborted);
    /// assert_eq!(actions, [Action::Closed { reason }]);
    /// ```
    pub fn handle_connection_gone(&mut self, connection: u64, actions: &mut Vec<Action>) {
        let is_on_it = |request: &RequestId| request.connection == connection;
        let get = match &self.state {
            State::Polling(polling) => polling.get.filter(is_on_it),
            _ => None,
        };
        if let Some(get) = get {
            self.handle_get_gone(get, actions);
        }
        if let Some(post) = self.post.filter(is_on_it) {
            self.handle_post_gone(post, actions);
        }
    }
}
