//! Requests: which session they are for, and what becomes of them.

use super::*;

impl State {
    pub(super) fn handle_head(&mut self, key: ConnKey, head: &Head<'_>) {
        let (now, max_payload) = (self.now, self.engine.max_payload);
        let Some((out, http, _)) = self.http(key) else { return };
        let ticket = http.pipeline.open(head);
        let request = RequestId { connection: key.to_bits(), sequence: ticket.number() };
        if http.pipeline.len() > MAX_PIPELINE {
            return self.respond(request, Response::new(503), true);
        }
        if head.expects_continue() && http.pipeline.is_first(ticket) {
            out.extend_from_slice(http::CONTINUE);
        }
        if !head.path().starts_with(PATH) {
            return self.respond(request, Response::new(404), false);
        }
        let query = Query::from_pairs(head.query_pairs());
        let session = query.sid.as_deref().and_then(|sid| self.by_sid.get(sid).copied());
        if let Some(session) = session {
            // Its time may be over, and not yet noticed.
            self.act(session, |machine, actions| machine.handle_timeout(now, actions));
        }
        let is_upgrade = head.is_upgrade() && query.transport == Some(Transport::WebSocket);
        let (is_get, origin) = (head.method() == Method::Get, head.header_bytes("origin"));
        let facts = engine::Request { query: &query, is_get, is_upgrade, origin };
        let machine = session.and_then(|key| self.sessions.get(key)).map(|it| &it.machine);
        if let Err(refusal) = verify(facts, &self.engine, machine) {
            let response = match is_upgrade {
                true => Response::new(400).html(refusal.message().to_owned()),
                false => Response::new(refusal.status()).json(refusal.body()),
            };
            return self.respond(request, response, is_upgrade);
        }
        if is_upgrade {
            return self.upgrade(request, head, &query, session);
        }
        let session = session.unwrap_or_else(|| self.open_session(&query, None));
        if !matches!(head.method(), Method::Get | Method::Post) {
            return self.respond(request, Response::new(500), false);
        }
        let post = self.act(session, |machine, actions| match head.method() {
            Method::Post => {
                let is_binary = head.header("content-type") == Some("application/octet-stream");
                machine.handle_post_head(request, is_binary, actions)
            }
            _ => {
                machine.handle_get(request, actions);
                None
            }
        });
        if let Some((_, http, _)) = self.http(key) {
            http.sessions.push(session);
            http.post = post.flatten().map(|it| (session, request, it, Body::new(max_payload)));
        }
    }

    /// The body of a POST is complete.
    pub(super) fn handle_post(
        &mut self,
        session: SessionKey,
        request: RequestId,
        body: &payload::Body<'_>,
    ) {
        let now = self.now;
        for packet in body.packets() {
            self.receive(session, |machine, actions| {
                machine.handle_post_packet(now, request, packet, actions)
            });
        }
        self.act(session, |machine, actions| machine.handle_post_end(request, actions));
        let machine = self.sessions.get(session).map(|it| &it.machine);
        if !machine.is_some_and(|machine| machine.is_reading(request)) {
            // The session is gone, or has answered: then nothing happens.
            self.respond(request, Response::new(400), false);
        }
    }

    /// A request for a WebSocket: for a new session, or for one that is to move there.
    pub(super) fn upgrade(
        &mut self,
        request: RequestId,
        head: &Head<'_>,
        query: &Query<'_>,
        session: Option<SessionKey>,
    ) {
        let (now, max_message) = (self.now, self.engine.max_payload);
        let (key, channel) = (Key::from_bits(request.connection), ChannelId(request.connection));
        let (method, headers) = (head.method(), |name: &'static str| head.header_values(name));
        let (method, http_minor) = (method.as_str(), head.minor_version());
        let handshake = match ServerHandshake::check(&RequestParts { method, http_minor, headers })
        {
            Ok(handshake) => handshake,
            Err(rejection) => {
                let response = Response::new(rejection.status()).html(rejection.reason());
                return self.respond(request, response, true);
            }
        };
        if self.http(key).is_none_or(|(_, http, _)| http.pipeline.len() > 1) {
            // The connection cannot change its protocol before everything is answered.
            return self.respond(request, Response::new(400), true);
        }
        let Some(conn) = self.writable(key) else { return };
        // Can fail only for what we put in, which is nothing.
        _ = handshake.write_response(&mut conn.out, None, None, []);
        let limits = websocket::Limits { max_message, ..Default::default() };
        conn.protocol = Protocol::WebSocket(ServerConnection::new(limits), session);
        if let Some(session) = session {
            self.act(session, |machine, actions| {
                machine.handle_channel(now, channel, query.base64, actions);
            });
            return;
        }
        let opened = self.open_session(query, Some(channel));
        if let Some(Conn { protocol: Protocol::WebSocket(_, session), .. }) = self.writable(key) {
            *session = Some(opened);
        }
    }
}
