//! 2: pings and pongs.

use siomio_testkit::ws::Got;

use crate::{Case, Chop, Frame, run};

fn pong(payload: impl AsRef<[u8]>) -> Got {
    Got::Pong(payload.as_ref().to_vec())
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    let binary = [0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff];
    let all = [0xfe; 125];
    run(&[
        Case::new("2.1", [Frame::ping("")]).answered([pong("")]),
        Case::new("2.2", [Frame::ping("Hello, world!")]).answered([pong("Hello, world!")]),
        Case::new("2.3", [Frame::ping(binary)]).answered([pong(binary)]),
        Case::new("2.4", [Frame::ping(all)]).answered([pong(all)]),
        Case::new("2.5", [Frame::ping([0xfe; 126])]).fails(1002),
        Case::new("2.6", [Frame::ping(all)]).chopped(Chop::Bytes(1)).answered([pong(all)]),
    ]);
}

#[test]
fn a_pong_that_nobody_asked_for_is_not_answered() {
    run(&[
        Case::new("2.7", [Frame::pong("")]),
        Case::new("2.8", [Frame::pong("unsolicited")]),
        Case::new("2.9", [Frame::pong("unsolicited"), Frame::ping("ping")])
            .answered([pong("ping")]),
    ]);
}

#[test]
fn many_pings_get_as_many_pongs_in_their_order() {
    let payloads: Vec<String> = (0..10).map(|n| format!("payload-{n}")).collect();
    let pings: Vec<Frame> = payloads.iter().map(Frame::ping).collect();
    let pongs: Vec<Got> = payloads.iter().map(pong).collect();
    run(&[
        Case::new("2.10", pings.clone()).answered(pongs.clone()),
        Case::new("2.11", pings).chopped(Chop::Bytes(1)).answered(pongs),
    ]);
}
