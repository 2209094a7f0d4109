//! Who may connect to a namespace.

use serde::de::DeserializeOwned;
use siomio_packet::Data;

use crate::{ConnectError, Socket};

/// What a middleware answers.
pub(crate) type Verdict = Result<(), ConnectError>;

/// A middleware whose auth type is settled.
pub(crate) trait ErasedMiddleware: Send + Sync {
    fn call(&self, socket: &Socket, auth: &Data<'_>) -> Verdict;
}

pub(crate) struct Middleware<F, A>(F, std::marker::PhantomData<fn(A)>);

impl<F, A> Middleware<F, A> {
    pub(crate) const fn new(check: F) -> Self {
        Self(check, std::marker::PhantomData)
    }
}

impl<F, A> ErasedMiddleware for Middleware<F, A>
where
    F: Fn(&Socket, A) -> Verdict + Send + Sync,
    A: DeserializeOwned,
{
    fn call(&self, socket: &Socket, auth: &Data<'_>) -> Verdict {
        let auth =
            read_auth(auth).map_err(|error| ConnectError::new(format!("invalid auth: {error}")))?;
        (self.0)(socket, auth)
    }
}

/// Reads what came with a CONNECT; nothing counts as the empty object.
fn read_auth<A: DeserializeOwned>(auth: &Data<'_>) -> Result<A, serde_json::Error> {
    let json = auth.json();
    serde_json::from_str(if json.is_empty() { "{}" } else { json })
}
