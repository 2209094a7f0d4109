use std::mem;

use crate::{FrameHeader, OpCode, mask};

/// A frame whose payload is being read.
#[derive(Debug)]
pub(super) struct Frame {
    /// How much of the payload is still to come, in bytes.
    pub(super) remaining: usize,
    /// Whether the message ends with this frame.
    pub(super) fin: bool,
    /// The masking key, turned so that its first byte is for the next byte of the payload.
    key: Option<[u8; 4]>,
}

impl Frame {
    #[inline]
    pub(super) fn new(header: &FrameHeader, len: usize) -> Self {
        Self { remaining: len, fin: header.fin, key: header.mask }
    }

    /// Takes from `rest` what belongs to this frame, and unmasks it.
    #[inline]
    pub(super) fn take<'a>(&mut self, rest: &mut &'a mut [u8]) -> &'a [u8] {
        let len = self.remaining.min(rest.len());
        let (piece, behind) = mem::take(rest).split_at_mut(len);
        *rest = behind;
        self.remaining -= len;
        if let Some(key) = &mut self.key {
            mask::apply(piece, *key, 0);
            *key = mask::rotated(*key, len);
        }
        piece
    }
}

/// A control frame of which only the beginning has arrived.
#[derive(Debug)]
pub(super) struct PartialControl {
    opcode: OpCode,
    frame: Frame,
    /// At most 125 bytes.
    payload: Vec<u8>,
}

impl PartialControl {
    pub(super) const fn new(opcode: OpCode, frame: Frame) -> Self {
        Self { opcode, frame, payload: Vec::new() }
    }

    pub(super) fn push(&mut self, rest: &mut &mut [u8]) {
        let piece = self.frame.take(rest);
        self.payload.extend_from_slice(piece);
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.frame.remaining == 0
    }

    pub(super) fn finish(self) -> (OpCode, Vec<u8>) {
        (self.opcode, self.payload)
    }

    pub(super) fn len(&self) -> usize {
        self.payload.len()
    }
}
