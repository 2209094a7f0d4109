//! The heartbeat: who pings, and when the other side counts as gone.

use std::time::{Duration, Instant};

use crate::{Config, Protocol};

/// How late a ping may leave and still count as sent when it was due. A shard that was held up for longer does not
/// blame the peer for it.
const PUNCTUAL: Duration = Duration::from_millis(50);

/// ```text
///   Resting ── ping_interval: ping ──► Waiting ── ping_timeout ──► dead
///      ▲                                  │
///      └────────────── pong ──────────────┘
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// The next ping is due then.
    Resting { ping_at: Instant },
    /// A ping is out. Its deadline moves once if the peer shows life otherwise: a large message in front of the
    /// pong must not look like silence.
    Waiting { dead_at: Instant, extended: bool },
}

/// What the clock calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Quiet,
    Ping,
    Dead,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, config: &Config, protocol: Protocol) -> Self {
        match protocol {
            Protocol::V4 => Self::Resting { ping_at: now + config.ping_interval },
            // The client pings.
            Protocol::V3 => Self::Waiting {
                dead_at: now + config.ping_interval + config.ping_timeout,
                extended: true,
            },
        }
    }

    pub(super) fn handle_pong(&mut self, now: Instant, config: &Config) {
        *self = Self::Resting { ping_at: now + config.ping_interval };
    }

    pub(super) fn handle_activity(&mut self, now: Instant, config: &Config) {
        if let Self::Waiting { dead_at, extended: extended @ false } = self {
            *dead_at = now + config.ping_timeout;
            *extended = true;
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config) -> Beat {
        match *self {
            Self::Resting { ping_at } if ping_at <= now => {
                let sent_at = if now - ping_at <= PUNCTUAL { ping_at } else { now };
                *self = Self::Waiting { dead_at: sent_at + config.ping_timeout, extended: false };
                Beat::Ping
            }
            Self::Waiting { dead_at, .. } if dead_at <= now => Beat::Dead,
            _ => Beat::Quiet,
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        match *self {
            Self::Resting { ping_at } => ping_at,
            Self::Waiting { dead_at, .. } => dead_at,
        }
    }
}
