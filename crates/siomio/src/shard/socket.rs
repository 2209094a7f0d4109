//! Sockets of Socket.IO: they come and go, and what arrives for them.

pub(crate) mod inbound;
pub(crate) mod lifecycle;
pub(crate) mod revision;
