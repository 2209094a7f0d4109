//! Packets that break a rule: each closes the connection, gracefully, and nobody else's.

use crate::{
    PATH, assert_echoes, common::Client, join, joined, joined_on_both, on_both, served, served_with,
};

/// Each of these must close the connection of a client in the main namespace.
fn assert_close(packets: &[&str]) {
    served(|address| {
        let mut bystander = joined(address);
        for packet in packets {
            joined_on_both(address, |mut client| {
                println!("{packet:?}");
                client.send(&[packet]);
                client.expect_close();
            });
        }
        assert_echoes(&mut bystander);
    });
}

#[test]
fn unknown_types() {
    assert_close(&["4", "47[\"message\"]", "49", "4abc", "4 2[\"message\"]", "4-2", "4é"]);
}

#[test]
fn payloads_of_the_wrong_shape() {
    assert_close(&[
        // Events are arrays that begin with a name.
        "42",
        "42{}",
        "42\"message\"",
        "42null",
        "42[]",
        "42[null]",
        "42[true]",
        "42[[]]",
        "42[{\"toString\":\"x\"}]",
        // Acknowledgements are arrays.
        "430{}",
        "430\"x\"",
        "430null",
        // Joining takes an object or nothing, leaving takes nothing.
        "40/custom,[]",
        "40/custom,null",
        "40/custom,\"x\"",
        "41[]",
        "41{}",
        "41null",
    ]);
}

#[test]
fn payloads_that_are_no_json() {
    assert_close(&[
        "42[\"message\"",
        "42[\"message\"]]",
        "42[\"message\",]",
        "42[\"message\" 1]",
        "42[\"message\",01]",
        "42[\"message\",+1]",
        "42[\"message\",.5]",
        "42[\"message\",1.]",
        "42[\"message\",NaN]",
        "42[\"message\",undefined]",
        "42['message']",
        "42[\"message\",\"\t\"]",
        "42[\"message\",\"\\x41\"]",
        "42[\"message\",\"\\u12\"]",
        "42[\"message\",{a:1}]",
        "42[\"message\",{\"a\"}]",
        "42[\"message\"] x",
        "42 [\"message\"]x",
    ]);
}

#[test]
fn ids_that_are_none() {
    assert_close(&[
        "42abc[\"message-with-ack\"]",
        "42-1[\"message-with-ack\"]",
        "421.5[\"message-with-ack\"]",
        "4299999999999999999999[\"message-with-ack\"]",
        "4399999999999999999999[]",
    ]);
}

#[test]
fn reserved_event_names() {
    assert_close(&[
        "42[\"connect\"]",
        "42[\"connect_error\",{}]",
        "42[\"disconnect\"]",
        "42[\"disconnecting\",1]",
        "42[\"newListener\"]",
        "42[\"removeListener\"]",
        "421[\"connect\"]",
        // However they are spelt.
        "42[\"\\u0063onnect\"]",
        "42[\"dis\\u0063onnect\"]",
    ]);
}

#[test]
fn attachments_that_are_none() {
    let placeholder =
        |num: &str| format!("451-[\"message\",{{\"_placeholder\":true,\"num\":{num}}}]");
    let nums = ["1", "-1", "\"0\"", "\"splice\"", "0.5", "null", "[0]", "99999999999999999999"];
    let mut packets: Vec<String> = nums.into_iter().map(placeholder).collect();
    packets.extend(
        [
            "45[\"message\"]",
            "45-[\"message\"]",
            "450-[\"message\"]",
            "4500-[\"message\"]",
            "451[\"message\"]",
            "45x-[\"message\"]",
            "451x-[\"message\"]",
            "45-1-[\"message\"]",
            "45+1-[\"message\"]",
            "451.0-[\"message\"]",
            "451e0-[\"message\"]",
            "4511-[\"message\"]",
            "4599999999999999999999-[\"message\"]",
            "451-[\"message\",{\"_placeholder\":true}]",
            "461-0[{\"_placeholder\":true,\"num\":1}]",
            "460-0[]",
            // An attachment that nobody announced.
            "bAQID",
            "b",
        ]
        .map(str::to_owned),
    );
    // A broken placeholder may be noticed with the packet or with its last attachment.
    served(|address| {
        for packet in &packets {
            joined_on_both(address, |mut client| {
                println!("{packet}");
                client.send(&[packet]);
                client.expect_close();
            });
        }
    });
}

#[test]
fn anything_but_attachments_while_they_are_due() {
    let announced = "452-[\"message\",{\"_placeholder\":true,\"num\":0}]";
    served(|address| {
        for then in [
            &["42[\"message\"]"][..],
            &["bAQID", "42[\"message\"]"],
            &["bAQID", "41"],
            &["bAQID", "40/custom"],
            &["bAQID", "452-[\"message\"]"],
        ] {
            joined_on_both(address, |mut client| {
                client.send(&[&[announced][..], then].concat());
                client.expect_close();
            });
        }
        // One too many.
        joined_on_both(address, |mut client| {
            client.send(&[announced, "bAQID", "bAQID", "bAQID"]);
            client.expect(&[&announced.replace("message", "message-back"), "bAQID", "bAQID"]);
            client.expect_close();
        });
    });
}

#[test]
fn a_packet_and_its_attachments_count_together_against_the_limit() {
    let announced = "452-[\"message\",{\"_placeholder\":true,\"num\":0}]";
    served_with(
        |builder| builder.max_payload(200),
        |address| {
            let hundred = format!("b{}", "AAAA".repeat(33));
            let mut client = joined(address);
            client.send(&[announced, &hundred, &hundred]);
            client.expect_close();
        },
    );
}

#[test]
fn nesting_beyond_128_levels() {
    let nested = |levels: usize| {
        // The argument list is the first level.
        format!("42[\"message\",{}{}]", "[".repeat(levels - 1), "]".repeat(levels - 1))
    };
    served(|address| {
        joined_on_both(address, |mut client| {
            let answer = nested(128).replacen("message", "message-back", 1);
            client.send(&[&nested(128)]);
            client.expect(&[&answer]);
            client.send(&[&nested(129)]);
            client.expect_close();
        });
        joined_on_both(address, |mut client| {
            let open = format!("42[\"message\",{}", "{\"a\":".repeat(150_000));
            client.send(&[&open]);
            client.expect_close();
        });
    });
}

#[test]
fn packets_for_a_namespace_that_was_not_joined() {
    assert_close(&[
        "42/custom,[\"message\"]",
        "42/custom,1[\"message-with-ack\"]",
        "43/custom,1[]",
        "41/custom",
        "41/custom,",
        "42/none,[\"message\"]",
        "41/none",
        "451-/custom,[\"message\",{\"_placeholder\":true,\"num\":7}]",
    ]);
    served(|address| {
        for packet in ["42[\"message\"]", "41", "430[]", "42/custom,[\"message\"]"] {
            on_both(address, |mut client| {
                client.send(&[packet]);
                client.expect_close();
            });
        }
        // Refused is not joined either.
        on_both(address, |mut client| {
            client.send(&["40/none"]);
            client.expect(&["44/none,{\"message\":\"Invalid namespace\"}"]);
            client.send(&["42/none,[\"message\"]"]);
            client.expect_close();
        });
    });
}

#[test]
fn packets_for_a_namespace_that_the_client_has_left() {
    served(|address| {
        for packet in ["42/custom,[\"message\"]", "41/custom", "43/custom,0[]"] {
            joined_on_both(address, |mut client| {
                join(&mut client, "/custom");
                client.send(&["41/custom"]);
                assert_echoes(&mut client);
                client.send(&[packet]);
                client.expect_close();
            });
        }
    });
}

#[test]
fn joining_twice() {
    assert_close(&["40", "40{}", "40{\"token\":\"x\"}"]);
    served(|address| {
        on_both(address, |mut client| {
            join(&mut client, "/custom");
            client.send(&["40/custom"]);
            client.expect_close();
        });
    });
}

#[test]
fn packets_that_only_servers_send() {
    assert_close(&[
        "44",
        "44{\"message\":\"x\"}",
        "44\"x\"",
        "44/custom,{\"message\":\"x\"}",
        "44[]",
    ]);
}

#[test]
fn what_came_before_is_answered_first_and_nothing_that_comes_after() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["42[\"message\",1]", "42[\"message\",2]", "4abc", "42[\"message\",3]"]);
            client.expect(&["42[\"message-back\",1]", "42[\"message-back\",2]"]);
            client.expect_close();
        });
    });
}

#[test]
fn a_waiting_get_hears_of_it() {
    served(|address| {
        let mut client = Client::polling(address, PATH);
        join(&mut client, "/");
        let Client::Polling { session, .. } = client else { unreachable!() };
        let mut get = session.start_get();
        session.send(&["4abc"]);
        assert_eq!(get.response().text(), "1");
        assert_eq!(session.get().status, 400);
    });
}
