use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

fn check(text: &str) -> Result<bool, PayloadError> {
    scan(text, 128, &mut ()).map(|scanned| scanned.lone_surrogate)
}

#[test]
fn valid() {
    let texts = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "10.25",
        "1e5",
        "1E+5",
        "1e-5",
        "0e0",
        "1e400",
        "123456789012345678901234567890",
        r#""""#,
        r#""a""#,
        "\"\u{7f}é€😀\u{2028}\"",
        r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00""#,
        "[]",
        "{}",
        " [ ] ",
        "\t{\n}\r",
        r#"[1,"2",{"3":[true]}]"#,
        r#"{"a":1,"a":2,"":null}"#,
        r#"{ "a" : [ { } , [ ] ] , "b" : { "c" : 0 } }"#,
    ];
    for text in texts {
        assert_eq!(check(text), Ok(false), "{text}");
    }
}

#[test]
fn malformed_at() {
    let texts = [
        ("", 0),
        (" ", 1),
        ("nul", 0),
        ("nulll", 4),
        ("True", 0),
        ("NaN", 0),
        ("-", 1),
        ("+1", 0),
        ("01", 1),
        ("-01", 2),
        ("1.", 2),
        (".5", 0),
        ("1e", 2),
        ("1e+", 3),
        ("0x1", 1),
        ("1 2", 2),
        ("'a'", 0),
        ("\"", 1),
        ("\"a", 2),
        ("\"abcdefgh\n\"", 9),
        ("\"\u{0}\"", 1),
        (r#""\"#, 1),
        (r#""\x""#, 1),
        (r#""\u12""#, 1),
        (r#""\u12g4""#, 1),
        (r#""\u+123""#, 1),
        (r#""\U0041""#, 1),
        ("[", 1),
        ("[1", 2),
        ("[1,", 3),
        ("[1,]", 3),
        ("[,1]", 1),
        ("[1 2]", 3),
        ("[1}", 2),
        ("]", 0),
        ("[]]", 2),
        ("{", 1),
        ("{]", 1),
        (r#"{"a"}"#, 4),
        (r#"{"a":}"#, 5),
        (r#"{"a":1,}"#, 7),
        (r#"{"a":1 "b":2}"#, 7),
        (r#"{"a":1]"#, 6),
        ("{1:2}", 1),
        ("{a:1}", 1),
        ("\u{feff}[]", 0),
        ("[\u{a0}1]", 1),
        ("[1]\u{0}", 3),
        ("// c\n1", 0),
    ];
    for (text, at) in texts {
        assert_eq!(check(text), Err(PayloadError::Syntax { at }), "{text:?}");
    }
}

/// Every byte a string may not hold is found wherever it stands among the eight read at once, and
/// none that it may hold is taken for one.
#[test]
fn string_bodies_at_every_offset() {
    for len in 0..40 {
        for at in 0..len {
            for byte in 0..128_u8 {
                let mut text = "x".repeat(len + 2).into_bytes();
                text[0] = b'"';
                text[len + 1] = b'"';
                text[at + 1] = byte;
                let text = String::from_utf8(text).unwrap();
                let valid = serde_json::from_str::<IgnoredAny>(&text).is_ok();
                assert_eq!(check(&text).is_ok(), valid, "{text:?}");
            }
        }
        let text = format!("\"{}é€😀\"", "ÿ".repeat(len));
        assert_eq!(check(&text), Ok(false));
    }
}

#[test]
fn depth_is_limited_exactly() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let objects = |depth: usize| r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
    let mixed = |depth: usize| r#"[{"a":"#.repeat(depth) + "1" + &"}]".repeat(depth);
    for limit in [1, 2, 63, 64, 65, 127, 128, 129, 192, 1000] {
        let too_deep = Err(PayloadError::TooDeep { limit });
        let scan = |text: String| scan(&text, limit, &mut ()).map(|_| ());
        let depth = usize::from(limit);
        assert_eq!(scan(nested(depth)), Ok(()));
        assert_eq!(scan(nested(depth + 1)), too_deep);
        assert_eq!(scan(objects(depth)), Ok(()));
        assert_eq!(scan(objects(depth + 1)), too_deep);
        assert_eq!(scan(mixed(depth / 2)), Ok(()));
        assert_eq!(scan(mixed(depth / 2 + 1)), too_deep);
    }
    assert_eq!(scan("1", 0, &mut ()), Ok(Scanned { lone_surrogate: false }));
    assert_eq!(scan("[]", 0, &mut ()), Err(PayloadError::TooDeep { limit: 0 }));
}

#[test]
fn depth_costs_no_stack() {
    let text = "[".repeat(100_000);
    assert_eq!(check(&text), Err(PayloadError::TooDeep { limit: 128 }));
    let text = "[".repeat(65_535) + &"]".repeat(65_535);
    assert_eq!(scan(&text, u16::MAX, &mut ()), Ok(Scanned { lone_surrogate: false }));
    // A wrong bracket is noticed on each of the 65 535 levels.
    let text = "[".repeat(65_535) + &"]".repeat(65_534) + "}";
    assert!(scan(&text, u16::MAX, &mut ()).is_err());
}

#[test]
fn surrogates() {
    let cases = [
        (r"\ud83d\ude00", false, "😀"),
        (r"\ud83d", true, "\u{fffd}"),
        (r"\ude00", true, "\u{fffd}"),
        (r"\ud83dx", true, "\u{fffd}x"),
        (r"\ud83d\n", true, "\u{fffd}\n"),
        (r"\ud83d\ud83d", true, "\u{fffd}\u{fffd}"),
        (r"\ud83d\ud83d\ude00", true, "\u{fffd}😀"),
        (r"\ude00\ud83d", true, "\u{fffd}\u{fffd}"),
        (r"\ud83d\ude00\ude00", true, "😀\u{fffd}"),
        (r"\\ud83d", false, r"\ud83d"),
        (r"\\\ud83d", true, "\\\u{fffd}"),
        (r"é\uD83D€", true, "é\u{fffd}€"),
        (r"\ud83d\u0041", true, "\u{fffd}A"),
        (r"\ufffd\ufeff\u0000", false, "\u{fffd}\u{feff}\0"),
    ];
    for (raw, lone, text) in cases {
        let json = format!(r#"["{raw}",{{"{raw}":1}}]"#);
        assert_eq!(check(&json), Ok(lone), "{raw}");
        assert_eq!(unescape(raw), text, "{raw}");
        let mended: (String, IgnoredAny) = serde_json::from_str(&mend_surrogates(&json)).unwrap();
        assert_eq!(mended.0, text, "{raw}");
        if !lone {
            assert_eq!(mend_surrogates(&json), json);
        }
    }
}

#[test]
fn elements() {
    let cases: [(&str, &[&str]); 8] = [
        ("", &[]),
        (" \n", &[]),
        ("1", &["1"]),
        (r#" "a,]\"" , 2 "#, &[r#""a,]\"""#, "2"]),
        (
            r#"{"]":["}",{}]},[[],[]],"\\",null"#,
            &[r#"{"]":["}",{}]}"#, "[[],[]]", r#""\\""#, "null"],
        ),
        ("-1.5e+3 ,true\t,\n\"\"", &["-1.5e+3", "true", "\"\""]),
        (r#""\u0022","abcdefgh\",,""#, &[r#""\u0022""#, r#""abcdefgh\",,""#]),
        (r#""é","😀,""#, &[r#""é""#, r#""😀,""#]),
    ];
    for (text, expected) in cases {
        assert_eq!(Elements::new(text).collect::<Vec<_>>(), expected, "{text}");
    }
}

/// Pieces of JSON in any order, most of them nearly right.
fn soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"a\":",
        r#""\ud83d""#,
        r#""\u00e9\n""#,
        "\\",
        "1",
        "-0",
        "0",
        "-",
        "1.5",
        ".",
        "e5",
        "1E-2",
        "1e999",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\u{1}",
        "é",
        "[[",
        "]]",
        "{\"k\":{",
        "}}",
        "[1,",
        ",2]",
        "\"01234567\"",
    ]);
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// Valid JSON with one byte's worth of damage.
fn damaged() -> impl Strategy<Value = String> {
    let text = crate::value::strategy::value().prop_map(|value| value.to_string());
    (text, any::<prop::sample::Index>(), any::<Option<char>>()).prop_map(|(text, index, insert)| {
        let mut chars: Vec<_> = text.chars().collect();
        let at = index.index(chars.len());
        match insert {
            Some(c) => chars.insert(at, c),
            None => _ = chars.remove(at),
        }
        chars.into_iter().collect()
    })
}

proptest! {
    /// serde_json's skipping reader knows no depth, no range of numbers and no surrogates: what is
    /// left is the grammar, and there the two are one.
    #[test]
    fn agrees_with_serde_json(text in prop_oneof![soup(), damaged(), any::<String>()]) {
        let ours = scan(&text, u16::MAX, &mut ()).is_ok();
        let theirs = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(ours, theirs, "{}", text);
    }

    #[test]
    fn helpers_never_panic(text in prop_oneof![soup(), any::<String>()]) {
        _ = unescape(&text);
        _ = mend_surrogates(&text);
        prop_assert!(Elements::new(&text).count() <= text.len());
    }

    #[test]
    fn unescape_is_what_serde_json_reads(text: String) {
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(unescape(&json[1..json.len() - 1]), text);
    }

    #[test]
    fn unescape_undoes_escaping_every_unit(text: String) {
        let raw: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        prop_assert_eq!(check(&format!("\"{raw}\"")), Ok(false));
        prop_assert_eq!(unescape(&raw), text);
    }
}

#[test]
fn whatever_ends_a_plain_run_is_found_wherever_it_is() {
    use super::string::{is_plain, plain_run};
    for len in 0..200 {
        let plain = "é".repeat(len / 2) + &"x".repeat(len % 2);
        assert_eq!(plain_run(plain.as_bytes(), 0), len);
        assert!(is_plain(&plain));
        for at in 0..len {
            for special in [b'"', b'\\', 0, 0x1f] {
                let mut bytes = vec![b' '; len];
                bytes[at] = special;
                assert_eq!(plain_run(&bytes, 0), at, "{special} in {len}");
                assert_eq!(plain_run(&bytes, at), at);
            }
        }
    }
}
