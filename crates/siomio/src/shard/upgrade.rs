//! From HTTP to WebSocket.

use siomio_http::{Head, Headers, Response, ResponseContext};
use siomio_websocket::{
    self as websocket, Role,
    handshake::{RequestParts, ServerHandshake},
};

use super::{
    conn::{ConnKey, State, WebSocket},
    core::{Core, SessionKey},
    perform::html,
};

impl Core {
    /// Answers 101, and the connection is a WebSocket; or refuses, and returns `false`.
    pub(super) fn switch_protocols(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        headers: &Headers,
    ) -> bool {
        let fields = |name: &'static str| {
            head.headers()
                .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        if head.has_body() {
            // Whether it would belong to the request or to the WebSocket is nothing to guess at.
            let response = html(Response::new(400), "Upgrade with a body");
            self.refuse_upgrade(conn, head, response);
            return false;
        }
        let method = head.method();
        let parts = RequestParts {
            method: method.as_str(),
            http_minor: head.minor_version(),
            headers: fields,
        };
        let handshake = match ServerHandshake::check(&parts) {
            Ok(handshake) => handshake,
            Err(rejection) => {
                let response = html(Response::new(rejection.status()), rejection.reason());
                let response = match rejection.header() {
                    Some((name, value)) => response.clone().header(name, value).unwrap_or(response),
                    None => response,
                };
                self.refuse_upgrade(conn, head, response);
                return false;
            }
        };
        let limits = websocket::Limits {
            max_message: self.shared.config.engine.max_payload,
            ..Default::default()
        };
        let mut response = Vec::new();
        let protocol = handshake.protocols().first().copied();
        if let Err(misuse) = handshake.write_response(&mut response, protocol, None, headers.iter())
        {
            // A hook has set a header that is the handshake's own.
            self.refuse_upgrade(conn, head, Response::new(500).text(misuse.to_string()));
            return false;
        }
        let Some(state) = self.conns.get_mut(conn) else { return false };
        state.out.append(|out| out.extend_from_slice(&response));
        state.state = State::WebSocket(WebSocket {
            reader: websocket::Reader::new(Role::Server, limits),
            closing: websocket::Closing::Open,
            until: None,
            session: None,
        });
        self.mark(conn);
        true
    }

    pub(super) fn attach(&mut self, conn: ConnKey, session: SessionKey) {
        if let Some(websocket) = self.conns.get_mut(conn).and_then(|state| state.websocket_mut()) {
            websocket.session = Some(session);
        }
    }

    /// Answers in place of a 101, without the headers of polling, and ends the connection.
    pub(super) fn refuse_upgrade(&mut self, conn: ConnKey, head: &Head<'_>, response: Response) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let date = self.date.at(self.environment.time_of_day().as_secs());
        let context =
            ResponseContext { keep_alive: false, ..ResponseContext::new(head, Some(date)) };
        state.out.append(|out| response.write_to(out, context));
        self.linger(conn);
    }
}
