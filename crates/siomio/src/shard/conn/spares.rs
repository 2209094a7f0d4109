//! Memory of a shard's connections that is used again, so that neither the allocator nor the system is asked for it all the time: what
//! is freed at the end of the heap goes back to the system, and comes again page by page.

use std::cell::RefCell;

use bytes::Bytes;

use super::write_queue::Queue;

/// Most bytes that a thread keeps.
const MAX_KEPT: usize = 8 * 1024 * 1024;
/// Most queues, and most buffers, that a thread keeps.
const MAX_COUNT: usize = 64;
/// A queue with more memory than this is not kept: whoever gets it next may hold it for little.
const MAX_QUEUE: usize = 512 * 1024;
/// Smaller buffers are not worth it.
const MIN_BUFFER: usize = 16 * 1024;

thread_local! {
    static SPARES: RefCell<Spares> = const { RefCell::new(Spares { queues: Vec::new(), buffers: Vec::new(), kept: 0 }) };
}

struct Spares {
    #[allow(clippy::vec_box, reason = "the boxes go back and forth")]
    queues: Vec<Box<Queue>>,
    buffers: Vec<Vec<u8>>,
    /// Bytes of all of them.
    kept: usize,
}

/// An empty queue.
pub(super) fn queue() -> Box<Queue> {
    let spare = SPARES.with_borrow_mut(|spares| {
        let queue = spares.queues.pop()?;
        spares.kept -= queue.capacity();
        Some(queue)
    });
    spare.unwrap_or_default()
}

/// A queue is done with, and empty.
pub(super) fn keep_queue(queue: Box<Queue>) {
    SPARES.with_borrow_mut(|spares| {
        let size = queue.capacity();
        let fits = size <= MAX_QUEUE && spares.kept + size <= MAX_KEPT;
        if spares.queues.len() < MAX_COUNT && fits {
            spares.kept += size;
            spares.queues.push(queue);
        }
    });
}

/// An empty buffer for a message of which so much is announced, and not much larger, for the rest may never come; without any memory, if
/// there is none to spare.
pub(crate) fn buffer(size: usize) -> Vec<u8> {
    if size < MIN_BUFFER {
        return Vec::new();
    }
    let spare = SPARES.with_borrow_mut(|spares| {
        let fits = |buffer: &Vec<u8>| (size..=size.saturating_mul(4)).contains(&buffer.capacity());
        let place = spares.buffers.iter().rposition(fits)?;
        let buffer = spares.buffers.swap_remove(place);
        spares.kept -= buffer.capacity();
        Some(buffer)
    });
    spare.unwrap_or_default()
}

/// Bytes are written: if nobody else holds them, their memory is good for the next.
pub(super) fn keep_bytes(bytes: Bytes) {
    if bytes.len() < MIN_BUFFER {
        return;
    }
    let Ok(mut bytes) = bytes.try_into_mut() else { return };
    // Otherwise they would be moved to where they are.
    bytes.clear();
    keep_buffer(bytes.into());
}

/// A buffer is done with.
pub(crate) fn keep_buffer(mut buffer: Vec<u8>) {
    buffer.clear();
    SPARES.with_borrow_mut(|spares| {
        let size = buffer.capacity();
        if size >= MIN_BUFFER && spares.buffers.len() < MAX_COUNT && spares.kept + size <= MAX_KEPT
        {
            spares.kept += size;
            spares.buffers.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> (usize, usize) {
        SPARES.with_borrow(|spares| (spares.buffers.len(), spares.kept))
    }

    #[test]
    fn a_buffer_that_nobody_else_holds_comes_back_and_no_more_are_kept_than_should() {
        let bytes = Bytes::from(vec![1; 100_000]);
        let pointer = bytes.as_ptr();
        let shared = bytes.clone();
        keep_bytes(bytes);
        assert_eq!(kept(), (0, 0), "somebody holds it");
        keep_bytes(shared);
        assert_eq!(kept(), (1, 100_000));
        assert_eq!(buffer(200_000).capacity(), 0, "it would be too small");
        assert_eq!(buffer(10).capacity(), 0, "it would be a waste");
        assert_eq!(buffer(20_000).capacity(), 0, "and so would this");
        let again = buffer(90_000);
        assert_eq!((again.as_ptr(), again.len(), kept()), (pointer, 0, (0, 0)));
        keep_buffer(Vec::with_capacity(100));
        keep_buffer(Vec::with_capacity(MAX_KEPT + 1));
        assert_eq!(kept(), (0, 0));
        (0..2 * MAX_COUNT).for_each(|_| keep_buffer(Vec::with_capacity(MIN_BUFFER)));
        assert_eq!(kept(), (MAX_COUNT, MAX_COUNT * MIN_BUFFER));
    }
}
