use std::mem;

use crate::{FrameHeader, Violation};

/// The part of a header that came without the rest: kept in place, on no heap.
#[derive(Debug, Default)]
pub(super) struct Spill {
    bytes: [u8; FrameHeader::MAX_SIZE],
    /// How many of them have come, 0 to 13.
    len: u8,
}

impl Spill {
    pub(super) const EMPTY: Self = Self { bytes: [0; FrameHeader::MAX_SIZE], len: 0 };

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The header made of what is held and the front of `rest`, taken from there; or `None`, and
    /// all of `rest` is held.
    #[inline]
    pub(super) fn complete(
        &mut self,
        rest: &mut &mut [u8],
    ) -> Result<Option<FrameHeader>, Violation> {
        let held = usize::from(self.len);
        let parsed = if held == 0 {
            FrameHeader::parse(rest)?
        } else {
            let fresh = rest.len().min(FrameHeader::MAX_SIZE - held);
            self.bytes[held..held + fresh].copy_from_slice(&rest[..fresh]);
            FrameHeader::parse(&self.bytes[..held + fresh])?
        };
        match parsed {
            Some((header, size)) => {
                // What was held was no header, so this one ends in `rest`.
                *rest = &mut mem::take(rest)[size - held..];
                Ok(Some(header))
            }
            None => {
                // Fourteen bytes are always a header, so what is there is less.
                let taken = mem::take(rest);
                let end = held + taken.len();
                self.bytes[held..end].copy_from_slice(taken);
                self.len = end as u8;
                Ok(None)
            }
        }
    }
}
