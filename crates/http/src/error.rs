use std::fmt;

/// Why a request cannot be read: always the peer's doing, and the end of the connection.
///
/// [`status`](Self::status) is the answer to give before closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// More than [`Limits::BLANK_LINES`](crate::Limits::BLANK_LINES) empty lines came before a
    /// request line.
    TooManyBlankLines,
    /// A line does not end in CR LF, or a CR stands elsewhere (RFC 9112 §2.2).
    LineEnding,
    /// A head or trailer contains a control byte other than the tab.
    ControlByte(u8),
    /// The head did not end within this many bytes.
    HeadTooLarge {
        /// The limit that was reached, in bytes.
        limit: usize,
    },
    /// Not even the request line ended within this many bytes.
    TargetTooLong {
        /// The limit that was reached, in bytes.
        limit: usize,
    },
    /// The head has more header lines than this.
    TooManyHeaders {
        /// The limit that was passed, in lines.
        limit: usize,
    },
    /// The first line is not `method SP target SP version` (RFC 9112 §3).
    RequestLine,
    /// The method is longer than any method known.
    MethodTooLong,
    /// The target has none of the four forms of RFC 9112 §3.2, or carries a fragment.
    Target,
    /// The version is well-formed but neither `HTTP/1.0` nor `HTTP/1.1`.
    Version,
    /// A header line is malformed: bad name, space before the colon, line folding
    /// (RFC 9112 §5).
    HeaderLine,
    /// An HTTP/1.1 request has no `Host` (RFC 9112 §3.2).
    HostMissing,
    /// There are several `Host` lines.
    HostRepeated,
    /// The value of `Host` is no host and port.
    HostInvalid,
    /// `Content-Length` is not a decimal number of 64 bits.
    ContentLengthInvalid,
    /// There are several `Content-Length` lines, equal or not.
    ContentLengthRepeated,
    /// Both `Content-Length` and `Transfer-Encoding` are given (RFC 9112 §6.1).
    ContentLengthAndTransferEncoding,
    /// An HTTP/1.0 request has a `Transfer-Encoding` (RFC 9112 §6.1).
    TransferEncodingInHttp10,
    /// `Transfer-Encoding` does not end in exactly one `chunked` (RFC 9112 §6.3).
    TransferEncodingInvalid,
    /// A transfer coding in front of `chunked` is not implemented.
    TransferEncodingUnsupported,
    /// A chunk size line is not hexadecimal digits, optional extensions and CR LF
    /// (RFC 9112 §7.1).
    ChunkSize,
    /// The chunk extensions of one body pass
    /// [`Limits::CHUNK_EXTENSIONS`](crate::Limits::CHUNK_EXTENSIONS).
    ChunkExtensionsTooLarge,
    /// The data of a chunk is not followed by CR LF.
    ChunkEnd,
    /// The trailer section passes [`Limits::TRAILER`](crate::Limits::TRAILER).
    TrailerTooLarge,
}

impl Error {
    /// The HTTP status that answers the request.
    pub fn status(&self) -> u16 {
        match self {
            Self::TargetTooLong { .. } => 414,
            Self::HeadTooLarge { .. } | Self::TooManyHeaders { .. } | Self::TrailerTooLarge => 431,
            Self::MethodTooLong | Self::TransferEncodingUnsupported => 501,
            Self::Version => 505,
            _ => 400,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::ControlByte(byte) => return write!(f, "control byte 0x{byte:02x} in a head"),
            Self::HeadTooLarge { limit } => {
                return write!(f, "request head is longer than {limit} bytes");
            }
            Self::TargetTooLong { limit } => {
                return write!(f, "request line is longer than {limit} bytes");
            }
            Self::TooManyHeaders { limit } => {
                return write!(f, "request has more than {limit} header lines");
            }
            Self::TooManyBlankLines => "too many empty lines before the request line",
            Self::LineEnding => "line does not end in CR LF",
            Self::RequestLine => "malformed request line",
            Self::MethodTooLong => "method name is too long",
            Self::Target => "invalid request target",
            Self::Version => "HTTP version is neither 1.0 nor 1.1",
            Self::HeaderLine => "malformed header line",
            Self::HostMissing => "HTTP/1.1 request without Host",
            Self::HostRepeated => "more than one Host",
            Self::HostInvalid => "invalid Host",
            Self::ContentLengthInvalid => "Content-Length is not a number",
            Self::ContentLengthRepeated => "more than one Content-Length",
            Self::ContentLengthAndTransferEncoding => {
                "both Content-Length and Transfer-Encoding are given"
            }
            Self::TransferEncodingInHttp10 => "Transfer-Encoding in an HTTP/1.0 request",
            Self::TransferEncodingInvalid => "Transfer-Encoding does not end in one chunked",
            Self::TransferEncodingUnsupported => "transfer coding is not implemented",
            Self::ChunkSize => "malformed chunk size line",
            Self::ChunkExtensionsTooLarge => "chunk extensions are too long",
            Self::ChunkEnd => "chunk data is not followed by CR LF",
            Self::TrailerTooLarge => "trailer section is too long",
        };
        f.write_str(text)
    }
}

impl std::error::Error for Error {}
