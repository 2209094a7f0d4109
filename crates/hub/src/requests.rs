//! Questions to many hubs, and what comes back.
//!
//! Who asks opens a [request](crate::Hub::open_request) on one hub, its home, and sends the operation to all, with the
//! request's id. Each part, a hub or a node, answers the home. The request is complete when every part has answered and, for a
//! broadcast, every recipient has acknowledged or is gone; or when its time is over.

use std::{collections::BTreeMap, sync::Arc};

use siomio_packet::Args;

use crate::{AckToken, deadlines::DeadlineKey};

/// Names a request among all of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What one part has to say to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// So many sockets of this part were sent the event that is to be acknowledged.
    Recipients(u32),
    /// One of them has acknowledged it, with these arguments; `None`: it never will.
    Ack(Option<Args>),
    /// The sockets of this part.
    Sockets(Vec<SocketInfo>),
    /// What this part's handler answered to an event for servers.
    ServerSide(Args),
}

/// What is known of a socket elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct SocketInfo {
    /// Its public id.
    pub id: Arc<str>,
    /// Its handshake: a JSON object.
    pub handshake: Arc<str>,
    /// The rooms it is in, its own included.
    pub rooms: Vec<Arc<str>>,
    /// What its server has shared of its data: JSON.
    pub data: Arc<str>,
}

/// How a request wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Once, when it is complete.
    Whole,
    /// Of everything that comes; only what the parts count is added up.
    Relayed,
}

/// What an answer amounts to.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The request is complete.
    Done(Outcome),
    /// Something to be passed on, and whether it is the last.
    Relay {
        /// Whose.
        token: AckToken,
        /// What.
        answer: Answer,
        /// Nothing follows.
        last: bool,
    },
}

/// All that came for a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Whose it is.
    pub token: AckToken,
    /// Acknowledgements, or answers of servers, as they came.
    pub answers: Vec<Args>,
    /// Sockets, part by part.
    pub sockets: Vec<SocketInfo>,
    /// How many answers did not come, as far as that is known.
    pub missing: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Requests(BTreeMap<RequestId, Request>);

#[derive(Debug)]
struct Request {
    style: Style,
    /// Parts that have not answered.
    parts: usize,
    recipients: u32,
    /// Acknowledgements that have come, and those that never will.
    acks: u32,
    outcome: Outcome,
    deadline: DeadlineKey,
}

impl Requests {
    pub(crate) fn open(
        &mut self,
        id: RequestId,
        token: AckToken,
        style: Style,
        parts: usize,
        deadline: DeadlineKey,
    ) {
        let outcome = Outcome { token, answers: Vec::new(), sockets: Vec::new(), missing: 0 };
        let request = Request { style, parts, recipients: 0, acks: 0, outcome, deadline };
        self.0.insert(id, request);
    }

    /// Takes an answer in. What it means, and the deadline that is not needed any more if it was the last.
    pub(crate) fn answer(
        &mut self,
        id: RequestId,
        answer: Answer,
    ) -> Option<(Told, Option<DeadlineKey>)> {
        let request = self.0.get_mut(&id)?;
        let relayed = request.take(answer);
        let done = request.is_complete();
        if let (Style::Whole, false) = (request.style, done) {
            return None;
        }
        let token = request.outcome.token;
        let told = match request.style {
            Style::Relayed => Told::Relay { token, answer: relayed?, last: done },
            Style::Whole => Told::Done(self.0.remove(&id)?.finish()),
        };
        let deadline = if let Told::Relay { last: true, .. } = told {
            self.0.remove(&id).map(|request| request.deadline)
        } else {
            None
        };
        Some((told, deadline))
    }

    /// The time is over: what there is.
    pub(crate) fn expire(&mut self, id: RequestId) -> Option<Outcome> {
        self.0.remove(&id).map(Request::finish)
    }

    pub(crate) fn deadline(&self, id: RequestId) -> Option<DeadlineKey> {
        self.0.get(&id).map(|request| request.deadline)
    }
}

impl Request {
    /// Counts an answer, and gives what of it is to be passed on.
    fn take(&mut self, answer: Answer) -> Option<Answer> {
        let keeps = self.style == Style::Whole;
        match answer {
            Answer::Recipients(count) => {
                self.parts = self.parts.saturating_sub(1);
                self.recipients = self.recipients.saturating_add(count);
                return (self.parts == 0).then_some(Answer::Recipients(self.recipients));
            }
            Answer::Sockets(sockets) => {
                self.parts = self.parts.saturating_sub(1);
                self.outcome.sockets.extend(sockets);
                let is_all = self.parts == 0 && !keeps;
                return is_all.then(|| Answer::Sockets(std::mem::take(&mut self.outcome.sockets)));
            }
            Answer::Ack(args) => {
                self.acks += 1;
                match args {
                    Some(args) if keeps => self.outcome.answers.push(args),
                    Some(args) => return Some(Answer::Ack(Some(args))),
                    None if keeps => self.outcome.missing += 1,
                    None => return Some(Answer::Ack(None)),
                }
            }
            Answer::ServerSide(args) => {
                self.parts = self.parts.saturating_sub(1);
                if !keeps {
                    return Some(Answer::ServerSide(args));
                }
                self.outcome.answers.push(args);
            }
        }
        None
    }

    /// Acknowledgements may come before it is known how many there will be.
    const fn is_complete(&self) -> bool {
        self.parts == 0 && self.acks >= self.recipients
    }

    fn finish(self) -> Outcome {
        let mut outcome = self.outcome;
        let owed = self.recipients.saturating_sub(self.acks) as usize;
        outcome.missing += self.parts + owed;
        outcome
    }
}

#[cfg(test)]
mod tests;
