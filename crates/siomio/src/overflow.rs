//! Too much waits.

/// What happens when more waits for a client than [`max_buffered`](crate::ServerBuilder::max_buffered) allows.
///
/// ```
/// use siomio::{Overflow, Server};
///
/// let server = Server::builder().max_buffered(1024 * 1024).overflow(Overflow::DropNewest).build();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// It is disconnected, as a [slow consumer](crate::DisconnectReason::SlowConsumer).
    #[default]
    Disconnect,
    /// It stays, and events for it are [dropped](crate::Dropped::Overflow), each as a whole, until less waits. On long-polling
    /// likewise. Its acknowledgements are never dropped; if they pile up to twice as much, it is disconnected after all.
    DropNewest,
}
