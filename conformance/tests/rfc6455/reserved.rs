//! 3: reserved bits.

use crate::{Case, Chop, Frame, run, text};

#[test]
fn reserved_bits_without_an_extension_fail_the_connection() {
    let between = |bits| {
        [Frame::text("before"), Frame::text("reserved").reserved(bits), Frame::ping("after")]
    };
    run(&[
        Case::new("3.1", [Frame::text("reserved").reserved(1)]).fails(1002),
        Case::new("3.2", between(2)).answered([text("before")]).fails(1002),
        Case::new("3.3", between(3)).chopped(Chop::Frames).answered([text("before")]).fails(1002),
        Case::new("3.4", between(4)).chopped(Chop::Bytes(1)).answered([text("before")]).fails(1002),
        Case::new("3.5", [Frame::binary([0, 0xff, 0xfe]).reserved(5)]).fails(1002),
        Case::new("3.6", [Frame::ping("reserved").reserved(6)]).fails(1002),
        Case::new("3.7", [Frame::close(1000, "").reserved(7)]).fails(1002),
    ]);
}

#[test]
fn every_reserved_bit_is_refused_on_every_kind_of_frame() {
    let mut cases = Vec::new();
    for bits in 1..8 {
        for opcode in [1, 2, 8, 9, 10] {
            cases.push(Case::new("3", [Frame::new(opcode, "").reserved(bits)]).fails(1002));
        }
        let later = [Frame::text("a").unfinished(), Frame::continuation("b").reserved(bits)];
        cases.push(Case::new("3, continuation", later).fails(1002));
    }
    run(&cases);
}
