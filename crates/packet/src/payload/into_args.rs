use std::cell::Cell;

use bytes::Bytes;
use serde::Serialize;

use super::format::{Attaching, List};
use super::list::ListSerializer;
use crate::args::{Args, ArgsRef};
use crate::error::EncodeError;

/// What can be the arguments of an event or an ack.
///
/// Everything `Serialize` can, and its serde shape decides what the list is:
///
/// | value | arguments |
/// |---|---|
/// | a tuple, a fixed-size array | its elements |
/// | `()` | none |
/// | anything else, also `Vec`, structs, tuple structs and `None` | one, itself |
///
/// `(x,)` makes one argument of any `x`. [`Args`] and [`ArgsRef`] go out as they came in.
///
/// ```
/// use siomio_packet::Payload;
///
/// let mut payload = Payload::new();
/// payload.event("e", &(1, "two"))?;
/// assert_eq!(payload.json(), r#"["e",1,"two"]"#);
/// payload.event("e", &vec![1, 2])?;
/// assert_eq!(payload.json(), r#"["e",[1,2]]"#);
/// payload.event("e", &([1, 2],))?;
/// assert_eq!(payload.json(), r#"["e",[1,2]]"#);
/// payload.event("e", &())?;
/// assert_eq!(payload.json(), r#"["e"]"#);
/// # Ok::<(), siomio_packet::EncodeError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of an event",
    note = "arguments are anything that implements `serde::Serialize`, or `Args`: put `#[derive(serde::Serialize)]` on a type of yours"
)]
pub trait IntoArgs: sealed::Sealed {
    /// Appends the arguments. Not callable from outside: the writer has no public constructor.
    #[doc(hidden)]
    fn write_args(&self, out: &mut ArgsWriter<'_>) -> Result<(), EncodeError>;
}

impl<T: Serialize + ?Sized> IntoArgs for T {
    fn write_args(&self, out: &mut ArgsWriter<'_>) -> Result<(), EncodeError> {
        out.serialize(self)
    }
}

impl IntoArgs for Args {
    fn write_args(&self, out: &mut ArgsWriter<'_>) -> Result<(), EncodeError> {
        out.relay(self.as_ref());
        Ok(())
    }
}

impl IntoArgs for ArgsRef<'_> {
    fn write_args(&self, out: &mut ArgsWriter<'_>) -> Result<(), EncodeError> {
        out.relay(*self);
        Ok(())
    }
}

mod sealed {
    use serde::Serialize;

    use crate::args::{Args, ArgsRef};

    pub trait Sealed {}

    impl<T: Serialize + ?Sized> Sealed for T {}

    impl Sealed for Args {}

    impl Sealed for ArgsRef<'_> {}
}

/// Where arguments are written: behind `[`, or behind `["name"`.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArgsWriter<'a> {
    json: &'a mut Vec<u8>,
    attachments: &'a mut Vec<Bytes>,
}

impl<'a> ArgsWriter<'a> {
    pub(super) fn new(json: &'a mut Vec<u8>, attachments: &'a mut Vec<Bytes>) -> Self {
        Self { json, attachments }
    }

    fn relay(&mut self, args: ArgsRef<'_>) {
        if !args.is_empty() {
            self.separate();
            self.json.extend_from_slice(args.json().as_bytes());
        }
        self.attachments.extend_from_slice(args.attachments());
    }

    fn serialize<T: Serialize + ?Sized>(&mut self, args: &T) -> Result<(), EncodeError> {
        let before = self.json.len();
        self.separate();
        let start = self.json.len();

        let list = Cell::new(List::One);
        let format = Attaching::list(self.attachments, &list);
        let mut json = serde_json::Serializer::with_formatter(&mut *self.json, format);
        args.serialize(ListSerializer::new(&mut json, &list))?;

        if list.get() == List::Elements {
            // The bracket that closes the tuple; the caller closes the list.
            self.json.pop();
        }
        if self.json.len() == start {
            self.json.truncate(before);
        }
        Ok(())
    }

    fn separate(&mut self) {
        if self.json.last() != Some(&b'[') {
            self.json.push(b',');
        }
    }
}
