//! What the application leaves with a shard: timers and data, and whom they belong to.

use std::{rc::Rc, time::Duration};

use siomio_hub::SocketKey;

use crate::{
    Io,
    config::capped,
    extensions::Extensions,
    mailbox::Errand,
    shard::{
        core::Core,
        local::Local,
        raw::RawKey,
        time::timers::{Timer, TimerKey, Work},
    },
};

/// Somebody whom timers and data belong to, and end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Socket(SocketKey),
    Raw(RawKey),
    /// The server itself, on its first shard.
    Server,
}

/// What belongs to an owner.
#[derive(Debug, Default)]
pub(crate) struct Belongings {
    pub(crate) extensions: Extensions,
    /// Each with its number, by which it is cancelled.
    pub(crate) timers: Vec<(u64, TimerKey)>,
}

impl Core {
    /// What belongs to an owner; `create` makes a place for it, unless the owner is gone.
    pub(crate) fn belongings_mut(&mut self, owner: Owner, create: bool) -> Option<&mut Belongings> {
        match owner {
            Owner::Socket(socket) => {
                self.extra_mut(socket, create).map(|extra| &mut extra.belongings)
            }
            Owner::Raw(raw) => self.raws.belongings_mut(raw, create),
            Owner::Server => Some(&mut self.own),
        }
    }

    /// Whether timers of this owner may run.
    pub(crate) fn is_alive(&mut self, owner: Owner) -> bool {
        match owner {
            Owner::Socket(socket) => {
                self.session_of(socket).is_some() && self.hub.namespace_of(socket).is_some()
            }
            Owner::Raw(raw) => self.is_attached(raw),
            Owner::Server => true,
        }
    }
}

impl Local {
    /// Sets a timer and returns its number. An owner who is gone sets none.
    pub(crate) fn set_timer(&self, owner: Owner, delay: Duration, work: Work) -> u64 {
        let serial = self.core.borrow_mut().new_token().0;
        self.set_numbered_timer(owner, serial, delay, work);
        serial
    }

    /// Sets a timer of the server, which is numbered already.
    pub(crate) fn set_server_timer(&self, serial: u64, delay: Duration, errand: Errand) {
        let io = Io::new(&self.shared);
        let work = match errand {
            Errand::Once(run) => Work::Once(Box::new(move |_| run(&io))),
            Errand::Every(period, run) => Work::Every(period, Rc::new(move |_| run(&io))),
        };
        self.set_numbered_timer(Owner::Server, serial, delay, work);
    }

    fn set_numbered_timer(&self, owner: Owner, serial: u64, delay: Duration, work: Work) {
        let mut core = self.core.borrow_mut();
        let at = core.environment.now() + capped(delay);
        if core.belongings_mut(owner, true).is_none() {
            drop(core);
            return self.discard(work);
        }
        let key = core.timers.insert(at, Timer { owner, serial, work });
        if let Some(belongings) = core.belongings_mut(owner, true) {
            belongings.timers.push((serial, key));
        }
    }

    pub(crate) fn cancel_timer(&self, owner: Owner, serial: u64) {
        let timer = {
            let mut core = self.core.borrow_mut();
            let Some(belongings) = core.belongings_mut(owner, false) else { return };
            let Some(place) = belongings.timers.iter().position(|(own, _)| *own == serial) else {
                return;
            };
            let (_, key) = belongings.timers.swap_remove(place);
            core.timers.remove(key)
        };
        self.discard(timer);
    }
}
