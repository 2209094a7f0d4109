//! What the application keeps with a socket.

use std::{
    any::{Any, TypeId},
    cell::RefMut,
    collections::HashMap,
    fmt,
    rc::Rc,
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::shard::{Local, Owner};

/// Values of a socket, one of each type.
#[derive(Default)]
pub(crate) struct Extensions(HashMap<TypeId, Box<dyn Any + Send>>);

/// What is shared with everybody: JSON.
#[derive(Clone)]
struct Shared(Arc<str>);

impl Extensions {
    /// What is shared with everybody: JSON.
    pub(crate) fn shared(&self) -> Option<&Arc<str>> {
        let shared = self.0.get(&TypeId::of::<Shared>())?;
        shared.downcast_ref::<Shared>().map(|shared| &shared.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

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
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// use siomio::Socket;
    ///
    /// struct Score(u32);
    ///
    /// server.on("hit", |socket: &Socket, points: u32| {
    ///     let score = socket.data().update(|score: &mut Score| {
    ///         score.0 += points;
    ///         score.0
    ///     });
    ///     socket.emit("score", score.unwrap_or(0));
    /// });
    /// ```
    pub fn update<T: 'static, R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.with(change)
    }

    /// Takes the value of this type out.
    pub fn remove<T: 'static>(&self) -> Option<T> {
        let old = self.extensions(false)?.0.remove(&TypeId::of::<T>());
        downcast(old)
    }

    /// Shares something with whoever asks with [`fetch_sockets`](crate::Namespace::fetch_sockets), on any server; what was shared before
    /// is replaced.
    ///
    /// # Errors
    /// When it cannot be serialised as JSON; what was shared before is kept then.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct User { name: String }
    ///
    /// server.on_connect(|socket| {
    ///     let _ = socket.data().share(&User { name: "Ada".to_owned() });
    /// });
    /// server.fetch_sockets().on_reply(|sockets| {
    ///     for user in sockets.unwrap_or_default().iter().filter_map(|socket| socket.data::<User>().ok()) {
    ///         println!("{} is here", user.name);
    ///     }
    /// });
    /// ```
    pub fn share<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), serde_json::Error> {
        let json = serde_json::to_string(value)?;
        self.insert(Shared(json.into()));
        Ok(())
    }

    /// What was [shared](Self::share), read as a type of yours; nothing counts as `null`.
    ///
    /// # Errors
    /// When it does not fit the type.
    pub fn shared<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let shared = self.get::<Shared>();
        serde_json::from_str(shared.as_ref().map_or("null", |shared| &shared.0))
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
