//! Everything that shards count, in one table: fields, their documentation, and their names for Prometheus.

use super::{
    count::Count,
    turns::{TurnCounts, TurnMetrics},
};

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A number as Prometheus sees it. Rows of one family stand together, and differ in their label.
pub(super) struct Row {
    pub(super) family: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) label: Option<(&'static str, &'static str)>,
    pub(super) value: fn(&ShardMetrics) -> u64,
}

macro_rules! table {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $kind:ident $family:literal $(($label:ident = $value:literal))?, $help:literal;
    )+) => {
        /// What one shard counts. Only its own thread writes.
        #[derive(Debug, Default)]
        pub(crate) struct Counts {
            $(pub(crate) $name: Count,)+
            pub(crate) turns: TurnCounts,
        }

        /// The numbers of one shard, or of all shards together; part of [`Metrics`](crate::Metrics).
        ///
        /// What there is goes up and down; what has happened is counted from the start.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct ShardMetrics {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// How long the turns of the event loop take: while one lasts, nobody else of the shard is heard.
            pub turns: TurnMetrics,
        }

        impl Counts {
            pub(crate) fn read(&self) -> ShardMetrics {
                ShardMetrics { $($name: self.$name.get(),)+ turns: self.turns.read() }
            }
        }

        impl ShardMetrics {
            /// Adds the numbers of another shard.
            pub(crate) fn add(&mut self, other: &Self) {
                $(self.$name = self.$name.wrapping_add(other.$name);)+
                self.turns.add(&other.turns);
            }
        }

        pub(super) const ROWS: &[Row] = &[$(Row {
            family: concat!("siomio_", $family),
            kind: Kind::$kind,
            help: $help,
            label: table!(@label $($label = $value)?),
            value: |metrics| metrics.$name,
        }),+];
    };
    (@label) => { None };
    (@label $label:ident = $value:literal) => { Some((stringify!($label), $value)) };
}

table! {
    /// Connections that are open, those of plain HTTP included.
    connections: Gauge "connections", "Connections that are open, those of plain HTTP included.";

    /// Sessions that are open and poll.
    sessions_polling: Gauge "sessions" (transport = "polling"), "Sessions that are open, by their transport.";
    /// Sessions that are open and on a WebSocket.
    sessions_websocket: Gauge "sessions" (transport = "websocket"), "Sessions that are open, by their transport.";
    /// Sessions that were opened by polling.
    opened_polling: Counter "sessions_opened_total" (transport = "polling"),
        "Sessions that were opened, by the transport they began on.";
    /// Sessions that were opened on a WebSocket.
    opened_websocket: Counter "sessions_opened_total" (transport = "websocket"),
        "Sessions that were opened, by the transport they began on.";
    /// Sessions that went from polling to a WebSocket.
    upgrades: Counter "upgrades_total", "Sessions that went from polling to a WebSocket.";

    /// Sessions that ended because the client closed, or its connection ended.
    closed_transport_close: Counter "sessions_closed_total" (reason = "transport close"),
        "Sessions that have ended, by the reason.";
    /// Sessions that ended because their connection failed, or the client misused it.
    closed_transport_error: Counter "sessions_closed_total" (reason = "transport error"),
        "Sessions that have ended, by the reason.";
    /// Sessions that this side closed: at the application's wish, because the client broke a rule of Socket.IO, or because it
    /// joined no namespace in time.
    closed_forced: Counter "sessions_closed_total" (reason = "forced close"), "Sessions that have ended, by the reason.";
    /// Sessions that ended because the client did not answer a ping in time.
    closed_ping_timeout: Counter "sessions_closed_total" (reason = "ping timeout"),
        "Sessions that have ended, by the reason.";
    /// Sessions that ended because the client sent what is not a packet of Engine.IO.
    closed_parse_error: Counter "sessions_closed_total" (reason = "parse error"),
        "Sessions that have ended, by the reason.";
    /// Sessions that ended because the client took its messages too slowly.
    closed_slow_consumer: Counter "sessions_closed_total" (reason = "slow consumer"),
        "Sessions that have ended, by the reason.";
    /// Sessions that ended because handlers did not get through with what the client had sent.
    closed_overloaded: Counter "sessions_closed_total" (reason = "overloaded"),
        "Sessions that have ended, by the reason.";

    /// Sockets that are connected: a client counts once for every namespace it is in.
    sockets: Gauge "sockets", "Sockets that are connected.";
    /// Sockets that have connected.
    sockets_connected: Counter "sockets_connected_total", "Sockets that have connected.";
    /// Sockets that were refused: by a middleware, because it did not decide in time, or because there is no such namespace.
    sockets_refused: Counter "sockets_refused_total", "Sockets that were refused.";
    /// Raw WebSockets that are open.
    websockets: Gauge "websockets", "Raw WebSockets that are open.";

    /// Packets of Socket.IO that clients have sent: one for each event, acknowledgement, and joining or leaving of a namespace.
    packets_received: Counter "packets_received_total", "Packets of Socket.IO received.";
    /// Packets of Socket.IO that were sent to clients. A broadcast counts once for each client that gets it.
    packets_sent: Counter "packets_sent_total", "Packets of Socket.IO sent.";
    /// Messages that clients have sent, in sessions and on raw WebSockets. A packet with attachments is several.
    messages_received: Counter "messages_received_total", "Messages received, on sessions and raw WebSockets.";
    /// Messages that were sent to clients, in sessions and on raw WebSockets. Pings and what else Engine.IO says itself does not
    /// count.
    messages_sent: Counter "messages_sent_total", "Messages sent, on sessions and raw WebSockets.";
    /// Bytes that were read from connections, everything included.
    bytes_received: Counter "bytes_received_total", "Bytes read from connections.";
    /// Bytes that were written to connections, everything included.
    bytes_sent: Counter "bytes_sent_total", "Bytes written to connections.";

    /// Bytes that wait for clients, as of the end of the last turn: in the queues of connections, because the other side takes
    /// no more, and in sessions that poll, because no poll has come for them. Exact; looked at when a queue was written.
    buffered_bytes: Gauge "buffered_bytes", "Bytes that wait for clients at the end of a turn.";
    /// Things that other threads and shards want done, and that wait for the next turn.
    mailbox_depth: Gauge "mailbox_depth", "Things that others want done and that wait, large ones counted as several.";

    /// Events that were not handled, because too much waited already behind
    /// [blocking handlers](crate::Namespace::on_blocking) of clients that are gone.
    events_lost: Counter "events_lost_total", "Events that were not handled because too many of clients that are gone waited.";

    /// Calls of the application's code on the event loop that took as long as [`slow_handler`](crate::ServerBuilder::slow_handler)
    /// or longer. Calls of one turn are measured together, up to 16 at a time, as long as nothing is slow: if it is, it counts
    /// once, and the next 256 calls are measured each by itself.
    slow_handlers: Counter "slow_handlers_total", "Calls of the application's code that held up the event loop.";
    /// Panics in the application's code, on the event loop and in the pool of blocking handlers.
    panics: Counter "panics_total", "Panics in the application's code.";
    /// Events whose arguments did not fit the handler's parameters.
    argument_errors: Counter "argument_errors_total", "Events whose arguments did not fit the handler.";

    /// Requests refused with code 0: no transport, or one that is not offered.
    refused_transport_unknown: Counter "requests_refused_total" (code = "0"),
        "Requests that were refused, by the code of the protocol.";
    /// Requests refused with code 1: no session has this id.
    refused_unknown_sid: Counter "requests_refused_total" (code = "1"),
        "Requests that were refused, by the code of the protocol.";
    /// Requests refused with code 2: a session is opened with GET only.
    refused_handshake_method: Counter "requests_refused_total" (code = "2"),
        "Requests that were refused, by the code of the protocol.";
    /// Requests refused with code 3: bad ones, and those that a middleware of the [engine](crate::Engine) turned away.
    refused_bad_request: Counter "requests_refused_total" (code = "3"),
        "Requests that were refused, by the code of the protocol.";
    /// Requests refused with code 4: the application said no.
    refused_forbidden: Counter "requests_refused_total" (code = "4"),
        "Requests that were refused, by the code of the protocol.";
    /// Requests refused with code 5: a revision of the protocol that this server does not speak.
    refused_protocol: Counter "requests_refused_total" (code = "5"),
        "Requests that were refused, by the code of the protocol.";

    /// Connections and sessions that were ended for what the client sent: what is no packet, a packet at the wrong time, a
    /// frame that breaks the rules of WebSocket or a limit.
    violations: Counter "violations_total", "Connections that were ended for what the client sent.";
    /// Clients that were disconnected because they took too little of what waited for them, raw WebSockets included.
    slow_consumers: Counter "slow_consumers_total", "Clients that were disconnected because they took too little.";
    /// Volatile events that were dropped, because a client could not take them at once.
    dropped_volatile: Counter "events_dropped_total" (reason = "volatile"), "Events that were not sent to a client.";
    /// Events that were dropped, because too much waited for a client; see [`Overflow`](crate::Overflow).
    dropped_overflow: Counter "events_dropped_total" (reason = "overflow"), "Events that were not sent to a client.";
    /// Acknowledgements that did not come in time, each client's by itself.
    acks_timed_out: Counter "acks_timed_out_total", "Acknowledgements that did not come in time.";

    /// Sessions of sockets that are kept, in case their clients come back; see [`Recovery`](crate::Recovery).
    sessions_kept: Gauge "sessions_kept", "Sessions that are kept in case their clients come back.";
    /// Sockets that have taken up an earlier session.
    recovered: Counter "recoveries_total" (outcome = "recovered"), "Clients that came back for an earlier session.";
    /// Sockets that came back for an earlier session and got none: it was too late, or not known.
    not_recovered: Counter "recoveries_total" (outcome = "failed"), "Clients that came back for an earlier session.";
}
