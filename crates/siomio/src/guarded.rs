//! The application's parser, whose panics cost one packet and not a shard.

use std::panic::{AssertUnwindSafe, catch_unwind};

use siomio_packet::{DecodeError, Encoded, Limits, Packet, Parser, Wire};

use crate::shard::Local;

/// A parser that does not panic: what it cannot write is nothing, and what it cannot read is no packet.
#[derive(Debug)]
pub(crate) struct Guarded<P>(pub(crate) P);

impl<P: Parser> Parser for Guarded<P> {
    fn encode(&self, packet: &Packet<'_>) -> Encoded {
        guard(|| self.0.encode(packet)).unwrap_or_else(|| Encoded::Binary(Vec::new()))
    }

    fn decode(&self, limits: &Limits, message: Wire<'_>) -> Result<Packet<'static>, DecodeError> {
        let panicked = DecodeError::Malformed { at: 0, reason: "the parser panicked" };
        guard(|| self.0.decode(limits, message)).unwrap_or(Err(panicked))
    }
}

fn guard<R>(run: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(run))
        .map_err(|panic| Local::tell_of_panic("parser", &*panic))
        .ok()
}
