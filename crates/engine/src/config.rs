//! What all sessions of a server share.

use std::time::Duration;

use crate::Outgoing;

/// Which transports a server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transports {
    /// HTTP long-polling.
    pub polling: bool,
    /// WebSocket.
    pub websocket: bool,
}

/// The settings of Engine.IO sessions; the defaults are those of the reference implementation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Time between a pong and the next ping. Default 25 s.
    pub ping_interval: Duration,
    /// Time a client has to answer a ping. Default 20 s.
    pub ping_timeout: Duration,
    /// Time an upgrade may take from the WebSocket's opening to its completion. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Time a closing polling session waits for a GET that takes the farewell along. Default 30 s.
    pub close_timeout: Duration,
    /// Largest POST body and WebSocket message, in bytes; announced to clients. Default 1 000 000.
    pub max_payload: usize,
    /// Offered transports. Default: both.
    pub transports: Transports,
    /// Whether the open packet of a polling session offers WebSocket. Default `true`.
    pub allow_upgrades: bool,
    /// Whether clients of revision 3 of the protocol are let in, too. Default `false`.
    pub allow_eio3: bool,
    /// A message that every session is sent right behind its open packet: in the same answer on polling. Default: none.
    pub initial_packet: Option<Outgoing>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_millis(25_000),
            ping_timeout: Duration::from_millis(20_000),
            upgrade_timeout: Duration::from_millis(10_000),
            close_timeout: Duration::from_millis(30_000),
            max_payload: 1_000_000,
            transports: Transports { polling: true, websocket: true },
            allow_upgrades: true,
            allow_eio3: false,
            initial_packet: None,
        }
    }
}
