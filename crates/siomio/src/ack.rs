//! Acknowledgements: those we give, and those we wait for.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use siomio_packet::{Args, IntoArgs, Payload};

use crate::{AckError, Sent, SocketHandle, mailbox::Order, shard::Local};

/// Answers an event that the client wants acknowledged.
///
/// Take it as the last parameter of a handler. It may be sent at once or later, from any thread; dropping it answers
/// nothing. When the client asked for no acknowledgement, sending does nothing.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::{Ack, Socket};
///
/// server.on("add", |_: &Socket, a: i64, b: i64, ack: Ack| ack.send(a + b));
/// ```
#[derive(Debug)]
pub struct Ack(Option<(SocketHandle, u64)>);

impl Ack {
    pub(crate) const fn new(target: Option<(SocketHandle, u64)>) -> Self {
        Self(target)
    }

    /// Whether the client waits for an answer.
    pub const fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Answers. A tuple is several arguments, `()` none, anything else one.
    pub fn send<A: IntoArgs>(self, args: A) {
        let Some((socket, id)) = self.0 else { return };
        let mut payload = Payload::default();
        // What cannot be serialised cannot be answered; the client's timeout tells it.
        if payload.ack(&args).is_ok() {
            socket.order(Order::Acknowledge { id, payload });
        }
    }
}

/// The answer of a client that is on its way: the result of an `emit_with_ack`.
///
/// There are three ways to get it: [`on_reply`](Self::on_reply) takes a callback, [`wait`](Self::wait) blocks a
/// thread that is not one of the server's, and as a [`Future`] it can be awaited under any async runtime. It always
/// comes: with the client's arguments, or with an error when the time is over or the socket gone.
#[must_use = "the answer is only seen through on_reply, wait or await"]
#[derive(Debug)]
pub struct Reply(Arc<Slot>);

/// The other end of a [`Reply`]; dropped unused, it tells that the socket is gone.
#[derive(Debug)]
pub(crate) struct ReplySender(Arc<Slot>);

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
enum State {
    /// Nobody asked yet, and nothing came.
    #[default]
    Pending,
    Callback(Box<dyn FnOnce(Result<Args, AckError>) + Send>),
    Task(Waker),
    Arrived(Result<Args, AckError>),
    Taken,
}

impl Reply {
    pub(crate) fn channel() -> (ReplySender, Self) {
        let slot = Arc::new(Slot::default());
        (ReplySender(slot.clone()), Self(slot))
    }

    /// Runs a callback with the answer, on the thread of the socket's shard; or here and now if it has come already. On the
    /// shard a panic in it concerns nobody else.
    pub fn on_reply(self, callback: impl FnOnce(Result<Args, AckError>) + Send + 'static) {
        let mut state = self.0.lock();
        match std::mem::take(&mut *state) {
            State::Arrived(result) => {
                *state = State::Taken;
                drop(state);
                callback(result);
            }
            _ => *state = State::Callback(Box::new(callback)),
        }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// [`AckError`] when it does not come.
    ///
    /// # Panics
    /// On a thread of the server, which would wait for itself; use [`on_reply`](Self::on_reply) there.
    pub fn wait(self) -> Result<Args, AckError> {
        assert!(
            !Local::is_running_here(),
            "Reply::wait would block a thread of the server: use on_reply in handlers"
        );
        let mut state = self.0.lock();
        loop {
            if let State::Arrived(result) = std::mem::replace(&mut *state, State::Pending) {
                *state = State::Taken;
                return result;
            }
            state = self.0.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Reply {
    type Output = Result<Args, AckError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock();
        if let State::Arrived(result) = std::mem::take(&mut *state) {
            *state = State::Taken;
            return Poll::Ready(result);
        }
        *state = State::Task(context.waker().clone());
        Poll::Pending
    }
}

impl ReplySender {
    pub(crate) fn send(self, result: Result<Args, AckError>) {
        self.0.resolve(result);
    }

    /// Tells that the event was not sent.
    pub(crate) fn send_failure(self, sent: Sent) {
        if let Sent::Dropped(dropped) = sent {
            self.0.resolve(Err(AckError::NotSent(dropped)));
        }
    }
}

impl Drop for ReplySender {
    fn drop(&mut self) {
        self.0.resolve(Err(AckError::Disconnected));
    }
}

impl Slot {
    /// The first result counts.
    fn resolve(&self, result: Result<Args, AckError>) {
        let mut state = self.lock();
        match std::mem::take(&mut *state) {
            State::Pending => *state = State::Arrived(result),
            State::Task(waker) => {
                *state = State::Arrived(result);
                drop(state);
                waker.wake();
            }
            State::Callback(callback) => {
                *state = State::Taken;
                drop(state);
                // The callback is the application's, and whoever resolves must not fall with it.
                let _ = catch_unwind(AssertUnwindSafe(|| callback(result)));
            }
            done @ (State::Arrived(_) | State::Taken) => *state = done,
        }
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.lock() {
            State::Pending | State::Callback(_) | State::Task(_) => "pending",
            State::Arrived(_) => "arrived",
            State::Taken => "taken",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_first_result_counts_however_it_is_asked_for() {
        let (sender, reply) = Reply::channel();
        sender.send(Err(AckError::Timeout));
        assert_eq!(reply.wait(), Err(AckError::Timeout));

        let (sender, reply) = Reply::channel();
        drop(sender);
        let (told, hear) = mpsc::channel();
        reply.on_reply(move |result| told.send(result).unwrap());
        assert_eq!(hear.try_recv(), Ok(Err(AckError::Disconnected)));

        let (sender, reply) = Reply::channel();
        let (told, hear) = mpsc::channel();
        reply.on_reply(move |result| told.send(result).unwrap());
        assert!(hear.try_recv().is_err());
        sender.send(Ok(Args::default()));
        assert_eq!(hear.try_recv(), Ok(Ok(Args::default())));
        assert!(hear.try_recv().is_err(), "once");
    }

    #[test]
    fn a_thread_can_wait() {
        let (sender, reply) = Reply::channel();
        let waiting = std::thread::spawn(|| reply.wait());
        sender.send(Ok(Args::default()));
        assert_eq!(waiting.join().unwrap(), Ok(Args::default()));
    }

    #[test]
    fn a_task_can_await() {
        let (sender, mut reply) = Reply::channel();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut reply).poll(&mut context).is_pending());
        sender.send(Ok(Args::default()));
        assert_eq!(Pin::new(&mut reply).poll(&mut context), Poll::Ready(Ok(Args::default())));
    }
}
