//! The heartbeat: who pings, and when the other side counts as gone.

use std::time::{Duration, Instant};

use crate::{Config, Protocol};

/// How late a ping may leave and still count as sent when it was due. A shard that was held up for longer does not
/// blame the peer for it.
const PUNCTUAL: Duration = Duration::from_millis(50);

/// In revision 4 the server pings and the client answers:
///
/// ```text
///   Resting ── ping_interval: ping ──► Waiting ── ping_timeout ──► dead
///      ▲                                  │
///      └────────────── pong ──────────────┘
/// ```
///
/// In revision 3 it is the other way round, and the server listens:
///
/// ```text
///   ┌─► Listening ── ping_interval + ping_timeout ──► dead
///   └─ping──┘
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// The next ping is due then.
    Resting { ping_at: Instant },
    /// A ping is out. Its deadline moves once if the peer shows life otherwise: a large message in front of the
    /// pong must not look like silence.
    Waiting { dead_at: Instant, extended: bool },
    /// The client is to ping before this. Nothing else that it sends counts.
    Listening { dead_at: Instant },
    /// Nobody reads what the peer sends, so nobody can tell whether it is alive. From all of the others and back; `pinged`
    /// says that a pong is owed.
    Suspended { pinged: bool },
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
            Protocol::V3 => Self::listen(now, config),
        }
    }

    fn listen(now: Instant, config: &Config) -> Self {
        Self::Listening { dead_at: now + config.ping_interval + config.ping_timeout }
    }

    pub(super) fn suspend(&mut self) {
        *self = match self {
            Self::Resting { .. } | Self::Listening { .. } => Self::Suspended { pinged: false },
            Self::Waiting { .. } => Self::Suspended { pinged: true },
            Self::Suspended { .. } => return,
        };
    }

    /// The peer has all its time again.
    pub(super) fn resume(&mut self, now: Instant, config: &Config, protocol: Protocol) {
        match self {
            Self::Suspended { pinged: true } => {
                *self = Self::Waiting { dead_at: now + config.ping_timeout, extended: false };
            }
            Self::Suspended { pinged: false } => *self = Self::new(now, config, protocol),
            _ => {}
        }
    }

    pub(super) fn handle_ping(&mut self, now: Instant, config: &Config) {
        if !matches!(self, Self::Suspended { .. }) {
            *self = Self::listen(now, config);
        }
    }

    pub(super) fn handle_pong(&mut self, now: Instant, config: &Config) {
        match self {
            // It was read before.
            Self::Suspended { pinged } => *pinged = false,
            _ => *self = Self::Resting { ping_at: now + config.ping_interval },
        }
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
            Self::Waiting { dead_at, .. } | Self::Listening { dead_at } if dead_at <= now => {
                Beat::Dead
            }
            _ => Beat::Quiet,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Resting { ping_at } => Some(ping_at),
            Self::Waiting { dead_at, .. } | Self::Listening { dead_at } => Some(dead_at),
            Self::Suspended { .. } => None,
        }
    }
}
