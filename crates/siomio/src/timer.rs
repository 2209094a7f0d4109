//! Timers of sockets and of the server, seen from anywhere.

use std::{fmt, rc::Rc, sync::Arc, time::Duration};

use crate::{
    mailbox::{Errand, Mail},
    shard::{Local, Owner, Work},
    shared::Shared,
};

/// A timer of a [`Socket`](crate::Socket), a [`WebSocket`](crate::WebSocket) or the [server](crate::Io::every); dropping it does nothing, and any thread may keep
/// it.
///
/// ```
/// # let server = siomio::Server::new();
/// use std::time::Duration;
/// use siomio::{Socket, Timer};
///
/// struct Hint(Timer);
///
/// server.on_connect(|socket| {
///     let timer = socket.after(Duration::from_secs(30), |socket| { socket.emit("hint", "say hello"); });
///     socket.data().insert(Hint(timer));
/// });
/// server.on("hello", |socket: &Socket| {
///     if let Some(Hint(timer)) = socket.data().remove() {
///         timer.cancel();
///     }
/// });
/// ```
#[derive(Clone)]
pub struct Timer {
    shared: Arc<Shared>,
    shard: u8,
    owner: Owner,
    serial: u64,
}

impl Timer {
    pub(crate) fn set(local: &Rc<Local>, owner: Owner, delay: Duration, work: Work) -> Self {
        let serial = local.set_timer(owner, delay, work);
        Self { shared: local.shared.clone(), shard: local.index, owner, serial }
    }

    /// Sets one of the server, from any thread.
    pub(crate) fn set_on(shared: &Arc<Shared>, delay: Duration, errand: Errand) -> Self {
        let shard = 0;
        let serial = shared.new_request(shard).0;
        shared.send(shard, Mail::SetTimer { serial, delay, errand });
        Self { shared: shared.clone(), shard, owner: Owner::Server, serial }
    }

    /// Takes the timer back.
    pub fn cancel(self) {
        let (owner, serial) = (self.owner, self.serial);
        self.shared.send(self.shard, Mail::CancelTimer { owner, serial });
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("serial", &self.serial).finish_non_exhaustive()
    }
}
