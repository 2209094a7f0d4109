//! Accepting connections, and finding the shard that each belongs to: what the server's door does, without its sockets.

use std::{
    io::{ErrorKind, Read},
    time::{Duration, Instant},
};

use siomio::{
    Io,
    shard::{Destination, destination},
};

use super::{SimStream, link::Home};

/// Connections that have not said what they want.
#[derive(Debug, Default)]
pub(super) struct Door {
    guests: Vec<Guest>,
}

#[derive(Debug)]
struct Guest {
    stream: SimStream,
    said: Vec<u8>,
    since: Instant,
}

/// A connection that has.
#[derive(Debug)]
pub(super) struct Invited {
    pub(super) stream: SimStream,
    pub(super) said: Vec<u8>,
    pub(super) since: Instant,
    /// The shard that the session's id names.
    pub(super) shard: Option<u8>,
}

/// Time for the first line; then any shard may wait for the rest.
const WELCOME: Duration = Duration::from_secs(10);

impl Door {
    pub(super) fn welcome(&mut self, now: Instant, stream: SimStream) {
        stream.register(Home::Door);
        self.guests.push(Guest { stream, said: Vec::new(), since: now });
    }

    /// Reads a connection's first line; gives it away once that is complete.
    pub(super) fn listen_to(&mut self, io: &Io, number: usize) -> Option<Invited> {
        let place = self.guests.iter().position(|guest| guest.stream.number() == number)?;
        loop {
            let guest = &mut self.guests[place];
            let before = guest.said.len();
            guest.said.resize(before + 2048, 0);
            let read = guest.stream.read(&mut guest.said[before..]);
            guest.said.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(1..) => {
                    if let Some(destination) = destination(io, &guest.said) {
                        let shard = match destination {
                            Destination::Shard(shard) => Some(shard),
                            Destination::Any => None,
                        };
                        return Some(self.guests.remove(place).invite(shard));
                    }
                }
                Ok(0) | Err(_) => {
                    self.guests.remove(place);
                    return None;
                }
            }
        }
    }

    /// Gives away a connection that has not said in time what it wants.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Invited> {
        let place = self.guests.iter().position(|guest| guest.since + WELCOME <= now)?;
        Some(self.guests.remove(place).invite(None))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.guests.iter().map(|guest| guest.since + WELCOME).min()
    }

    pub(super) fn len(&self) -> usize {
        self.guests.len()
    }
}

impl Guest {
    fn invite(self, shard: Option<u8>) -> Invited {
        let Self { stream, said, since } = self;
        stream.deregister();
        Invited { stream, said, since, shard }
    }
}
