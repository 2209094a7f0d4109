//! Messages of another format than Socket.IO's own that lie and nest.

use std::time::Instant;

use crate::{
    KIB, MAX_PAYLOAD, NOISE, SOON, Turn, WEBSOCKET,
    peer::{Peer, crowd, frame, upgrade},
    victim::Victim,
    wait_until,
};

/// Messages in MessagePack, none of which can be meant.
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
        assert!(peak <= 8 * 2 * MAX_PAYLOAD + NOISE, "{} KiB of memory", peak / KIB);
        wait_until("the peers are gone", || victim.connections() == 0);
    }
}
