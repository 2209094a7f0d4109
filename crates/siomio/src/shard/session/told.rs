//! What is told of sessions and sockets. Ids of sessions are secrets, and only their beginnings are seen.

use siomio_engine::{CloseReason, Protocol};

use crate::{
    Socket,
    shard::{core::SessionKey, local::Local},
    trace::{Brief, log},
};

impl Local {
    pub(crate) fn tell_opened(&self, session: SessionKey) {
        log!(
            DEBUG,
            "siomio::engine",
            "session opened",
            sid = self.shown_sid(session),
            transport = self.shown_transport(session)
        );
    }

    pub(crate) fn tell_upgraded(&self, session: SessionKey) {
        log!(DEBUG, "siomio::engine", "session upgraded", sid = self.shown_sid(session));
    }

    pub(crate) fn tell_closed(&self, session: SessionKey, reason: CloseReason) {
        let description = match reason {
            CloseReason::TransportError(error) => error.as_str(),
            _ => "",
        };
        if reason == CloseReason::SlowConsumer {
            log!(
                WARN,
                "siomio::engine",
                "slow consumer disconnected",
                sid = self.shown_sid(session)
            );
        }
        log!(
            DEBUG,
            "siomio::engine",
            "session closed",
            sid = self.shown_sid(session),
            reason = reason,
            description = description
        );
    }

    /// A socket's id, as it may be told: that of an old client is made of its session's.
    pub(crate) fn shown_id(&self, socket: &Socket) -> String {
        let id = String::from(&*socket.id());
        let core = self.core.borrow();
        let state = core.sessions.get(socket.session());
        let is_public = state.is_some_and(|state| state.machine.protocol() == Protocol::V4);
        if is_public { id } else { Brief(&id).to_string() }
    }

    fn shown_sid(&self, session: SessionKey) -> String {
        let core = self.core.borrow();
        let sid = core.sessions.get(session).map(|state| state.machine.sid());
        Brief(sid.map_or("", |sid| sid.as_str())).to_string()
    }

    fn shown_transport(&self, session: SessionKey) -> &'static str {
        let core = self.core.borrow();
        let transport = core.sessions.get(session).map(|state| state.machine.transport());
        transport.map_or("", |transport| transport.as_str())
    }
}
