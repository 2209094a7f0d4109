//! A connection between reading and writing.

use std::rc::Rc;

use siomio_engine::ChannelId;

use super::{
    conn::{Conn, ConnKey, Patience, State},
    core::Core,
    local::Local,
    turn::Next,
};

impl Local {
    /// Works off bytes that a connection has sent, whatever it speaks by now.
    pub(super) fn feed(self: &Rc<Self>, conn: ConnKey, mut input: &mut [u8]) {
        loop {
            let speaks = match self.core.borrow().conns.get(conn).map(|state| &state.state) {
                Some(State::Http(_)) => Self::feed_http_mut,
                Some(State::WebSocket(_)) => Self::feed_websocket,
                Some(State::Lingering { .. } | State::Dead) | None => return,
            };
            let Some(consumed) = speaks(self, conn, input) else { break };
            input = &mut input[consumed..];
        }
        self.core.borrow_mut().watch_request(conn);
    }

    fn feed_http_mut(self: &Rc<Self>, conn: ConnKey, input: &mut [u8]) -> Option<usize> {
        self.feed_http(conn, input)
    }
}

impl Core {
    /// Limits the wait for the rest of a request that has begun, answered or not.
    fn watch_request(&mut self, conn: ConnKey) {
        let until = self.now + self.shared.config.request_timeout;
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        if !http.reader.is_between_requests()
            && http.held.is_none()
            && !matches!(http.patience, Patience::Request { .. })
        {
            http.patience = Patience::Request { until };
            self.arm_conn(conn);
        }
    }

    /// A request is read: it is our turn, or, if it was answered before its end, the client's again.
    pub(super) fn request_read(&mut self, conn: ConnKey) {
        let until = self.now + self.shared.config.keep_alive_timeout;
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        let is_answered = http.pipeline.is_empty();
        http.patience = if is_answered { Patience::Idle { until } } else { Patience::Unlimited };
        self.arm_conn(conn);
    }

    /// Moves the responses whose turn it is to the write queue.
    pub(super) fn take_responses(&mut self, conn: ConnKey) {
        let Some(state) = self.conns.get_mut(conn) else { return };
        let State::Http(http) = &mut state.state else { return };
        while let Some(ready) = http.pipeline.next_ready() {
            state.out.share(ready.bytes.into());
            if ready.close {
                let abandoned = self.abandoned(conn);
                self.linger(conn);
                return self.abandon(abandoned);
            }
        }
    }

    /// Everything is written: what is next?
    pub(super) fn after_flush(&mut self, conn: ConnKey) -> Next {
        let until = self.now + self.shared.config.keep_alive_timeout;
        let Some(state) = self.conns.get_mut(conn) else { return Next::Wait };
        let http = match &mut state.state {
            State::Lingering { shut: shut @ false, .. } => {
                *shut = true;
                return Next::Shutdown;
            }
            State::Http(http) => http,
            State::WebSocket(_) | State::Lingering { .. } | State::Dead => return Next::Wait,
        };
        if !http.pipeline.is_empty() {
            return Next::Wait;
        }
        if let Some(held) = http.held.take_if(|held| held.destination.is_none()) {
            return Next::Feed(held.bytes);
        }
        if http.held.is_some() {
            self.leaving.push(conn);
        } else if http.reader.is_between_requests()
            && !matches!(http.patience, Patience::Idle { .. })
        {
            http.patience = Patience::Idle { until };
            self.arm_conn(conn);
        }
        Next::Wait
    }

    /// Takes a connection off the books and tells those who used it. Returns whether it was there.
    pub(super) fn remove_conn(&mut self, conn: ConnKey, error: bool) -> bool {
        let abandoned = self.abandoned(conn);
        let Some(state) = self.conns.remove(conn) else { return false };
        self.abandon(abandoned);
        if let State::WebSocket(websocket) = state.state {
            if let Some(session) = websocket.session {
                let channel = ChannelId(conn.to_bits());
                self.with_session(session, |machine, actions| {
                    machine.handle_channel_gone(channel, error, actions)
                });
            }
        }
        true
    }
}
