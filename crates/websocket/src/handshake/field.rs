//! The grammar of header fields, as far as the handshake needs it (RFC 9110 section 5).

use super::Misuse;

/// The elements of a comma-separated list, without the white space around them; also the empty
/// ones.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim)
}

/// Whether one of the lists has this element, in any case.
pub(super) fn lists<'a>(values: impl IntoIterator<Item = &'a [u8]>, element: &str) -> bool {
    values
        .into_iter()
        .flat_map(elements)
        .any(|found| found.eq_ignore_ascii_case(element.as_bytes()))
}

/// The value of a field that may stand in a head only once; `None` when there is none, or several.
pub(super) fn single<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let mut values = values.into_iter();
    let value = values.next()?;
    values.next().is_none().then(|| trim(value))
}

/// The value without spaces and tabs at its ends.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Whether this is a token: the grammar of field names and of subprotocols.
pub(super) fn is_token(value: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !value.is_empty() && value.iter().all(allowed)
}

/// Whether this may stand behind a field's name: no control characters but the tab.
pub(super) fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control())
}

/// Appends `name: value` with the line's end; refuses what would be no such line.
pub(super) fn write(out: &mut Vec<u8>, name: &str, value: &str) -> Result<(), Misuse> {
    if !is_token(name.as_bytes()) {
        return Err(Misuse::FieldName(name.into()));
    }
    if !is_value(value) {
        return Err(Misuse::FieldValue(name.into()));
    }
    for part in [name, ": ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    Ok(())
}

/// Appends the caller's own fields; refuses those in `reserved`, which the handshake decides on.
pub(super) fn write_extra<'h>(
    out: &mut Vec<u8>,
    extra: impl IntoIterator<Item = (&'h str, &'h str)>,
    reserved: &[&str],
) -> Result<(), Misuse> {
    for (name, value) in extra {
        if reserved.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            return Err(Misuse::ReservedField(name.into()));
        }
        write(out, name, value)?;
    }
    Ok(())
}

/// Runs `write`, and takes back what it appended to `out` if it fails.
pub(super) fn all_or_nothing(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Misuse>,
) -> Result<(), Misuse> {
    let start = out.len();
    let result = write(out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_searched_in_any_case_and_over_several_fields() {
        let table: [(&[&str], bool); 9] = [
            (&["Upgrade"], true),
            (&["upgrade"], true),
            (&["keep-alive, Upgrade"], true),
            (&["keep-alive ,\tUPGRADE ,"], true),
            (&["keep-alive", "Upgrade"], true),
            (&[], false),
            (&[""], false),
            (&["keep-alive"], false),
            (&["upgraded, up grade"], false),
        ];
        for (values, expected) in table {
            let found = lists(values.iter().map(|value| value.as_bytes()), "upgrade");
            assert_eq!(found, expected, "{values:?}");
        }
    }

    #[test]
    fn white_space_is_trimmed_at_both_ends_only() {
        for value in ["a b", " a b", "a b\t", " \ta b \t "] {
            assert_eq!(trim(value.as_bytes()), b"a b", "{value:?}");
        }
        assert_eq!(trim(b" \t "), b"");
    }

    #[test]
    fn a_field_that_stands_twice_is_not_single() {
        assert_eq!(single([&b" 13 "[..]]), Some(&b"13"[..]));
        assert_eq!(single([&b"13"[..], b"13"]), None);
        assert_eq!(single(None), None);
    }

    #[test]
    fn lines_cannot_be_smuggled_in() {
        let table = [
            ("X-A", "1", Ok("X-A: 1\r\n")),
            ("X-A", "1\t\u{e9}", Ok("X-A: 1\t\u{e9}\r\n")),
            ("X-A", "", Ok("X-A: \r\n")),
            ("X-A", "1\r\nX-B: 2", Err(Misuse::FieldValue("X-A".into()))),
            ("X-A", "1\n", Err(Misuse::FieldValue("X-A".into()))),
            ("X-A", "\0", Err(Misuse::FieldValue("X-A".into()))),
            ("X-A: 1\r\nX-B", "2", Err(Misuse::FieldName("X-A: 1\r\nX-B".into()))),
            ("", "1", Err(Misuse::FieldName("".into()))),
        ];
        for (name, value, expected) in table {
            let mut out = Vec::new();
            let result = write(&mut out, name, value);
            assert_eq!(result.map(|()| &*out), expected.map(str::as_bytes), "{name:?} {value:?}");
        }
    }
}
