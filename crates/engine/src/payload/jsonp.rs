//! Polling with script elements: payloads of revision 3 inside of JavaScript and of forms.
//!
//! Where a page may not make requests to other origins, clients of old load the answer to a GET as a script, which calls a
//! function of theirs, and send what they have to say as a form.

use std::borrow::Cow;

use crate::json::escape;

/// The payload as a script that hands it to the client's function of this number.
///
/// The text is written as `JSON.stringify` writes it, but for U+2028 and U+2029, which old JavaScript does not allow in
/// strings.
///
/// ```
/// use siomio_engine::payload::jsonp;
///
/// assert_eq!(jsonp::wrap("0", b"4:4\"a\""), br#"___eio[0]("4:4\"a\"");"#);
/// ```
pub fn wrap(index: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + payload.len() / 8 + 32);
    out.extend_from_slice(b"___eio[");
    out.extend_from_slice(index.as_bytes());
    out.extend_from_slice(b"](\"");
    let mut rest = payload;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if let Some(escaped) = escape(byte) {
            out.extend_from_slice(escaped.as_bytes());
            continue;
        }
        match byte {
            0xe2 if behind.starts_with(b"\x80\xa8") || behind.starts_with(b"\x80\xa9") => {
                out.extend_from_slice(if behind[1] == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                rest = &behind[2..];
            }
            byte => out.push(byte),
        }
    }
    out.extend_from_slice(b"\");");
    out
}

/// The payload in the field `d` of a form; `None` when the field is missing or comes more than once.
///
/// Clients write a line break as `\n`, a backslash and the letter, and the same two characters as `\\n`.
///
/// ```
/// use siomio_engine::payload::jsonp;
///
/// assert_eq!(jsonp::unwrap(br"d=7:4a\nb\\nc").as_deref(), Some("7:4a\nb\\nc"));
/// ```
pub fn unwrap(form: &[u8]) -> Option<String> {
    let mut fields = form_urlencoded::parse(form).filter(|(name, _)| name == "d");
    let field = fields.next()?.1;
    fields.next().is_none().then(|| unescape(field))
}

fn unescape(field: Cow<'_, str>) -> String {
    if !field.contains("\\n") {
        return field.into_owned();
    }
    let mut out = String::with_capacity(field.len());
    let mut rest = &*field;
    while let Some(place) = rest.find('\\') {
        let (before, escape) = rest.split_at(place);
        out.push_str(before);
        let (written, length) = if escape.starts_with("\\\\n") {
            ("\\n", 3)
        } else if escape.starts_with("\\n") {
            ("\n", 2)
        } else {
            ("\\", 1)
        };
        out.push_str(written);
        // What was looked at is ASCII.
        rest = &escape[length..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(payload: &str) -> String {
        String::from_utf8(wrap("3", payload.as_bytes())).unwrap()
    }

    #[test]
    fn the_script_is_that_of_the_reference() {
        for (payload, script) in [
            ("6:4hello", r#"___eio[3]("6:4hello");"#),
            (r#"3:4"\"#, r#"___eio[3]("3:4\"\\");"#),
            ("\n\r\t\u{8}\u{c}\0\u{1f}", r#"___eio[3]("\n\r\t\b\f\u0000\u001f");"#),
            ("é€😀/<\u{7f}", "___eio[3](\"é€😀/<\u{7f}\");"),
            ("\u{2027}\u{2028}\u{2029}\u{202a}", "___eio[3](\"\u{2027}\\u2028\\u2029\u{202a}\");"),
        ] {
            assert_eq!(wrapped(payload), script);
        }
        assert_eq!(wrap("", b""), b"___eio[](\"\");");
    }

    #[test]
    fn forms_are_decoded_and_their_line_breaks_restored() {
        for (form, payload) in [
            (&br"d=6%3A4hello"[..], Some("6:4hello")),
            (b"x=1&d=a+b%2Bc&y", Some("a b+c")),
            (b"d=", Some("")),
            (br"d=\n", Some("\n")),
            (br"d=\\n", Some("\\n")),
            (br"d=\\\n", Some("\\\\n")),
            (br"d=\n\\n\n", Some("\n\\n\n")),
            (br"d=\x\\", Some("\\x\\\\")),
            (b"d=\xff", Some("\u{fffd}")),
            (b"", None),
            (b"e=1", None),
            (b"d=1&d=2", None),
        ] {
            assert_eq!(unwrap(form).as_deref(), payload, "{}", form.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_form_is_read_without_panic(form in any::<Vec<u8>>()) {
            let _ = unwrap(&form);
        }

        #[test]
        fn line_breaks_survive_the_way_of_clients(text in "([a-zé\n]|\\\\n){0,30}") {
            // As the official client writes them; it has the same blind spots as the server.
            let escaped = text.replace("\\n", "\\\\n").replace('\n', "\\n");
            let form: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("d", &escaped)
                .finish();
            prop_assert_eq!(unwrap(form.as_bytes()), Some(text));
        }
    }
}
