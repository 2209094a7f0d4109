use crate::kind::Kind;

/// Appends everything that stands before the payload: type digit, number of attachments,
/// namespace, ack id.
///
/// The namespace is left out when it is `/`, and followed by a comma otherwise. Only events and
/// acks have attachments; for the other kinds the number is ignored.
///
/// ```
/// use siomio_packet::{Kind, write_head};
///
/// let mut out = Vec::new();
/// write_head(&mut out, Kind::Event, 1, "/admin", Some(7));
/// assert_eq!(out, b"51-/admin,7");
/// ```
pub fn write_head(
    out: &mut Vec<u8>,
    kind: Kind,
    attachments: usize,
    namespace: &str,
    id: Option<u64>,
) {
    let digit = kind.digit(attachments > 0);
    out.push(digit);
    if matches!(digit, b'5' | b'6') {
        write_decimal(out, attachments as u64);
        out.push(b'-');
    }
    if namespace != "/" {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    if let Some(id) = id {
        write_decimal(out, id);
    }
}

fn write_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn heads() {
        let cases = [
            (Kind::Connect, 0, "/", None, "0"),
            (Kind::Connect, 0, "/admin", None, "0/admin,"),
            (Kind::Disconnect, 0, "/admin", None, "1/admin,"),
            (Kind::Event, 0, "/", None, "2"),
            (Kind::Event, 0, "/admin", Some(13), "2/admin,13"),
            (Kind::Ack, 0, "/", Some(0), "30"),
            (Kind::Ack, 0, "/", Some(u64::MAX), "318446744073709551615"),
            (Kind::Event, 2, "/admin", Some(7), "52-/admin,7"),
            (Kind::Event, 10, "/", None, "510-"),
            (Kind::Ack, 1, "/", Some(100), "61-100"),
            (Kind::ConnectError, 3, "/x", None, "4/x,"),
        ];
        for (kind, attachments, namespace, id, expected) in cases {
            let head = text(|out| write_head(out, kind, attachments, namespace, id));
            assert_eq!(head, expected);
        }
    }
}
