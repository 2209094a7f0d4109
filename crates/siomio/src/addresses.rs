//! What is counted for each address that clients come from: connections that are open, and sessions opened lately.
//!
//! An address of IPv6 counts with all of its /64, which is what one subscriber has; one of IPv4 that is written as IPv6 is the same as
//! without that.

mod rate;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use foldhash::quality::FixedState;

use self::rate::Rates;

/// The limits on what comes from one address, or from all.
#[derive(Clone, Debug)]
pub(crate) struct AddressLimits {
    pub(crate) connections: usize,
    pub(crate) connections_per_ip: usize,
    /// So many, in so much time.
    pub(crate) handshakes_per_ip: Option<(u32, Duration)>,
}

impl Default for AddressLimits {
    fn default() -> Self {
        Self { connections: usize::MAX, connections_per_ip: usize::MAX, handshakes_per_ip: None }
    }
}

/// The count. Where nothing is limited, nothing is counted.
#[derive(Debug)]
pub(crate) struct Addresses {
    limits: AddressLimits,
    connections: AtomicUsize,
    refused: AtomicU64,
    held_off: AtomicU64,
    by_ip: Mutex<HashMap<IpAddr, usize, FixedState>>,
    rates: Option<Mutex<Rates>>,
}

/// A place among the connections; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Ticket {
    addresses: Arc<Addresses>,
    ip: IpAddr,
}

impl Addresses {
    pub(crate) fn new(limits: AddressLimits, seed: u64) -> Arc<Self> {
        let rates = limits.handshakes_per_ip.map(|(count, per)| Rates::new(count, per, seed));
        Arc::new(Self {
            limits,
            connections: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            held_off: AtomicU64::new(0),
            by_ip: Mutex::new(HashMap::with_hasher(FixedState::with_seed(seed))),
            rates: rates.map(Mutex::new),
        })
    }

    /// A connection arrives. What it gets it keeps until it ends.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn enter(self: &Arc<Self>, peer: SocketAddr) -> Result<Option<Box<Ticket>>, Full> {
        let AddressLimits { connections, connections_per_ip, .. } = self.limits;
        if connections.min(connections_per_ip) == usize::MAX {
            return Ok(None);
        }
        let ip = network(peer.ip());
        // Only who accepts adds to it, and that is one thread.
        let is_full = self.connections.load(Ordering::Relaxed) >= connections;
        if is_full || !self.count_in(ip) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Full);
        }
        self.connections.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Box::new(Ticket { addresses: self.clone(), ip })))
    }

    /// Somebody wants to open a session.
    ///
    /// # Errors
    /// Too many have been opened from there lately; after this time it is worth another try.
    pub(crate) fn handshake(&self, ip: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(rates) = &self.rates else { return Ok(()) };
        let taken = lock(rates).take(network(ip), now);
        if taken.is_err() {
            self.held_off.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Connections that were refused because there were too many.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Handshakes that came too soon after others.
    pub(crate) fn held_off(&self) -> u64 {
        self.held_off.load(Ordering::Relaxed)
    }

    fn count_in(&self, ip: IpAddr) -> bool {
        if self.limits.connections_per_ip == usize::MAX {
            return true;
        }
        let mut by_ip = lock(&self.by_ip);
        let count = by_ip.get(&ip).copied().unwrap_or(0);
        if count >= self.limits.connections_per_ip {
            return false;
        }
        by_ip.insert(ip, count + 1);
        true
    }

    fn count_out(&self, ip: IpAddr) {
        if self.limits.connections_per_ip == usize::MAX {
            return;
        }
        let mut by_ip = lock(&self.by_ip);
        match by_ip.get_mut(&ip) {
            Some(count @ 2..) => *count -= 1,
            _ => drop(by_ip.remove(&ip)),
        }
        if by_ip.capacity() > 64 && by_ip.len() < by_ip.capacity() / 8 {
            by_ip.shrink_to_fit();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.addresses.connections.fetch_sub(1, Ordering::Relaxed);
        self.addresses.count_out(self.ip);
    }
}

/// There are as many connections as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// What counts as one address.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        ip => ip,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(connections: usize, connections_per_ip: usize) -> Arc<Addresses> {
        let limits = AddressLimits { connections, connections_per_ip, handshakes_per_ip: None };
        Addresses::new(limits, 1)
    }

    fn from(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections_and_others_have_theirs() {
        let addresses = limited(usize::MAX, 2);
        let enter = |from: SocketAddr| addresses.enter(from).map(drop);
        let first = addresses.enter(from("10.0.0.1:1")).unwrap();
        let second = addresses.enter(from("10.0.0.1:2")).unwrap();
        assert_eq!(enter(from("10.0.0.1:3")), Err(Full));
        assert_eq!(enter(from("[::ffff:10.0.0.1]:3")), Err(Full), "the same");
        assert_eq!(enter(from("10.0.0.2:1")), Ok(()));
        drop(first);
        assert_eq!(enter(from("10.0.0.1:3")), Ok(()), "it has left");
        drop(second);
        assert_eq!(addresses.refused(), 2);
        assert!(lock(&addresses.by_ip).is_empty(), "nothing is kept of who has left");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let addresses = limited(usize::MAX, 1);
        let _one = addresses.enter(from("[2001:db8:0:1::1]:1")).unwrap();
        assert!(addresses.enter(from("[2001:db8:0:1:ffff::2]:1")).is_err());
        assert!(addresses.enter(from("[2001:db8:0:2::1]:1")).is_ok());
    }

    #[test]
    fn all_together_have_so_many() {
        let addresses = limited(2, usize::MAX);
        let all = [1, 2].map(|ip| addresses.enter(([10, 0, 0, ip], 1).into()).unwrap());
        assert!(addresses.enter(from("10.0.0.3:1")).is_err());
        drop(all);
        assert!(addresses.enter(from("10.0.0.3:1")).is_ok());
    }

    #[test]
    fn who_is_refused_for_all_is_not_counted_for_its_address() {
        let addresses = limited(1, 1);
        let one = addresses.enter(from("10.0.0.1:1")).unwrap();
        assert!(addresses.enter(from("10.0.0.2:1")).is_err());
        drop(one);
        assert!(addresses.enter(from("10.0.0.2:1")).is_ok());
    }
}
