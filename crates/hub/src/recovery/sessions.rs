//! Sessions that can be taken up again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use foldhash::quality::FixedState;

use crate::{NamespaceId, Recovery, SocketKey, recovery::Lost};

/// Sessions by their secret id: those whose socket is connected, and those that were lost, for a while.
#[derive(Debug)]
pub(crate) struct Sessions {
    by_pid: HashMap<Arc<str>, Holder, FixedState>,
    /// The lost ones, oldest first; some of them may have been taken up again.
    lost: VecDeque<(Instant, Arc<str>)>,
    /// How many really are.
    count: usize,
    config: Recovery,
}

#[derive(Debug)]
enum Holder {
    Connected(SocketKey),
    Lost { until: Instant, session: Box<Lost> },
}

impl Sessions {
    pub(crate) fn new(config: Recovery, seed: u64) -> Self {
        let by_pid = HashMap::with_hasher(FixedState::with_seed(seed));
        Self { by_pid, lost: VecDeque::new(), count: 0, config }
    }

    pub(crate) fn connected(&mut self, pid: Arc<str>, socket: SocketKey) {
        self.by_pid.insert(pid, Holder::Connected(socket));
    }

    /// The socket that has the session now.
    pub(crate) fn holder(&self, pid: &str) -> Option<SocketKey> {
        match self.by_pid.get(pid)? {
            Holder::Connected(socket) => Some(*socket),
            Holder::Lost { .. } => None,
        }
    }

    /// The socket is gone, and its session with it.
    pub(crate) fn ended(&mut self, pid: &str, socket: SocketKey) {
        if self.holder(pid) == Some(socket) {
            self.by_pid.remove(pid);
        }
    }

    /// The socket is gone, but its session is kept.
    pub(crate) fn lost(&mut self, now: Instant, session: Lost) {
        let (until, pid) = (now + self.config.max_disconnection, session.session.pid.clone());
        self.lost.push_back((until, pid.clone()));
        self.count += 1;
        self.by_pid.insert(pid, Holder::Lost { until, session: Box::new(session) });
    }

    pub(crate) fn has_lost(&self, namespace: NamespaceId, pid: &str) -> bool {
        let holder = self.by_pid.get(pid);
        matches!(holder, Some(Holder::Lost { session, .. }) if session.namespace == namespace)
    }

    /// Takes a lost session out.
    pub(crate) fn take(&mut self, now: Instant, pid: &str) -> Option<Lost> {
        match self.by_pid.get(pid)? {
            Holder::Lost { until, .. } if *until > now => {}
            _ => return None,
        }
        let Holder::Lost { session, .. } = self.by_pid.remove(pid)? else { return None };
        self.count -= 1;
        Some(*session)
    }

    /// Forgets one session that is too old, or one too many, and tells its id.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Arc<str>> {
        while let Some((until, _)) = self.lost.front() {
            let is_over = *until <= now;
            if !is_over && !self.are_too_many() {
                return None;
            }
            let (until, pid) = self.lost.pop_front()?;
            let is_this = |holder: &Holder| matches!(holder, Holder::Lost { until: own, .. } if *own == until);
            if self.by_pid.get(&pid).is_some_and(is_this) {
                self.by_pid.remove(&pid);
                self.count -= 1;
                return Some(pid);
            }
        }
        None
    }

    /// When the one that was lost last is too old.
    pub(crate) fn last_expiry(&self) -> Option<Instant> {
        self.lost.back().map(|(until, _)| *until)
    }

    pub(crate) const fn are_too_many(&self) -> bool {
        self.count > self.config.max_sessions
    }

    pub(crate) fn len(&self) -> usize {
        self.by_pid.len()
    }
}
