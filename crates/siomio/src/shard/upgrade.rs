//! From HTTP to WebSocket.

use siomio_http::{Head, Response, ResponseContext};
use siomio_websocket::{
    self as websocket, Role,
    handshake::{RequestParts, ServerHandshake},
};

use super::{
    conn::{ConnKey, Recipient, State, WebSocket},
    core::{Core, SessionKey},
    perform::html,
};

impl Core {
    /// Answers 101, and the connection is a WebSocket; or refuses, and returns `false`.
    pub(super) fn switch_protocols(&mut self, conn: ConnKey, head: &Head<'_>) -> bool {
        let handshake = match check_upgrade(head) {
            Ok(handshake) => handshake,
            Err(response) => {
                self.refuse_upgrade(conn, head, response);
                return false;
            }
        };
        let cors = self.shared.config.cors.headers(head).list();
        self.become_websocket(conn, &handshake, cors.iter().map(|(name, value)| (*name, &**value)))
    }

    /// Answers 101 with these headers, and the connection is a WebSocket that is for nobody yet.
    pub(super) fn become_websocket<'h>(
        &mut self,
        conn: ConnKey,
        handshake: &ServerHandshake<'_>,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> bool {
        let limits = self.shared.config.websocket_limits();
        let Some(state) = self.conns.get_mut(conn) else { return false };
        state.out.append(|out| {
            let protocol = handshake.protocols().first().copied();
            // Fails only for headers that are not ours to set.
            let _ = handshake.write_response(out, protocol, None, headers);
        });
        state.state = State::WebSocket(WebSocket {
            reader: websocket::Reader::new(Role::Server, limits),
            closing: websocket::Closing::Open,
            until: None,
            recipient: Recipient::Nobody,
            unanswered: None,
        });
        self.mark(conn);
        true
    }

    pub(super) fn attach(&mut self, conn: ConnKey, session: SessionKey) {
        if let Some(websocket) = self.conns.get_mut(conn).and_then(|state| state.websocket_mut()) {
            websocket.recipient = Recipient::Session(session);
        }
    }

    /// Answers in place of a 101, without the headers of polling, and ends the connection.
    pub(super) fn refuse_upgrade(&mut self, conn: ConnKey, head: &Head<'_>, response: Response) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let context = ResponseContext { keep_alive: false, ..ResponseContext::new(head, None) };
        state.out.append(|out| response.write_to(out, context));
        self.linger(conn);
    }
}

/// Checks a request for a WebSocket.
///
/// # Errors
/// The response that says what is wrong with it.
pub(super) fn check_upgrade<'h>(head: &'h Head<'_>) -> Result<ServerHandshake<'h>, Response> {
    let headers = |name: &'static str| {
        head.headers()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let method = head.method();
    let parts = RequestParts { method: method.as_str(), http_minor: head.minor_version(), headers };
    ServerHandshake::check(&parts).map_err(|rejection| {
        let response = html(Response::new(rejection.status()), rejection.reason());
        match rejection.header() {
            Some((name, value)) => response.clone().header(name, value).unwrap_or(response),
            None => response,
        }
    })
}
