//! What one client may cost.

use std::time::Duration;

use siomio::{Message, Server};
use siomio_testkit::ws::{Got, Ws};
use siomio_websocket::{FrameHeader, OpCode};

use crate::{Diary, SOON, start, with_shards};

/// An empty fragment.
fn fragment(opcode: OpCode, fin: bool) -> Vec<u8> {
    let mask = Some([0; 4]);
    FrameHeader { fin, rsv1: false, opcode, mask, len: 0 }.encode().to_vec()
}

#[test]
fn what_is_allowed_is_allowed_to_the_last_byte_and_fragment() {
    let server = Server::builder().shards(1).max_payload(100).max_fragments(5).build();
    server.websocket("/raw").on_message(|socket, message| drop(socket.send(message)));
    let (running, address) = start(server);
    let mut ws = Ws::connect(address, "/raw");
    ws.send_binary(&[7; 100]);
    assert_eq!(ws.next(), Got::Binary(vec![7; 100]));
    for _ in 0..3 {
        ws.raw(&fragment(OpCode::Binary, false));
        (0..3).for_each(|_| ws.raw(&fragment(OpCode::Continuation, false)));
        ws.raw(&fragment(OpCode::Continuation, true));
        assert_eq!(ws.next(), Got::Binary(Vec::new()));
    }
    running.shutdown(SOON).unwrap();
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    with_shards(|builder| {
        let server = builder.max_buffered(200_000).build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        let (running, address) = start(server);
        let (deaf, mut good) = (Ws::connect(address, "/raw"), Ws::connect(address, "/raw"));
        diary.expect(&["open", "open"]);
        let large = vec![7; 100_000];
        let mut entries = Vec::new();
        // Enough for any buffer of the system; the good client reads along.
        for _ in 0..2000 {
            endpoint.send_binary(&large);
            assert!(good.next() == Got::Binary(large.clone()));
            entries.extend(diary_now(&diary));
            if entries.len() == 2 {
                break;
            }
        }
        assert_eq!(entries, ["error: the client takes its messages too slowly", "close 1006"]);
        assert_eq!(endpoint.clients(), 1);
        drop(deaf);
        running.shutdown(SOON).unwrap();
    });
}

fn diary_now(diary: &Diary) -> Vec<String> {
    diary.0.try_iter().collect()
}

#[test]
fn a_client_that_takes_nothing_for_too_long_is_dropped_however_little_waits() {
    with_shards(|builder| {
        let server = builder.send_timeout(Duration::from_millis(100)).build();
        let endpoint = server.websocket("/raw");
        let diary = Diary::of(&endpoint);
        endpoint.on_message(|socket, _| {
            // More than the system takes, and less than the limit.
            assert!(socket.send(Message::Binary(vec![7; 12_000_000].into())).is_queued());
            assert!(socket.buffered() > 12_000_000);
        });
        let (running, address) = start(server);
        let mut deaf = Ws::connect(address, "/raw");
        deaf.send("go");
        let slow = "error: the client takes its messages too slowly";
        diary.expect(&["open", slow, "close 1006"]);
        // Silence alone is no reason.
        let mut quiet = Ws::connect(address, "/raw");
        diary.expect(&["open"]);
        assert_eq!(quiet.next_within(Duration::from_millis(300)), None);
        running.shutdown(SOON).unwrap();
    });
}
