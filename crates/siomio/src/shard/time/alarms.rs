//! What happens because time has passed.

use std::{rc::Rc, time::Duration};

use siomio_http::Response;
use siomio_hub::Due;

use crate::{
    HandlerError, Socket,
    shard::{
        conn::{ConnKey, Patience, State},
        core::{Alarm, Core, Pending, SessionKey},
        local::Local,
        time::{
            owner::Owner,
            timers::{Timer, TimerKey, Work},
            wheel::Tick,
        },
    },
};

impl Local {
    /// Works off everything whose time has come.
    pub(crate) fn expire(self: &Rc<Self>) {
        let mut alarms = Vec::new();
        {
            let mut core = self.core.borrow_mut();
            let now = core.now;
            core.wheel.expire(now, &mut alarms);
            for (at, alarm) in alarms {
                core.sound(at, alarm);
            }
        }
        loop {
            let due = {
                let mut core = self.core.borrow_mut();
                let now = core.now;
                core.hub.handle_timeout(now)
            };
            match due {
                Some(Due::Ack(token)) => self.ack_timed_out(token),
                Some(Due::Connect(tag)) => self.close_session(SessionKey::from_bits(tag)),
                Some(Due::Request(outcome)) => {
                    self.count_missing(&outcome);
                    self.request_is_over(outcome);
                }
                Some(Due::Decision(socket)) => self.decision_is_late(socket),
                Some(Due::Session(pid)) => self.session_expired(&pid),
                Some(_) => {}
                None => break,
            }
        }
        self.settle();
        self.run_timers();
        self.settle();
    }

    /// Runs the application's timers that are due.
    pub(crate) fn run_timers(self: &Rc<Self>) {
        loop {
            let (key, timer, is_alive) = {
                let mut core = self.core.borrow_mut();
                let now = core.now;
                let Some((key, timer)) = core.timers.pop(now) else { return };
                let is_alive = core.is_alive(timer.owner);
                (key, timer, is_alive)
            };
            if !is_alive {
                continue;
            }
            let Timer { owner, serial, work } = timer;
            let next = match work {
                Work::Once(run) => self.call("timer", || run(self)).map(|()| None),
                Work::Every(period, run) => {
                    let again = Timer { owner, serial, work: Work::Every(period, run.clone()) };
                    self.call("timer", || run(self)).map(|()| Some((period, again)))
                }
            };
            match next {
                Ok(next) => self.timer_ran(owner, serial, key, next),
                Err(message) => self.timer_panicked(owner, message),
            }
        }
    }

    fn timer_ran(&self, owner: Owner, serial: u64, key: TimerKey, next: Option<(Duration, Timer)>) {
        let mut core = self.core.borrow_mut();
        let now = core.now;
        // Gone if the timer cancelled itself, or its owner.
        let Some(belongings) = core.belongings_mut(owner, false) else { return };
        let timers = &mut belongings.timers;
        let Some(place) = timers.iter().position(|(own, _)| *own == serial) else { return };
        match next {
            None => drop(timers.swap_remove(place)),
            Some((period, timer)) => {
                let key = core.timers.repeat(key, now, period, timer);
                if let Some(belongings) = core.belongings_mut(owner, false) {
                    belongings.timers[place].1 = key;
                }
            }
        }
    }

    fn timer_panicked(self: &Rc<Self>, owner: Owner, message: String) {
        let key = match owner {
            Owner::Socket(socket) => socket,
            Owner::Raw(raw) => return self.raw_panicked(raw, "timer", message),
            Owner::Server => return self.hook_panicked("timer", message),
        };
        let place = self.space_of(key).zip(self.core.borrow().session_of(key));
        let Some((space, session)) = place else { return };
        let error = HandlerError::Panic { event: "timer".to_owned(), message };
        self.report(&Socket::new(self.clone(), key, space, session), &error);
    }
}

impl Core {
    fn sound(&mut self, at: Tick, alarm: Alarm) {
        let now = self.now;
        match alarm {
            Alarm::Session(session) => {
                if let Some(state) =
                    self.sessions.get_mut(session).filter(|state| state.armed == Some(at))
                {
                    state.armed = None;
                    self.with_session(session, |machine, actions| {
                        machine.handle_timeout(now, actions)
                    });
                }
            }
            Alarm::Flush(conn) => self.mark(conn),
            Alarm::Lookup(lookup) => {
                let lookup = lookup.to_bits();
                // Whoever was asked has had all the time.
                let event = Pending::LookedUp { lookup, allowed: false };
                if self.lookups.contains(lookup) {
                    self.events.push_back(event);
                }
            }
            Alarm::Starved(session) => self.starved(session, at),
            Alarm::Stall(session) => self.stalled(session, at),
            Alarm::Conn(conn) => {
                if let Some(state) =
                    self.conns.get_mut(conn).filter(|state| state.armed == Some(at))
                {
                    state.armed = None;
                    match state.deadline() {
                        Some(deadline) if deadline <= now => self.conn_timed_out(conn),
                        _ => self.arm_conn(conn),
                    }
                }
            }
        }
    }

    fn conn_timed_out(&mut self, conn: ConnKey) {
        let Some(state) = self.conns.get(conn) else { return };
        match &state.state {
            // Who has said nothing is not answered: the answer might be taken for that to its next request.
            State::Http(http)
                if matches!(http.patience, Patience::Request { until } if until <= self.now)
                    && !http.reader.is_between_requests() =>
            {
                self.refuse_connection(conn, Response::new(408));
            }
            State::Http(http) if matches!(http.patience, Patience::Decision { until } if until <= self.now) =>
            {
                self.refuse_connection(conn, Response::new(503));
            }
            State::WebSocket(_) if state.stalled.is_some_and(|until| until <= self.now) => {
                self.drop_slow_consumer(conn);
            }
            State::Http(_) | State::WebSocket(_) | State::Lingering { .. } | State::Dead => {
                self.drop_conn(conn)
            }
        }
    }
}
