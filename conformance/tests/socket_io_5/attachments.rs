//! Binary arguments, wherever they stand.

use crate::{join, joined, joined_on_both, served, served_with};

fn place(num: usize) -> String {
    format!("{{\"_placeholder\":true,\"num\":{num}}}")
}

#[test]
fn binary_comes_back_in_its_place() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let args =
                format!(r#"1,[{}],{{"b":{{"c":{}}},"a":"x"}},{}"#, place(0), place(1), place(2));
            let data = ["bAQID", "b", "b/+8="];
            client.send(&[&[&*format!("453-[\"message\",{args}]")], &data[..]].concat());
            client.expect(&[&[&*format!("453-[\"message-back\",{args}]")], &data[..]].concat());
            client.send(&[&[&*format!("453-12[\"message-with-ack\",{args}]")], &data[..]].concat());
            client.expect(&[&[&*format!("463-12[{args}]")], &data[..]].concat());
        });
    });
}

#[test]
fn binary_travels_in_namespaces_too() {
    served(|address| {
        joined_on_both(address, |mut client| {
            join(&mut client, "/custom");
            client.send(&[&format!("451-/custom,[\"message\",{}]", place(0)), "bAQID"]);
            client.expect(&[&format!("451-/custom,[\"message-back\",{}]", place(0)), "bAQID"]);
            client.send(&[&format!("451-/custom,7[\"message-with-ack\",{}]", place(0)), "bAQID"]);
            client.expect(&[&format!("461-/custom,7[{}]", place(0)), "bAQID"]);
        });
    });
}

#[test]
fn the_rest_of_a_binary_event_keeps_its_text() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let args = format!(
                r#"1.0,1e2,123456789012345678901234567890,{{"b":1,"a":"\u0061"}},{}"#,
                place(0)
            );
            client.send(&[&format!("451-[\"message\",{args}]"), "bAQID"]);
            client.expect(&[&format!("451-[\"message-back\",{args}]"), "bAQID"]);
        });
    });
}

#[test]
fn ten_attachments_are_the_most() {
    served(|address| {
        let packet = |count: usize, name: &str| {
            let all: Vec<_> = (0..count).map(place).collect();
            format!("45{count}-[\"{name}\",{}]", all.join(","))
        };
        joined_on_both(address, |mut client| {
            let data = ["bAQID"; 10];
            client.send(&[&[&*packet(10, "message")], &data[..]].concat());
            client.expect(&[&[&*packet(10, "message-back")], &data[..]].concat());
            client.send(&[&packet(11, "message")]);
            client.expect_close();
        });
    });
}

#[test]
fn more_may_be_allowed() {
    served_with(
        |builder| builder.max_attachments(20),
        |address| {
            let all: Vec<_> = (0..20).map(place).collect();
            let data = ["bAQID"; 20];
            let mut client = joined(address);
            client
                .send(&[&[&*format!("4520-[\"message\",{}]", all.join(","))], &data[..]].concat());
            client.expect(&[&*format!("4520-[\"message-back\",{}]", all.join(","))]);
            client.expect(&data);
        },
    );
}

#[test]
fn placeholders_in_any_order_name_the_right_attachments() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&[
                &format!("452-[\"message\",{},{}]", place(1), place(0)),
                "bAQ==",
                "bAg==",
            ]);
            // Told by the order in which they stand, or by their old numbers: what counts is which data stands where.
            let packet = client.next();
            let data = [client.next(), client.next()];
            let json: serde_json::Value = serde_json::from_str(&packet[4..]).expect("JSON");
            let at =
                |arg: usize| data[json[arg]["num"].as_u64().expect("a number") as usize].clone();
            assert_eq!((at(1), at(2)), ("bAg==".to_owned(), "bAQ==".to_owned()));
        });
    });
}

#[test]
fn an_attachment_may_be_used_twice_or_not_at_all() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&[
                &format!("452-1[\"message-with-ack\",{0},{0}]", place(1)),
                "bAQ==",
                "bAg==",
            ]);
            let packet = client.next();
            let count: usize = packet[2..3].parse().expect("a count");
            let data: Vec<_> = (0..count).map(|_| client.next()).collect();
            let json = packet.split_once("-1").expect("a number").1;
            let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
            for arg in [0, 1] {
                assert_eq!(data[json[arg]["num"].as_u64().expect("a number") as usize], "bAg==");
            }
        });
    });
}

#[test]
fn only_true_placeholders_count() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let args =
                format!(r#"{{"_placeholder":false,"num":5}},{{"_placeholder":1}},{}"#, place(0));
            client.send(&[&format!("451-[\"message\",{args}]"), "bAQID"]);
            client.expect(&[&format!("451-[\"message-back\",{args}]"), "bAQID"]);
        });
    });
}

#[test]
fn attachments_may_come_one_request_at_a_time() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&[&format!("452-[\"message\",{},{}]", place(0), place(1))]);
            client.send(&["bAQ=="]);
            client.send(&["bAg=="]);
            client.expect(&[&format!("452-[\"message-back\",{},{}]", place(0), place(1))]);
            client.expect(&["bAQ==", "bAg=="]);
        });
    });
}

#[test]
fn large_attachments_arrive_whole() {
    served(|address| {
        joined_on_both(address, |mut client| {
            let data = format!("b{}", "/+8A".repeat(200_000));
            client.send(&[&format!("451-[\"message\",{}]", place(0)), &data]);
            client.expect(&[&format!("451-[\"message-back\",{}]", place(0))]);
            assert!(client.next() == data, "damaged");
        });
    });
}
