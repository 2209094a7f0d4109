//! Query strings and form bodies, read the way `URLSearchParams` reads them.
//!
//! Pairs are parted by `&`, a name ends at the first `=`, `+` is a space, `%xx` is a byte, and
//! bytes that are not UTF-8 become U+FFFD (WHATWG URL, "application/x-www-form-urlencoded
//! parsing"). A stray `%` stands for itself, so every input has a reading.

use std::{borrow::Cow, str};

/// The decoded pairs of a query string (without `?`) or of a form body, in order.
///
/// ```
/// let pairs: Vec<_> = siomio_http::query::pairs("a=1&b=x+%26&c").collect();
/// assert_eq!(pairs, [("a".into(), "1".into()), ("b".into(), "x &".into()), ("c".into(), "".into())]);
/// ```
pub fn pairs<T: AsRef<[u8]> + ?Sized>(
    query: &T,
) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> + Clone {
    let query = query.as_ref();
    // Most queries stand for themselves. A fold without early exit compiles to vector instructions.
    let is_coded = query.iter().fold(false, |found, &byte| found | (byte == b'%') | (byte == b'+'));
    let plain = str::from_utf8(query).ok().filter(|_| !is_coded);
    let coded = if plain.is_some() { b"" } else { query };
    let pairs = plain.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.into(), value.into())
    });
    pairs.chain(form_urlencoded::parse(coded))
}

/// The value of the last pair called `name`.
///
/// ```
/// assert_eq!(siomio_http::query::last("t=1&t=2", "t").as_deref(), Some("2"));
/// ```
pub fn last<'a, T: AsRef<[u8]> + ?Sized>(query: &'a T, name: &str) -> Option<Cow<'a, str>> {
    // Backwards, and decoding only what may match: this is asked several times for each request.
    let mut candidates = query.as_ref().rsplit(|&byte| byte == b'&').filter(|p| may_be(p, name));
    candidates.find_map(|pair| first(pair, name))
}

/// The value of the first pair called `name`.
///
/// ```
/// assert_eq!(siomio_http::query::first("d=1&d=2", "d").as_deref(), Some("1"));
/// ```
pub fn first<'a, T: AsRef<[u8]> + ?Sized>(query: &'a T, name: &str) -> Option<Cow<'a, str>> {
    pairs(query).find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Whether the name of an undecoded pair is `name`, or only decoding can tell.
fn may_be(pair: &[u8], name: &str) -> bool {
    let raw = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
    raw == name.as_bytes() || raw.iter().any(|&byte| byte == b'%' || byte == b'+' || byte > 0x7f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_like_url_search_params() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("&&", &[]),
            ("EIO=4&transport=polling", &[("EIO", "4"), ("transport", "polling")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a", &[("a", "")]),
            ("=b", &[("", "b")]),
            ("a+b=c+d", &[("a b", "c d")]),
            ("a=%2B%20%3d", &[("a", "+ =")]),
            ("%61=1", &[("a", "1")]),
            ("a=%", &[("a", "%")]),
            ("a=%4", &[("a", "%4")]),
            ("a=%zz", &[("a", "%zz")]),
            ("a=%ff", &[("a", "\u{fffd}")]),
            ("a=%E2%82%AC", &[("a", "€")]),
            ("a=€", &[("a", "€")]),
            ("a;b=1", &[("a;b", "1")]),
        ];
        for &(query, expected) in table {
            let found: Vec<_> = pairs(query).collect();
            let found: Vec<_> = found.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn duplicates_and_absence() {
        assert_eq!(last("sid=a&x=1&sid=b", "sid").as_deref(), Some("b"));
        assert_eq!(first("sid=a&x=1&sid=b", "sid").as_deref(), Some("a"));
        assert_eq!(last("sid=a&sid", "sid").as_deref(), Some(""));
        assert_eq!(last("Sid=a", "sid"), None, "names are case-sensitive");
        assert_eq!(last("%73id=a", "sid").as_deref(), Some("a"), "names are decoded");
        assert_eq!(last(b"d=1%0A".as_slice(), "d").as_deref(), Some("1\n"));
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_the_standard(
            query in proptest::collection::vec(
                proptest::sample::select(b"ab&&==%+614\xff\xc3\xa9".to_vec()),
                0..30,
            ),
        ) {
            prop_assert!(pairs(&query).eq(form_urlencoded::parse(&query)));
        }

        #[test]
        fn the_last_pair_is_the_last_of_all_pairs(
            query in proptest::collection::vec(
                proptest::sample::select(b"ab&&==%+614\xff\xc3\xa9".to_vec()),
                0..30,
            ),
            pick in any::<proptest::sample::Index>(),
        ) {
            let all: Vec<_> = pairs(&query).collect();
            let Some((name, _)) = all.get(pick.index(all.len().max(1))) else { return Ok(()) };
            let expected = all.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
            let found = last(&query, name);
            prop_assert_eq!(found.as_ref(), expected);
        }
    }
}
