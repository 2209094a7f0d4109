//! Questions to the application about a request, which may be answered later.

use super::{Passage, Stop};
use crate::{
    gate::{GateId, Question, Verdict},
    shard::{
        conn::{ConnKey, Hold, Patience, http::Routed},
        core::Core,
        local::Local,
    },
};

impl Local {
    /// Asks the application, unless it has answered.
    pub(super) fn ask<T>(
        &self,
        conn: ConnKey,
        passage: &mut Passage,
        hook: &'static str,
        question: impl FnOnce(GateId) -> (T, Question),
        ask: impl FnOnce(T),
    ) -> Result<Verdict, Stop> {
        if let Some(verdict) = passage.verdict.take() {
            return Ok(verdict);
        }
        passage.serial = self.core.borrow_mut().new_token().0;
        let id = GateId { shard: self.index, conn: conn.to_bits(), serial: passage.serial };
        let (token, question) = question(id);
        // A panic drops the token, which refuses.
        self.guard_hook(hook, || ask(token));
        question.take().ok_or(Stop::Undecided)
    }

    /// The answer comes later: the request waits for it.
    pub(super) fn wait(&self, conn: ConnKey, passage: Passage) -> Routed {
        let mut core = self.core.borrow_mut();
        if let Some(http) = core.conns.get_mut(conn).and_then(|state| state.http_mut()) {
            http.passage = Some(Box::new(passage));
        }
        Routed::Held(Hold::Decision)
    }
}

impl Core {
    pub(super) fn take_passage(&mut self, conn: ConnKey) -> Option<Passage> {
        let http = self.conns.get_mut(conn)?.http_mut()?;
        http.passage.take().map(|passage| *passage)
    }

    /// The application has decided. The request is read again at the end of the turn, when nothing of the application
    /// runs; until then it keeps its place in front of whatever else the connection brings.
    pub(crate) fn decide(&mut self, gate: GateId, verdict: Verdict) {
        let conn = ConnKey::from_bits(gate.conn);
        let Some(http) = self.conns.get_mut(conn).and_then(|state| state.http_mut()) else {
            return;
        };
        let Some(passage) = http.passage.as_mut().filter(|own| own.serial == gate.serial) else {
            return;
        };
        let held = http.held.as_mut().filter(|held| held.until == Hold::Decision);
        if let Some(held) = held {
            held.until = Hold::Decided;
            passage.verdict = Some(verdict);
            self.decided.push(conn);
        }
    }

    /// The bytes of a request that was decided about.
    pub(crate) fn take_decided(&mut self, conn: ConnKey) -> Option<Vec<u8>> {
        let http = self.conns.get_mut(conn)?.http_mut()?;
        let held = http.held.take_if(|held| held.until == Hold::Decided)?;
        http.patience = Patience::Unlimited;
        self.mark(conn);
        Some(held.bytes)
    }
}
