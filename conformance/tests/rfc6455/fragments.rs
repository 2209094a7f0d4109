//! 5: messages in fragments; 10: and with many of them.

use siomio_testkit::ws::Got;

use crate::{Case, Chop, Frame, Peer, echo, run, text};

const CHOPS: [Chop; 3] = [Chop::Whole, Chop::Frames, Chop::Bytes(1)];

fn pong(payload: &str) -> Got {
    Got::Pong(payload.into())
}

fn in_two() -> [Frame; 2] {
    [Frame::text("fragment1").unfinished(), Frame::continuation("fragment2")]
}

#[test]
fn control_frames_are_never_fragmented() {
    let torn = |first: Frame| [first.unfinished(), Frame::continuation("fragment2")];
    run(&[
        Case::new("5.1", torn(Frame::ping("fragment1"))).fails(1002),
        Case::new("5.2", torn(Frame::pong("fragment1"))).fails(1002),
        Case::new("5.2, close", [Frame::close(1000, "").unfinished()]).fails(1002),
    ]);
}

#[test]
fn a_message_in_two_fragments_comes_back() {
    let whole = || [text("fragment1fragment2")];
    run(&["5.3", "5.4", "5.5"]
        .map(|label| Case::new(label, in_two()).answered(whole()))
        .into_iter()
        .zip(CHOPS)
        .map(|(case, chop)| case.chopped(chop))
        .collect::<Vec<_>>());
}

#[test]
fn a_ping_between_fragments_is_answered_at_once() {
    let cases = ["5.6", "5.7", "5.8"].into_iter().zip(CHOPS).map(|(label, chop)| {
        let [first, second] = in_two();
        let answers = [pong("ping"), text("fragment1fragment2")];
        Case::new(label, [first, Frame::ping("ping"), second]).chopped(chop).answered(answers)
    });
    run(&cases.collect::<Vec<_>>());
}

#[test]
fn nothing_cannot_be_continued() {
    let nothing = || Frame::continuation("nothing to continue");
    let mut cases = Vec::new();
    for (labels, first) in
        [(["5.9", "5.10", "5.11"], nothing()), (["5.12", "5.13", "5.14"], nothing().unfinished())]
    {
        for (label, chop) in labels.into_iter().zip(CHOPS) {
            let frames = [first.clone(), Frame::text("Hello, world!")];
            cases.push(Case::new(label, frames).chopped(chop).fails(1002));
        }
    }
    let [first, second] = in_two();
    let late = [first.clone(), second.clone(), nothing().unfinished(), Frame::text("Hello")];
    cases.push(Case::new("5.15", late).answered([text("fragment1fragment2")]).fails(1002));
    for (label, lost) in [("5.16", nothing().unfinished()), ("5.17", nothing())] {
        let round = [lost, first.clone(), second.clone()];
        cases.push(Case::new(label, [round.clone(), round].concat()).fails(1002));
    }
    run(&cases);
}

#[test]
fn a_message_does_not_begin_inside_another() {
    let begin = || Frame::text("fragment1").unfinished();
    run(&[
        Case::new("5.18", [begin(), Frame::text("fragment2")]).fails(1002),
        Case::new("5.18, binary", [begin(), Frame::binary("fragment2")]).fails(1002),
        Case::new("5.18, unfinished", [begin(), Frame::text("fragment2").unfinished()]).fails(1002),
    ]);
}

#[test]
fn controls_are_answered_while_the_message_waits_for_its_rest() {
    echo(|address| {
        for (label, chop) in [("5.19", Chop::Whole), ("5.20", Chop::Bytes(1))] {
            let mut peer = Peer::connect(address, label);
            let pieces = Frame::fragments(1, (1..=5).map(|n| format!("fragment{n}")));
            for (part, ping) in pieces[..4].chunks(2).zip(["pongme 1!", "pongme 2!"]) {
                peer.send(part, chop);
                peer.send(&[Frame::ping(ping)], chop);
                // The rest is sent when this is here.
                peer.expect(&pong(ping));
            }
            peer.send(&pieces[4..], chop);
            peer.expect(&text("fragment1fragment2fragment3fragment4fragment5"));
            peer.expect_good_end();
        }
    });
}

#[test]
fn empty_fragments_are_fragments() {
    let binary = Frame::fragments(2, ["", "", "\u{1}", "", "\u{2}", ""]);
    run(&[
        Case::new("5, empty", Frame::fragments(2, [""; 1000])).answered([Got::Binary(Vec::new())]),
        Case::new("5, mostly empty", binary).answered([Got::Binary(vec![1, 2])]),
    ]);
}

#[test]
fn a_message_in_many_equal_fragments_comes_back() {
    let payload = "*".repeat(65_536);
    let pieces = Frame::fragments(1, payload.as_bytes().chunks(1300));
    run(&[
        Case::new("10.1.1", pieces.clone()).answered([text(payload.clone())]),
        Case::new("10.1.1, frame by frame", pieces).chopped(Chop::Frames).answered([text(payload)]),
    ]);
}
