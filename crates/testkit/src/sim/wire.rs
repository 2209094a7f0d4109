//! The client's end of a connection.

use super::{
    End,
    link::{Home, SharedLink},
};

/// What a client sends to and receives from. Dropping it closes the connection.
#[derive(Debug)]
pub struct Wire(SharedLink);

impl Wire {
    pub(super) const fn new(link: SharedLink) -> Self {
        Self(link)
    }

    /// The connection's number, as in the trace.
    pub fn number(&self) -> usize {
        self.0.borrow().number
    }

    /// Sends bytes. They are lost if the connection has ended.
    pub fn send(&self, bytes: &[u8]) {
        let mut link = self.0.borrow_mut();
        if link.to_server.ending.is_none() {
            link.to_server.send(bytes);
            link.trace.bytes(format_args!("#{} sends", link.number), bytes);
        }
    }

    /// Takes what has arrived.
    pub fn take(&self) -> Vec<u8> {
        let mut link = self.0.borrow_mut();
        let bytes: Vec<u8> = link.to_client.arrived.drain(..).collect();
        if !bytes.is_empty() {
            link.trace.bytes(format_args!("#{} got", link.number), &bytes);
        }
        bytes
    }

    /// How the server has ended the connection, once everything before that was taken.
    pub fn ended(&self) -> Option<End> {
        let link = self.0.borrow();
        link.to_client.ended.filter(|_| link.to_client.arrived.is_empty())
    }

    /// Ends the half that we write.
    pub fn fin(&self) {
        let mut link = self.0.borrow_mut();
        if link.to_server.ending.is_none() {
            link.trace.add(format_args!("#{} FIN", link.number));
            link.to_server.end(End::Fin);
        }
    }

    /// Cuts the connection off.
    pub fn reset(&self) {
        let link = &mut *self.0.borrow_mut();
        link.trace.add(format_args!("#{} RST", link.number));
        link.to_server.cut(&mut link.random);
        link.to_client.arrived.clear();
        link.to_client.end(End::Reset);
        link.to_client.ended = Some(End::Reset);
    }

    /// Whether the server has closed its end, known or not.
    pub fn is_gone(&self) -> bool {
        self.0.borrow().home == Home::Gone
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.borrow_mut().close_client();
    }
}
