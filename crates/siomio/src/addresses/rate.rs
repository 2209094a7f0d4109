//! How often something may be done from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use foldhash::quality::FixedState;

/// So many at once, and then one whenever its share of the time has passed: the generic cell rate algorithm, which keeps one instant
/// for each address.
#[derive(Debug)]
pub(super) struct Rates {
    /// What one costs.
    share: Duration,
    /// How far ahead of the present an address may be.
    credit: Duration,
    /// Until when what was taken counts. An instant that is over is as good as none.
    paid_until: HashMap<IpAddr, Instant, FixedState>,
    /// With so many addresses it is time to look for those that are over.
    sweep_at: usize,
}

/// Fewer addresses are not worth a look.
const FEW: usize = 1024;

impl Rates {
    /// `count` in any time of `per`; none at all if that is 0.
    pub(super) fn new(count: u32, per: Duration, seed: u64) -> Self {
        let share = per.checked_div(count).unwrap_or(Duration::MAX);
        let paid_until = HashMap::with_hasher(FixedState::with_seed(seed));
        Self { share, credit: per, paid_until, sweep_at: FEW }
    }

    /// Takes one.
    ///
    /// # Errors
    /// The time until there is one again.
    pub(super) fn take(&mut self, ip: IpAddr, now: Instant) -> Result<(), Duration> {
        let paid_until = self.paid_until.get(&ip).map_or(now, |until| (*until).max(now));
        let ahead = (paid_until - now).saturating_add(self.share);
        if ahead > self.credit {
            return Err(ahead - self.credit);
        }
        self.paid_until.insert(ip, now + ahead);
        if self.paid_until.len() >= self.sweep_at {
            self.sweep(now);
        }
        Ok(())
    }

    fn sweep(&mut self, now: Instant) {
        self.paid_until.retain(|_, until| *until > now);
        self.sweep_at = FEW.max(self.paid_until.len() * 2);
        self.paid_until.shrink_to(self.sweep_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ip(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(number).into()
    }

    #[test]
    fn so_many_at_once_and_then_one_for_each_share_of_the_time() {
        let mut rates = Rates::new(3, 30 * SECOND, 1);
        let start = Instant::now();
        let mut take = |after: u32| rates.take(ip(1), start + after * SECOND);
        for _ in 0..3 {
            assert_eq!(take(0), Ok(()));
        }
        assert_eq!(take(0), Err(10 * SECOND));
        assert_eq!(take(4), Err(6 * SECOND), "asking costs nothing");
        assert_eq!(take(10), Ok(()));
        assert_eq!(take(10), Err(10 * SECOND));
        for _ in 0..3 {
            assert_eq!(take(100), Ok(()), "what was not taken is not saved up beyond that");
        }
        assert!(take(100).is_err());
    }

    #[test]
    fn addresses_do_not_share() {
        let mut rates = Rates::new(1, SECOND, 1);
        let now = Instant::now();
        assert!(rates.take(ip(1), now).is_ok() && rates.take(ip(2), now).is_ok());
        assert!(rates.take(ip(1), now).is_err());
    }

    #[test]
    fn none_means_none() {
        let mut rates = Rates::new(0, SECOND, 1);
        assert!(rates.take(ip(1), Instant::now()).is_err());
    }

    #[test]
    fn addresses_that_did_nothing_lately_are_forgotten() {
        let mut rates = Rates::new(1, SECOND, 1);
        let start = Instant::now();
        for number in 0..200_000 {
            let now = start + SECOND / 100 * number;
            assert!(rates.take(ip(number), now).is_ok());
        }
        // Those of the last second, and those that came since the last look.
        assert!(rates.paid_until.len() <= FEW, "{}", rates.paid_until.len());
    }
}
