//! An event, as those see it who see all of them.

use std::{borrow::Cow, fmt};

use siomio_packet::{Args, ArgsRef, EncodeError, IntoArgs};

/// An event on its way in or out: its name, and its arguments untouched.
///
/// A [middleware](crate::Namespace::use_event) may change both.
///
/// ```
/// # let server = siomio::Server::new();
/// server.use_event(|_, event| {
///     if event.name() == "msg" {
///         let text: String = event.args().get(0).map_err(|error| error.to_string())?;
///         event.rename("message");
///         event.replace_args(text.trim()).map_err(|error| error.to_string())?;
///     }
///     Ok(())
/// });
/// ```
pub struct Event<'e> {
    name: Cow<'e, str>,
    args: EventArgs<'e>,
    wants_ack: bool,
}

enum EventArgs<'e> {
    Borrowed(ArgsRef<'e>),
    Owned(Args),
}

impl<'e> Event<'e> {
    pub(crate) const fn new(name: Cow<'e, str>, args: ArgsRef<'e>, wants_ack: bool) -> Self {
        Self { name, args: EventArgs::Borrowed(args), wants_ack }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments.
    pub fn args(&self) -> ArgsRef<'_> {
        match &self.args {
            EventArgs::Borrowed(args) => *args,
            EventArgs::Owned(args) => args.as_ref(),
        }
    }

    /// Whether the other side is to acknowledge it.
    pub const fn wants_ack(&self) -> bool {
        self.wants_ack
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: impl Into<Cow<'e, str>>) {
        self.name = name.into();
    }

    /// Gives it other arguments. A tuple is several arguments, `()` none, anything else one.
    ///
    /// # Errors
    /// [`EncodeError`] when they cannot be serialised; it keeps those it has.
    pub fn replace_args<A: IntoArgs>(&mut self, args: A) -> Result<(), EncodeError> {
        self.args = EventArgs::Owned(Args::new(&args)?);
        Ok(())
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.name, self.args())
    }
}
