//! Threads for handlers that may block.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::trace::log;

/// A pool of threads that work off jobs in the order they come, each on whichever thread is free. They are started when they
/// are needed, and end with the pool once nothing is left to do.
///
/// It holds no more jobs than there are sockets: each has one at a time.
pub(crate) struct Pool {
    size: usize,
    work: Arc<Work>,
}

type Job = Box<dyn FnOnce() + Send>;

/// How busy a pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Jobs {
    pub(crate) running: usize,
    pub(crate) waiting: usize,
    /// Since the beginning.
    pub(crate) started: u64,
}

#[derive(Default)]
struct Work {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    running: usize,
    started: u64,
    /// All threads had to do when the last jobs came, and have had ever since.
    is_saturated: bool,
    is_over: bool,
}

impl Pool {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, work: Arc::default() }
    }

    pub(crate) fn jobs(&self) -> Jobs {
        let state = self.work.lock();
        Jobs { running: state.running, waiting: state.jobs.len(), started: state.started }
    }

    /// Runs a job, as soon as a thread is free.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.work.lock();
        state.jobs.push_back(Box::new(job));
        if state.idle >= state.jobs.len() || state.threads == self.size {
            let was_saturated = state.is_saturated;
            state.is_saturated |= state.idle < state.jobs.len();
            let is_news = state.is_saturated && !was_saturated;
            drop(state);
            self.work.arrived.notify_one();
            if is_news {
                log!(WARN, "siomio::handler", "all blocking threads are busy", threads = self.size);
            }
            return;
        }
        state.threads += 1;
        drop(state);
        let work = self.work.clone();
        let thread = thread::Builder::new().name("siomio-blocking".to_owned());
        if thread.spawn(move || work.work_off()).is_err() {
            // Another thread does it; or this one, if there is none.
            let mut state = self.work.lock();
            state.threads -= 1;
            let job = if state.threads == 0 { state.jobs.pop_front() } else { None };
            drop(state);
            job.into_iter().for_each(|job| job());
        }
    }
}

impl Work {
    fn work_off(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.running += 1;
                state.started += 1;
                drop(state);
                // Whoever made it guards the application's code; a thread must not be lost in any case.
                drop(catch_unwind(AssertUnwindSafe(job)));
                state = self.lock();
                state.running -= 1;
            } else if state.is_over {
                return;
            } else {
                state.idle += 1;
                state.is_saturated = false;
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.work.lock().is_over = true;
        self.work.arrived.notify_all();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.work.lock();
        f.debug_struct("Pool")
            .field("threads", &state.threads)
            .field("waiting", &state.jobs.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    #[test]
    fn a_job_that_blocks_holds_up_one_thread_only() {
        let (pool, (done, hear), (free, wait)) = (Pool::new(2), mpsc::channel(), mpsc::channel());
        let told = done.clone();
        pool.run(move || {
            wait.recv_timeout(SOON).unwrap();
            told.send("late").unwrap();
        });
        for _ in 0..5 {
            let told = done.clone();
            pool.run(move || told.send("soon").unwrap());
            assert_eq!(hear.recv_timeout(SOON), Ok("soon"));
        }
        free.send(()).unwrap();
        assert_eq!(hear.recv_timeout(SOON), Ok("late"));
        assert!(pool.work.lock().threads <= 2);
    }

    #[test]
    fn one_that_panics_costs_no_thread() {
        let (pool, (done, hear)) = (Pool::new(1), mpsc::channel());
        pool.run(|| panic!("in a job"));
        pool.run(move || done.send(()).unwrap());
        assert_eq!(hear.recv_timeout(SOON), Ok(()));
    }
}
