//! Everything at once: events from every shard and from outside, while clients lose their connections and come back.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use siomio::Recovery;

use super::*;

/// Clients that lose their connection again and again.
const CLIENTS: usize = 8;
/// Times each of them does.
const LOSSES: usize = 40;
/// Clients whose events make the server send to all.
const SPEAKERS: usize = 4;
/// In all; a bound, not a measure.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn nothing_is_lost_nothing_comes_twice_and_each_senders_order_is_kept() {
    let register = |server: &Server| {
        server.on("news", |socket: &Socket, who: u32, number: u32| {
            socket.namespace().emit("news", format!("{who}.{number}"));
        });
    };
    served(&Recovery::new(), register, |address, _| {
        let over = &AtomicBool::new(false);
        thread::scope(|scope| {
            let speakers: Vec<_> =
                (0..SPEAKERS).map(|who| scope.spawn(move || speak(address, who, over))).collect();
            let listeners: Vec<_> =
                (0..CLIENTS).map(|_| scope.spawn(move || listen(address))).collect();
            let heard: Vec<_> =
                listeners.into_iter().map(|listener| listener.join().expect("it hears")).collect();
            over.store(true, Ordering::SeqCst);
            let said: Vec<u32> =
                speakers.into_iter().map(|speaker| speaker.join().expect("it speaks")).collect();
            assert!(said.iter().all(|count| *count > 0), "{said:?}");
            for heard in heard {
                check(&heard);
            }
        });
    });
}

/// Sends numbered news until everybody has heard enough.
fn speak(address: SocketAddr, who: usize, over: &AtomicBool) -> u32 {
    let (mut client, began) = (speaker(address), Instant::now());
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        assert!(began.elapsed() < LIMIT, "the listeners take too long");
        client.send(&[&format!("42[\"news\",{who},{number}]")]);
        // Its own comes back like everybody's, so it does not run ahead of the server.
        let own = format!("\"{who}.{number}\"");
        while !client.next().contains(&own) {}
        number += 1;
    }
    number
}

/// Listens, and loses its connection after some events, whether the server has noticed or not when it is back.
fn listen(address: SocketAddr) -> Vec<String> {
    let mut client = Client::websocket(address, PATH);
    let session = join(&mut client);
    let (mut heard, mut last) = (Vec::new(), None);
    for round in 0..LOSSES {
        for _ in 0..=round * 7 % 20 {
            hear(&client.next(), &mut heard, &mut last);
        }
        client = Client::websocket(address, PATH);
        client.send(&[&back(&session, last.as_deref())]);
        loop {
            let packet = client.next();
            if packet.starts_with("40") {
                assert_eq!(super::session(&packet), session, "it has its session back");
                break;
            }
            hear(&packet, &mut heard, &mut last);
        }
    }
    heard
}

fn hear(packet: &str, heard: &mut Vec<String>, last: &mut Option<String>) {
    let packet = packet.strip_prefix("42[\"news\",\"").expect("news");
    let (news, offset) = packet.split_once("\",\"").expect("an offset");
    heard.push(news.to_owned());
    *last = offset.strip_suffix("\"]").map(str::to_owned);
}

/// From the first that was heard of each speaker on, there is no gap and nothing twice.
fn check(heard: &[String]) {
    let mut next: BTreeMap<u32, u32> = BTreeMap::new();
    for news in heard {
        let (who, number) = news.split_once('.').expect("who and what");
        let (who, number) = (who.parse().expect("who"), number.parse().expect("what"));
        let expected = *next.entry(who).or_insert(number);
        assert_eq!(number, expected, "of {who}, in {heard:?}");
        next.insert(who, number + 1);
    }
    assert_eq!(next.len(), SPEAKERS, "everybody was heard");
}
