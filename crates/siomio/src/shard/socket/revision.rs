//! What clients of the two revisions are told when they join a namespace.
//!
//! Those of today ask for every namespace and learn the id of their socket there. Those of Socket.IO 1 and 2 are in the main
//! namespace from the beginning, and know their ids by themselves.

use std::{rc::Rc, sync::Arc};

use siomio_engine::Protocol;
use siomio_hub::{NamespaceId, Revision};
use siomio_packet::{Data, Kind, Limits, Packet, Value};

use crate::{
    ConnectError,
    shard::{
        core::{Core, SessionKey},
        local::Local,
    },
};

impl Local {
    /// A session has opened: an old client of Socket.IO is in the main namespace now, if that lets it in.
    pub(crate) fn join_main(self: &Rc<Self>, session: SessionKey) {
        let protocol = self.core.borrow().protocol_of(session);
        if protocol == Protocol::V3 {
            let main = self.shared.namespaces.main().id;
            if let Some(space) = self.space(main) {
                self.connect(session, &space, "");
            }
        }
    }
}

impl Core {
    /// The revision of Engine.IO that a session speaks.
    pub(crate) fn protocol_of(&self, session: SessionKey) -> Protocol {
        self.sessions.get(session).map_or(Protocol::V4, |state| state.machine.protocol())
    }

    /// A public id for the socket of a session in a namespace; old clients expect it to be made of the session's.
    pub(crate) fn socket_id(&mut self, session: SessionKey, namespace: NamespaceId) -> Arc<str> {
        let machine = self.sessions.get(session).map(|state| &state.machine);
        let Some(machine) = machine.filter(|machine| machine.protocol() == Protocol::V3) else {
            return self.new_socket_id();
        };
        match self.hub.name(namespace).map(|name| &**name) {
            Some("/") | None => machine.sid().as_str().into(),
            Some(name) => format!("{name}#{}", machine.sid()).into(),
        }
    }
}

/// What Socket.IO speaks on top of a revision of Engine.IO.
pub(crate) const fn revision(protocol: Protocol) -> Revision {
    match protocol {
        Protocol::V3 => Revision::V4,
        Protocol::V4 => Revision::V5,
    }
}

/// The packet that lets a socket in.
pub(crate) fn consent<'n>(
    protocol: Protocol,
    namespace: &'n str,
    id: &str,
    pid: Option<&str>,
) -> Packet<'n> {
    match protocol {
        Protocol::V3 => {
            let data = Data::default();
            Packet { kind: Kind::Connect, namespace: namespace.into(), id: None, data }
        }
        Protocol::V4 => Packet::connect(namespace, id, pid),
    }
}

/// The packet that refuses a socket: for old clients the data if it says something to JavaScript, or else the message.
pub(crate) fn refusal<'n>(
    protocol: Protocol,
    namespace: &'n str,
    refusal: &ConnectError,
) -> Packet<'n> {
    let json = |data: &Value| serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    match protocol {
        Protocol::V3 => {
            let message = Value::from(&*refusal.message);
            let data = refusal.data.as_ref().filter(|data| is_truthy(data));
            let json = json(data.unwrap_or(&message));
            // It is JSON, and limits are for what clients send.
            let limits = Limits { max_packet_bytes: usize::MAX, ..Limits::default() };
            let data = Data::new(&limits, json, Vec::new()).unwrap_or_default();
            Packet { kind: Kind::ConnectError, namespace: namespace.into(), id: None, data }
        }
        Protocol::V4 => {
            let data = refusal.data.as_ref().map(json);
            Packet::connect_error(namespace, &refusal.message, data.as_deref())
        }
    }
}

/// Whether JavaScript takes it for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(packet: &Packet<'_>) -> String {
        let mut text = Vec::new();
        packet.encode(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn refused(protocol: Protocol, error: ConnectError) -> String {
        text(&refusal(protocol, "/a", &error))
    }

    #[test]
    fn old_clients_get_the_data_or_else_the_message() {
        let no = || ConnectError::new("no \"entry\"");
        for (error, expected) in [
            (no(), r#"4/a,"no \"entry\"""#),
            (no().with_data(Value::from([("code", 1)])), r#"4/a,{"code":1}"#),
            (no().with_data("why"), r#"4/a,"why""#),
            (no().with_data(true), "4/a,true"),
            (no().with_data(7), "4/a,7"),
            (no().with_data(""), r#"4/a,"no \"entry\"""#),
            (no().with_data(0), r#"4/a,"no \"entry\"""#),
            (no().with_data(-0.0), r#"4/a,"no \"entry\"""#),
            (no().with_data(false), r#"4/a,"no \"entry\"""#),
            (no().with_data(Value::Null), r#"4/a,"no \"entry\"""#),
        ] {
            assert_eq!(refused(Protocol::V3, error), expected);
        }
        assert_eq!(
            refused(Protocol::V4, no().with_data(0)),
            r#"4/a,{"message":"no \"entry\"","data":0}"#
        );
    }

    #[test]
    fn old_clients_are_let_in_without_words() {
        assert_eq!(text(&consent(Protocol::V3, "/a", "id", None)), "0/a,");
        assert_eq!(text(&consent(Protocol::V3, "/", "id", None)), "0");
        assert_eq!(text(&consent(Protocol::V4, "/a", "id", None)), r#"0/a,{"sid":"id"}"#);
    }
}
