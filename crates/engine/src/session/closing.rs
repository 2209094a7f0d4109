//! How a session ends.

use std::time::{Duration, Instant};

use super::{Session, State, respond};
use crate::{Action, CloseReason, Outgoing, Response, TransportError};

/// How long the farewell of a client waits for the GET that was sent before it. Requests on different connections may
/// overtake each other, and who sends both at once expects the GET to come back empty, not as one of a stranger.
const FAREWELL: Duration = Duration::from_millis(15);

impl Session {
    /// Closes gracefully: what is queued still goes out.
    ///
    /// Over WebSocket, and with a GET waiting that has nothing else to take, the session is closed at once. Otherwise it
    /// is closing until a GET has come for the rest and another for the farewell, and drops what is sent or received
    /// meanwhile. The farewell travels alone: clients work off the messages of a payload later than the close packet
    /// behind them, and would lose them.
    pub fn close(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match &mut self.state {
            State::Polling(polling) if polling.get.is_none() || !polling.is_empty() => {
                polling.flush(actions);
                let polling = std::mem::take(polling);
                self.state = State::Closing { polling, until: now + self.config.close_timeout };
            }
            State::Polling(_) | State::WebSocket { .. } => {
                self.end(CloseReason::ForcedClose, actions);
            }
            State::Closing { .. } | State::Leaving { .. } | State::Closed => {}
        }
    }

    /// Closes at once; what is queued is dropped.
    pub fn discard(&mut self, reason: CloseReason, actions: &mut Vec<Action>) {
        if let State::Polling(polling) | State::Closing { polling, .. } = &mut self.state {
            polling.clear();
        }
        self.end(reason, actions);
    }

    /// The peer sent a close packet.
    pub(super) fn handle_close(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if let State::Polling(polling) = &mut self.state {
            if polling.get.is_none() && polling.probe.is_none() && self.post.is_some() {
                let polling = std::mem::take(polling);
                self.state = State::Leaving { polling, until: now + FAREWELL };
                return;
            }
            polling.dismiss(actions);
        }
        self.end(CloseReason::TransportClose, actions);
    }

    /// Leaves every state for good, telling whoever waits.
    pub(super) fn end(&mut self, reason: CloseReason, actions: &mut Vec<Action>) {
        self.last = self.transport();
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Polling(mut polling) => polling.end(&[], actions),
            // The client has not been told by anything else that a GET without news means the end.
            State::Closing { mut polling, .. } => polling.end(&[Outgoing::Noop], actions),
            State::WebSocket { channel } => actions.push(Action::CloseChannel { channel }),
            State::Leaving { .. } => {
                let post = self.post.take();
                post.into_iter().for_each(|post| respond(post, Response::Accepted, actions));
            }
            State::Closed => return,
        }
        if reason == CloseReason::TransportError(TransportError::PostOverlap) {
            if let Some(request) = self.post.take() {
                actions.push(Action::Abort { request });
            }
        }
        actions.push(Action::Closed { reason });
    }
}
