//! Scripted clients, a simulated network and a virtual clock, for tests of siomio.
//!
//! The clients speak the wire themselves, byte by byte, so that a test reads like a protocol trace and can break every rule.
//! They block, and give up by panicking: a test that waits for something that does not come fails within seconds.

#![forbid(unsafe_code)]

pub mod cluster;
pub mod http;
pub mod polling;
pub mod polling_v3;
pub mod sim;
pub mod ws;

use std::time::Duration;

/// How long a client waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(10);
