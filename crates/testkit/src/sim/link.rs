//! A connection: two queues of bytes, and what the server's side is told of them.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, IoSlice},
    rc::Rc,
};

use siomio::shard::Readiness;

use super::{
    Random, Tear, Trace,
    fault::{Call, Fault},
};

/// Both ends hold one.
pub(super) type SharedLink = Rc<RefCell<Link>>;

/// How a half ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In good order, behind all bytes.
    Fin,
    /// Cut off.
    Reset,
}

/// Who has the server's end.
///
/// ```text
///   Backlog ── accepted ──► Door ── first line ──► Moving ── adopted ──► Shard ──► Gone
///      └─────────────── one shard ────────────────────▲──── departs ───────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// Nobody yet.
    Backlog,
    /// The door, which reads its first line.
    Door,
    /// On its way to a shard: nobody is told of events.
    Moving,
    /// A shard, which knows it by a token.
    Shard { shard: usize, token: u64 },
    /// Nobody: it was closed.
    Gone,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) number: usize,
    pub(super) to_server: Half,
    pub(super) to_client: Half,
    pub(super) home: Home,
    /// Events that the server's end has not been told.
    pub(super) pending: Readiness,
    /// The server could not write and waits to be told that it can.
    pub(super) is_starved: bool,
    /// The client's end is there.
    pub(super) has_client: bool,
    pub(super) tear: Tear,
    pub(super) fault: Fault,
    pub(super) random: Random,
    pub(super) trace: Trace,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// Written, and on the way.
    sent: VecDeque<u8>,
    /// How the writer ended it.
    pub(super) ending: Option<End>,
    /// Ready to be read.
    pub(super) arrived: VecDeque<u8>,
    /// How it ended, as the reader sees it behind the last byte.
    pub(super) ended: Option<End>,
}

impl Link {
    pub(super) fn new(number: usize, tear: Tear, random: Random, trace: Trace) -> Self {
        Self {
            number,
            to_server: Half::default(),
            to_client: Half::default(),
            home: Home::Backlog,
            pending: Readiness::default(),
            is_starved: false,
            has_client: true,
            tear,
            fault: Fault::Over,
            random,
            trace,
        }
    }

    /// The server's end gets a new owner, who is told at once what there is to know.
    pub(super) fn register(&mut self, home: Home) {
        self.home = home;
        self.is_starved = false;
        self.pending = Readiness {
            readable: !self.to_server.arrived.is_empty() || self.to_server.ended.is_some(),
            writable: true,
            ended: self.to_server.ended.is_some(),
        };
    }

    pub(super) fn deregister(&mut self) {
        self.home = Home::Moving;
        self.pending = Readiness::default();
    }

    pub(super) fn has_news(&self) -> bool {
        self.pending != Readiness::default()
    }

    /// Whether time on the wire would change anything.
    pub(super) fn can_move(&self) -> bool {
        self.to_server.can_move(self.tear.window)
            || self.to_client.can_move(self.tear.window)
            || self.can_relieve()
    }

    /// Whether nobody can notice it any more.
    pub(super) fn is_over(&self) -> bool {
        self.home == Home::Gone && !self.has_client
    }

    /// Some bytes arrive somewhere.
    pub(super) fn deliver(&mut self) {
        let window = self.tear.window;
        let (up, down) = (self.to_server.can_move(window), self.to_client.can_move(window));
        if self.can_relieve() && (!(up || down) || self.random.one_in(2)) {
            self.is_starved = false;
            self.pending.writable = true;
        } else if up && (!down || self.random.one_in(2)) {
            self.deliver_to_server();
        } else if down {
            let limit = self.random.up_to(self.tear.delivery);
            self.to_client.deliver(limit, window, &mut self.random);
        }
    }

    pub(super) fn deliver_to_server(&mut self) {
        let window = self.tear.window;
        let limit = self.random.up_to(self.tear.delivery);
        let moved = self.to_server.deliver(limit, window, &mut self.random);
        if self.home == Home::Gone {
            // Nobody reads it: the client is told so, and loses what it has not got yet.
            self.to_server.arrived.clear();
            if moved > 0 && self.to_client.ended.is_none() {
                self.to_client.end(End::Reset);
            }
            return;
        }
        self.pending.readable |= moved > 0;
        if let Some(end) = self.to_server.ended {
            self.pending.readable = true;
            self.pending.ended = true;
            if end == End::Reset && self.random.one_in(2) {
                self.to_server.arrived.clear();
            }
        }
    }

    /// The server reads.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.strike(Call::Read)?;
        if self.random.one_in(4) && self.to_server.can_move(self.tear.window) {
            // Between an event and the reading more may come. It makes an event of its own, too late to be of use.
            self.deliver_to_server();
        }
        let half = &mut self.to_server;
        if half.arrived.is_empty() {
            return match half.ended {
                None => Err(io::ErrorKind::WouldBlock.into()),
                Some(End::Fin) => Ok(0),
                Some(End::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
            };
        }
        let most = buffer.len().min(half.arrived.len());
        let count = self.random.up_to(self.tear.read).min(most);
        for (to, from) in buffer.iter_mut().zip(half.arrived.drain(..count)) {
            *to = from;
        }
        if count < buffer.len() && !half.arrived.is_empty() {
            // The rest counts as having arrived just now: a read that does not fill its buffer has emptied the socket.
            self.pending.readable = true;
            self.pending.ended |= half.ended.is_some();
        }
        let number = self.number;
        self.trace.bytes(format_args!("  #{number} read"), &buffer[..count]);
        Ok(count)
    }

    /// The server writes; a part may be all that is taken.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.strike(Call::Write)?;
        if self.to_server.ended == Some(End::Reset) || self.to_client.ending.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = self.tear.window.saturating_sub(self.to_client.len());
        if room == 0 || self.random.one_in(self.tear.balk) {
            self.is_starved = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = self.random.up_to(self.tear.write).min(room);
        let mut bytes = Vec::new();
        for slice in slices {
            bytes.extend_from_slice(&slice[..slice.len().min(most - bytes.len())]);
        }
        self.to_client.send(&bytes);
        self.trace.bytes(format_args!("  #{} wrote", self.number), &bytes);
        Ok(bytes.len())
    }

    /// The server ends the half that it writes.
    pub(super) fn shutdown(&mut self) -> io::Result<()> {
        self.strike(Call::Shutdown)?;
        if self.to_server.ended == Some(End::Reset) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if self.to_client.ending.is_none() {
            self.to_client.end(End::Fin);
        }
        Ok(())
    }

    /// A call of the server may fail. If that is for good, the client hears of it.
    fn strike(&mut self, call: Call) -> io::Result<()> {
        assert!(
            !self.fault.is_lasting(),
            "#{} is used although a call on it has failed",
            self.number
        );
        self.fault.strike(call).inspect_err(|error| {
            self.trace.add(format_args!("  #{} {call:?} fails: {error}", self.number));
            if self.fault.is_lasting() {
                self.to_client.end(End::Reset);
            }
        })
    }

    /// The server closes its end. With bytes unread, that is a reset, and what was written last may never arrive.
    pub(super) fn close_server(&mut self) {
        self.home = Home::Gone;
        self.pending = Readiness::default();
        self.is_starved = false;
        let end = if self.to_server.arrived.is_empty() { End::Fin } else { End::Reset };
        self.to_server.arrived.clear();
        if end == End::Reset || self.to_client.ending.is_none() {
            self.to_client.end(end);
        }
        self.trace.add(format_args!("  #{} closed by the server: {end:?}", self.number));
    }

    /// The client closes its end.
    pub(super) fn close_client(&mut self) {
        self.has_client = false;
        let end = if self.to_client.arrived.is_empty() { End::Fin } else { End::Reset };
        self.to_client.arrived.clear();
        if end == End::Reset {
            self.to_server.cut(&mut self.random);
        } else if self.to_server.ending.is_none() {
            self.to_server.end(end);
        }
    }

    /// There is room again for a writer that waits for it.
    fn can_relieve(&self) -> bool {
        self.is_starved && self.to_client.len() < self.tear.window
    }
}

impl Half {
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.sent.extend(bytes);
    }

    /// Ends it; a reset overtakes what is on the way.
    pub(super) fn end(&mut self, end: End) {
        if end == End::Reset {
            self.sent.clear();
        }
        self.ending = Some(end);
    }

    /// Cuts it off: some of what is on the way still arrives.
    pub(super) fn cut(&mut self, random: &mut Random) {
        let length = random.below(self.sent.len() + 1);
        self.sent.truncate(length);
        self.ending = Some(End::Reset);
    }

    fn len(&self) -> usize {
        self.sent.len() + self.arrived.len()
    }

    fn can_move(&self, window: usize) -> bool {
        if self.ended.is_some() {
            return false;
        }
        if self.sent.is_empty() { self.ending.is_some() } else { self.arrived.len() < window }
    }

    /// Moves up to `limit` bytes, and perhaps the end behind them. Returns how many bytes.
    fn deliver(&mut self, limit: usize, window: usize, random: &mut Random) -> usize {
        let count = limit.min(self.sent.len()).min(window.saturating_sub(self.arrived.len()));
        self.arrived.extend(self.sent.drain(..count));
        if self.sent.is_empty() && self.ending.is_some() && (count == 0 || random.one_in(2)) {
            self.ended = self.ending;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Clock;

    #[test]
    fn bytes_arrive_once_and_in_order_however_they_are_torn() {
        for seed in 0..50 {
            let mut random = Random::new(seed);
            let tear = Tear::any(&mut random);
            let mut link = Link::new(0, tear, random.fork(), Trace::new(Clock::new()));
            link.register(Home::Door);
            let data: Vec<u8> = (0..3000).map(|_| random.number() as u8).collect();
            let (mut written, mut got, mut buffer) = (0, Vec::new(), [0; 700]);
            let mut read = Vec::new();
            link.to_server.send(&data);
            link.to_server.end(End::Fin);
            while got.len() < data.len()
                || link.to_server.ended.is_none()
                || read.len() < data.len()
            {
                assert!(link.can_move() || link.has_news(), "seed {seed}: stuck");
                link.deliver();
                got.extend(link.to_client.arrived.drain(..));
                // Edge-triggered: it is only looked at when there is news.
                let news = std::mem::take(&mut link.pending);
                if news.readable {
                    while let Ok(count @ 1..) = link.read(&mut buffer) {
                        read.extend_from_slice(&buffer[..count]);
                    }
                }
                if news.writable {
                    while let Ok(count @ 1..) = link.write(&[IoSlice::new(&data[written..])]) {
                        written += count;
                    }
                }
            }
            assert!(got == data && read == data, "seed {seed}");
        }
    }
}
