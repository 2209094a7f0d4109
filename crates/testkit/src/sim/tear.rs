//! How a network mistreats bytes.

use super::Random;

/// What happens to bytes on their way. None of it is against the rules of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tear {
    /// Most bytes that arrive at a time.
    pub delivery: usize,
    /// Most bytes that one read of the server gives.
    pub read: usize,
    /// Most bytes that one write of the server takes.
    pub write: usize,
    /// Most bytes that wait between a writer and its reader.
    pub window: usize,
    /// One write of the server in so many takes nothing; 0 for none.
    pub balk: usize,
    /// One turn in so many gets an event too many, and one for a connection long gone; 0 for none.
    pub spurious: usize,
}

impl Tear {
    /// A network as it should be.
    pub const NONE: Self = Self {
        delivery: usize::MAX,
        read: usize::MAX,
        write: usize::MAX,
        window: 1 << 20,
        balk: 0,
        spurious: 0,
    };

    /// Any network: one in eight is kind, one in eight is dreadful.
    pub fn any(random: &mut Random) -> Self {
        let most = match random.below(8) {
            0 => return Self::NONE,
            1 => 12,
            2..=4 => 300,
            _ => 5000,
        };
        let mut size = |least: usize| random.between(1, most).max(least);
        Self {
            delivery: size(3),
            read: size(1),
            write: size(1),
            window: size(200) * 4,
            balk: random.between(2, 20),
            spurious: random.between(2, 20),
        }
    }

    /// How many bytes get through at a time, at the most: what a test should bear in mind when it sends many.
    pub fn throughput(&self) -> usize {
        self.delivery.min(self.read).min(self.write).min(self.window)
    }
}
