use std::str;

use super::field::{elements, is_token};

/// The subprotocols in these fields, in the order offered, or `None` where the list is malformed:
/// an element is not a token (RFC 6455 section 4.1), or stands there twice.
pub(super) fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<&'a str>> {
    let mut protocols = Vec::new();
    for element in values.into_iter().flat_map(elements) {
        if !is_token(element) {
            return None;
        }
        protocols.push(str::from_utf8(element).ok()?);
    }
    duplicate(&protocols).is_none().then_some(protocols)
}

/// A name that stands there twice; found by sorting, for a peer decides how many there are.
pub(super) fn duplicate<'a>(protocols: &[&'a str]) -> Option<&'a str> {
    if protocols.len() < 2 {
        return None;
    }
    let mut sorted = protocols.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_subprotocols() {
        let table: [(&[&str], Option<&[&str]>); 11] = [
            (&[], Some(&[])),
            (&["chat"], Some(&["chat"])),
            (&["chat, superchat"], Some(&["chat", "superchat"])),
            (&["b,a", "c"], Some(&["b", "a", "c"])),
            (&["Chat, chat"], Some(&["Chat", "chat"])),
            (&["chat, chat"], None),
            (&["chat", "chat"], None),
            (&[""], None),
            (&["chat,,superchat"], None),
            (&["chat room"], None),
            (&["ch\u{e4}t"], None),
        ];
        for (values, expected) in table {
            let parsed = parse(values.iter().map(|value| value.as_bytes()));
            assert_eq!(parsed.as_deref(), expected, "{values:?}");
        }
    }
}
