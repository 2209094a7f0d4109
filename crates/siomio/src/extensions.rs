//! What the application keeps with a socket.

use std::{
    any::{Any, TypeId},
    cell::RefMut,
    collections::HashMap,
    fmt,
    rc::Rc,
};

use crate::shard::{Local, Owner};

/// Values of a socket, one of each type.
#[derive(Default)]
pub(crate) struct Extensions(HashMap<TypeId, Box<dyn Any + Send>>);

/// The application's data of one [`Socket`](crate::Socket) or [`WebSocket`](crate::WebSocket): at most one value of each type.
/// They end with the socket.
///
/// ```
/// use siomio::{Server, Socket};
///
/// #[derive(Clone)]
/// struct User { name: String }
/// struct Visits(u32);
///
/// let server = Server::new();
/// server.on("login", |socket: &Socket, name: String| {
///     socket.data().insert(User { name });
///     socket.data().insert(Visits(0));
/// });
/// server.on("whoami", |socket: &Socket| {
///     socket.data().update(|visits: &mut Visits| visits.0 += 1);
///     if let Some(user) = socket.data().get::<User>() {
///         socket.emit("you", user.name);
///     }
/// });
/// ```
#[derive(Debug)]
pub struct Data<'s> {
    local: &'s Rc<Local>,
    owner: Owner,
}

impl<'s> Data<'s> {
    pub(crate) const fn new(local: &'s Rc<Local>, owner: Owner) -> Self {
        Self { local, owner }
    }

    /// Stores a value and returns the one it replaces. Once the socket is gone the value is dropped.
    pub fn insert<T: Send + 'static>(&self, value: T) -> Option<T> {
        let value: Box<dyn Any + Send> = Box::new(value);
        let old = self.extensions(true)?.0.insert(TypeId::of::<T>(), value);
        downcast(old)
    }

    /// A copy of the value of this type.
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        self.with(|value: &mut T| value.clone())
    }

    /// Changes the value of this type in place and returns what the closure returns; `None` when there is no value.
    ///
    /// While the closure runs the value is out of its place: looking it up in there finds nothing.
    pub fn update<T: 'static, R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.with(change)
    }

    /// Takes the value of this type out.
    pub fn remove<T: 'static>(&self) -> Option<T> {
        let old = self.extensions(false)?.0.remove(&TypeId::of::<T>());
        downcast(old)
    }

    /// Whether there is a value of this type.
    pub fn contains<T: 'static>(&self) -> bool {
        self.extensions(false)
            .is_some_and(|extensions| extensions.0.contains_key(&TypeId::of::<T>()))
    }

    /// The closure is the application's: nothing may be borrowed while it runs, so the value is taken out for it.
    fn with<T: 'static, R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut value = self.extensions(false)?.0.remove(&TypeId::of::<T>())?;
        let result = value.downcast_mut().map(change);
        let mut value = Some(value);
        if let Some(mut extensions) = self.extensions(true) {
            // Unless the closure put another in its place; that one counts.
            if !extensions.0.contains_key(&TypeId::of::<T>()) {
                extensions.0.extend(value.take().map(|value| (TypeId::of::<T>(), value)));
            }
        }
        drop(value);
        result
    }

    fn extensions(&self, create: bool) -> Option<RefMut<'s, Extensions>> {
        RefMut::filter_map(self.local.core.borrow_mut(), |core| {
            core.belongings_mut(self.owner, create).map(|belongings| &mut belongings.extensions)
        })
        .ok()
    }
}

fn downcast<T: 'static>(value: Option<Box<dyn Any + Send>>) -> Option<T> {
    value?.downcast().ok().map(|value| *value)
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.0.len())
    }
}
