//! What the server says of itself.

use std::{io, net::SocketAddr};

use crate::http::{Http, get};

/// Asks for the server's metrics.
#[derive(Debug)]
pub(super) struct Census {
    address: SocketAddr,
    http: Http,
}

/// What has to be nothing when nobody is there, and what may be: the connection that asks is one.
const NOTHING: [(&str, u64); 7] = [
    ("siomio_connections", 1),
    ("siomio_sessions", 0),
    ("siomio_sockets", 0),
    ("siomio_sessions_kept", 0),
    ("siomio_buffered_bytes", 0),
    ("siomio_blocking_jobs", 0),
    ("siomio_mailbox_depth", 0),
];

/// What must never happen at all.
const NEVER: [&str; 3] =
    ["siomio_panics_total", "siomio_accept_errors_total", "siomio_events_lost_total"];

impl Census {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let mut census = Self { address, http: Http::connect(address)? };
        census.ask()?;
        Ok(census)
    }

    /// What should not be there when everybody has gone.
    pub(super) fn remains(&mut self) -> io::Result<Vec<String>> {
        let text = self.ask()?;
        let limits = NOTHING.into_iter().chain(NEVER.map(|name| (name, 0)));
        let more = limits.filter_map(|(name, most)| {
            let Some(count) = sum(&text, name) else { return Some(format!("no {name}")) };
            (count > most).then(|| format!("{name} {count}"))
        });
        Ok(more.collect())
    }

    fn ask(&mut self) -> io::Result<String> {
        let mut body = Vec::new();
        let request = get("/metrics");
        if self.http.send(&request).is_err() || self.http.receive(&mut body).is_err() {
            // It was idle for too long.
            self.http = Http::connect(self.address)?;
            self.http.send(&request)?;
            self.http.receive(&mut body)?;
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// A family of numbers, added up; nothing if there is none of that name.
fn sum(text: &str, family: &str) -> Option<u64> {
    let of_family = |line: &str| {
        let rest = line.strip_prefix(family)?.strip_prefix(['{', ' '])?;
        rest.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let numbers: Vec<u64> = text.lines().filter_map(of_family).collect();
    (!numbers.is_empty()).then(|| numbers.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_added_up() {
        let text =
            "# TYPE a gauge\na{shard=\"0\",t=\"x\"} 3\na{shard=\"1\",t=\"y z\"} 4\nab 9\nb 5\n";
        assert_eq!((sum(text, "a"), sum(text, "b"), sum(text, "c")), (Some(7), Some(5), None));
    }

    #[test]
    fn the_server_tells_of_all_that_is_looked_for() {
        let text = siomio::Server::new().metrics().to_prometheus();
        for name in NOTHING.map(|(name, _)| name).into_iter().chain(NEVER) {
            assert_eq!(sum(&text, name), Some(0), "{name}");
        }
    }
}
