//! A shard as the code of the application meets it.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
};

use siomio_hub::{Flags, SocketKey};
use siomio_packet::{Kind, Payload};

use super::{
    core::{Core, Pending},
    environment::Environment,
    space::Space,
    watch::Watch,
};
use crate::{
    AckError, Socket,
    config::capped,
    mailbox::{Mail, Order},
    metrics::Counts,
    registry::Tables,
    shared::Shared,
    trace::log,
};

/// A shard's state, and what may be done with it on the shard's own thread.
///
/// The rule that makes this work: nothing is borrowed while code of the application runs. Arguments are serialised before
/// the borrow, values are dropped after it, and what a step finds out for the application waits in a queue of events.
pub(crate) struct Local {
    pub(crate) core: RefCell<Core>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: u8,
    pub(crate) counts: Arc<Counts>,
    pub(crate) watch: Watch,
    /// How many letters there were for other shards ever.
    pub(crate) letters: Cell<u64>,
    tables: RefCell<(u64, Rc<Tables>)>,
    /// The namespaces that the shard knows, in the places of their ids.
    pub(crate) spaces: RefCell<Vec<Option<Rc<Space>>>>,
    /// Spare memory for the payload of an emit.
    pub(crate) scratch: Cell<Option<Payload>>,
}

thread_local! {
    /// The shard whose turn it is on this thread.
    static CURRENT: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
}

/// A payload that needed more is not kept for the next.
const SCRATCH: usize = 64 * 1024;

impl Local {
    pub(crate) fn new(
        shared: Arc<Shared>,
        index: u8,
        environment: Box<dyn Environment>,
    ) -> Rc<Self> {
        let watch = Watch::new(environment.now(), shared.config.slow_handler);
        let local = Rc::new(Self {
            counts: shared.counts(index).clone(),
            watch,
            letters: Cell::new(0),
            core: RefCell::new(Core::new(shared.clone(), index, environment)),
            shared,
            index,
            tables: RefCell::default(),
            spaces: RefCell::default(),
            scratch: Cell::new(None),
        });
        local.refresh();
        local.know(local.shared.namespaces.main());
        local
    }

    /// The shard of this server whose turn it is on this thread, if any.
    pub(crate) fn current(shared: &Arc<Shared>) -> Option<Rc<Self>> {
        CURRENT.with_borrow(|current| {
            current.as_ref().filter(|local| Arc::ptr_eq(&local.shared, shared)).cloned()
        })
    }

    /// Whether some shard runs on this thread.
    pub(crate) fn is_running_here() -> bool {
        CURRENT.with_borrow(Option::is_some)
    }

    /// Makes this shard the current one until the guard is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Entered {
        Entered { previous: CURRENT.replace(Some(self.clone())) }
    }

    /// Takes over what was registered since the last look.
    pub(crate) fn refresh(&self) {
        let version = self.shared.registry.version();
        let mut tables = self.tables.borrow_mut();
        if tables.0 == version {
            return;
        }
        let old =
            std::mem::replace(&mut *tables, (version, Rc::new(self.shared.registry.snapshot())));
        // Closures of the application may go with it, so nothing is borrowed any more.
        drop(tables);
        self.discard(old);
    }

    pub(crate) fn tables(&self) -> Rc<Tables> {
        self.tables.borrow().1.clone()
    }

    /// Drops something that holds values of the application, whose own code may run then.
    pub(crate) fn discard<T>(&self, value: T) {
        drop(self.catch("drop", || drop(value)));
    }

    /// Runs code of the application.
    ///
    /// # Errors
    /// What it said if it panicked.
    pub(super) fn catch<R>(&self, name: &str, run: impl FnOnce() -> R) -> Result<R, String> {
        catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
            let message = message_of(&*panic);
            self.panicked(name, &message);
            message
        })
    }

    /// Runs code of the application on any thread, with which its caller must not fall. If the thread is a shard's, that tells of a
    /// panic.
    pub(crate) fn shield(hook: &'static str, run: impl FnOnce()) {
        let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else { return };
        if let Some(local) = Self::tell_of_panic(hook, &*panic) {
            local.hook_panicked(hook, message_of(&*panic));
        }
    }

    /// Counts and logs a panic on this thread, if it is a shard's, which is returned.
    pub(crate) fn tell_of_panic(name: &str, panic: &(dyn Any + Send)) -> Option<Rc<Self>> {
        let here = CURRENT.with_borrow(Clone::clone);
        here.inspect(|local| local.panicked(name, &message_of(panic)))
    }

    /// Code of the application has panicked.
    #[cold]
    pub(crate) fn panicked(&self, name: &str, message: &str) {
        self.counts.panics.add(1);
        log!(
            ERROR,
            "siomio::handler",
            "panicked",
            handler = name.escape_debug(),
            message = message
        );
    }

    /// Sends mail from this shard: to itself it is delivered here and now.
    pub(crate) fn send(self: &Rc<Self>, shard: u8, mail: Mail) {
        if shard == self.index {
            self.execute(mail);
        } else {
            self.letters.set(self.letters.get() + 1);
            self.core.borrow_mut().outboxes[usize::from(shard)].push(mail);
        }
    }

    /// Posts what was collected for the other shards, and tells whether that was anything. Mail that nobody reads any more is
    /// dropped here, and with it code of the application, which may want something done in turn.
    pub(crate) fn post_batches(&self) -> bool {
        let mut has_posted = false;
        for shard in 0..self.shared.shards() {
            let place = usize::from(shard);
            let mut batch = std::mem::take(&mut self.core.borrow_mut().outboxes[place]);
            if batch.is_empty() {
                continue;
            }
            has_posted = true;
            drop(self.catch("drop", || self.shared.mailbox(shard).post(&mut batch)));
            let mut core = self.core.borrow_mut();
            if core.outboxes[place].is_empty() {
                // For its memory.
                core.outboxes[place] = batch;
            }
        }
        has_posted
    }

    /// Whether the application has decided about a request that is to be read again.
    pub(crate) fn has_decided(&self) -> bool {
        !self.core.borrow().decided.is_empty()
    }

    pub(crate) fn execute(self: &Rc<Self>, mail: Mail) {
        match mail {
            Mail::Operation { namespace, operation } => self.operate(namespace, &operation),
            Mail::Expect { request, question, style, parts, timeout } => {
                let mut core = self.core.borrow_mut();
                let (token, until) = (core.new_token(), core.environment.now() + capped(timeout));
                core.hub.open_request(request, token, style, parts, until);
                core.questions.insert(token, question);
            }
            Mail::Answer { request, answer } => self.handle_answer(request, answer),
            Mail::ServerSide { namespace, event, args, asker } => {
                self.handle_server_side(&namespace, &event, &args, asker);
            }
            Mail::Socket { socket, order } => self.obey(socket, order),
            Mail::Session { session, order } => self.obey_session(session, order),
            Mail::Raw { raw, order } => self.obey_raw(raw, order),
            Mail::Endpoint { endpoint, except, frame } => {
                self.core.borrow_mut().send_to_endpoint(endpoint, except, &frame)
            }
            Mail::SetTimer { serial, delay, errand } => {
                self.set_server_timer(serial, delay, errand);
            }
            Mail::CancelTimer { owner, serial } => self.cancel_timer(owner, serial),
            Mail::Respond { request, response } => {
                self.core.borrow_mut().respond(request, response)
            }
            Mail::Decide { gate, verdict } => self.core.borrow_mut().decide(gate, verdict),
            Mail::Forget(namespace) => self.forget_namespace(namespace),
            Mail::Ran { socket, outcome } => self.handler_ran(socket, outcome),
            Mail::Recover(recovering) => self.handle_recovering(*recovering),
            // None of these inside of whatever handler asked for it.
            Mail::Permit { socket, stage, verdict } => {
                let event = Pending::Permitted { socket, stage, verdict };
                self.core.borrow_mut().events.push_back(event);
            }
            Mail::Lookup { lookup, allowed } => {
                let event = Pending::LookedUp { lookup, allowed };
                self.core.borrow_mut().events.push_back(event);
            }
            Mail::Stop { deadline } => {
                self.core.borrow_mut().events.push_back(Pending::Stop { deadline })
            }
        }
    }

    /// Keeps spare memory for the next payload.
    pub(crate) fn keep_scratch(&self, mut payload: Payload) {
        if payload.as_bytes().len() <= SCRATCH {
            payload.clear();
            self.scratch.set(Some(payload));
        }
    }

    fn obey(self: &Rc<Self>, socket: SocketKey, order: Order) {
        match order {
            Order::Run(run) => self.run_with(socket, run),
            Order::Emit { payload, flags } => drop(self.emit_payload(socket, &payload, flags)),
            Order::EmitWithAck { payload, timeout, reply } => {
                let place = self.space_of(socket).zip(self.core.borrow().session_of(socket));
                match place {
                    Some((space, session)) => {
                        let socket = Socket::new(self.clone(), socket, space, session);
                        self.emit_with_ack(&socket, &payload, timeout, reply);
                    }
                    None => reply.send(Err(AckError::Disconnected)),
                }
            }
            Order::Acknowledge { id, payload } => {
                let flags = Flags::default();
                self.core.borrow_mut().send(socket, Kind::Ack, Some(id), &payload, flags);
                self.keep_scratch(payload);
            }
            Order::Join(room) => {
                if let Some(space) = self.space_of(socket) {
                    self.join(socket, &space, &room);
                }
            }
            Order::Leave(room) => {
                if let Some(space) = self.space_of(socket) {
                    self.leave_rooms(socket, &space, &room);
                }
            }
            Order::Disconnect { close } => self.disconnect(socket, close),
        }
    }
}

/// What a panic said.
pub(crate) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is not text".to_owned())
}

/// Puts the previous shard back when dropped.
pub(crate) struct Entered {
    previous: Option<Rc<Local>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        // The last reference may go here; not while the thread-local is borrowed.
        drop(CURRENT.replace(previous));
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("index", &self.index).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::{Duration, Instant},
    };

    use siomio_hub::Arena;

    use super::*;
    use crate::{Reply, Server};

    struct Still(Instant);

    impl Environment for Still {
        fn now(&self) -> Instant {
            self.0
        }

        fn time_of_day(&self) -> Duration {
            Duration::ZERO
        }

        fn random(&mut self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn mail_that_nobody_reads_is_dropped_with_nothing_borrowed() {
        static RAN: AtomicUsize = AtomicUsize::new(0);
        let io = Server::builder().shards(2).build().io();
        let local = Local::new(io.shared().clone(), 0, Box::new(Still(Instant::now())));
        let _entered = local.enter();
        io.shared().mailbox(1).close();
        let (sender, reply) = Reply::channel();
        let again = io.clone();
        reply.on_reply(move |_| {
            // Whatever it does, it finds everything free.
            assert!(again.emit("gone", 1).is_queued());
            RAN.fetch_add(1, Ordering::SeqCst);
        });
        let socket = Arena::new().insert(());
        let order = Order::EmitWithAck {
            payload: Payload::default(),
            timeout: Duration::ZERO,
            reply: sender,
        };
        local.send(1, Mail::Socket { socket: SocketKey::from_bits(socket.to_bits()), order });
        assert!(local.post_batches());
        assert_eq!(RAN.load(Ordering::SeqCst), 1);
    }
}
