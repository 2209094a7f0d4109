//! Time: the wheel that deadlines of connections and sessions are on, the application's timers, and what happens when
//! either is due.

pub(crate) mod alarms;
pub(crate) mod owner;
pub(crate) mod timers;
pub(crate) mod wheel;

pub(crate) use self::{owner::Owner, timers::Work};
