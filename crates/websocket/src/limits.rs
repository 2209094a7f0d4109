/// What a [`Reader`](crate::Reader) takes from its peer before it gives up.
///
/// All of them are checked when a header announces too much, before any of that payload is read.
/// Whatever they are set to, memory grows with the bytes that arrived and never with a length that
/// was only announced: an unfinished message takes at most about twice its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message in bytes, all its fragments together. Default: 1 000 000.
    ///
    /// A message for an extension is counted as it travels, before the extension decodes it.
    pub max_message: usize,
    /// The longest payload of a single data frame in bytes. Default: `usize::MAX`, which leaves
    /// the matter to `max_message`.
    pub max_frame: usize,
    /// The most frames one message may be split into, empty ones included. Default: 16 384.
    ///
    /// A message in one frame is always taken.
    pub max_fragments: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_message: 1_000_000, max_frame: usize::MAX, max_fragments: 16_384 }
    }
}
