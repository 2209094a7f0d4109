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
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
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
    match setting("SHARDS", 0) {
        0 => builder,
        shards => builder.shards(shards),
    }
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
