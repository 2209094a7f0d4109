//! Packets of Socket.IO that nest, count and name beyond reason, by the hundred.

use siomio_testkit::{
    http::Http,
    polling::{Polling, SEPARATOR},
};

use crate::{
    IDLE, KIB, MAX_PAYLOAD, PATH, besiege,
    bystanders::Guest,
    peer::{Peer, crowd, frame, request, text, upgrade},
    victim::Victim,
};

/// The goodbye that does not wait for a session's last poll.
pub(crate) const BRIEF: [(&str, &str); 1] = [("CLOSE_TIMEOUT", "1000")];

/// Many send this on either transport; what they send behind it must not be looked at.
pub(crate) fn breaks_off(victim: &Victim, packet: &str, many: usize) {
    const BEHIND: &str = "42[\"message\",\"behind\"]";
    let what = packet.get(..80).unwrap_or(packet);
    let all = [text(packet), text(BEHIND), frame(0x88, "")].concat();
    let mut peers = crowd(many, || Peer::joined(victim.address));
    for peer in &mut peers {
        peer.say(&all);
    }
    for peer in &mut peers {
        assert!(!peer.last_words(what).contains("behind"), "{what} is no obstacle");
    }
    for _ in 0..many {
        let mut http = Http::connect(victim.address);
        let session = Polling::open_on(&mut http, victim.address, PATH);
        http.post(&session.target, ["40", packet, BEHIND].join(SEPARATOR));
        let heard = http.get(&session.target);
        assert!(!String::from_utf8_lossy(&heard.body).contains("behind"), "{what}: {heard:?}");
    }
}

/// What stands in a packet for an attachment with this index.
pub(crate) fn placeholder(num: &str) -> String {
    format!("{{\"_placeholder\":true,\"num\":{num}}}")
}

#[test]
fn nesting_costs_no_stack() {
    const LEVELS: usize = 100_000;
    besiege(&BRIEF, 8 * 2 * MAX_PAYLOAD, |victim| {
        let lists = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
        let objects = format!("{}1{}", "{\"a\":".repeat(LEVELS), "}".repeat(LEVELS));
        let open = "[".repeat(9 * LEVELS);
        for nested in [lists, objects, open] {
            for packet in [
                format!("42[\"message\",{nested}]"),
                format!("42{nested}"),
                format!("40/custom,{{\"a\":{nested}}}"),
                format!("40/nowhere,{{\"a\":{nested}}}"),
                format!("430[{nested}]"),
                format!("451-[\"message\",{},{nested}]", placeholder("0")),
                format!("461-0[{nested}]"),
                format!("41{nested}"),
                format!("44{nested}"),
            ] {
                breaks_off(victim, &packet, 2);
            }
        }
    });
}

#[test]
fn nesting_in_queries_is_text() {
    besiege(&[("ALLOW_EIO3", "1")], 8 * 3 * MAX_PAYLOAD, |victim| {
        let nested = "[".repeat(12_000);
        let target = format!("/socket.io/?EIO=4&transport=polling&a={nested}");
        for peer in &mut crowd(8, || Peer::connect(victim.address)) {
            peer.say(request("GET", &target, "", ""));
            peer.hear("\"sid\"", 1);
        }
        // Clients of old send a query along to a namespace.
        let target = target.replace("EIO=4", "EIO=3").replace("polling", "websocket");
        for query in ["[".repeat(500_000), "a[b]=1&".repeat(100_000), "[".repeat(30_000)] {
            for _ in 0..4 {
                let mut old = Peer::saying(victim.address, upgrade(&target));
                old.say(text(format!("40/custom?a={query}")));
                old.say(text("42[\"message\",\"after\"]"));
                old.hear("[\"message-back\",\"after\"]", 1);
            }
        }
    });
}

/// Names that mean something to somebody, and can be names of anything here.
const NAMES: [&str; 11] = [
    "error",
    "message",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "then",
    "close",
    "connection",
    "*",
];

/// Names that belong to the protocol.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

#[test]
fn names_that_mean_something_elsewhere_do_no_harm() {
    besiege(&BRIEF, 40 * IDLE, |victim| {
        for peer in &mut crowd(20, || Peer::joined(victim.address)) {
            for name in NAMES {
                for packet in [
                    format!("42[\"{name}\"]"),
                    format!("427[\"{name}\",{{\"{name}\":null}}]"),
                    format!("42[\"join\",\"{name}\"]"),
                    format!("42[\"to-room\",\"{name}\",1]"),
                    format!("40/{name},{{\"{name}\":{{}}}}"),
                ] {
                    peer.say(text(packet));
                }
            }
            peer.say(text("42[\"message\",\"after\"]"));
            peer.hear("[\"message-back\",\"after\"]", 1);
        }
        for name in RESERVED {
            breaks_off(victim, &format!("42[\"{name}\",\"x\"]"), 4);
        }
        for name in ["{\"toString\":\"x\"}", "{\"length\":1000000000}", "[]", "null", "true"] {
            breaks_off(victim, &format!("42[{name}]"), 4);
        }
    });
}

#[test]
fn numbers_beyond_all_numbers_are_none() {
    besiege(&BRIEF, 8 * 2 * MAX_PAYLOAD, |victim| {
        for number in ["18446744073709551616".to_owned(), "9".repeat(MAX_PAYLOAD - 100)] {
            breaks_off(victim, &format!("42{number}[\"message-with-ack\",1]"), 4);
            breaks_off(victim, &format!("43{number}[1]"), 4);
            breaks_off(victim, &format!("461-{number}[{}]", placeholder("0")), 4);
        }
        let mut peer = Peer::joined(victim.address);
        // In an event a number may be any.
        let digits = "9".repeat(MAX_PAYLOAD / 2);
        peer.say(text(
            format!("42[\"message\",{digits},1e{digits}]")
                .get(..MAX_PAYLOAD - 1)
                .unwrap_or_default(),
        ));
        peer.say(frame(0x88, ""));
        peer.last_words("a number without an end");
    });
}

#[test]
fn namespaces_by_the_thousand_leave_nothing() {
    besiege(&BRIEF, 8 * 1_000 * KIB / 2, |victim| {
        let come_and_go =
            ["40/custom,", "42/custom,[\"message\",1]", "41/custom,"].map(text).concat();
        for peer in &mut crowd(8, || Peer::joined(victim.address)) {
            for thousand in 0..3 {
                let all: Vec<_> =
                    (0..1_000).flat_map(|n| text(format!("40/{thousand}-{n}"))).collect();
                assert!(peer.say(all));
                peer.hear("Invalid namespace", 1_000);
                assert!(peer.say(come_and_go.repeat(1_000)));
                peer.hear("message-back", 1_000);
            }
        }
    });
}

#[test]
fn names_of_namespaces_that_are_as_long_as_a_message_are_not_kept() {
    besiege(&BRIEF, 8 * MAX_PAYLOAD, |victim| {
        let mut peer = Peer::joined(victim.address);
        let name = "x".repeat(MAX_PAYLOAD - 100);
        for n in 0..40 {
            for packet in ["40/", "40/custom?"] {
                peer.say(text(format!("{packet}{n}{name}")));
                peer.hear("Invalid namespace", 1);
            }
        }
    });
}

#[test]
fn a_bystander_in_the_same_namespace_notices_nothing() {
    besiege(&BRIEF, 50 * IDLE, |victim| {
        let mut guest = Guest::join(victim.address, "/");
        for packet in
            ["42", "4abc", "450-[\"message\"]", "40", "42[\"connect\"]", "42/nowhere,[\"a\"]"]
        {
            breaks_off(victim, packet, 20);
            guest.is_served();
        }
    });
}
