/// What a [`Reader`](crate::Reader) accepts from its peer.
///
/// The two fields are the caller's choice; the associated constants are fixed and bound the parts
/// of the protocol that nobody tunes.
///
/// ```
/// let limits = siomio_http::Limits { max_head: 8 * 1024, ..Default::default() };
/// assert_eq!(limits.max_headers, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes a request head may have, from the method through the empty line that ends it.
    /// Default 16 KiB. A longer head is [`Error::HeadTooLarge`](crate::Error::HeadTooLarge).
    pub max_head: usize,
    /// Header lines a request may have. Default 100; values above
    /// [`HEADERS_CEILING`](Self::HEADERS_CEILING) count as that ceiling.
    pub max_headers: usize,
}

impl Limits {
    /// The most header lines any configuration allows, because they are indexed on the stack.
    pub const HEADERS_CEILING: usize = 256;

    /// Empty lines tolerated in front of each request line (RFC 9112 §2.2).
    pub const BLANK_LINES: u8 = 4;

    /// Bytes a method name may have.
    pub const METHOD: usize = 32;

    /// Bytes of chunk extensions one chunked body may carry in all.
    pub const CHUNK_EXTENSIONS: usize = 16 * 1024;

    /// Bytes the trailer section of a chunked body may have.
    pub const TRAILER: usize = 8 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_head: 16 * 1024, max_headers: 100 }
    }
}
