//! Acknowledgements in both directions.

use crate::{assert_echoes, join, joined, joined_on_both, on_both, served};

#[test]
fn numbers_come_back_as_they_are() {
    served(|address| {
        joined_on_both(address, |mut client| {
            for id in ["0", "1", "456", "9007199254740993", "18446744073709551615"] {
                client.send(&[&format!("42{id}[\"message-with-ack\",\"x\"]")]);
                client.expect(&[&format!("43{id}[\"x\"]")]);
            }
            client.send(&["42007[\"message-with-ack\"]"]);
            client.expect(&["437[]"]);
        });
    });
}

#[test]
fn the_same_number_may_be_used_again() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["425[\"message-with-ack\",1]", "425[\"message-with-ack\",2]"]);
            client.expect(&["435[1]", "435[2]"]);
        });
    });
}

#[test]
fn who_wants_no_acknowledgement_gets_none() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["42[\"message-with-ack\",1]"]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn the_server_asks_too() {
    served(|address| {
        on_both(address, |mut client| {
            join(&mut client, "/custom");
            client.send(&["42/custom,[\"ack-me\",1,{\"a\":1.0}]"]);
            let packet = client.next();
            let rest = packet.strip_prefix("42/custom,").expect("an event");
            let (id, json) = rest.split_at(rest.find('[').expect("arguments"));
            assert!(id.parse::<u64>().is_ok(), "{packet}");
            assert_eq!(json, "[\"ack-request\",1,{\"a\":1.0}]");
            client.send(&[&format!("43/custom,{id}[\"x\",{{\"b\":1,\"a\":2}}]")]);
            client.expect(&["42/custom,[\"ack-response\",\"x\",{\"b\":1,\"a\":2}]"]);
        });
    });
}

/// Has the server ask, and returns the number it asks with.
fn asked(client: &mut crate::common::Client) -> String {
    client.send(&["42[\"ack-me\"]"]);
    let packet = client.next();
    let id = packet.strip_prefix("42").and_then(|rest| rest.strip_suffix("[\"ack-request\"]"));
    id.filter(|id| id.parse::<u64>().is_ok()).unwrap_or_else(|| panic!("{packet}")).to_owned()
}

#[test]
fn answers_count_once() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let id = asked(&mut client);
            let (first, second) = (format!("43{id}[1]"), format!("43{id}[2]"));
            client.send(&[&first, &second, &first]);
            client.expect(&["42[\"ack-response\",1]"]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn answers_that_nobody_asked_for_are_ignored() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["43999[1]", "43[1]", "43", "4318446744073709551615[]"]);
            client.send(&["461-999[{\"_placeholder\":true,\"num\":0}]", "bAQID"]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn answers_may_come_in_any_order_and_be_empty() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let (one, two, three) = (asked(&mut client), asked(&mut client), asked(&mut client));
            client.send(&[&format!("43{three}[3]"), &format!("43{one}"), &format!("43{two}[]")]);
            client.expect(&[
                "42[\"ack-response\",3]",
                "42[\"ack-response\"]",
                "42[\"ack-response\"]",
            ]);
        });
    });
}

#[test]
fn binary_is_asked_and_answered() {
    let place = r#"{"_placeholder":true,"num":0}"#;
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&[&format!("451-[\"ack-me\",{place}]"), "bAQID"]);
            let packet = client.next();
            let id = packet.strip_prefix("451-");
            let id = id.and_then(|rest| rest.strip_suffix(&format!("[\"ack-request\",{place}]")));
            let id = id.unwrap_or_else(|| panic!("{packet}")).to_owned();
            client.expect(&["bAQID"]);
            client.send(&[&format!("461-{id}[[{place}],\"x\"]"), "bBAUG"]);
            client.expect(&[&format!("451-[\"ack-response\",[{place}],\"x\"]"), "bBAUG"]);
        });
    });
}

#[test]
fn nobody_answers_for_somebody_else() {
    served(|address| {
        let (mut asked_one, mut other) = (joined(address), joined(address));
        let id = asked(&mut asked_one);
        other.send(&[&format!("43{id}[\"mine\"]")]);
        assert_echoes(&mut other);
        join(&mut asked_one, "/custom");
        asked_one.send(&[&format!("43/custom,{id}[\"elsewhere\"]")]);
        asked_one.send(&[&format!("43{id}[\"right\"]")]);
        asked_one.expect(&["42[\"ack-response\",\"right\"]"]);
    });
}
