use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::head::write_head;
use crate::kind::Kind;
use crate::packet::{Data, Packet};
use crate::payload::write_json_string;

/// Revision of the Socket.IO protocol.
///
/// The text of packets is the same in both. They differ in how namespaces are joined and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revision {
    /// Revision 4: clients of Socket.IO 1 and 2, over Engine.IO 3.
    V4,
    /// Revision 5: clients of Socket.IO 3 and 4, over Engine.IO 4.
    V5,
}

impl Packet<'_> {
    /// Makes a packet from a client of revision 4 one of revision 5.
    ///
    /// Such clients append a query to the namespace, in packets of every kind, and have nothing
    /// else to send along with a [`Connect`](Kind::Connect): its payload becomes the query as an
    /// object of strings, or nothing if there is no query. Of parameters of the same name the
    /// last counts. A `#` ends the namespace, as it ends the query of a URL.
    ///
    /// ```
    /// use siomio_packet::{Decoder, Limits};
    ///
    /// let mut packet = Decoder::new().text(&Limits::default(), "0/admin?token=a+b&x=%C3%A9,")?.unwrap();
    /// packet.upgrade_v4();
    /// assert_eq!(packet.namespace, "/admin");
    /// assert_eq!(packet.data.json(), r#"{"token":"a b","x":"é"}"#);
    /// # Ok::<(), siomio_packet::DecodeError>(())
    /// ```
    pub fn upgrade_v4(&mut self) {
        let end = self.namespace.find(['?', '#']);
        if self.kind == Kind::Connect {
            let query = end.and_then(|end| self.namespace.get(end..)?.strip_prefix('?'));
            self.data = Data::own(query.map(query_to_json).unwrap_or_default(), Vec::new());
        }
        let Some(end) = end else { return };
        match &mut self.namespace {
            Cow::Borrowed(name) => *name = name.get(..end).unwrap_or(name),
            Cow::Owned(name) => name.truncate(end),
        }
    }
}

/// A query as an object of strings; nothing for a query without parameters.
fn query_to_json(query: &str) -> String {
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    let mut places = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = *places.entry(name.clone()).or_insert(pairs.len());
        match pairs.get_mut(place) {
            Some(pair) => pair.1 = value,
            None => pairs.push((name, value)),
        }
    }
    if pairs.is_empty() {
        return String::new();
    }
    let mut json = vec![b'{'];
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_json_string(&mut json, name);
        json.push(b':');
        write_json_string(&mut json, value);
    }
    json.push(b'}');
    // Strings and punctuation: always UTF-8.
    String::from_utf8(json).unwrap_or_default()
}

/// Appends the consent to a [`Connect`](Kind::Connect) for a client of revision 4: `0/ns,`.
pub fn connect_v4(out: &mut Vec<u8>, namespace: &str) {
    write_head(out, Kind::Connect, 0, namespace, None);
}

/// Appends a refusal for a client of revision 4, where any JSON may follow: `4/ns,"no"`. `json`
/// goes out as it is.
pub fn error_v4(out: &mut Vec<u8>, namespace: &str, json: &str) {
    write_head(out, Kind::ConnectError, 0, namespace, None);
    out.extend_from_slice(json.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, Limits};

    fn read(text: &str) -> Packet<'_> {
        let mut packet = Decoder::new().text(&Limits::default(), text).unwrap().unwrap();
        packet.upgrade_v4();
        packet
    }

    #[test]
    fn the_query_of_a_connect_is_its_payload() {
        for (text, namespace, json) in [
            ("0", "/", ""),
            ("0/a", "/a", ""),
            ("0/a,", "/a", ""),
            ("0/a?", "/a", ""),
            ("0/a?token=abc", "/a", r#"{"token":"abc"}"#),
            ("0/adm?token=1&x=%20y,", "/adm", r#"{"token":"1","x":" y"}"#),
            ("0/?token=1,", "/", r#"{"token":"1"}"#),
            ("0/a?a=1&b=2&a=3,", "/a", r#"{"a":"3","b":"2"}"#),
            ("0/a?x=%22%5C%0a&é=%zz&y&=z,", "/a", r#"{"x":"\"\\\n","é":"%zz","y":"","":"z"}"#),
            ("0/a?x=%ff,", "/a", "{\"x\":\"\u{fffd}\"}"),
            ("0/a?b?c=d,", "/a", r#"{"b?c":"d"}"#),
            ("0/a?b=1#c=2,", "/a", r#"{"b":"1"}"#),
            ("0/a#b?c=1,", "/a", ""),
            // What revision 5 sends along does not count.
            (r#"0/a,{"token":"x"}"#, "/a", ""),
            (r#"0/a?t=1,{"token":"x"}"#, "/a", r#"{"t":"1"}"#),
        ] {
            let packet = read(text);
            assert_eq!((&*packet.namespace, packet.data.json()), (namespace, json), "{text}");
            let parsed = packet.data.get::<crate::Value>();
            assert!(json.is_empty() || parsed.is_ok(), "{text}: {parsed:?}");
        }
    }

    #[test]
    fn the_query_is_cut_off_packets_of_every_kind() {
        let packet = read(r#"2/a?t=1,7["x",1]"#);
        assert_eq!((&*packet.namespace, packet.id), ("/a", Some(7)));
        assert_eq!(packet.data.json(), r#"["x",1]"#);
        assert_eq!(read("1/a?t=1").namespace, "/a");
        assert_eq!(read("3/a?t=1,0[]").namespace, "/a");

        let mut decoder = Decoder::new();
        let text = r#"51-/a?t=1,["x",{"_placeholder":true,"num":0}]"#;
        assert_eq!(decoder.text(&Limits::default(), text), Ok(None));
        let binary = decoder.binary(&Limits::default(), Cow::Borrowed(b"\x01"));
        let mut packet = binary.unwrap().unwrap();
        packet.upgrade_v4();
        assert_eq!((&*packet.namespace, packet.data.attachments().len()), ("/a", 1));
    }

    #[test]
    fn a_query_of_very_many_parameters_takes_no_time() {
        let pairs: Vec<_> = (0..100_000).map(|number| format!("{number}=")).collect();
        let json = query_to_json(&pairs.join("&"));
        assert_eq!(json.matches(':').count(), 100_000);
    }

    #[test]
    fn answers_to_old_clients() {
        let mut out = Vec::new();
        connect_v4(&mut out, "/");
        connect_v4(&mut out, "/a");
        error_v4(&mut out, "/a", "\"nope\"");
        error_v4(&mut out, "/", "{\"code\":1}");
        assert_eq!(String::from_utf8(out).unwrap(), r#"00/a,4/a,"nope"4{"code":1}"#);
    }
}
