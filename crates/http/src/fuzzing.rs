//! Bodies of the fuzz targets. They live here so that a change of the library breaks the build and not the fuzzers; no part
//! of the public interface.

use crate::{Error, Item, Limits, Reader};

/// What was read of a connection: heads, bodies and ends, however they were cut.
#[derive(Debug, Default, PartialEq)]
struct Read {
    heads: Vec<Vec<(String, Vec<u8>)>>,
    bodies: Vec<Vec<u8>>,
    ends: usize,
    error: Option<Error>,
}

/// Reads the requests of a connection, as a whole and in pieces, and checks that both come to the same. The first byte says how long the
/// pieces are.
///
/// # Panics
/// If something does not hold.
pub fn connection(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else { return };
    let whole = read(bytes, bytes.len().max(1));
    let torn = read(bytes, 1 + usize::from(first) % 40);
    assert_eq!(whole, torn, "wherever it is cut");
}

fn read(bytes: &[u8], piece: usize) -> Read {
    let limits = Limits { max_head: 1024, max_headers: 16 };
    let (mut reader, mut read) = (Reader::new(limits), Read::default());
    for piece in bytes.chunks(piece) {
        let mut rest = piece;
        loop {
            match reader.read(rest) {
                Err(error) => {
                    read.error = Some(error);
                    assert_eq!(reader.read(b"GET / HTTP/1.1\r\n\r\n"), Err(error), "for ever");
                    return read;
                }
                Ok(step) => {
                    rest = &rest[step.consumed..];
                    match step.item {
                        None => break,
                        Some(Item::Head(head)) => {
                            let headers = head.headers();
                            let own =
                                |(name, value): (&str, &[u8])| (name.to_owned(), value.to_vec());
                            read.heads.push(headers.map(own).collect());
                            read.bodies.push(Vec::new());
                        }
                        Some(Item::Chunk(data)) => {
                            assert!(!data.is_empty());
                            read.bodies.last_mut().expect("a head came first").extend(data);
                        }
                        Some(Item::End) => {
                            read.ends += 1;
                            assert!(reader.is_between_requests());
                        }
                    }
                }
            }
        }
        assert!(rest.is_empty(), "all of it is taken");
    }
    assert!(read.ends <= read.heads.len());
    read
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_hold(bytes in any::<Vec<u8>>()) {
            super::connection(&bytes);
        }

        #[test]
        fn bytes_that_look_like_requests_hold(
            first: u8,
            parts in proptest::collection::vec(prop_oneof![
                Just("GET / HTTP/1.1\r\n"), Just("POST /a?b HTTP/1.1\r\n"), Just("Host: h\r\n"), Just("\r\n"),
                Just("Content-Length: 3\r\n"), Just("Transfer-Encoding: chunked\r\n"), Just("3\r\nabc\r\n"),
                Just("0\r\n\r\n"), Just("abc"), Just("Expect: 100-continue\r\n"), Just(" "), Just(":"),
            ], 0..24),
        ) {
            super::connection(&[&[first][..], parts.concat().as_bytes()].concat());
        }
    }
}
