use std::fmt;

/// Collects the pieces of a request body up to a limit.
///
/// Memory grows with the bytes received. Once the limit is passed everything is given back and
/// later pieces are discarded, so that the rest of a rejected body can be read past.
///
/// ```
/// use siomio_http::{Body, TooLarge};
///
/// let mut body = Body::new(5);
/// assert_eq!(body.push(b"hel"), Ok(()));
/// assert_eq!(body.push(b"lo"), Ok(()));
/// assert_eq!(body.finish(), b"hello");
///
/// let mut body = Body::new(5);
/// assert_eq!(body.push(b"hello!"), Err(TooLarge { limit: 5 }));
/// assert_eq!(body.push(b"more"), Ok(()));
/// ```
#[derive(Clone, Debug)]
pub struct Body {
    limit: usize,
    collected: Collected,
}

#[derive(Clone, Debug)]
enum Collected {
    Bytes(Vec<u8>),
    TooLarge,
}

/// A body has passed its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

impl Body {
    /// An empty body that may grow to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, collected: Collected::Bytes(Vec::new()) }
    }

    /// Appends a piece.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] for the one piece that passes the limit; later pieces are discarded silently.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), TooLarge> {
        let Collected::Bytes(bytes) = &mut self.collected else { return Ok(()) };
        if piece.len() > self.limit - bytes.len() {
            self.collected = Collected::TooLarge;
            return Err(TooLarge { limit: self.limit });
        }
        grow(bytes, piece.len(), self.limit);
        bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The most bytes it may have.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether the limit was passed.
    pub fn is_too_large(&self) -> bool {
        matches!(self.collected, Collected::TooLarge)
    }

    /// Bytes held now.
    pub fn len(&self) -> usize {
        match &self.collected {
            Collected::Bytes(bytes) => bytes.len(),
            Collected::TooLarge => 0,
        }
    }

    /// Whether no byte is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole body; empty if it was too large.
    pub fn finish(self) -> Vec<u8> {
        match self.collected {
            Collected::Bytes(bytes) => bytes,
            Collected::TooLarge => Vec::new(),
        }
    }
}

/// Makes room for `more` bytes: exactly for the first piece, by doubling for later ones, and never
/// for more than `limit` bytes in all. `bytes.len() + more` is within `limit`.
fn grow(bytes: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = bytes.len() + more;
    if needed > bytes.capacity() {
        let doubled = bytes.capacity().saturating_mul(2).min(limit);
        bytes.reserve_exact(needed.max(doubled) - bytes.len());
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request body is longer than {} bytes", self.limit)
    }
}

impl std::error::Error for TooLarge {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed_and_reported_once_when_passed() {
        let mut body = Body::new(4);
        assert_eq!(body.push(b"abcd"), Ok(()));
        assert_eq!(body.push(b""), Ok(()));
        assert!(!body.is_too_large());
        assert_eq!(body.push(b"e"), Err(TooLarge { limit: 4 }));
        assert_eq!(body.push(b"f"), Ok(()));
        assert!(body.is_too_large());
        assert!(body.is_empty(), "a rejected body holds nothing");
        assert_eq!(body.finish().capacity(), 0);
    }

    #[test]
    fn a_limit_of_zero_takes_only_nothing() {
        let mut body = Body::new(0);
        assert_eq!(body.push(b""), Ok(()));
        assert_eq!(body.push(b"a"), Err(TooLarge { limit: 0 }));
    }

    #[test]
    fn memory_follows_what_was_received() {
        let mut body = Body::new(1_000_000);
        body.push(&[0; 100]).unwrap();
        body.push(&[0; 10]).unwrap();
        let held = body.finish().capacity();
        assert!((110..=200).contains(&held), "{held}");

        let mut body = Body::new(150);
        body.push(&[0; 100]).unwrap();
        body.push(&[0; 10]).unwrap();
        assert!(body.finish().capacity() <= 150, "never more than the limit");
    }

    #[test]
    fn many_small_pieces_are_not_copied_again_and_again() {
        let mut body = Body::new(100_000);
        let mut capacities = Vec::new();
        for _ in 0..10_000 {
            body.push(b"x").unwrap();
            let Collected::Bytes(bytes) = &body.collected else { panic!() };
            capacities.push(bytes.capacity());
        }
        capacities.dedup();
        assert!(capacities.len() < 20, "{capacities:?}");
    }
}
