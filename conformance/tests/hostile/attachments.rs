//! Attachments that never come, that nobody announced, and that are none, by the hundred.

use crate::{
    IDLE, KIB, MAX_PAYLOAD, WEBSOCKET, besiege,
    packets::{BRIEF, breaks_off, placeholder},
    peer::{Peer, crowd, frame, text, upgrade},
};

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
