//! What happens because time has passed.

use std::{rc::Rc, time::Duration};

use siomio_hub::{Due, SocketKey};

use super::{
    conn::{ConnKey, Patience, State},
    core::{Alarm, Core, SessionKey},
    local::Local,
    timers::{Timer, TimerKey, Work},
};
use crate::{HandlerError, Socket, config::capped};

impl Local {
    /// Works off everything whose time has come.
    pub(super) fn expire(self: &Rc<Self>) {
        let mut alarms = Vec::new();
        {
            let mut core = self.core.borrow_mut();
            let now = core.now;
            core.wheel.expire(now, &mut alarms);
            for alarm in alarms {
                core.sound(alarm);
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
                Some(_) => {}
                None => break,
            }
        }
        self.settle();
        self.run_timers();
        self.settle();
    }

    /// Sets a timer of a socket and returns its number.
    pub(crate) fn set_timer(&self, socket: SocketKey, delay: Duration, work: Work) -> u64 {
        let mut core = self.core.borrow_mut();
        let at = core.environment.now() + capped(delay);
        let serial = core.new_token().0;
        if core.extra_mut(socket, true).is_none() {
            drop(core);
            drop(work);
            return serial;
        }
        let key = core.timers.insert(at, Timer { socket, serial, work });
        if let Some(extra) = core.extra_mut(socket, true) {
            extra.timers.push((serial, key));
        }
        serial
    }

    pub(crate) fn cancel_timer(&self, socket: SocketKey, serial: u64) {
        let timer = {
            let mut core = self.core.borrow_mut();
            let Some(extra) = core.extra_mut(socket, false) else { return };
            let Some(place) = extra.timers.iter().position(|(own, _)| *own == serial) else {
                return;
            };
            let (_, key) = extra.timers.swap_remove(place);
            core.timers.remove(key)
        };
        drop(timer);
    }

    /// Runs the application's timers that are due.
    pub(super) fn run_timers(self: &Rc<Self>) {
        loop {
            let (key, timer, owner) = {
                let mut core = self.core.borrow_mut();
                let now = core.now;
                let Some((key, timer)) = core.timers.pop(now) else { return };
                let (session, namespace) =
                    (core.session_of(timer.socket), core.hub.namespace_of(timer.socket));
                (key, timer, session.zip(namespace))
            };
            let Some((session, namespace)) = owner else { continue };
            let (key_of_owner, serial) = (timer.socket, timer.serial);
            let socket = Socket::new(self.clone(), key_of_owner, namespace, session);
            let next = match timer.work {
                Work::Once(run) => self.guard(|| run(&socket)).map(|()| None),
                Work::Every(period, run) => {
                    let again = Timer {
                        socket: key_of_owner,
                        serial,
                        work: Work::Every(period, run.clone()),
                    };
                    self.guard(|| run(&socket)).map(|()| Some((period, again)))
                }
            };
            match next {
                Ok(next) => self.timer_ran(key_of_owner, serial, key, next),
                Err(message) => {
                    let error = HandlerError::Panic { event: "timer".to_owned(), message };
                    if let Some(table) = self.tables().namespaces.get(namespace.index()) {
                        self.report(&socket, key_of_owner, table, &error);
                    }
                }
            }
        }
    }

    fn timer_ran(
        &self,
        socket: SocketKey,
        serial: u64,
        key: TimerKey,
        next: Option<(Duration, Timer)>,
    ) {
        let mut core = self.core.borrow_mut();
        let now = core.now;
        // Gone if the timer cancelled itself, or its socket.
        let Some(extra) = core.extra_mut(socket, false) else { return };
        let Some(place) = extra.timers.iter().position(|(own, _)| *own == serial) else { return };
        match next {
            None => drop(extra.timers.swap_remove(place)),
            Some((period, timer)) => {
                let key = core.timers.repeat(key, now, period, timer);
                if let Some(extra) = core.extra_mut(socket, false) {
                    extra.timers[place].1 = key;
                }
            }
        }
    }
}

impl Core {
    fn sound(&mut self, alarm: Alarm) {
        let now = self.now;
        match alarm {
            Alarm::Session(session, at) => {
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
            Alarm::Conn(conn, at) => {
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
            // Unless what is slow is the rest of a request that has its answer.
            State::Http(http)
                if matches!(http.patience, Patience::Request { .. })
                    && http.waiting.is_empty()
                    && (http.reader.is_between_requests() || http.reader.is_mid_head()) =>
            {
                self.refuse_connection(conn, 408);
            }
            State::Http(_) | State::WebSocket(_) | State::Lingering { .. } | State::Dead => {
                self.drop_conn(conn)
            }
        }
    }
}
