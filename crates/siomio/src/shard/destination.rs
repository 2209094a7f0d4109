//! Where a new connection belongs.

use crate::Io;

/// The shard that a connection's first request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The one that owns the session it names.
    Shard(u8),
    /// Whichever has room.
    Any,
}

/// Longest beginning that is looked into, empty lines included. Who has said more without ending the first line goes to
/// any shard, which knows what to answer.
const MAX_LINE: usize = 16 * 1024;

/// Reads the first line of a connection's first request, where the session's id stands; `None` when more is needed.
pub fn destination(io: &Io, said: &[u8]) -> Option<Destination> {
    let start = said.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(said.len());
    // No control byte belongs into it, so with the first it is over or beyond hope. Between CR and LF it is neither yet.
    let end = match said[start..].iter().position(u8::is_ascii_control) {
        Some(end) if said[start + end..] != *b"\r" => end,
        _ => return (said.len() > MAX_LINE).then_some(Destination::Any),
    };
    let target = said[start..][..end].split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    let query =
        target.iter().position(|&byte| byte == b'?').map_or(&[][..], |mark| &target[mark + 1..]);
    let owner = siomio_http::query::last(query, "sid").and_then(|sid| io.shared().owner_of(&sid));
    Some(owner.map_or(Destination::Any, Destination::Shard))
}

#[cfg(test)]
mod tests {
    use siomio_engine::Sid;

    use super::*;
    use crate::Server;

    #[test]
    fn the_first_line_decides() {
        let io = Server::builder().shards(4).build().io();
        let sid = Sid::new(3, [9; 15]);
        let to_3 = format!("GET /socket.io/?EIO=4&sid={sid}&t=x HTTP/1.1\r\nHost");
        let table: [(&[u8], Option<Destination>); 9] = [
            (b"", None),
            (b"\r\n\r\nGET / HTTP/1.1", None),
            (b"GET / HTTP/1.1\r\n", Some(Destination::Any)),
            (b"\r\nnonsense\n", Some(Destination::Any)),
            (b"GET /?sid=short HTTP/1.1\r\n", Some(Destination::Any)),
            (to_3.as_bytes(), Some(Destination::Shard(3))),
            (b"GET / HTTP/1.1\r", None),
            (b"GET / HTTP/1.1\rx", Some(Destination::Any)),
            (b"\x16\x03\x01", Some(Destination::Any)),
        ];
        for (said, expected) in table {
            assert_eq!(destination(&io, said), expected, "{:?}", String::from_utf8_lossy(said));
        }
    }

    #[test]
    fn who_says_nothing_but_empty_lines_is_not_listened_to_for_ever() {
        let io = Server::builder().shards(4).build().io();
        assert_eq!(destination(&io, &b"\r\n".repeat(MAX_LINE / 2)), None);
        assert_eq!(destination(&io, &b"\r\n".repeat(MAX_LINE)), Some(Destination::Any));
    }
}
