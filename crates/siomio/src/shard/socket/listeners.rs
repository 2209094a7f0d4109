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
        let mut lists = self.events.values_mut();
        lists.find_map(|handlers| {
            let place = handlers.iter().position(|(own, _, _)| *own == serial)?;
            Some(Box::new(handlers.remove(place)) as Removed)
        })
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
