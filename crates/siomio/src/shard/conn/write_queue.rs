//! What a connection has yet to write.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Write},
    mem,
};

use bytes::Bytes;

use super::spares;

/// Bytes on their way out: small ones copied together, large and shared ones kept by reference.
///
/// Everything that a turn of the loop produces for a connection is appended here and leaves with one write. With nothing to write it
/// has no memory.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue(Option<Box<Queue>>);

/// What there is to write.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Older than `tail`.
    chunks: VecDeque<Bytes>,
    tail: Vec<u8>,
    /// How much of the first piece is written.
    written: usize,
    len: usize,
}

/// How far a flush came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Nothing is left.
    Done,
    /// The stream takes no more for now.
    Blocked,
}

/// From this size on a reference is cheaper than a copy.
pub(crate) const SHARE_FROM: usize = 4 * 1024;
/// Pieces in one write.
const SLICES: usize = 16;
/// Written bytes that may stay in the tail before it is moved up.
const SLACK: usize = 64 * 1024;

impl WriteQueue {
    /// Appends what `write` puts at the end of the buffer.
    #[inline]
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.queue().append(write);
    }

    /// Appends bytes that others may hold as well.
    pub(crate) fn share(&mut self, bytes: Bytes) {
        let queue = self.queue();
        if bytes.len() < SHARE_FROM {
            return queue.append(|out| out.extend_from_slice(&bytes));
        }
        queue.freeze_tail();
        queue.len += bytes.len();
        queue.chunks.push_back(bytes);
    }

    /// Bytes not yet written.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes as much as the stream takes.
    pub(crate) fn flush(&mut self, stream: &mut impl Write) -> io::Result<Flush> {
        let Some(queue) = &mut self.0 else { return Ok(Flush::Done) };
        while queue.len > 0 {
            match queue.write_once(stream) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => queue.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    queue.compact();
                    return Ok(Flush::Blocked);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(mut queue) = self.0.take() {
            queue.clear();
            spares::keep_queue(queue);
        }
        Ok(Flush::Done)
    }

    #[inline]
    fn queue(&mut self) -> &mut Queue {
        self.0.get_or_insert_with(spares::queue)
    }
}

impl Queue {
    /// The memory that an empty one has.
    pub(super) fn capacity(&self) -> usize {
        self.tail.capacity() + self.chunks.capacity() * size_of::<Bytes>()
    }

    #[inline]
    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.tail.len();
        write(&mut self.tail);
        self.len += self.tail.len() - before;
    }

    fn clear(&mut self) {
        self.tail.clear();
        self.chunks.clear();
        (self.written, self.len) = (0, 0);
    }

    fn write_once(&self, stream: &mut impl Write) -> io::Result<usize> {
        if self.chunks.is_empty() {
            return stream.write(&self.tail[self.written..]);
        }
        let pieces = self.chunks.iter().map(|chunk| &chunk[..]).chain([&self.tail[..]]);
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(if count == 0 { &piece[self.written..] } else { piece });
            count += 1;
        }
        stream.write_vectored(&slices[..count])
    }

    fn advance(&mut self, count: usize) {
        self.len -= count;
        self.written += count;
        while let Some(chunk) = self.chunks.front() {
            if self.written < chunk.len() {
                return;
            }
            self.written -= chunk.len();
            self.chunks.pop_front().into_iter().for_each(spares::keep_bytes);
        }
    }

    /// A reader that is slow but steady must not make the written part of the tail pile up.
    fn compact(&mut self) {
        if self.chunks.is_empty() && self.written >= SLACK && self.written >= self.tail.len() / 2 {
            self.tail.drain(..self.written);
            self.written = 0;
        }
    }

    fn freeze_tail(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let mut tail = Bytes::from(mem::take(&mut self.tail));
        if self.chunks.is_empty() {
            tail = tail.slice(mem::take(&mut self.written)..);
        }
        self.chunks.push_back(tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a few bytes at a time, and blocks when told to.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
        writes: u32,
    }

    fn narrow(room: usize) -> Narrow {
        Narrow { taken: Vec::new(), room, writes: 0 }
    }

    impl Write for Narrow {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(data)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.writes += 1;
            let before = self.taken.len();
            for slice in slices {
                let count = slice.len().min(self.room);
                self.taken.extend_from_slice(&slice[..count]);
                self.room -= count;
            }
            Ok(self.taken.len() - before)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn keeps_the_order_of_copies_and_references_through_any_split() {
        let large = Bytes::from(vec![b'L'; SHARE_FROM]);
        let mut expected = Vec::new();
        for step in [1, 7, 4095, 4096, 5000, 100_000] {
            let (mut queue, mut stream) = (WriteQueue::default(), narrow(0));
            expected.clear();
            for round in 0..40_u8 {
                queue.append(|out| out.extend_from_slice(&[round; 10]));
                queue.share(large.clone());
                queue.share(Bytes::from_static(b"small"));
                expected.extend_from_slice(&[round; 10]);
                expected.extend_from_slice(&large);
                expected.extend_from_slice(b"small");
                stream.room = step;
                queue.flush(&mut stream).unwrap();
            }
            stream.room = usize::MAX;
            assert_eq!(queue.flush(&mut stream).unwrap(), Flush::Done);
            assert!(stream.taken == expected, "in steps of {step}");
            assert!(queue.is_empty());
        }
    }

    #[test]
    fn many_small_pieces_leave_in_one_write() {
        let (mut queue, mut stream) = (WriteQueue::default(), narrow(usize::MAX));
        for _ in 0..100 {
            queue.share(Bytes::from_static(b"0123456789"));
        }
        queue.flush(&mut stream).unwrap();
        assert_eq!((stream.taken.len(), stream.writes), (1000, 1));
        assert!(queue.0.is_none(), "nothing is kept");
    }

    #[test]
    fn a_slow_reader_does_not_make_the_written_part_pile_up() {
        let (mut queue, mut stream) = (WriteQueue::default(), narrow(0));
        for _ in 0..1000 {
            queue.append(|out| out.extend_from_slice(&[0; 1000]));
            stream.room = if queue.len() > 10_000 { 1000 } else { 0 };
            queue.flush(&mut stream).unwrap();
        }
        let tail = queue.0.map_or(0, |queue| queue.tail.len());
        assert!(tail < 2 * SLACK + 20_000, "{tail}");
    }
}
