//! Clients that are there and do nothing.

use std::{io, net::SocketAddr, thread, time::Duration};

use super::{Clients, Outcome};
use crate::{
    http::{self, Http},
    open::{Headers, Opened, POLLING, polling_target, spread},
    process::Process,
};

/// Time for the server to put its memory in order.
const SETTLE: Duration = Duration::from_millis(1_500);

pub(super) fn run(
    address: SocketAddr,
    process: Process,
    clients: Clients,
    count: usize,
) -> io::Result<Outcome> {
    // The first ones bring along what there is once.
    let first: Vec<_> =
        (0..64).map(|number| open(address, clients, number)).collect::<io::Result<_>>()?;
    thread::sleep(SETTLE);
    let before = process.resident()?;
    let all: Vec<_> =
        (0..count).map(|number| open(address, clients, 64 + number)).collect::<io::Result<_>>()?;
    thread::sleep(SETTLE);
    let after = process.resident()?;
    drop((first, all));
    Ok(Outcome::Memory { each: (after as f64 - before as f64) / count as f64 })
}

/// Ten times so many clients come and go.
pub(super) fn churn(address: SocketAddr, process: Process, count: usize) -> io::Result<Outcome> {
    let clients = Clients::WebSocket(Headers::Few);
    let mut plateaus = Vec::new();
    for _ in 0..10 {
        let all = (0..count).map(|number| open(address, clients, number));
        let all: Vec<_> = all.collect::<io::Result<_>>()?;
        thread::sleep(SETTLE);
        plateaus.push(process.resident()? as f64);
        drop(all);
        thread::sleep(SETTLE);
    }
    let empty = process.resident()? as f64;
    Ok(Outcome::Plateaus { first: plateaus[0], last: plateaus[9], empty })
}

/// Keeps a client there.
enum Idle {
    WebSocket {
        _opened: Opened,
    },
    /// Between two polls it has no connection.
    Polling,
}

fn open(address: SocketAddr, clients: Clients, number: usize) -> io::Result<Idle> {
    let address = spread(address, number);
    match clients {
        Clients::WebSocket(headers) => {
            Ok(Idle::WebSocket { _opened: Opened::socket_io(address, headers)? })
        }
        Clients::Polling => {
            let (mut http, mut body) = (Http::connect(address)?, Vec::new());
            http.send(&http::get(POLLING))?;
            http.receive(&mut body)?;
            let target = polling_target(&body)?;
            http.send(&http::post(&target, "40"))?;
            http.receive(&mut body)?;
            http.send(&http::get(&target))?;
            http.receive(&mut body)?;
            Ok(Idle::Polling)
        }
    }
}
