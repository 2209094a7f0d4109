//! Values that pass through serde whole.
//!
//! serde can carry bytes only as a slice and numbers only as machine numbers: on the way an
//! attachment would be copied, and `1.0` or a number of twenty digits would lose its text. So
//! while this crate hands such a value to foreign code, the original lies in a slot of the thread,
//! and the receiving end, if it is this crate again, takes it from there. It does so only if what
//! came through serde is the very slice, or the same number, and so can never take a wrong one.

use std::cell::Cell;

use bytes::Bytes;

use crate::value::Number;

thread_local! {
    static LENT: Cell<Option<Lent>> = const { Cell::new(None) };
}

enum Lent {
    Bytes(Bytes),
    Number(Number),
}

/// Calls `run`, during which [`take_bytes`] can find `bytes`.
pub(crate) fn lend_bytes<R>(bytes: &Bytes, run: impl FnOnce() -> R) -> R {
    lend(Lent::Bytes(bytes.clone()), run)
}

/// The owner of the slice `seen`, if it is being lent.
pub(crate) fn take_bytes(seen: &[u8]) -> Option<Bytes> {
    match take()? {
        Lent::Bytes(bytes) if bytes.as_ptr() == seen.as_ptr() && bytes.len() == seen.len() => {
            Some(bytes)
        }
        other => put_back(other),
    }
}

/// Calls `run`, during which [`take_number`] can find `number`.
pub(crate) fn lend_number<R>(number: &Number, run: impl FnOnce() -> R) -> R {
    lend(Lent::Number(number.clone()), run)
}

/// The number whose value is `seen`, if one is being lent. A writer that has `null` for numbers
/// out of range asks with an infinity.
pub(crate) fn take_number(seen: f64) -> Option<Number> {
    match take()? {
        Lent::Number(number) if same(number.to_f64(), seen) => Some(number),
        other => put_back(other),
    }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_infinite() && b.is_infinite())
}

// A thread that is ending has no slot any more; the value then travels as serde carries it.

fn lend<R>(value: Lent, run: impl FnOnce() -> R) -> R {
    let before = LENT.try_with(|slot| slot.replace(Some(value))).ok().flatten();
    let result = run();
    _ = LENT.try_with(|slot| slot.set(before));
    result
}

fn take() -> Option<Lent> {
    LENT.try_with(Cell::take).ok().flatten()
}

fn put_back<T>(value: Lent) -> Option<T> {
    _ = LENT.try_with(|slot| slot.set(Some(value)));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_slice_finds_its_owner() {
        let bytes = Bytes::from(vec![1, 2, 3]);
        lend_bytes(&bytes, || {
            assert_eq!(take_bytes(&bytes[..2]), None);
            assert_eq!(take_bytes(&[1, 2, 3]), None);
            assert_eq!(take_number(1.0), None);
            assert_eq!(take_bytes(&bytes[..]), Some(bytes.clone()));
            assert_eq!(take_bytes(&bytes[..]), None, "once only");
        });
    }

    #[test]
    fn only_the_same_number_finds_its_text() {
        let number = Number::from_text("1.0");
        lend_number(&number, || {
            assert_eq!(take_number(-1.0), None);
            assert_eq!(take_number(f64::INFINITY), None);
            assert_eq!(take_number(1.0), Some(number.clone()));
        });
        lend_number(&Number::from_text("1e999"), || {
            assert_eq!(take_number(f64::MAX), None);
            assert!(take_number(f64::INFINITY).is_some());
        });
    }

    #[test]
    fn nothing_stays_behind() {
        let (bytes, number) = (Bytes::from(vec![1]), Number::from_text("1.0"));
        lend_bytes(&bytes, || {
            lend_number(&number, || assert_eq!(take_bytes(&bytes), None));
            assert_eq!(take_number(1.0), None);
            assert_eq!(
                take_bytes(&bytes),
                Some(bytes.clone()),
                "lent again after what came between"
            );
        });
        lend_bytes(&bytes, || {});
        assert_eq!(take_bytes(&bytes), None);
        assert!(bytes.is_unique());
    }
}
