//! Handlers: closures whose parameters say what they take.

use siomio_packet::{ArgError, ArgsReader, FromArg};

use crate::Ack;

/// A closure that can handle an event: `Fn(&Socket, A, B, …)`, with up to eight parameters behind the socket. `Context` is what
/// stands in front of them: a [`Socket`](crate::Socket), a [`SocketHandle`](crate::SocketHandle) for handlers that may
/// [block](crate::Namespace::on_blocking), a [`Namespace`](crate::Namespace) for events [between
/// servers](crate::Namespace::on_server_side).
///
/// Every parameter needs its type written out. Each is filled by one argument of the event: any
/// [`Deserialize`](serde::Deserialize) type that owns its data, [`Binary`](crate::Binary) or `Bytes` for binary ones,
/// [`Value`](crate::Value) for anything, and [`Args`](crate::Args) for all that are left, untouched. An argument that the
/// client left out reads as `null`, so `Option` makes it optional; those beyond the last parameter are ignored. The last
/// parameter may be an [`Ack`].
///
/// ```
/// use siomio::{Ack, Args, Server, Socket};
///
/// let server = Server::new();
/// server.on("say", |socket: &Socket, text: String| { socket.emit("said", text); });
/// server.on("sum", |_: &Socket, a: f64, b: Option<f64>, ack: Ack| ack.send(a + b.unwrap_or(0.0)));
/// server.on("relay", |socket: &Socket, args: Args| { socket.broadcast().emit("relayed", args); });
/// ```
///
/// # When it does not compile
///
/// | the compiler says | cure |
/// | --- | --- |
/// | this closure cannot handle an event | one of the notes below it |
/// | type annotations needed | write the type of that parameter: `socket: &Socket`, `text: String` |
/// | implementation of `Deserialize` is not general enough | a parameter borrows its data: `String` in place of `&str`, `Vec<T>` in place of `&[T]` |
/// | … cannot be sent (or shared) between threads safely | handlers run on all shards: capture an `Arc` in place of an `Rc`, a `Mutex` or an atomic in place of a cell |
/// | closure may outlive the current function | `move \|socket: &Socket\| …` |
#[diagnostic::on_unimplemented(
    message = "this closure cannot handle an event",
    label = "not an event handler",
    note = "a handler looks like `|socket: &{Context}, text: String, ack: Ack| {{ … }}`; what does not fit is one of these:",
    note = "the type of every parameter is written out, also that of the first, `&{Context}`; behind it there are eight at most",
    note = "a parameter implements `serde::Deserialize` (derive it) and owns its data: `String`, not `&str`",
    note = "an `Ack` is the last parameter",
    note = "the closure returns nothing: end its last expression with `;`, and leave `async` out",
    note = "what it captures is `Send + Sync + 'static`: `move`, and `Arc` in place of `Rc`, `Mutex` in place of `RefCell`"
)]
pub trait Handler<Context, Parameters>: Send + Sync + 'static {
    /// Reads the parameters and runs the closure.
    ///
    /// # Errors
    /// [`ArgError`] when an argument does not fit its parameter; the closure was not run.
    fn call(&self, context: &Context, args: ArgsReader<'_>, ack: Ack) -> Result<(), ArgError>;
}

/// What the last parameter of a handler can be: whatever the others can be, and [`Ack`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a handler",
    note = "parameters implement `Deserialize` and own their data; `Ack` is the last one"
)]
pub trait Last: Sized {
    /// Makes the parameter from what is left.
    ///
    /// # Errors
    /// [`ArgError`] when the argument does not fit.
    fn last(args: &mut ArgsReader<'_>, ack: Ack) -> Result<Self, ArgError>;
}

impl<T: FromArg> Last for T {
    fn last(args: &mut ArgsReader<'_>, _: Ack) -> Result<Self, ArgError> {
        T::from_arg(args)
    }
}

impl Last for Ack {
    fn last(_: &mut ArgsReader<'_>, ack: Ack) -> Result<Self, ArgError> {
        Ok(ack)
    }
}

impl<C, F: Fn(&C) + Send + Sync + 'static> Handler<C, ()> for F {
    fn call(&self, context: &C, _: ArgsReader<'_>, _: Ack) -> Result<(), ArgError> {
        self(context);
        Ok(())
    }
}

macro_rules! handler {
    ($($arg:ident)*) => {
        impl<Context, F, $($arg,)* L> Handler<Context, ($($arg,)* L,)> for F
        where
            F: Fn(&Context, $($arg,)* L) + Send + Sync + 'static,
            $($arg: FromArg,)*
            L: Last,
        {
            #[allow(non_snake_case, reason = "the types lend the variables their names")]
            fn call(&self, context: &Context, mut args: ArgsReader<'_>, ack: Ack) -> Result<(), ArgError> {
                $(let $arg = $arg::from_arg(&mut args)?;)*
                let last = L::last(&mut args, ack)?;
                self(context, $($arg,)* last);
                Ok(())
            }
        }
    };
}

handler!();
handler!(A);
handler!(A B);
handler!(A B C);
handler!(A B C D);
handler!(A B C D E);
handler!(A B C D E G);
handler!(A B C D E G H);

/// A handler whose parameters are settled.
pub(crate) trait ErasedHandler<C>: Send + Sync {
    fn call(&self, context: &C, args: ArgsReader<'_>, ack: Ack) -> Result<(), ArgError>;
}

/// Hides the parameters of a handler.
pub(crate) struct Erased<H, P>(H, std::marker::PhantomData<fn(P)>);

impl<H, P> Erased<H, P> {
    pub(crate) const fn new(handler: H) -> Self {
        Self(handler, std::marker::PhantomData)
    }
}

impl<C, P, H: Handler<C, P>> ErasedHandler<C> for Erased<H, P> {
    fn call(&self, context: &C, args: ArgsReader<'_>, ack: Ack) -> Result<(), ArgError> {
        self.0.call(context, args, ack)
    }
}
