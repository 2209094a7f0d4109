//! Answers that are on their way.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use siomio_packet::Args;

use crate::{AckError, Incomplete, Sent, shard::Local};

/// An answer that is on its way: the result of an `emit_with_ack` and the like.
///
/// There are three ways to get it: [`on_reply`](Self::on_reply) takes a callback, [`wait`](Self::wait) blocks a
/// thread that is not one of the server's, and as a [`Future`] it can be awaited under any async runtime. It always
/// comes: with what was asked for, or with an error when the time is over or whoever was asked is gone.
///
/// ```
/// use std::time::Duration;
/// use siomio::{AckError, Args, SocketHandle};
///
/// // On a thread of your own.
/// fn blocking(client: &SocketHandle) -> Result<Args, AckError> {
///     client.emit_with_ack("ready?", (), Duration::from_secs(5)).wait()
/// }
///
/// // In a handler, or anywhere.
/// fn later(client: &SocketHandle) {
///     client.emit_with_ack("ready?", (), Duration::from_secs(5)).on_reply(|answer| match answer {
///         Ok(args) => println!("ready: {:?}", args.get::<bool>(0)),
///         Err(error) => println!("not ready: {error}"),
///     });
/// }
///
/// // With an async runtime.
/// async fn awaited(client: &SocketHandle) -> Result<Args, AckError> {
///     client.emit_with_ack("ready?", (), Duration::from_secs(5)).await
/// }
/// ```
#[must_use = "the answer is only seen through on_reply, wait or await"]
#[derive(Debug)]
pub struct Reply<T = Args, E = AckError>(Arc<Slot<T, E>>);

/// The answers of many: all of them, or those that came before the time was over.
///
/// What [`Broadcast::emit_with_ack`](crate::Broadcast::emit_with_ack) and [`fetch_sockets`](crate::Broadcast::fetch_sockets) give.
pub type Replies<T> = Reply<Vec<T>, Incomplete<T>>;

/// The other end of a [`Reply`]; dropped unused, it tells that nobody will answer.
#[derive(Debug)]
pub(crate) struct ReplySender<T = Args, E: Unanswered = AckError>(Arc<Slot<T, E>>);

/// What a [`Replies`] is answered through.
pub(crate) type RepliesSender<T> = ReplySender<Vec<T>, Incomplete<T>>;

/// An error that says that nobody will answer.
pub(crate) trait Unanswered {
    fn unanswered() -> Self;
}

impl Unanswered for AckError {
    fn unanswered() -> Self {
        Self::Disconnected
    }
}

impl<T> Unanswered for Incomplete<T> {
    fn unanswered() -> Self {
        Self { answers: Vec::new(), missing: 0, not_sent: None }
    }
}

struct Slot<T, E> {
    state: Mutex<State<T, E>>,
    arrived: Condvar,
}

#[derive(Default)]
enum State<T, E> {
    /// Nobody asked yet, and nothing came.
    #[default]
    Pending,
    Callback(Box<Callback<T, E>>),
    Task(Waker),
    Arrived(Result<T, E>),
    Taken,
}

type Callback<T, E> = dyn FnOnce(Result<T, E>) + Send;

impl<T, E> Reply<T, E> {
    pub(crate) fn channel() -> (ReplySender<T, E>, Self)
    where
        E: Unanswered,
    {
        let slot = Arc::new(Slot { state: Mutex::default(), arrived: Condvar::new() });
        (ReplySender(slot.clone()), Self(slot))
    }

    /// Runs a callback with the answer, on the thread of the socket's shard; or here and now if it has come already. On the
    /// shard a panic in it concerns nobody else, and [`on_panic`](crate::Engine::on_panic) tells of it.
    ///
    /// It must be `Send`; so it takes a [`SocketHandle`](crate::SocketHandle) along, and not the `&Socket`.
    pub fn on_reply(self, callback: impl FnOnce(Result<T, E>) + Send + 'static) {
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
    /// When it does not come, or not all of it.
    ///
    /// # Panics
    /// On a thread of the server, which would wait for itself; use [`on_reply`](Self::on_reply) there.
    pub fn wait(self) -> Result<T, E> {
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

impl<T, E> Future for Reply<T, E> {
    type Output = Result<T, E>;

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

impl<T, E: Unanswered> ReplySender<T, E> {
    pub(crate) fn send(self, result: Result<T, E>) {
        self.0.resolve(result);
    }
}

impl ReplySender {
    /// Tells that the event was not sent.
    pub(crate) fn send_failure(self, sent: Sent) {
        if let Sent::Dropped(dropped) = sent {
            self.0.resolve(Err(AckError::NotSent(dropped)));
        }
    }
}

impl<T, E: Unanswered> Drop for ReplySender<T, E> {
    fn drop(&mut self) {
        self.0.resolve(Err(E::unanswered()));
    }
}

impl<T, E> Slot<T, E> {
    /// The first result counts.
    fn resolve(&self, result: Result<T, E>) {
        let mut state = self.lock();
        match std::mem::take(&mut *state) {
            State::Pending => *state = State::Arrived(result),
            State::Task(waker) => {
                *state = State::Arrived(result);
                drop(state);
                Local::shield("waker", || waker.wake());
            }
            State::Callback(callback) => {
                *state = State::Taken;
                drop(state);
                Local::shield("on_reply", || callback(result));
            }
            done @ (State::Arrived(_) | State::Taken) => *state = done,
        }
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, E> fmt::Debug for Slot<T, E> {
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
        let (sender, reply) = Reply::<Args>::channel();
        sender.send(Err(AckError::Timeout));
        assert_eq!(reply.wait(), Err(AckError::Timeout));

        let (sender, reply) = Reply::<Args>::channel();
        drop(sender);
        let (told, hear) = mpsc::channel();
        reply.on_reply(move |result| told.send(result).unwrap());
        assert_eq!(hear.try_recv(), Ok(Err(AckError::Disconnected)));

        let (sender, reply) = Reply::<Args>::channel();
        let (told, hear) = mpsc::channel();
        reply.on_reply(move |result| told.send(result).unwrap());
        assert!(hear.try_recv().is_err());
        sender.send(Ok(Args::default()));
        assert_eq!(hear.try_recv(), Ok(Ok(Args::default())));
        assert!(hear.try_recv().is_err(), "once");
    }

    #[test]
    fn a_thread_can_wait() {
        let (sender, reply) = Reply::<Args>::channel();
        let waiting = std::thread::spawn(|| reply.wait());
        sender.send(Ok(Args::default()));
        assert_eq!(waiting.join().unwrap(), Ok(Args::default()));
    }

    #[test]
    fn a_task_can_await() {
        let (sender, mut reply) = Reply::<Args>::channel();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut reply).poll(&mut context).is_pending());
        sender.send(Ok(Args::default()));
        assert_eq!(Pin::new(&mut reply).poll(&mut context), Poll::Ready(Ok(Args::default())));
    }
}
