//! From HTTP to WebSocket.

use siomio_http::{Head, Headers, Response, ResponseContext};
use siomio_websocket::handshake::{RequestParts, ServerHandshake};

use crate::shard::{
    conn::{ConnKey, Recipient, State, WebSocket},
    core::{Core, SessionKey},
    session::perform::{final_response, html},
};

impl Core {
    /// Answers 101, and the connection is a WebSocket; or refuses, and returns `false`.
    pub(crate) fn switch_protocols(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        headers: &Headers,
    ) -> bool {
        let handshake = match check_upgrade(head) {
            Ok(handshake) => handshake,
            Err(response) => {
                self.refuse_upgrade(conn, head, response);
                return false;
            }
        };
        self.become_websocket(conn, head, &handshake, headers)
    }

    /// Answers 101 with these headers, and the connection is a WebSocket that is for nobody yet; or refuses, and returns
    /// `false`.
    pub(crate) fn become_websocket(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        handshake: &ServerHandshake<'_>,
        headers: &Headers,
    ) -> bool {
        let limits = self.shared.config.websocket.clone();
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
        state.state = State::WebSocket(WebSocket::new(limits));
        self.mark(conn);
        true
    }

    pub(crate) fn attach(&mut self, conn: ConnKey, session: SessionKey) {
        if let Some(websocket) = self.conns.get_mut(conn).and_then(|state| state.websocket_mut()) {
            websocket.recipient = Recipient::Session(session);
        }
    }

    /// Answers in place of a 101, without the headers of polling, and ends the connection.
    pub(crate) fn refuse_upgrade(&mut self, conn: ConnKey, head: &Head<'_>, response: Response) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let date = self.date.at(self.environment.time_of_day().as_secs());
        let context =
            ResponseContext { keep_alive: false, ..ResponseContext::new(head, Some(date)) };
        let response = final_response(response);
        state.out.append(|out| response.write_to(out, context));
        self.linger(conn);
    }
}

/// Checks a request for a WebSocket.
///
/// # Errors
/// The response that says what is wrong with it.
pub(crate) fn check_upgrade<'h>(head: &'h Head<'_>) -> Result<ServerHandshake<'h>, Response> {
    if head.has_body() {
        // Whether it would belong to the request or to the WebSocket is nothing to guess at.
        return Err(html(Response::new(400), "Upgrade with a body"));
    }
    let headers = |name: &'static str| head.header_values(name);
    let method = head.method();
    let parts = RequestParts { method: method.as_str(), http_minor: head.minor_version(), headers };
    ServerHandshake::check(&parts).map_err(|rejection| {
        let mut response = html(Response::new(rejection.status()), rejection.reason());
        if let Some((name, value)) = rejection.header() {
            // A header that HTTP allows.
            let _ = response.add_header(name, value);
        }
        response
    })
}
