use std::mem::MaybeUninit;

use httparse::{ParserConfig, Request, Status};

use super::framing::Framing;
use super::{BodyLength, fields, target};
use crate::{Error, Limits, table::alphanumeric_and};

/// What is known of a head beyond its raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) body: BodyLength,
    /// Offset behind the target; the target starts one byte behind the method.
    pub(super) target_end: u32,
    pub(super) method_len: u8,
    pub(super) traits: Traits,
}

/// A set of yes-or-no facts in one byte, because a server keeps many heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits(u8);

impl Traits {
    pub(super) const HTTP_1_1: Self = Self(1);
    pub(super) const KEEP_ALIVE: Self = Self(1 << 1);
    pub(super) const EXPECTS_CONTINUE: Self = Self(1 << 2);
    pub(super) const UPGRADE: Self = Self(1 << 3);
    pub(super) const EXPECTS_MORE: Self = Self(1 << 4);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn with(self, other: Self, yes: bool) -> Self {
        if yes { Self(self.0 | other.0) } else { self }
    }
}

impl Facts {
    /// Offset of the first header line.
    pub(super) fn fields_start(&self) -> usize {
        self.target_end as usize + " HTTP/1.1\r\n".len()
    }
}

/// Checks a head whose lines [`Scan`](crate::scan::Scan) has found to end in CR LF: httparse knows
/// the grammar, what it lets pass or does not look at is checked here.
pub(super) fn facts(raw: &[u8], max_headers: usize) -> Result<Facts, Error> {
    let mut headers = [const { MaybeUninit::uninit() }; Limits::HEADERS_CEILING];
    let headers = headers.get_mut(..max_headers).unwrap_or_default();
    let mut request = Request::new(&mut []);
    match ParserConfig::default().parse_request_with_uninit_headers(&mut request, raw, headers) {
        Ok(Status::Complete(end)) if end == raw.len() => {}
        Ok(_) => return Err(Error::RequestLine),
        Err(error) => return Err(reason(error, raw, max_headers)),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(Error::RequestLine);
    };
    if method.len() > Limits::METHOD {
        return Err(Error::MethodTooLong);
    }
    if !target::is_valid(method, target) {
        return Err(Error::Target);
    }

    let mut lines = Lines::new();
    for header in request.headers.iter() {
        lines.take(header.name, header.value)?;
    }
    let is_http_1_1 = minor == 1;
    let target_end = method.len() + 1 + target.len();
    Ok(Facts {
        traits: lines.traits(is_http_1_1)?,
        body: lines.framing.finish(is_http_1_1)?,
        // Neither bound is ever met: the reader limits heads to 32 bits, methods are short.
        target_end: u32::try_from(target_end).map_err(|_| Error::Target)?,
        method_len: u8::try_from(method.len()).map_err(|_| Error::MethodTooLong)?,
    })
}

/// What the header lines say, gathered in one pass.
struct Lines {
    framing: Framing,
    has_host: bool,
    has_websocket: bool,
    expectation: Expectation,
    connection: Connection,
}

/// The members of all `Expect` lines.
#[derive(Default)]
struct Expectation {
    continues: bool,
    others: bool,
}

/// The options of all `Connection` lines.
#[derive(Default)]
struct Connection {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

impl Lines {
    fn new() -> Self {
        Self {
            framing: Framing::new(),
            has_host: false,
            has_websocket: false,
            expectation: Expectation::default(),
            connection: Connection::default(),
        }
    }

    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        // By length first: most lines are none of these.
        match name.len() {
            4 if is("host") => {
                if self.has_host {
                    return Err(Error::HostRepeated);
                }
                if !is_host(value) {
                    return Err(Error::HostInvalid);
                }
                self.has_host = true;
            }
            6 if is("expect") => self.expectation.take(value),
            7 if is("upgrade") => self.has_websocket |= fields::lists(value, "websocket"),
            10 if is("connection") => {
                self.connection.close |= fields::lists(value, "close");
                self.connection.keep_alive |= fields::lists(value, "keep-alive");
                self.connection.upgrade |= fields::lists(value, "upgrade");
            }
            14 if is("content-length") => self.framing.content_length(value)?,
            17 if is("transfer-encoding") => self.framing.transfer_encoding(value)?,
            _ => {}
        }
        Ok(())
    }

    fn traits(&self, is_http_1_1: bool) -> Result<Traits, Error> {
        if is_http_1_1 && !self.has_host {
            return Err(Error::HostMissing);
        }
        let Connection { close, keep_alive, upgrade } = self.connection;
        Ok(Traits(0)
            .with(Traits::HTTP_1_1, is_http_1_1)
            .with(Traits::KEEP_ALIVE, !close && (is_http_1_1 || keep_alive))
            .with(Traits::EXPECTS_CONTINUE, is_http_1_1 && self.expectation.continues)
            .with(Traits::EXPECTS_MORE, is_http_1_1 && self.expectation.others)
            .with(Traits::UPGRADE, is_http_1_1 && upgrade && self.has_websocket))
    }
}

impl Expectation {
    fn take(&mut self, value: &[u8]) {
        for member in fields::elements(value).filter(|member| !member.is_empty()) {
            match member.eq_ignore_ascii_case(b"100-continue") {
                true => self.continues = true,
                false => self.others = true,
            }
        }
    }
}

/// Why httparse refused a head.
fn reason(error: httparse::Error, raw: &[u8], max_headers: usize) -> Error {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Error::HeaderLine,
        httparse::Error::TooManyHeaders => Error::TooManyHeaders { limit: max_headers },
        httparse::Error::Version if names_a_version(raw) => Error::Version,
        _ => Error::RequestLine,
    }
}

/// Whether the third part of the request line is `HTTP/digit.digit` (RFC 9112 §2.3).
fn names_a_version(raw: &[u8]) -> bool {
    let line = raw.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let version = line.splitn(3, |&byte| byte == b' ').nth(2).unwrap_or_default();
    matches!(version, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}

/// Whether a value is built of the bytes of `uri-host [":" port]`, or empty (RFC 9110 §7.2).
fn is_host(value: &[u8]) -> bool {
    const HOST: [bool; 256] = alphanumeric_and(b"-._~%!$&'()*+,;=:[]");
    value.iter().all(|byte| HOST[usize::from(*byte)])
}
