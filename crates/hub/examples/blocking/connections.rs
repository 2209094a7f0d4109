//! Connections: from bytes to requests and messages, and back.

use super::*;

impl Conn {
    pub(super) fn is_late(&self, now: Instant) -> bool {
        let is_our_turn = match &self.protocol {
            Protocol::Http(http) => http.reader.is_between_requests() && !http.pipeline.is_empty(),
            Protocol::WebSocket(_, session) => session.is_some(),
            Protocol::Over => false,
        };
        !is_our_turn && self.until <= now
    }
}

/// Connections: from bytes to requests and messages, and back.
impl State {
    /// `None` when there are too many.
    pub(super) fn open_conn(&mut self, stream: &Arc<TcpStream>) -> Option<ConnKey> {
        stream.set_write_timeout(Some(self.config.patience)).ok()?;
        let reader = http::Reader::new(http::Limits::default());
        let http = Http { reader, pipeline: Pipeline::new(), sessions: Vec::new(), post: None };
        let (protocol, until) = (Protocol::Http(Box::new(http)), self.now + self.config.patience);
        let (out, wake) = Default::default();
        (self.conns.len() < MAX_CONNECTIONS)
            .then(|| self.conns.insert(Conn { stream: stream.clone(), out, wake, until, protocol }))
    }

    /// Bytes came.
    pub(super) fn feed(&mut self, key: ConnKey, mut input: &mut [u8]) {
        let patience = self.now + self.config.patience;
        match self.http(key) {
            Some((_, http, until)) if http.reader.is_between_requests() => *until = patience,
            _ => {}
        }
        while let Some(consumed) = self.feed_http(key, input) {
            input = &mut input[consumed..];
        }
        // What comes behind the 101, or all of it.
        while self.feed_websocket(key, &mut input).is_some() {}
    }

    /// Works off one item from the front of the input, and returns how long it was; `None` when there is none.
    pub(super) fn feed_http(&mut self, key: ConnKey, input: &[u8]) -> Option<usize> {
        let (out, http, _) = self.http(key)?;
        let step = match http.reader.read(input) {
            Ok(step) => step,
            Err(error) => {
                if http.pipeline.is_empty() {
                    Response::new(error.status()).write_to(out, Default::default());
                }
                self.end(key, true);
                return None;
            }
        };
        match step.item? {
            // Nothing is answered behind a request that closes.
            http::Item::Head(_) if http.pipeline.is_closing() => {}
            http::Item::Head(head) => self.handle_head(key, &head),
            http::Item::Chunk(bytes) => {
                let too_large = http.post.take_if(|(.., body)| body.push(bytes).is_err());
                if let Some((session, request, ..)) = too_large {
                    self.respond(request, Response::new(413), false);
                    self.act(session, |machine, _| machine.handle_post_refused(request));
                }
            }
            http::Item::End => {
                if let Some((session, request, format, body)) = http.post.take() {
                    let body = body.finish();
                    self.handle_post(session, request, &payload::Body::read(format, &body));
                }
            }
        }
        Some(step.consumed)
    }

    /// Works off one message, if there is one.
    pub(super) fn feed_websocket(&mut self, key: ConnKey, input: &mut &mut [u8]) -> Option<()> {
        let (now, channel) = (self.now, ChannelId(key.to_bits()));
        let Conn { out, protocol: Protocol::WebSocket(connection, session), .. } =
            self.writable(key)?
        else {
            return None;
        };
        let (session, event) = (*session, connection.read(input, out)?);
        let message = match &event {
            Event::Text(text) => Message::Text(text),
            Event::Binary(data) => Message::Binary(Cow::Borrowed(data)),
            Event::Pong(_) => return Some(()),
            Event::Closed(_) => return self.end(key, false),
            Event::Failed(_) => return self.end(key, true),
        };
        let Some(session) = session else { return Some(()) };
        self.receive(session, |machine, actions| {
            machine.handle_channel_message(now, channel, message, actions)
        });
        Some(())
    }

    /// Puts a response in its place, and sends those whose turn it is.
    pub(super) fn respond(&mut self, request: RequestId, mut response: Response, close: bool) {
        let (key, patience) = (Key::from_bits(request.connection), self.now + self.config.patience);
        let Some((out, http, until)) = self.http(key) else { return };
        _ = response.set_header("Access-Control-Allow-Origin", "*");
        http.pipeline.respond(Ticket::from_number(request.sequence), &response, None, close);
        let mut is_over = false;
        while let Some(ready) = http.pipeline.next_ready() {
            out.extend(ready.bytes);
            (is_over, *until) = (ready.close, patience);
        }
        if http.pipeline.is_empty() {
            http.sessions.clear();
        }
        if is_over {
            self.end(key, false);
        }
    }

    /// A connection ends as soon as what it has to write is written; whoever relied on it is told.
    pub(super) fn end(&mut self, key: ConnKey, is_error: bool) -> Option<()> {
        let (connection, patience) = (key.to_bits(), self.now + self.config.patience);
        let conn = self.conns.get_mut(key)?;
        conn.wake.notify_one();
        let sessions = match mem::replace(&mut conn.protocol, Protocol::Over) {
            Protocol::Http(http) => http.sessions,
            Protocol::WebSocket(_, session) => session.into_iter().collect(),
            Protocol::Over => return None,
        };
        conn.until = patience;
        for session in sessions {
            self.act(session, |machine, actions| {
                machine.handle_connection_gone(connection, actions);
                machine.handle_channel_gone(ChannelId(connection), is_error, actions);
            });
        }
        None
    }

    /// Ends a connection without waiting for anything.
    pub(super) fn cut(&mut self, key: ConnKey) {
        if let Some(conn) = self.conns.get(key) {
            _ = conn.stream.shutdown(Shutdown::Both);
        }
        self.end(key, true);
    }

    pub(super) fn http(&mut self, key: ConnKey) -> Option<(&mut Vec<u8>, &mut Http, &mut Instant)> {
        match self.writable(key)? {
            Conn { out, until, protocol: Protocol::Http(http), .. } => Some((out, http, until)),
            _ => None,
        }
    }

    /// A connection that something may be written to. Whose client takes too little is cut: its reader then finds the end.
    pub(super) fn writable(&mut self, key: ConnKey) -> Option<&mut Conn> {
        let conn = self.conns.get_mut(key)?;
        if conn.out.len() > MAX_BUFFERED {
            _ = conn.stream.shutdown(Shutdown::Both);
            return None;
        }
        conn.wake.notify_one();
        Some(conn)
    }
}
