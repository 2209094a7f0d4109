//! How a session writes its payloads, and how it reads them.

use super::{Format, jsonp, v3, v3_binary, v4};
use crate::{Outgoing, Protocol, Response};

/// The way of writing payloads that a session was opened with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    #[default]
    V4,
    /// The client takes bytes.
    V3,
    /// The client takes text only.
    V3Text,
    /// The client runs scripts only, and calls the function of this number.
    Jsonp(Box<str>),
}

impl Dialect {
    pub(crate) const fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::V4 => Self::V4,
            Protocol::V3 => Self::V3,
        }
    }

    /// The client takes no bytes, which only revision 3 would send.
    pub(crate) fn text_only(&mut self) {
        if *self == Self::V3 {
            *self = Self::V3Text;
        }
    }

    /// The client runs scripts, which only revision 3 knows.
    pub(crate) fn jsonp(&mut self, index: &str) {
        if *self != Self::V4 {
            *self = Self::Jsonp(index.into());
        }
    }

    /// How the body of a POST is written; `None` when it is bytes and the revision knows only text.
    pub(crate) const fn format(&self, is_binary: bool) -> Option<Format> {
        match self {
            Self::V4 if is_binary => None,
            Self::V4 => Some(Format::V4),
            Self::V3 | Self::V3Text if is_binary => Some(Format::V3Binary),
            Self::V3 | Self::V3Text => Some(Format::V3),
            Self::Jsonp(_) => Some(Format::Jsonp),
        }
    }

    /// The answer to a GET that consists of these packets, which weigh so much.
    pub(crate) fn response<'p>(
        &self,
        packets: impl Iterator<Item = &'p Outgoing> + Clone,
        weight: usize,
    ) -> Response {
        let mut body = Vec::with_capacity(weight);
        match self {
            Self::V4 => v4::encode(&mut body, packets),
            Self::V3 if packets.clone().any(|packet| matches!(packet, Outgoing::Binary(_))) => {
                v3_binary::encode(&mut body, packets);
                return Response::BinaryPayload(body);
            }
            Self::V3 | Self::V3Text => v3::encode(&mut body, packets),
            Self::Jsonp(index) => {
                v3::encode(&mut body, packets);
                body = jsonp::wrap(index, &body);
            }
        }
        Response::Payload(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(dialect: &Dialect, packets: &[Outgoing]) -> Response {
        dialect.response(packets.iter(), 0)
    }

    #[test]
    fn bytes_are_sent_only_to_clients_that_take_them_and_only_when_there_are_some() {
        let text = [Outgoing::text("a")];
        let both = [Outgoing::text("a"), Outgoing::Binary(vec![1].into())];
        let payload = |text: &str| Response::Payload(text.into());
        assert_eq!(respond(&Dialect::V4, &both), payload("4a\u{1e}bAQ=="));
        assert_eq!(respond(&Dialect::V3, &text), payload("2:4a"));
        assert_eq!(
            respond(&Dialect::V3, &both),
            Response::BinaryPayload(b"\x00\x02\xff4a\x01\x02\xff\x04\x01".into())
        );
        assert_eq!(respond(&Dialect::V3Text, &both), payload("2:4a6:b4AQ=="));
        let jsonp = Dialect::Jsonp("7".into());
        assert_eq!(respond(&jsonp, &both), payload(r#"___eio[7]("2:4a6:b4AQ==");"#));
    }

    #[test]
    fn only_revision_3_takes_bytes_and_runs_scripts() {
        let (mut old, mut new) = (Dialect::new(Protocol::V3), Dialect::new(Protocol::V4));
        assert_eq!((old.format(true), new.format(true)), (Some(Format::V3Binary), None));
        for dialect in [&mut old, &mut new] {
            dialect.text_only();
        }
        assert_eq!((&old, &new), (&Dialect::V3Text, &Dialect::V4));
        assert_eq!(old.format(true), Some(Format::V3Binary), "b64 is about what the client takes");
        for dialect in [&mut old, &mut new] {
            dialect.jsonp("1");
        }
        assert_eq!(new, Dialect::V4);
        assert_eq!(
            (old.format(false), old.format(true)),
            (Some(Format::Jsonp), Some(Format::Jsonp))
        );
    }
}
