use serde::Deserialize;

use super::{Args, ArgsReader};
use crate::error::ArgError;

/// What can be read from a list of arguments: one argument as any type that is `DeserializeOwned`, or, as
/// [`Args`], all that are left.
///
/// ```
/// use siomio_packet::{Args, FromArg};
///
/// let args = Args::new(&("lobby", 1, true))?;
/// let mut reader = args.as_ref().reader();
/// assert_eq!(String::from_arg(&mut reader)?, "lobby");
/// assert_eq!(Args::from_arg(&mut reader)?.json(), "1,true");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait FromArg: Sized {
    /// Takes what it needs from the front of the list.
    ///
    /// # Errors
    ///
    /// [`ArgError`] if an argument is missing or does not fit.
    fn from_arg(args: &mut ArgsReader<'_>) -> Result<Self, ArgError>;
}

impl<T: for<'de> OwnsItsData<'de>> FromArg for T {
    fn from_arg(args: &mut ArgsReader<'_>) -> Result<Self, ArgError> {
        args.next()
    }
}

// Allowed beside the blanket implementation because `Args` is ours and not `Deserialize`.
impl FromArg for Args {
    fn from_arg(args: &mut ArgsReader<'_>) -> Result<Self, ArgError> {
        Ok(args.rest())
    }
}

/// `Deserialize` by a name that speaks: for a parameter of type `&str` the compiler has no words but that the implementation of
/// this trait is not general enough, and cannot be given others.
#[doc(hidden)]
pub trait OwnsItsData<'de>: Deserialize<'de> {}

impl<'de, T: Deserialize<'de>> OwnsItsData<'de> for T {}
