//! More connections than there is room for, and connections that come and go.

use std::{
    thread,
    time::{Duration, Instant},
};

use siomio_testkit::{PATIENCE, http::Http, polling::Polling};

use crate::{
    IDLE, KIB, PATH, SOON, Turn, WEBSOCKET, besiege,
    bystanders::{Guest, serves_newcomers},
    peer::{Peer, crowd, frame, request, text, upgrade},
    victim::Victim,
    wait_until,
};

#[test]
fn when_descriptors_run_out_those_who_are_in_go_on_and_others_come_in_later() {
    const DESCRIPTORS: usize = 64;
    let _turn = Turn::wait();
    for shards in ["1", "4"] {
        println!("with {shards} shards");
        let victim = Victim::start_with_descriptors(DESCRIPTORS, &[("SHARDS", shards)]);
        let mut bystander = Guest::join(victim.address, "/custom");
        let mut http = Http::connect(victim.address);
        let session = Polling::open_on(&mut http, victim.address, PATH);
        serves_newcomers(victim.address);

        for round in 0..3 {
            // The system takes connections on behalf of a server that cannot.
            let flood = crowd(200, || Peer::connect(victim.address));
            wait_until("its descriptors run out", || victim.connections() > DESCRIPTORS - 24);
            let spent = victim.processor_time();
            let begun = Instant::now();
            for _ in 0..20 {
                bystander.is_served();
                assert_eq!(http.post(&session.target, "3").text(), "ok");
                thread::sleep(Duration::from_millis(20));
            }
            // It looks again and again whether there is room, but not all the time.
            let (spent, time) = (victim.processor_time() - spent, begun.elapsed());
            assert!(u128::from(spent) * 10 < time.as_millis() / 2, "{spent} ticks in {time:?}");

            drop(flood);
            assert!(victim.is_alive(), "the server has ended");
            wait_until("the flood is gone", || victim.connections() == 2);
            let begun = Instant::now();
            serves_newcomers(victim.address);
            assert!(begun.elapsed() < SOON, "in round {round}");
            bystander.is_served();
        }
    }
}

#[test]
fn newcomers_need_not_wait_for_the_end_of_a_flood_that_says_nothing() {
    let _turn = Turn::wait();
    for shards in ["1", "4"] {
        println!("with {shards} shards");
        let settings = [("SHARDS", shards), ("HEAD_TIMEOUT", "500")];
        let victim = Victim::start_with_descriptors(64, &settings);
        let mut bystander = Guest::join(victim.address, "/custom");
        let _flood = crowd(120, || Peer::connect(victim.address));
        let deadline = Instant::now() + PATIENCE;
        // Whoever knocks waits in line behind those that say nothing, until their time is over.
        let address = victim.address;
        let newcomer =
            thread::spawn(move || Guest::join(address, "/custom").ask("message", "\"new\""));
        while !newcomer.is_finished() {
            bystander.is_served();
            assert!(Instant::now() < deadline, "nobody comes in any more");
        }
        newcomer.join().expect("the newcomer is served");
    }
}

#[test]
fn connections_that_come_and_go_leave_nothing() {
    besiege(&[], 300 * IDLE, |victim| {
        let partial = upgrade(WEBSOCKET);
        let whole =
            [upgrade(WEBSOCKET).as_bytes(), &text("40"), &text("42[\"message\",1]")].concat();
        let beginnings: [&[u8]; 7] = [
            b"",
            b"G",
            b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n",
            &partial.as_bytes()[..partial.len() - 2],
            partial.as_bytes(),
            &whole,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ];
        for _ in 0..5 {
            for beginning in beginnings {
                // They end in turn, are reset, and are forgotten together.
                let peers = crowd(30, || Peer::saying(victim.address, beginning));
                for (n, peer) in peers.into_iter().enumerate() {
                    if n % 2 == 0 { peer.reset() } else { drop(peer) }
                }
            }
        }
    });
}

#[test]
fn requests_without_number_on_one_connection_are_answered_in_turn() {
    besiege(&[], 10 * 512 * KIB, |victim| {
        let request = request("GET", "/socket.io/?EIO=4", "", "");
        for mut peer in crowd(10, || Peer::connect(victim.address)) {
            for _ in 0..20 {
                assert!(peer.say(request.repeat(100)));
                peer.hear("Transport unknown", 100);
            }
        }
    });
}

#[test]
fn requests_whose_answers_nobody_reads_are_not_read_themselves() {
    besiege(&[("SEND_TIMEOUT", "1000")], 10 * 512 * KIB, |victim| {
        let requests = request("GET", "/socket.io/?EIO=4", "", "").repeat(500);
        let mut deaf = crowd(10, || Peer::connect(victim.address));
        let deadline = Instant::now() + PATIENCE;
        while !deaf.is_empty() {
            deaf.retain_mut(|peer| peer.say(&requests));
            assert!(Instant::now() < deadline, "{} are still listened to", deaf.len());
        }
    });
}

#[test]
fn events_without_number_are_worked_off() {
    besiege(&[], 10 * 512 * KIB, |victim| {
        // Nobody listens to these, and nobody has asked for those.
        let events = [text("42[\"nobody\",1]"), text("43999[1]"), text("3"), frame(0x8a, "")];
        let events = events.concat().repeat(1000);
        let mut peers = crowd(10, || Peer::joined(victim.address));
        for _ in 0..10 {
            for peer in &mut peers {
                assert!(peer.say(&events), "a peer was cut off");
            }
        }
        for peer in &mut peers {
            peer.say(text("42[\"message\",\"after\"]"));
            peer.hear("[\"message-back\",\"after\"]", 1);
        }
    });
}
