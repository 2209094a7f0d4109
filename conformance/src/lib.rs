//! The conformance servers, and what they have in common: settings from the environment.
//!
//! [`eio_echo`], [`eio_client_suite`], [`sio_conformance`], [`sio_client_suite`] and [`ws_echo`] make a server out of a [`ServerBuilder`]; the
//! programs of the same names bind it
//! where the environment says, and tests bind it to a port of their own.

pub mod eio_client_suite;
pub mod eio_echo;
pub mod sio_client_suite;
pub mod sio_conformance;
pub mod ws_echo;

use std::{
    env, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use siomio::{Bound, Cors, Server, ServerBuilder, parser::MsgPack};

/// A number from the environment, or the default if it is unset or no number.
pub fn setting<T: FromStr>(name: &str, default: T) -> T {
    given(name).unwrap_or(default)
}

/// How a setting is made.
type Set<T> = fn(ServerBuilder, T) -> ServerBuilder;

/// Settings that stay as they are unless the environment says so, in milliseconds.
const TIMEOUTS: [(&str, Set<Duration>); 6] = [
    ("HEAD_TIMEOUT", ServerBuilder::head_timeout),
    ("REQUEST_TIMEOUT", ServerBuilder::request_timeout),
    ("SEND_TIMEOUT", ServerBuilder::send_timeout),
    ("KEEP_ALIVE_TIMEOUT", ServerBuilder::keep_alive_timeout),
    ("UPGRADE_TIMEOUT", ServerBuilder::upgrade_timeout),
    ("CLOSE_TIMEOUT", ServerBuilder::close_timeout),
];

/// The same, in bytes.
const SIZES: [(&str, Set<usize>); 2] =
    [("HIGH_WATER", ServerBuilder::high_water), ("MAX_BUFFERED", ServerBuilder::max_buffered)];

/// A number from the environment, if there is one.
fn given<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

/// The settings that all servers share; the intervals are in milliseconds.
pub fn builder(ping_interval: u64, ping_timeout: u64, max_payload: usize) -> ServerBuilder {
    let builder = Server::builder()
        .ping_interval(Duration::from_millis(setting("PING_INTERVAL", ping_interval)))
        .ping_timeout(Duration::from_millis(setting("PING_TIMEOUT", ping_timeout)))
        .max_payload(setting("MAX_PAYLOAD", max_payload))
        .connect_timeout(Duration::from_millis(setting("CONNECT_TIMEOUT", 45_000)))
        .allow_eio3(setting("ALLOW_EIO3", 0) == 1)
        .cors(match env::var("CORS_ORIGIN").as_deref() {
            Ok("reflect") => Cors::reflect().credentials(true),
            _ => Cors::any(),
        });
    let builder = match env::var("PARSER").as_deref() {
        Ok("msgpack") => builder.parser(MsgPack),
        _ => builder,
    };
    let builder = match setting("SHARDS", 0) {
        0 => builder,
        shards => builder.shards(shards),
    };
    let builder = TIMEOUTS.iter().fold(builder, |builder, (name, set)| match given(name) {
        Some(milliseconds) => set(builder, Duration::from_millis(milliseconds)),
        None => builder,
    });
    SIZES.iter().fold(builder, |builder, (name, set)| match given(name) {
        Some(bytes) => set(builder, bytes),
        None => builder,
    })
}

/// Both loopback addresses at `$PORT`.
pub fn addresses(default_port: u16) -> [SocketAddr; 2] {
    let port = setting("PORT", default_port);
    [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
}

/// Says that the server can be reached, and runs it.
///
/// # Errors
/// When it cannot run.
pub fn run(name: &str, server: Bound) -> io::Result<()> {
    let addresses: Vec<String> = server.local_addrs()?.iter().map(ToString::to_string).collect();
    println!("{name} listens on {}", addresses.join(" and "));
    server.run()
}
