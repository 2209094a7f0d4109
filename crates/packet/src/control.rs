//! The packets that a server makes of its own accord: consent, refusal, goodbye.
//!
//! Each exists as a function that appends its text, and as a [`Packet`] for
//! [parsers](crate::Parser) that write something else.

use std::borrow::Cow;

use crate::head::write_head;
use crate::kind::Kind;
use crate::packet::{Data, Packet};
use crate::payload::write_json_string;

/// Appends the server's consent to a [`Connect`](Kind::Connect): `0/ns,{"sid":"…"}`, with a
/// `"pid"` where connection state recovery is on.
pub fn connect(out: &mut Vec<u8>, namespace: &str, sid: &str, pid: Option<&str>) {
    write_head(out, Kind::Connect, 0, namespace, None);
    write_consent(out, sid, pid);
}

/// Appends a [`Disconnect`](Kind::Disconnect): `1/ns,`.
pub fn disconnect(out: &mut Vec<u8>, namespace: &str) {
    write_head(out, Kind::Disconnect, 0, namespace, None);
}

/// Appends a [`ConnectError`](Kind::ConnectError): `4/ns,{"message":"…"}`, with `"data"` where
/// there is some. `data` is JSON text and goes out as it is.
pub fn connect_error(out: &mut Vec<u8>, namespace: &str, message: &str, data: Option<&str>) {
    write_head(out, Kind::ConnectError, 0, namespace, None);
    write_refusal(out, message, data);
}

impl<'a> Packet<'a> {
    /// What [`connect`](crate::connect) appends, as a packet.
    ///
    /// ```
    /// use siomio_packet::{Packet, connect};
    ///
    /// let (mut text, mut same) = (Vec::new(), Vec::new());
    /// Packet::connect("/chat", "wZX3oN0b", None).encode(&mut text);
    /// connect(&mut same, "/chat", "wZX3oN0b", None);
    /// assert_eq!(text, same);
    /// ```
    #[must_use]
    pub fn connect(namespace: impl Into<Cow<'a, str>>, sid: &str, pid: Option<&str>) -> Self {
        Self::control(Kind::Connect, namespace, |json| write_consent(json, sid, pid))
    }

    /// What [`disconnect`](crate::disconnect) appends, as a packet.
    #[must_use]
    pub fn disconnect(namespace: impl Into<Cow<'a, str>>) -> Self {
        Self::control(Kind::Disconnect, namespace, |_| {})
    }

    /// What [`connect_error`](crate::connect_error) appends, as a packet. `data` is JSON text, and
    /// not checked.
    #[must_use]
    pub fn connect_error(
        namespace: impl Into<Cow<'a, str>>,
        message: &str,
        data: Option<&str>,
    ) -> Self {
        Self::control(Kind::ConnectError, namespace, |json| write_refusal(json, message, data))
    }

    fn control(
        kind: Kind,
        namespace: impl Into<Cow<'a, str>>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Self {
        let mut json = Vec::new();
        write(&mut json);
        // Strings and punctuation: always UTF-8.
        let data = Data::own(String::from_utf8(json).unwrap_or_default(), Vec::new());
        Self { kind, namespace: namespace.into(), id: None, data }
    }
}

fn write_consent(json: &mut Vec<u8>, sid: &str, pid: Option<&str>) {
    json.extend_from_slice(br#"{"sid":"#);
    write_json_string(json, sid);
    if let Some(pid) = pid {
        json.extend_from_slice(br#","pid":"#);
        write_json_string(json, pid);
    }
    json.push(b'}');
}

fn write_refusal(json: &mut Vec<u8>, message: &str, data: Option<&str>) {
    json.extend_from_slice(br#"{"message":"#);
    write_json_string(json, message);
    if let Some(data) = data {
        json.extend_from_slice(br#","data":"#);
        json.extend_from_slice(data.as_bytes());
    }
    json.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_and_a_packet_for_each() {
        let mut texts = Vec::new();
        let mut pair = |write: &dyn Fn(&mut Vec<u8>), packet: Packet<'_>| {
            let (mut text, mut encoded) = (Vec::new(), Vec::new());
            write(&mut text);
            packet.encode(&mut encoded);
            assert_eq!(text, encoded);
            texts.push(String::from_utf8(text).unwrap());
        };
        pair(&|out| connect(out, "/", "abc", None), Packet::connect("/", "abc", None));
        pair(&|out| connect(out, "/x", "a", Some("p")), Packet::connect("/x", "a", Some("p")));
        pair(&|out| disconnect(out, "/"), Packet::disconnect("/"));
        pair(&|out| disconnect(out, "/x"), Packet::disconnect("/x".to_owned()));
        let message = "Invalid namespace";
        pair(
            &|out| connect_error(out, "/x", message, None),
            Packet::connect_error("/x", message, None),
        );
        let data = Some(r#"{"code":1}"#);
        pair(
            &|out| connect_error(out, "/", "a\"b", data),
            Packet::connect_error("/", "a\"b", data),
        );
        assert_eq!(
            texts,
            [
                r#"0{"sid":"abc"}"#,
                r#"0/x,{"sid":"a","pid":"p"}"#,
                "1",
                "1/x,",
                r#"4/x,{"message":"Invalid namespace"}"#,
                r#"4{"message":"a\"b","data":{"code":1}}"#,
            ]
        );
    }
}
