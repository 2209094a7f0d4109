//! What other threads have sent.

use super::{Shard, Stream};
use crate::shard::conn::fairness::{LOOK_EVERY, SHARE};

impl<S: Stream> Shard<S> {
    pub(super) fn take_mail(&mut self) {
        let mut mail = Vec::new();
        self.local.shared.mailbox(self.local.index).take(&mut mail);
        if self.mail.is_empty() {
            // Nothing is moved, and the memory of what is worked off goes.
            self.mail = mail.into();
        } else {
            self.mail.extend(mail);
        }
    }

    /// Works off mail, for a while: what is left is for the next turn.
    pub(super) fn work_off_mail(&mut self) {
        let (mut began, mut weight) = (None, 0);
        for count in 1.. {
            let Some(letter) = self.mail.pop_front() else { break };
            weight += letter.weight();
            // It may be for very many.
            self.local.pause();
            self.local.execute(letter);
            self.local.settle();
            self.relieve();
            self.local.pause();
            if count % LOOK_EVERY == 0 {
                let now = self.local.clock();
                if now.saturating_duration_since(*began.get_or_insert(now)) > SHARE {
                    break;
                }
            }
        }
        self.local.shared.mailbox(self.local.index).worked_off(weight);
    }
}
