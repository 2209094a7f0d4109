use crate::Error;

/// Finds the empty line that ends a head or a trailer section, over any split of the bytes.
///
/// ```text
///              other                CR
///   LineStart ───────▶ Text ─────────────▶ Cr
///    │  ▲                ▲─┘ other          │ LF
///    │  └────────────────────────────────────┘
///    │ CR            LF
///    └─────▶ LastCr ─────▶ the end
/// ```
///
/// Every other transition is an error: lines end in CR LF and nothing else, none is folded
/// (RFC 9112 §5.2), and no control byte but the tab stands inside a line. So what passes can be cut
/// at line feeds without further care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    LineStart,
    Text,
    Cr,
    LastCr,
}

impl Scan {
    /// Looks at `bytes`, which continue those of the last call; returns how many of them belong to
    /// the section if it ends within them.
    pub(crate) fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let mut rest = bytes.iter();
        while let Some(&byte) = rest.next() {
            *self = match (*self, byte) {
                (Self::LineStart, b'\r') => Self::LastCr,
                (Self::Text, b'\r') => Self::Cr,
                (Self::Cr, b'\n') => Self::LineStart,
                (Self::LastCr, b'\n') => return Ok(Some(bytes.len() - rest.len())),
                (Self::Cr | Self::LastCr, _) | (_, b'\n') => return Err(Error::LineEnding),
                (Self::LineStart, b' ' | b'\t') => return Err(Error::HeaderLine),
                (_, byte) if is_control(byte) => return Err(Error::ControlByte(byte)),
                (Self::LineStart | Self::Text, _) => {
                    rest = skip_text(rest.as_slice()).iter();
                    Self::Text
                }
            };
        }
        Ok(None)
    }
}

/// Drops the leading bytes that are not control bytes, a block at a time while that goes.
fn skip_text(mut bytes: &[u8]) -> &[u8] {
    while let Some((block, rest)) = bytes.split_first_chunk::<16>() {
        // A fold without early exit compiles to vector instructions.
        if block.iter().fold(false, |found, &byte| found | is_control(byte)) {
            break;
        }
        bytes = rest;
    }
    let text = bytes.iter().take_while(|&&byte| !is_control(byte)).count();
    bytes.get(text..).unwrap_or_default()
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_or_the_first_fault() {
        type Found = Result<Option<usize>, Error>;
        let long = [b'x'; 40];
        let table: &[(&[u8], Found)] = &[
            (b"", Ok(None)),
            (b"\r\n", Ok(Some(2))),
            (b"\r\nx", Ok(Some(2))),
            (b"a\r\n\r\n", Ok(Some(5))),
            (b"a\r\nb: \t\xff\r\n\r\n\r\n", Ok(Some(12))),
            (b"a\r\nb\r\n", Ok(None)),
            (b"a\r\n b", Err(Error::HeaderLine)),
            (b"a\r\n\tb", Err(Error::HeaderLine)),
            (b"a\n\n", Err(Error::LineEnding)),
            (b"\n", Err(Error::LineEnding)),
            (b"a\r\n\n", Err(Error::LineEnding)),
            (b"a\rb", Err(Error::LineEnding)),
            (b"a\r\r\n", Err(Error::LineEnding)),
            (b"a\r\n\rb", Err(Error::LineEnding)),
            (b"a\x00", Err(Error::ControlByte(0))),
            (b"\x16\x03\x01", Err(Error::ControlByte(0x16))),
            (b"a\x7f", Err(Error::ControlByte(0x7f))),
            (&long, Ok(None)),
        ];
        for &(bytes, expected) in table {
            assert_eq!(Scan::LineStart.find_end(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn control_bytes_are_found_at_every_place_in_a_block() {
        for at in 0..50 {
            let mut line = vec![b'x'; 50];
            line[at] = 1;
            assert_eq!(Scan::LineStart.find_end(&line), Err(Error::ControlByte(1)), "{at}");
        }
    }
}
