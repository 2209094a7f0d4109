//! Packets of Socket.IO that lie, nest, or never end, by the hundred.

use std::time::Instant;

use siomio_testkit::{
    http::Http,
    polling::{Polling, SEPARATOR},
};

use crate::{
    IDLE, KIB, MAX_PAYLOAD, PATH, SOON, Turn, WEBSOCKET, besiege,
    bystanders::Guest,
    peer::{Peer, crowd, frame, request, text, upgrade},
    victim::Victim,
};

/// The goodbye that does not wait for a session's last poll.
const BRIEF: [(&str, &str); 1] = [("CLOSE_TIMEOUT", "1000")];

/// Many send this on either transport; what they send behind it must not be looked at.
fn breaks_off(victim: &Victim, packet: &str, many: usize) {
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

fn placeholder(num: &str) -> String {
    format!("{{\"_placeholder\":true,\"num\":{num}}}")
}

#[test]
fn attachments_that_never_come_cost_what_has_come_of_them() {
    const BROUGHT: usize = 90 * KIB;
    besiege(&[], 50 * 9 * 2 * BROUGHT / 2 + 150 * IDLE, |victim| {
        let announcement = text(format!("4510-[\"message\",{}]", placeholder("0")));
        // Some bring nothing at all, some nearly everything.
        let silent = crowd(100, || Peer::joined(victim.address));
        let nearly = crowd(50, || Peer::joined(victim.address));
        for (mut peer, brought) in
            silent.into_iter().map(|peer| (peer, 0)).chain(nearly.into_iter().map(|peer| (peer, 9)))
        {
            peer.say(&announcement);
            for _ in 0..brought {
                peer.say(frame(0x82, vec![1; BROUGHT]));
            }
            peer.say(frame(0x89, "seen"));
            peer.hear("seen", 1);
        }
    });
}

#[test]
fn attachments_that_are_none_break_off() {
    besiege(&BRIEF, 16 * IDLE, |victim| {
        let counts = [
            "51",
            "50",
            "0",
            "00",
            "11",
            "4294967296",
            "9999999999",
            "18446744073709551616",
            "-1",
            "1e9",
            "",
        ];
        for count in counts {
            let packet = format!("45{count}-[\"message\",{}]", placeholder("0"));
            breaks_off(victim, &packet, 8);
        }
        breaks_off(victim, &format!("45{}-[\"message\"]", "9".repeat(MAX_PAYLOAD - 100)), 2);
        let indexes = [
            "1",
            "-1",
            "\"0\"",
            "\"splice\"",
            "0.5",
            "1e0",
            "null",
            "[0]",
            "true",
            "4294967296",
            "99999999999999999999",
        ];
        for index in indexes {
            breaks_off(victim, &format!("451-[\"message\",{}]", placeholder(index)), 8);
        }
    });
}

#[test]
fn text_among_attachments_breaks_off() {
    besiege(&BRIEF, 300 * IDLE, |victim| {
        for between in ["42[\"message\",\"behind\"]", "451-[\"message\"]", "40/custom,", "41", "x"]
        {
            let mut peers = crowd(50, || Peer::joined(victim.address));
            let packets = [
                text(format!("453-[\"message\",\"behind\",{}]", placeholder("0"))),
                frame(0x82, [1; 100]),
                text(between),
                frame(0x82, [1; 100]),
                frame(0x82, [1; 100]),
                frame(0x88, ""),
            ];
            for peer in &mut peers {
                peer.say(packets.concat());
            }
            for peer in &mut peers {
                assert!(!peer.last_words(between).contains("behind"), "{between} is no obstacle");
            }
        }
    });
}

#[test]
fn attachments_that_nobody_announced_are_not_kept() {
    besiege(&BRIEF, 40 * (MAX_PAYLOAD / 4), |victim| {
        let zero = text("450-[\"message\"]");
        for announcement in [Vec::new(), zero] {
            let mut peers = crowd(20, || Peer::saying(victim.address, upgrade(WEBSOCKET)));
            for peer in &mut peers {
                peer.say([text("40"), announcement.clone()].concat());
                for _ in 0..20 {
                    peer.say(frame(0x82, [1; 50 * KIB]));
                }
                peer.say(frame(0x88, ""));
            }
            for peer in &mut peers {
                peer.last_words("an attachment of nothing");
            }
        }
    });
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

/// Messages of another format that lie and nest.
fn packed() -> Vec<Vec<u8>> {
    let event =
        |data: &[u8]| [b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa7message", data].concat();
    let mut all: Vec<_> = [
        b"\xdb\xff\xff\xff\xffx".as_slice(),
        b"\xc6\xff\xff\xff\xffx",
        b"\xdd\xff\xff\xff\xff\x01",
        b"\xdf\xff\xff\xff\xff\x01",
        b"\xc9\xff\xff\xff\xff\x01x",
        b"\xc1",
        b"\xd9\x02\xc3\x28",
        b"\xd6\x00",
        b"",
    ]
    .into_iter()
    .map(event)
    .collect();
    for nesting in [b"\x91".as_slice(), b"\x81\xa1a", b"\xdc\0\x01", b"\xdd\0\0\0\x01"] {
        all.push(event(&nesting.repeat(100_000)));
        all.push([nesting.repeat(100_000), vec![0xc0]].concat());
    }
    all.extend([Vec::new(), vec![0xc1; 1000], vec![0x80], vec![0xdf, 0xff, 0xff, 0xff, 0xff]]);
    all
}

#[test]
fn messages_of_another_format_are_not_believed_either() {
    let _turn = Turn::wait();
    for shards in ["1", "4"] {
        println!("with {shards} shards");
        let victim = Victim::start(&[("SHARDS", shards), ("PARSER", "msgpack")]);
        let join = frame(0x82, b"\x82\xa4type\0\xa3nsp\xa1/");
        let joined =
            || Peer::saying(victim.address, [upgrade(WEBSOCKET).as_bytes(), &join].concat());
        joined().hear("auth", 1);
        let calm = victim.memory();
        for message in packed() {
            let mut peers = crowd(8, joined);
            for peer in &mut peers {
                peer.say([frame(0x82, &message), frame(0x88, "")].concat());
            }
            for peer in &mut peers {
                peer.last_words("a broken message");
            }
            let begun = Instant::now();
            joined().hear("auth", 1);
            assert!(begun.elapsed() < SOON, "a newcomer has waited for {:?}", begun.elapsed());
        }
        assert!(victim.is_alive(), "the server has ended");
        let peak = victim.peak() - calm;
        assert!(peak <= 8 * 2 * MAX_PAYLOAD + crate::NOISE, "{} KiB of memory", peak / KIB);
        crate::wait_until("the peers are gone", || victim.connections() == 0);
    }
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
