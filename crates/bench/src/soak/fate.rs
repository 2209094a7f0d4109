//! How guests go.

use std::time::Duration;

use siomio_testkit::sim::Random;

use super::subject::{MAX_PAYLOAD, PING};

/// How a client goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its connections are cut off, or end in good order.
    Lost { reset: bool },
    /// The same, and it comes back for its session.
    Returns { reset: bool },
    /// It does nothing any more; a WebSocket stays open meanwhile.
    Silent,
    /// It says so, with this packet.
    Says(&'static str),
    /// It asks the server to end it.
    Asks,
    /// It sends what is no frame, or, on polling, no packet.
    BadFrame,
    /// It sends what is no packet.
    BadPacket,
    /// It sends more than is allowed.
    Oversized,
    /// It asks for much and takes nothing.
    Flooded,
}

const FATES: [Fate; 16] = [
    Fate::Lost { reset: true },
    Fate::Lost { reset: false },
    Fate::Returns { reset: true },
    Fate::Returns { reset: true },
    Fate::Returns { reset: false },
    Fate::Returns { reset: false },
    Fate::Silent,
    Fate::Silent,
    Fate::Says("41"),
    Fate::Says("1"),
    Fate::Says("41"),
    Fate::Asks,
    Fate::BadFrame,
    Fate::BadPacket,
    Fate::Oversized,
    Fate::Flooded,
];

/// Time in which who has broken a rule is shown out.
pub(super) const PROMPTLY: Duration = Duration::from_secs(4);
/// The same for who is silent.
pub(super) const SILENCE: Duration = PING[0].saturating_add(PING[1]).saturating_add(PROMPTLY);
/// How long who has asked for much takes nothing.
pub(super) const DEAFNESS: Duration = Duration::from_secs(3);

impl Fate {
    pub(super) fn any(random: &mut Random) -> Self {
        match *random.pick(&FATES) {
            // What was sent in vain is kept for those who come back, and would soon be all there is.
            Self::Flooded if !random.one_in(3) => Self::Silent,
            fate => fate,
        }
    }
}

/// Bytes that are no frame of a client.
pub(super) fn bad_frame(random: &mut Random) -> &'static [u8] {
    const FRAMES: [&[u8]; 5] = [
        // Not masked; a reserved opcode; a fragmented ping; a continuation of nothing; text that is none.
        b"\x81\x01x",
        b"\x83\x80\x01\x02\x03\x04",
        b"\x09\x80\x01\x02\x03\x04",
        b"\x80\x80\x01\x02\x03\x04",
        b"\x81\x82\x00\x00\x00\x00\xc3\x28",
    ];
    random.pick::<&[u8]>(&FRAMES)
}

/// The head of a frame that is too large.
pub(super) const LARGE_FRAME: &[u8] = b"\x82\xff\x00\x00\x00\x00\x01\x00\x00\x00\x01\x02\x03\x04";

/// A text that is no packet.
pub(super) fn bad_packet(random: &mut Random) -> &'static str {
    random.pick::<&str>(&["nonsense", "4nonsense", "42[", "42{}", "49", "2probe!", ""])
}

/// A packet that asks for more than the server lets wait.
pub(super) const FLOOD: &str = "42[\"flood\",30,40000]";

/// A packet that is too large.
pub(super) fn large_packet() -> String {
    format!("42[\"echo\",1,\"{}\"]", "x".repeat(MAX_PAYLOAD))
}
