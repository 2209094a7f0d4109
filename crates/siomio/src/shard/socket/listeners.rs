//! What the application wants to hear of one socket.

use std::{collections::HashMap, fmt, rc::Rc};

use siomio_hub::DisconnectReason;

use crate::{Event, Socket, namespace::table::EventHandler};

/// Closures that belong to one socket, each with its number.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) events: HashMap<String, Vec<(u64, Once, EventHandler)>>,
    pub(crate) any: Vec<(u64, Rc<AnyListener>)>,
    pub(crate) any_outgoing: Vec<(u64, Rc<AnyListener>)>,
    pub(crate) middlewares: Vec<(u64, Rc<MiddlewareListener>)>,
    pub(crate) disconnecting: Numbered<DisconnectListener>,
    pub(crate) disconnect: Numbered<DisconnectListener>,
    pub(crate) drain: Vec<(u64, Rc<DrainListener>)>,
}

/// Whether a handler runs only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    Yes,
    No,
}

pub(crate) type AnyListener = dyn Fn(&Socket, &Event<'_>);
pub(crate) type MiddlewareListener = dyn Fn(&Socket, &mut Event<'_>) -> Result<(), String>;
pub(crate) type DisconnectListener = dyn FnOnce(&Socket, DisconnectReason);
pub(crate) type DrainListener = dyn Fn(&Socket);

/// Closures with their numbers.
pub(crate) type Numbered<F> = Vec<(u64, Box<F>)>;

/// Something that was taken out, to be dropped where nothing is borrowed.
pub(crate) type Removed = Box<dyn std::any::Any>;

impl Listeners {
    /// The handlers of an event, less those that have run if they run only once.
    pub(crate) fn take(&mut self, event: &str) -> Vec<EventHandler> {
        let Some(handlers) = self.events.get_mut(event) else { return Vec::new() };
        let taken = handlers.iter().map(|(_, _, handler)| handler.clone()).collect();
        // Those that go are held by what was taken.
        handlers.retain(|(_, once, _)| *once == Once::No);
        if handlers.is_empty() {
            self.events.remove(event);
        }
        taken
    }

    pub(crate) fn remove(&mut self, serial: u64) -> Option<Removed> {
        if let Some(removed) = pick(&mut self.any, serial)
            .or_else(|| pick(&mut self.any_outgoing, serial))
            .or_else(|| pick(&mut self.middlewares, serial))
            .or_else(|| pick(&mut self.disconnecting, serial))
            .or_else(|| pick(&mut self.disconnect, serial))
            .or_else(|| pick(&mut self.drain, serial))
        {
            return Some(removed);
        }
        let has_it = |handlers: &[(u64, Once, EventHandler)]| {
            handlers.iter().position(|(own, _, _)| *own == serial)
        };
        let (event, place) =
            self.events.iter().find_map(|(event, all)| Some((event.clone(), has_it(all)?)))?;
        let handlers = self.events.get_mut(&event)?;
        let removed = handlers.remove(place);
        if handlers.is_empty() {
            self.events.remove(&event);
        }
        Some(Box::new(removed))
    }
}

fn pick<T: 'static>(list: &mut Vec<(u64, T)>, serial: u64) -> Option<Removed> {
    let place = list.iter().position(|(own, _)| *own == serial)?;
    Some(Box::new(list.remove(place)))
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("events", &self.events.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::handler::Erased;

    fn handler() -> EventHandler {
        EventHandler::Here(Arc::new(Erased::new(|_: &Socket| {})))
    }

    fn with_events(events: &[(&str, u64, Once)]) -> Listeners {
        let mut listeners = Listeners::default();
        for (event, serial, once) in events {
            let handlers = listeners.events.entry((*event).to_owned()).or_default();
            handlers.push((*serial, *once, handler()));
        }
        listeners
    }

    #[test]
    fn what_runs_once_is_taken_and_the_rest_stays() {
        let mut listeners = with_events(&[
            ("x", 1, Once::No),
            ("x", 2, Once::Yes),
            ("x", 3, Once::No),
            ("y", 4, Once::Yes),
        ]);
        assert_eq!(listeners.take("x").len(), 3);
        assert_eq!(listeners.take("x").len(), 2);
        assert_eq!(listeners.take("y").len(), 1);
        assert_eq!(listeners.take("y").len(), 0);
        assert_eq!(listeners.take("z").len(), 0);
        assert_eq!(listeners.events.len(), 1, "names without handlers are forgotten");
    }

    #[test]
    fn each_is_found_by_its_number_whatever_it_is_for_and_once() {
        let mut listeners =
            with_events(&[("x", 1, Once::No), ("x", 2, Once::Yes), ("y", 3, Once::No)]);
        listeners.any.push((4, Rc::new(|_, _| {})));
        listeners.any_outgoing.push((5, Rc::new(|_, _| {})));
        listeners.middlewares.push((6, Rc::new(|_, _| Ok(()))));
        listeners.disconnecting.push((7, Box::new(|_, _| {})));
        listeners.disconnect.push((8, Box::new(|_, _| {})));
        listeners.drain.push((9, Rc::new(|_| {})));
        assert!(listeners.remove(10).is_none());
        for serial in [5, 1, 9, 3, 7, 2, 8, 4, 6] {
            assert!(listeners.remove(serial).is_some(), "{serial}");
            assert!(listeners.remove(serial).is_none(), "{serial}");
        }
        assert!(listeners.events.is_empty(), "names without handlers are forgotten");
        assert!(listeners.any.is_empty() && listeners.drain.is_empty());
    }
}
