/// What one packet may cost, whatever its sender announces.
///
/// ```
/// use siomio_packet::Limits;
///
/// let limits = Limits { max_attachments: 2, ..Limits::default() };
/// assert_eq!(limits.max_json_depth, 128);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many attachments a packet may announce. Default: 10, as in the reference parser. Formats
    /// that carry them within the packet, like MessagePack, need not announce any.
    pub max_attachments: u32,
    /// How deep the JSON of a packet may nest; the argument list itself is the first level.
    /// Default: 128. Typed arguments and [`Value`](crate::Value)s end at
    /// [`MAX_VALUE_DEPTH`](crate::MAX_VALUE_DEPTH) levels even where this allows more.
    pub max_json_depth: u16,
    /// Bytes of text and attachments of one packet together. Default: 1 000 000.
    pub max_packet_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_attachments: 10, max_json_depth: 128, max_packet_bytes: 1_000_000 }
    }
}
