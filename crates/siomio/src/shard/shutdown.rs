//! Going down in good order.

use std::{rc::Rc, time::Instant};

use siomio_http::Response;
use siomio_hub::DisconnectReason;

use super::{
    conn::{ConnKey, State},
    core::{Core, SessionKey},
    local::Local,
};

impl Local {
    /// Tells every client that it is over. What is queued for them still goes out, until the deadline.
    pub(crate) fn stop(self: &Rc<Self>, deadline: Instant) {
        let sessions: Vec<SessionKey> = {
            let mut core = self.core.borrow_mut();
            if core.stopping.is_some() {
                return;
            }
            core.stopping = Some(deadline);
            core.stop_raws();
            core.sessions.iter().map(|(key, _)| key).collect()
        };
        for session in sessions {
            self.disconnect_all(session, DisconnectReason::ServerShuttingDown);
            let mut core = self.core.borrow_mut();
            let now = core.now;
            core.with_session(session, |machine, actions| machine.close(now, actions));
        }
    }
}

impl Core {
    /// While the server goes down and no session of any shard needs them any more, connections without a request are ended, and
    /// so are those whose request waits for a decision.
    pub(crate) fn end_idle_conns(&mut self) {
        if self.stopping.is_none() {
            return;
        }
        self.shared.sessions_left(self.index, self.sessions.len());
        if self.shared.has_sessions() {
            return;
        }
        let is_idle = |state: &State| matches!(state, State::Http(http) if http.is_idle());
        let idle: Vec<ConnKey> = self
            .conns
            .iter()
            .filter(|(_, conn)| is_idle(&conn.state))
            .map(|(key, _)| key)
            .collect();
        for conn in idle {
            self.linger(conn);
        }
        // Whatever the application would decide: nothing is opened any more, and no session is left to be reached.
        let is_undecided =
            |state: &State| matches!(state, State::Http(http) if http.passage.is_some());
        let undecided: Vec<ConnKey> = self
            .conns
            .iter()
            .filter(|(_, conn)| is_undecided(&conn.state))
            .map(|(key, _)| key)
            .collect();
        for conn in undecided {
            self.refuse_connection(conn, Response::new(503));
        }
    }
}
