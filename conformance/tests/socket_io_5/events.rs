//! Events that come back as they went.

use crate::{assert_echoes, join, joined, joined_on_both, served};

/// Arguments that must come back byte for byte.
fn assert_kept(all: &[&str]) {
    served(|address| {
        joined_on_both(address, |mut client| {
            for args in all {
                client.send(&[&format!("42[\"message\",{args}]")]);
                client.expect(&[&format!("42[\"message-back\",{args}]")]);
                client.send(&[&format!("427[\"message-with-ack\",{args}]")]);
                client.expect(&[&format!("437[{args}]")]);
            }
        });
    });
}

#[test]
fn numbers_keep_their_text() {
    assert_kept(&[
        "1.0",
        "1e2",
        "1E+2",
        "-0",
        "-0.0",
        "0.1",
        "1.10",
        "1e400",
        "-1e-400",
        "9007199254740993",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890.123456789012345678901234567890",
    ]);
}

#[test]
fn objects_keep_the_order_and_the_spelling_of_their_keys() {
    assert_kept(&[
        r#"{"b":1,"a":2}"#,
        r#"{"10":1,"9":2,"":3}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"__proto__":{"x":1},"constructor":null,"toString":"x"}"#,
        r#"{"\u0061":1,"a/b":"a\/b"}"#,
        r#"[[],{},[{}],{"a":[]},null,true,false]"#,
    ]);
}

#[test]
fn strings_keep_their_spelling() {
    assert_kept(&[
        r#""""#,
        r#""\u00e9é""#,
        r#""😀\ud83d\ude00""#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#""\u0000\u001e\u007f""#,
        "\"\u{7f}\u{2028}\u{2029}\u{feff}\u{fffd}\"",
        r#""<script>&amp;""#,
    ]);
}

#[test]
fn lone_surrogates_pass_through() {
    assert_kept(&[
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""a\udc00b\ud800""#,
        r#"{"\ud800":"\udfff"}"#,
        r#"["\ud83d\ud83d\ude00"]"#,
    ]);
}

#[test]
fn any_number_of_arguments_of_any_kind() {
    assert_kept(&[
        "1,\"2\",{\"3\":[true]}",
        "null",
        "null,null,null",
        "[],[],{}",
        &(0..1000).map(|n| n.to_string()).collect::<Vec<_>>().join(","),
    ]);
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["42[\"message\"]", "428[\"message-with-ack\"]"]);
            client.expect(&["42[\"message-back\"]", "438[]"]);
        });
    });
}

#[test]
fn placeholders_in_events_without_attachments_are_plain_objects() {
    assert_kept(&[
        r#"{"_placeholder":true,"num":0}"#,
        r#"{"_placeholder":true,"num":"x"},[{"_placeholder":true}]"#,
    ]);
}

#[test]
fn blanks_between_the_tokens_do_no_harm() {
    served(|address| {
        let mut client = joined(address);
        client.send(&["42 [ \"message\" ,\n1 ,\t{ \"a\" : [ ] } ] "]);
        let answer = client.next();
        let json: serde_json::Value = serde_json::from_str(&answer[2..]).expect("JSON");
        assert_eq!(json, serde_json::json!(["message-back", 1, { "a": [] }]));
    });
}

#[test]
fn names_may_be_spelt_with_escapes() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["42[\"m\\u0065ssage\",1]"]);
            client.expect(&["42[\"message-back\",1]"]);
        });
    });
}

#[test]
fn events_that_nobody_listens_to_are_ignored_whatever_they_are_called() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&[
                "42[\"error\",\"x\"]",
                "421[\"error\",{\"message\":\"x\"}]",
                "42[\"nobody\"]",
                "422[\"nobody\",1]",
                "42[1,\"x\"]",
                "42[1.5]",
                "42[\"\"]",
                "42[\"__proto__\"]",
                "42[\"constructor\",1]",
                "42[\"hasOwnProperty\"]",
                "42[\"connection\"]",
                "42[\"\\ud800\"]",
                "42[\"Message\"]",
                "451-[\"nobody\",{\"_placeholder\":true,\"num\":0}]",
                "bAQID",
            ]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn arguments_of_the_wrong_type_do_not_close() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&[
                "42[\"join\",5]",
                "42[\"join\"]",
                "42[\"to-room\",null,1]",
                "42[\"to-room\"]",
                "421[\"message\",1]",
            ]);
            client.expect(&["42[\"message-back\",1]"]);
            client.send(&["42[\"message-with-ack\",1]"]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn large_events_arrive_whole() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let list = (0..100_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
            client.send(&[&format!("42[\"message\",[{list}]]")]);
            assert!(client.next() == format!("42[\"message-back\",[{list}]]"), "damaged");
        });
    });
}

#[test]
fn order_is_kept_among_events_acknowledgements_and_namespaces() {
    served(|address| {
        joined_on_both(address, |mut client| {
            join(&mut client, "/custom");
            let mut packets = Vec::new();
            let mut answers = Vec::new();
            for n in 0..100 {
                packets.push(format!("42[\"message\",{n}]"));
                answers.push(format!("42[\"message-back\",{n}]"));
                packets.push(format!("42/custom,{n}[\"message-with-ack\",{n}]"));
                answers.push(format!("43/custom,{n}[{n}]"));
                packets.push(format!(
                    "451-{n}[\"message-with-ack\",{{\"_placeholder\":true,\"num\":0}}]"
                ));
                answers.push(format!("461-{n}[{{\"_placeholder\":true,\"num\":0}}]"));
                packets.push("bAQID".to_owned());
                answers.push("bAQID".to_owned());
            }
            client.send(&packets.iter().map(String::as_str).collect::<Vec<_>>());
            client.expect(&answers.iter().map(String::as_str).collect::<Vec<_>>());
        });
    });
}
