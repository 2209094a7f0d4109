//! 4: reserved opcodes.

use crate::{Case, Chop, Frame, run, text};

fn between(opcode: u8, payload: &str) -> [Frame; 3] {
    [Frame::text("before"), Frame::new(opcode, payload), Frame::ping("after")]
}

#[test]
fn reserved_data_opcodes_fail_the_connection() {
    let before = || [text("before")];
    run(&[
        Case::new("4.1.1", [Frame::new(3, "")]).fails(1002),
        Case::new("4.1.2", [Frame::new(4, "reserved")]).fails(1002),
        Case::new("4.1.3", between(5, "")).answered(before()).fails(1002),
        Case::new("4.1.4", between(6, "reserved"))
            .chopped(Chop::Frames)
            .answered(before())
            .fails(1002),
        Case::new("4.1.5", between(7, "reserved"))
            .chopped(Chop::Bytes(1))
            .answered(before())
            .fails(1002),
    ]);
}

#[test]
fn reserved_control_opcodes_fail_the_connection() {
    let before = || [text("before")];
    run(&[
        Case::new("4.2.1", [Frame::new(11, "")]).fails(1002),
        Case::new("4.2.2", [Frame::new(12, "reserved")]).fails(1002),
        Case::new("4.2.3", between(13, "")).answered(before()).fails(1002),
        Case::new("4.2.4", between(14, "reserved"))
            .chopped(Chop::Frames)
            .answered(before())
            .fails(1002),
        Case::new("4.2.5", between(15, "reserved"))
            .chopped(Chop::Bytes(1))
            .answered(before())
            .fails(1002),
    ]);
}

#[test]
fn no_reserved_opcode_hides_inside_a_message() {
    let cases = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(|opcode| {
        let frames =
            [Frame::text("a").unfinished(), Frame::new(opcode, ""), Frame::continuation("b")];
        Case::new("4, inside a message", frames).fails(1002)
    });
    run(&cases);
}
