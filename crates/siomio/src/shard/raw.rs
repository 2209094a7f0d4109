//! Raw WebSockets: what a shard keeps of them, what is written to them, and how they end.

pub(crate) mod endpoint;

use std::{
    borrow::Cow,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use siomio_engine::Message;
use siomio_hub::{Arena, Key};
use siomio_websocket::{
    CloseCode, Closing, MAX_CONTROL_PAYLOAD, OpCode, write_close, write_frame, write_header,
};

use super::{
    conn::{Conn, ConnKey, Recipient},
    core::{Core, Pending},
    time::owner::Belongings,
};
use crate::{Dropped, ReadyState, Sent, config::LINGER, handshake::Opening};

pub(crate) type RawKey = Key<Raw>;

/// A WebSocket whose messages go to the handlers of an endpoint.
///
/// ```text
///   attached ── both close frames, an error, or the end of the connection ──► detached ── on_close ──► gone
/// ```
///
/// It is attached while its connection names it as the recipient of what arrives. Whoever takes that away owes the
/// application its `on_close`: so there is one, and not two.
#[derive(Debug)]
pub(crate) struct Raw {
    conn: ConnKey,
    /// Its place among the endpoints.
    pub(crate) endpoint: u32,
    /// Its place among the attached ones of the endpoint.
    place: usize,
    pub(crate) id: u64,
    pub(crate) opening: Rc<Opening>,
    /// How many the endpoint has, on all shards.
    clients: Arc<AtomicUsize>,
    /// For handles on other threads, once there is one.
    open: Option<Arc<AtomicBool>>,
    belongings: Option<Box<Belongings>>,
}

/// The raw WebSockets of a shard.
#[derive(Debug)]
pub(crate) struct Raws {
    all: Arena<Raw>,
    /// The attached ones of each endpoint.
    members: Vec<Vec<RawKey>>,
    /// How many there have been.
    count: u64,
}

impl Default for Raws {
    fn default() -> Self {
        Self { all: Arena::new(), members: Vec::new(), count: 0 }
    }
}

impl Raws {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn get(&self, raw: RawKey) -> Option<&Raw> {
        self.all.get(raw)
    }

    pub(crate) fn belongings_mut(&mut self, raw: RawKey, create: bool) -> Option<&mut Belongings> {
        let belongings = &mut self.all.get_mut(raw)?.belongings;
        if create {
            return Some(belongings.get_or_insert_default());
        }
        belongings.as_deref_mut()
    }

    /// Whether the WebSocket is open, for other threads to see.
    pub(crate) fn watch(&mut self, raw: RawKey, is_open: bool) -> Option<Arc<AtomicBool>> {
        let state = self.all.get_mut(raw)?;
        Some(state.open.get_or_insert_with(|| Arc::new(is_open.into())).clone())
    }

    fn insert(&mut self, shard: u8, make: impl FnOnce(u64, usize) -> Raw) -> RawKey {
        self.count += 1;
        // Unlike those of all other shards.
        let id = self.count << 8 | u64::from(shard);
        let raw = self.all.insert(make(id, 0));
        let Some(state) = self.all.get_mut(raw) else { return raw };
        let endpoint = state.endpoint as usize;
        if self.members.len() <= endpoint {
            self.members.resize_with(endpoint + 1, Vec::new);
        }
        state.place = self.members[endpoint].len();
        state.clients.fetch_add(1, Ordering::Relaxed);
        self.members[endpoint].push(raw);
        raw
    }

    /// It is not one of the endpoint's clients any more.
    fn detach(&mut self, raw: RawKey) {
        let Some(state) = self.all.get_mut(raw) else { return };
        state.clients.fetch_sub(1, Ordering::Relaxed);
        state.close_watch();
        let (endpoint, place) = (state.endpoint as usize, state.place);
        let Some(members) = self.members.get_mut(endpoint) else { return };
        members.swap_remove(place);
        let moved = members.get(place).copied();
        if let Some(moved) = moved.and_then(|moved| self.all.get_mut(moved)) {
            moved.place = place;
        }
    }
}

impl Raw {
    fn close_watch(&self) {
        if let Some(open) = &self.open {
            open.store(false, Ordering::Release);
        }
    }
}

impl Core {
    /// Gives the messages of a WebSocket that has just opened to an endpoint.
    pub(crate) fn attach_raw(
        &mut self,
        conn: ConnKey,
        endpoint: u32,
        clients: Arc<AtomicUsize>,
        opening: Rc<Opening>,
    ) -> Option<RawKey> {
        let websocket = self.conns.get_mut(conn)?.websocket_mut()?;
        let raw = self.raws.insert(self.index, |id, place| Raw {
            conn,
            endpoint,
            place,
            id,
            opening,
            clients,
            open: None,
            belongings: None,
        });
        websocket.recipient = Recipient::Raw(raw);
        self.counts.websockets.add(1);
        Some(raw)
    }

    pub(crate) fn is_attached(&mut self, raw: RawKey) -> bool {
        self.raw_state(raw) != ReadyState::Closed
    }

    pub(crate) fn raw_state(&mut self, raw: RawKey) -> ReadyState {
        match self.raw_conn(raw).and_then(|(_, state)| state.websocket_mut()) {
            Some(websocket) if websocket.closing == Closing::Open => ReadyState::Open,
            Some(_) => ReadyState::Closing,
            None => ReadyState::Closed,
        }
    }

    /// How many bytes wait to be written.
    pub(crate) fn raw_buffered(&mut self, raw: RawKey) -> usize {
        self.raw_conn(raw).map_or(0, |(_, state)| state.out.len())
    }

    pub(crate) fn raw_send(&mut self, raw: RawKey, message: Message<'_>) -> Sent {
        self.raw_write_message(raw, |state| match message {
            Message::Text(text) => {
                state.out.append(|out| write_frame(out, OpCode::Text, text.as_bytes(), None));
            }
            Message::Binary(Cow::Borrowed(data)) => {
                state.out.append(|out| write_frame(out, OpCode::Binary, data, None));
            }
            Message::Binary(Cow::Owned(data)) => {
                state.out.append(|out| write_header(out, OpCode::Binary, data.len()));
                state.out.share(data.into());
            }
        })
    }

    /// Sends a message that is a frame already.
    pub(crate) fn raw_send_frame(&mut self, raw: RawKey, frame: Bytes) -> Sent {
        self.raw_write_message(raw, |state| state.out.share(frame))
    }

    pub(crate) fn raw_ping(&mut self, raw: RawKey, payload: &[u8]) -> Sent {
        let payload = &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)];
        self.raw_write(raw, |state| {
            state.out.append(|out| write_frame(out, OpCode::Ping, payload, None));
        })
    }

    /// Sends a frame to all clients of an endpoint on this shard but one.
    pub(crate) fn send_to_endpoint(
        &mut self,
        endpoint: u32,
        except: Option<RawKey>,
        frame: &Bytes,
    ) {
        let mut next = 0;
        while let Some(raw) =
            self.raws.members.get(endpoint as usize).and_then(|members| members.get(next))
        {
            next += 1;
            if except != Some(*raw) {
                let raw = *raw;
                self.raw_send_frame(raw, frame.clone());
            }
        }
    }

    /// Sends a close frame and waits, for a while, for the peer's.
    pub(crate) fn close_raw(&mut self, raw: RawKey, code: CloseCode, reason: &str) {
        let until = self.now + LINGER;
        let Some((conn, state)) = self.raw_conn(raw) else { return };
        let Some(websocket) = state.websocket_mut().filter(|ws| ws.closing.may_send()) else {
            return;
        };
        websocket.closing.sent();
        websocket.delayed_mut().until = Some(until);
        state.out.append(|out| write_close(out, Some((code, reason)), None));
        self.mark(conn);
        self.arm_conn(conn);
        if let Some(state) = self.raws.get(raw) {
            state.close_watch();
        }
    }

    /// Closes it, and listens no more.
    pub(crate) fn abort_raw(&mut self, raw: RawKey, code: CloseCode) {
        self.close_raw(raw, code, "");
        if let Some((conn, _)) = self.raw_conn(raw) {
            self.take_recipient(conn);
            self.end_raw(raw, code);
        }
    }

    /// Ends its connection without further words.
    pub(crate) fn terminate_raw(&mut self, raw: RawKey) {
        if let Some((conn, _)) = self.raw_conn(raw) {
            self.drop_conn(conn);
        }
    }

    /// The server goes down.
    pub(crate) fn stop_raws(&mut self) {
        let all: Vec<RawKey> = self.raws.members.iter().flatten().copied().collect();
        all.into_iter().for_each(|raw| self.abort_raw(raw, CloseCode::GOING_AWAY));
    }

    /// Takes a connection away from whom its messages are for. If that is a raw WebSocket, it has to hear of it.
    pub(crate) fn take_recipient(&mut self, conn: ConnKey) -> Recipient {
        let websocket = self.conns.get_mut(conn).and_then(Conn::websocket_mut);
        let Some(websocket) = websocket else { return Recipient::Nobody };
        let recipient = std::mem::take(&mut websocket.recipient);
        if let Recipient::Raw(raw) = recipient {
            self.raws.detach(raw);
            self.counts.websockets.sub(1);
        }
        recipient
    }

    /// It was taken from its connection: the application will hear of it.
    pub(crate) fn end_raw(&mut self, raw: RawKey, code: CloseCode) {
        self.events.push_back(Pending::RawEnded { raw, code });
    }

    /// Removes what is left of it. To be dropped after the borrow: it holds the application's values.
    pub(crate) fn remove_raw(&mut self, raw: RawKey) -> Option<Box<Belongings>> {
        self.raws.all.remove(raw)?.belongings
    }

    fn raw_write_message(&mut self, raw: RawKey, write: impl FnOnce(&mut Conn)) -> Sent {
        let sent = self.raw_write(raw, write);
        self.counts.messages_sent.add(sent.is_queued().into());
        sent
    }

    fn raw_write(&mut self, raw: RawKey, write: impl FnOnce(&mut Conn)) -> Sent {
        let Some((conn, state)) = self.raw_conn(raw) else {
            return Sent::Dropped(Dropped::Disconnected);
        };
        if !state.websocket_mut().is_some_and(|websocket| websocket.closing.may_send()) {
            return Sent::Dropped(Dropped::Disconnected);
        }
        write(state);
        self.mark(conn);
        Sent::Queued
    }

    /// Its connection, while it is attached.
    fn raw_conn(&mut self, raw: RawKey) -> Option<(ConnKey, &mut Conn)> {
        let conn = self.raws.get(raw)?.conn;
        let state = self.conns.get_mut(conn)?;
        let recipient = state.websocket_mut()?.recipient;
        (recipient == Recipient::Raw(raw)).then_some((conn, state))
    }
}
