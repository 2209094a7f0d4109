//! What comes back: acknowledgements of clients, answers of shards and servers.

use std::rc::Rc;

use siomio_hub::{AckToken, Answer, Awaiter, Outcome, RequestId, Told};
use siomio_packet::Data;

use crate::{
    AckError,
    dispatch::{self, Question},
    mailbox::Mail,
    shard::local::Local,
};

impl Local {
    pub(crate) fn handle_ack(self: &Rc<Self>, by: Awaiter, data: &Data<'_>) {
        match by {
            Awaiter::One(token) => {
                let reply = self.core.borrow_mut().replies.remove(&token);
                if let Some(reply) = reply {
                    reply.send(Ok(data.args().to_args()));
                }
            }
            Awaiter::Gathering(request) => {
                self.answer(request, Answer::Ack(Some(data.args().to_args())));
            }
        }
    }

    /// Not all that was asked for has come in time.
    pub(crate) fn count_missing(&self, outcome: &Outcome) {
        let core = self.core.borrow();
        if let Some(Question::Acks(_)) = core.questions.get(&outcome.token) {
            self.counts.acks_timed_out.add(outcome.missing as u64);
        }
    }

    /// An acknowledgement did not come in time.
    pub(crate) fn ack_timed_out(&self, token: AckToken) {
        self.counts.acks_timed_out.add(1);
        let reply = self.core.borrow_mut().replies.remove(&token);
        if let Some(reply) = reply {
            reply.send(Err(AckError::Timeout));
        }
    }

    /// Tells a request's home what this shard has to say to it.
    pub(crate) fn answer(self: &Rc<Self>, request: RequestId, answer: Answer) {
        let home = dispatch::home(request);
        if home < self.shared.shards() {
            self.send(home, Mail::Answer { request, answer });
        }
    }

    /// An answer to a request that this shard is the home of.
    pub(crate) fn handle_answer(self: &Rc<Self>, request: RequestId, answer: Answer) {
        let told = self.core.borrow_mut().hub.handle_answer(request, answer);
        match told {
            None => {}
            Some(Told::Done(outcome)) => self.request_is_over(outcome),
            Some(Told::Relay { token, answer, last }) => {
                let asker = {
                    let mut core = self.core.borrow_mut();
                    let asker = match core.questions.get(&token) {
                        Some(Question::Relay { node, request }) => Some((node.clone(), *request)),
                        _ => None,
                    };
                    if last {
                        core.questions.remove(&token);
                    }
                    asker
                };
                let adapter = self.shared.adapter();
                if let Some(((server, request), adapter)) = asker.zip(adapter) {
                    self.guard_hook("adapter", || adapter.answer(&server, request, answer));
                }
            }
        }
    }

    /// All answers are there, or the time is over.
    pub(crate) fn request_is_over(&self, outcome: Outcome) {
        let question = self.core.borrow_mut().questions.remove(&outcome.token);
        if let Some(question) = question {
            question.answer(outcome);
        }
    }
}
