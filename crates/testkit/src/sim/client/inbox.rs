//! Putting events and their attachments together.

/// An event or an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The number of the acknowledgement, if it is one.
    pub ack: Option<u64>,
    /// The number under which the server wants an event acknowledged.
    pub id: Option<u64>,
    /// The JSON array.
    pub json: String,
    /// Its attachments.
    pub attachments: Vec<Vec<u8>>,
}

/// What is unfinished.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    partial: Option<(Received, usize)>,
}

impl Inbox {
    /// Takes a packet of Socket.IO; gives it back if it is complete.
    ///
    /// # Panics
    /// When attachments are awaited.
    pub(super) fn text(&mut self, text: &str) -> Option<Received> {
        assert!(self.partial.is_none(), "{text:?} between the attachments of {:?}", self.partial);
        let (kind, rest) = text.split_at(1);
        let (attachments, rest) = match kind {
            "2" | "3" => (0, rest),
            "5" | "6" => {
                let (count, rest) = rest.split_once('-').expect("a number of attachments");
                (count.parse().expect("a number of attachments"), rest)
            }
            _ => panic!("no packet for a client: {text:?}"),
        };
        let (id, json) = rest.split_at(rest.find('[').expect("a packet has arguments"));
        let is_ack = matches!(kind, "3" | "6");
        let number = (!id.is_empty()).then(|| id.parse().expect("a number"));
        assert!(!is_ack || number.is_some(), "an acknowledgement has a number");
        let (ack, id) = if is_ack { (number, None) } else { (None, number) };
        let received = Received { ack, id, json: json.to_owned(), attachments: Vec::new() };
        if attachments == 0 {
            return Some(received);
        }
        self.partial = Some((received, attachments));
        None
    }

    /// Takes an attachment; gives the packet if it is complete.
    ///
    /// # Panics
    /// When none is awaited.
    pub(super) fn attachment(&mut self, data: Vec<u8>) -> Option<Received> {
        let (mut received, count) = self.partial.take().expect("an attachment belongs to a packet");
        received.attachments.push(data);
        if received.attachments.len() == count {
            return Some(received);
        }
        self.partial = Some((received, count));
        None
    }
}
