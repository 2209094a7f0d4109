//! Namespaces that are made when a client asks for them.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;

use super::pattern::Pattern;
use crate::{Handshake, mailbox::Mail, shared::Shared};

/// Which namespaces a parent makes.
pub(crate) enum Rule {
    Pattern(Pattern),
    /// Says at once whether it does.
    AtOnce(Box<Wants>),
    /// Says so when it knows.
    Later(Box<Decides>),
}

type Wants = dyn Fn(&NamespaceRequest<'_>) -> bool + Send + Sync;
type Decides = dyn Fn(&NamespaceRequest<'_>, NamespaceDecision) + Send + Sync;

/// A client asks for a namespace that does not exist yet.
///
/// What [`Io::of_matching`](crate::Io::of_matching) and [`Io::of_deciding`](crate::Io::of_deciding) decide about.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::Value;
///
/// server.of_matching(|request| {
///     let auth: Value = request.auth().unwrap_or(Value::Null);
///     request.name().starts_with("/tenant/") && auth["token"].as_str() == Some("secret")
/// });
/// ```
#[derive(Debug)]
pub struct NamespaceRequest<'r> {
    name: &'r str,
    handshake: Handshake,
}

impl<'r> NamespaceRequest<'r> {
    pub(crate) const fn new(name: &'r str, handshake: Handshake) -> Self {
        Self { name, handshake }
    }

    /// The name of the namespace; it begins with a slash.
    pub const fn name(&self) -> &'r str {
        self.name
    }

    /// The request that opened the client's session, and what it sends along to this namespace.
    pub const fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// What the client sends along, read as a type of yours; nothing counts as the empty object.
    ///
    /// # Errors
    /// When it does not fit the type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.handshake.auth()
    }
}

/// Whether a namespace is made: given at once or later, from any thread. Dropped, it is not, and the next parent is asked.
///
/// ```
/// # let server = siomio::Server::new();
/// server.of_deciding(|request, decision| {
///     if request.name().len() > 20 {
///         return decision.refuse();
///     }
///     std::thread::spawn(move || decision.allow());
/// });
/// ```
#[must_use = "the client waits until it is decided"]
pub struct NamespaceDecision {
    shared: Arc<Shared>,
    shard: u8,
    lookup: u64,
    is_decided: bool,
}

impl NamespaceDecision {
    pub(crate) const fn new(shared: Arc<Shared>, shard: u8, lookup: u64) -> Self {
        Self { shared, shard, lookup, is_decided: false }
    }

    /// The namespace is made, and the client goes on to its middlewares.
    pub fn allow(self) {
        self.decide(true);
    }

    /// This parent does not make it. If no other does, the client is told `Invalid namespace`.
    pub fn refuse(self) {
        self.decide(false);
    }

    fn decide(mut self, allowed: bool) {
        self.is_decided = true;
        self.send(allowed);
    }

    fn send(&self, allowed: bool) {
        self.shared.send(self.shard, Mail::Lookup { lookup: self.lookup, allowed });
    }
}

impl Drop for NamespaceDecision {
    fn drop(&mut self) {
        if !self.is_decided {
            self.send(false);
        }
    }
}

impl fmt::Debug for NamespaceDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceDecision").finish_non_exhaustive()
    }
}
