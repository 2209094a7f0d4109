use bytes::Bytes;

use super::{Response, ResponseContext};
use crate::reason_phrase;

impl Response {
    /// Appends the whole response to `out`: status line, headers in the order given, `Date`,
    /// `Content-Length`, `Connection`, body.
    ///
    /// `Content-Length` is always written, except for 1xx, 204 and 304, which have no body
    /// (RFC 9110 §6.4.1); a 205 is always empty (§15.3.6). `Connection` is `close` when the
    /// connection does not stay open and `keep-alive` when it does for an HTTP/1.0 request; beside
    /// an `Upgrade` header it lists that, too (RFC 9110 §7.8). 1xx responses get neither that nor
    /// `Date`. A `Date` among the headers takes the place of the context's.
    pub fn write_to(&self, out: &mut Vec<u8>, context: ResponseContext<'_>) {
        let body: &[u8] = if context.is_head { &[] } else { self.written_body() };
        out.reserve(self.head_estimate() + body.len());
        self.write_head(out, context);
        out.extend_from_slice(body);
    }

    /// Appends the response to `out` up to its body, and returns that: what follows, shared instead of copied, and empty
    /// where [`write_to`](Self::write_to) would write none.
    pub fn write_head_to(&self, out: &mut Vec<u8>, context: ResponseContext<'_>) -> Bytes {
        out.reserve(self.head_estimate());
        self.write_head(out, context);
        match context.is_head || self.written_body().is_empty() {
            true => Bytes::new(),
            false => self.body.clone(),
        }
    }

    fn write_head(&self, out: &mut Vec<u8>, context: ResponseContext<'_>) {
        self.write_status_line(out);
        for (name, value) in self.headers() {
            write_header(out, name, value.as_bytes());
        }
        if self.status >= 200 {
            if let Some(date) = context.date.filter(|_| !self.has_header("Date")) {
                write_header(out, "Date", date.as_bytes());
            }
        }
        if self.has_body() {
            let mut digits = [0; DIGITS];
            let length = self.written_body().len();
            write_header(out, "Content-Length", decimal(length as u64, &mut digits));
        }
        if self.status >= 200 {
            match (context.keep_alive, context.minor_version, self.has_header("Upgrade")) {
                (false, _, false) => write_header(out, "Connection", b"close"),
                (false, _, true) => write_header(out, "Connection", b"close, Upgrade"),
                (true, 0, false) => write_header(out, "Connection", b"keep-alive"),
                (true, 0, true) => write_header(out, "Connection", b"keep-alive, Upgrade"),
                (true, _, true) => write_header(out, "Connection", b"Upgrade"),
                (true, _, false) => {}
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Whether the status goes with a body.
    fn has_body(&self) -> bool {
        !matches!(self.status, 100..=199 | 204 | 304)
    }

    /// What follows the head in the answer to a GET.
    fn written_body(&self) -> &[u8] {
        if self.has_body() && self.status != 205 { &self.body } else { &[] }
    }

    /// At least the bytes in front of the body.
    pub(super) fn head_estimate(&self) -> usize {
        // Status line, Date, Content-Length, Connection and the empty line.
        const FIXED: usize = 160;
        let lines = self.headers().map(|(name, value)| name.len() + value.len() + ": \r\n".len());
        FIXED + lines.sum::<usize>()
    }

    fn write_status_line(&self, out: &mut Vec<u8>) {
        let mut digits = [0; DIGITS];
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(decimal(self.status.into(), &mut digits));
        out.extend_from_slice(b" ");
        out.extend_from_slice(reason_phrase(self.status).as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers().any(|(present, _)| present.eq_ignore_ascii_case(name))
    }
}

fn write_header(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Digits of the largest `u64`.
const DIGITS: usize = 20;

/// Spells a number at the end of `digits`, without allocating.
fn decimal(mut number: u64, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut start = DIGITS;
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10) as u8;
        start = at;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    &digits[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        for number in [0, 7, 10, 999, 1000, 65_535, u64::MAX - 1, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; DIGITS]), number.to_string().as_bytes());
        }
    }
}
