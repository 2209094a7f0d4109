//! Those who mean well, and want to be served whatever goes on.

use std::{net::SocketAddr, time::Instant};

use siomio_testkit::{
    http::Http,
    polling::{Polling, SEPARATOR},
    ws::Ws,
};

use crate::{PATH, SOON, WEBSOCKET};

/// Somebody who has a WebSocket, is in a namespace, and answers pings.
pub(crate) struct Guest {
    ws: Ws,
    /// What stands in front of payloads.
    prefix: String,
}

impl Guest {
    /// Joins a namespace.
    pub(crate) fn join(address: SocketAddr, namespace: &str) -> Self {
        let prefix = if namespace == "/" { String::new() } else { format!("{namespace},") };
        let mut guest = Self { ws: Ws::connect(address, WEBSOCKET), prefix };
        assert!(guest.ws.text().starts_with("0{"), "an open packet comes first");
        guest.ws.send(&format!("40{}", guest.prefix));
        guest.until(&format!("40{}{{\"sid\":", guest.prefix));
        guest
    }

    /// Emits an event, and waits for the one that it causes.
    pub(crate) fn ask(&mut self, event: &str, argument: &str) {
        self.ws.send(&format!("42{}[\"{event}\",{argument}]", self.prefix));
        self.until(&format!("42{}[\"{event}-back\",{argument}]", self.prefix));
    }

    /// An event has to come back at once.
    pub(crate) fn is_served(&mut self) {
        let begun = Instant::now();
        self.ask("message", "\"still there\"");
        assert!(begun.elapsed() < SOON, "a bystander has waited for {:?}", begun.elapsed());
    }

    /// Waits for a packet, and passes over all others.
    fn until(&mut self, packet: &str) {
        while !self.ws.message().starts_with(packet) {}
    }
}

/// Newcomers have to be let in and heard at once, on either transport; then they go.
pub(crate) fn serves_newcomers(address: SocketAddr) {
    let begun = Instant::now();
    Guest::join(address, "/custom").ask("message", "\"new\"");
    serves_polling(address);
    assert!(begun.elapsed() < SOON, "newcomers have waited for {:?}", begun.elapsed());
}

/// One that polls, over a single connection, and says goodbye.
fn serves_polling(address: SocketAddr) {
    let mut http = Http::connect(address);
    let session = Polling::open_on(&mut http, address, PATH);
    for packet in ["40/custom,", "42/custom,[\"message\",\"new\"]"] {
        assert_eq!(http.post(&session.target, packet).text(), "ok");
    }
    let mut heard = String::new();
    while !heard.ends_with("42/custom,[\"message-back\",\"new\"]") {
        let response = http.get(&session.target);
        assert_eq!(response.status, 200, "{response:?}");
        // A ping may come along; it is over before it has to be answered.
        heard.push_str(response.text().trim_end_matches(&format!("{SEPARATOR}2")));
    }
    assert_eq!(http.post(&session.target, "1").text(), "ok");
}
