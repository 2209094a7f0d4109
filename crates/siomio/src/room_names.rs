//! One room, or several.

use std::sync::Arc;

use crate::SocketId;

/// The name of a room, or several in an array, a slice or a `Vec`.
///
/// ```
/// # let io = siomio::Server::new().io();
/// io.to("lobby").emit("news", 1);
/// io.to(["lobby", "hall"]).emit("news", 2);
/// io.to(vec![format!("user:{}", 7), "admins".to_owned()]).emit("news", 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a room",
    note = "a room is a `&str`, `String`, `Arc<str>` or `SocketId`, or several of one of these in an array, a slice or a `Vec`",
    note = "make a name of anything else: `format!(\"game-{{id}}\")`, or `.to_string()`"
)]
pub trait RoomNames: sealed::Sealed {
    /// Shows each name.
    #[doc(hidden)]
    fn visit(&self, see: &mut dyn FnMut(&str));
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! name {
    ($($type:ty)*) => {$(
        impl sealed::Sealed for $type {}

        impl RoomNames for $type {
            fn visit(&self, see: &mut dyn FnMut(&str)) {
                see(self);
            }
        }
    )*};
}

macro_rules! names {
    ($([$($parameter:tt)*] $type:ty)*) => {$(
        impl<$($parameter)*> sealed::Sealed for $type {}

        impl<$($parameter)*> RoomNames for $type {
            fn visit(&self, see: &mut dyn FnMut(&str)) {
                self.iter().for_each(|room| room.visit(see));
            }
        }
    )*};
}

name!(str String Arc<str> SocketId);
names!([T: RoomNames] [T] [T: RoomNames] Vec<T> [T: RoomNames, const N: usize] [T; N]);

impl<T: RoomNames + ?Sized> sealed::Sealed for &T {}

impl<T: RoomNames + ?Sized> RoomNames for &T {
    fn visit(&self, see: &mut dyn FnMut(&str)) {
        (**self).visit(see);
    }
}

/// The names in a list.
pub(crate) fn collect(rooms: impl RoomNames, names: &mut Vec<Arc<str>>) {
    rooms.visit(&mut |room| names.push(room.into()));
}
