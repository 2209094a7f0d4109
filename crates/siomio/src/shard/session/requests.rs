//! Requests below our path: sessions open, poll and upgrade.

use std::rc::Rc;

use siomio_engine::{
    self as engine, Admission, ChannelId, Protocol, Query, Refusal, RequestId, Sid, Transport,
};
use siomio_http::{Body, Head, Headers, Method, Response};

use crate::{
    handshake::Opening,
    shard::{
        conn::{ConnKey, Reading},
        core::{Core, Pending, Session, SessionKey},
        session::perform::html,
        socket::revision::revision,
    },
};

impl Core {
    /// Checks a request, and finds the session that it names.
    pub(crate) fn verify(
        &mut self,
        head: &Head<'_>,
        query: &Query<'_>,
    ) -> (Result<Admission, Refusal>, Option<SessionKey>) {
        let now = self.now;
        let session = query.sid.as_deref().and_then(|sid| self.by_sid.get(sid).copied());
        if let Some(session) = session {
            // Its time may be over before the timer has noticed.
            self.with_session(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        let session = session.filter(|session| {
            self.sessions.get(*session).is_some_and(|state| !state.machine.is_closed())
        });
        let request = engine::Request {
            query,
            is_get: head.method() == Method::Get,
            is_upgrade: head.is_upgrade(),
            origin: head.header_bytes("origin"),
        };
        let machine =
            session.and_then(|session| self.sessions.get(session)).map(|state| &state.machine);
        (engine::verify(request, &self.shared.config.engine, machine), session)
    }

    /// Opens a session for a request that may do that.
    pub(crate) fn open(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        query: &Query<'_>,
        transport: Transport,
        sid: Sid,
        headers: Headers,
    ) {
        let is_polling = transport == Transport::Polling;
        if !is_polling && !self.switch_protocols(conn, head, &headers) {
            return self.shared.release_id(&sid);
        }
        let (now, config) = (self.now, self.shared.config.engine.clone());
        let channel = (!is_polling).then(|| ChannelId(conn.to_bits()));
        let mut actions = Vec::new();
        let machine = engine::Session::open(now, config, sid, query, channel, &mut actions);
        let session = self.insert_session(conn, head, machine);
        if is_polling {
            let request = self.take_polling_request(conn, head, session, headers);
            self.with_session(session, |machine, actions| machine.handle_get(request, actions));
        } else {
            if query.protocol == Protocol::V3 {
                self.send_apart(conn);
            }
            self.attach(conn, session);
            self.with_session(session, |_, out| out.append(&mut actions));
        }
    }

    /// Opens a WebSocket that is for no session, and closes it.
    pub(crate) fn open_in_vain(&mut self, conn: ConnKey, head: &Head<'_>, headers: &Headers) {
        if self.switch_protocols(conn, head, headers) {
            self.close_channel(conn);
        }
    }

    /// Gives a request to the session that it names.
    pub(crate) fn enter(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        query: &Query<'_>,
        session: SessionKey,
        headers: Headers,
    ) {
        if head.is_upgrade() {
            self.open_probe(conn, head, query, session, &headers);
        } else {
            self.poll(conn, head, session, headers);
        }
    }

    /// A WebSocket for a session that exists: the beginning of an upgrade.
    fn open_probe(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        query: &Query<'_>,
        session: SessionKey,
        headers: &Headers,
    ) {
        if !self.switch_protocols(conn, head, headers) {
            return;
        }
        if query.transport != Some(Transport::WebSocket) {
            return self.close_channel(conn);
        }
        self.attach(conn, session);
        let (now, channel) = (self.now, ChannelId(conn.to_bits()));
        self.with_session(session, |machine, actions| {
            machine.handle_channel(now, channel, query.base64, actions)
        });
    }

    /// Takes a place for the answer to a polling request.
    fn take_polling_request(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        session: SessionKey,
        mut headers: Headers,
    ) -> RequestId {
        let agent = head.header("user-agent").unwrap_or_default();
        if agent.contains(";MSIE") || agent.contains("Trident/") {
            // Old browsers that see an attack in payloads must leave them alone.
            let _ = headers.append("X-XSS-Protection", "0");
        }
        self.take_request(conn, head, Some(session), headers)
    }

    /// A GET or POST of a polling session.
    fn poll(&mut self, conn: ConnKey, head: &Head<'_>, session: SessionKey, headers: Headers) {
        let request = self.take_polling_request(conn, head, session, headers);
        match head.method() {
            Method::Get => {
                self.with_session(session, |machine, actions| machine.handle_get(request, actions));
            }
            Method::Post => {
                let is_binary = head.header("content-type") == Some("application/octet-stream");
                let format = self.with_session(session, |machine, actions| {
                    machine.handle_post_head(request, is_binary, actions)
                });
                if let Some(format) = format.flatten() {
                    let is_told = self.shared.config.engine_only;
                    let kept = is_told.then(|| Box::new(head.clone().into_owned()));
                    self.read_body(conn, head, |config| Reading::Post {
                        head: kept,
                        session,
                        request,
                        format,
                        body: Body::new(config.engine.max_payload),
                    });
                }
            }
            _ => self.respond(request, Response::new(500)),
        }
    }

    fn insert_session(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        machine: engine::Session,
    ) -> SessionKey {
        let (sid, transport) = (machine.sid().clone(), machine.transport());
        self.counts.opened(transport).add(1);
        self.counts.sessions(transport).add(1);
        let peer = self.peer(conn);
        let issued = self.environment.time_of_day();
        let opening = Rc::new(Opening { head: head.clone().into_owned(), peer, issued });
        let speaks_socket_io = !self.shared.config.engine_only;
        let (now, hub) = (self.now, &mut self.hub);
        let revision = revision(machine.protocol());
        let session = self.sessions.insert_with(|key| {
            let client = speaks_socket_io.then(|| hub.open_client(now, key.to_bits(), revision));
            Session {
                machine,
                client,
                opening,
                dirty: false,
                armed: None,
                is_over: false,
                waiting: 0,
                stall: None,
                starved: None,
                counted: 0,
            }
        });
        self.by_sid.insert(sid, session);
        self.shared.session_opened(self.index);
        self.events.push_back(Pending::Opened { session });
        session
    }

    /// Refuses a request. In place of a WebSocket, without further headers.
    pub(crate) fn refuse(
        &mut self,
        conn: ConnKey,
        head: &Head<'_>,
        refusal: &Refusal,
        headers: Headers,
    ) {
        if head.is_upgrade() {
            return self.refuse_upgrade(
                conn,
                head,
                html(Response::new(400), refusal.message().to_owned()),
            );
        }
        let request = self.take_request(conn, head, None, headers);
        self.respond(request, Response::new(refusal.status()).json(refusal.body()));
    }
}
