//! What the suites have in common: servers that live for one test, and a client that is on either transport.

mod client;
mod servers;

pub(crate) use client::Client;
#[allow(unused_imports, reason = "not every suite needs all of them")]
pub(crate) use servers::{for_shards, heartbeat};
