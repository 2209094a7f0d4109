//! The opening handshake of both sides (RFC 6455 section 4), over any HTTP parser.
//!
//! Heads are read by whatever reads HTTP; here a head is a function from the name of a header
//! field to its values. It compares names without regard to case, and gives one value or all of
//! them: `Option<&[u8]>` will do, and an iterator over every field of that name is better, since
//! peers may spread a list over several fields.

mod client;
mod field;
mod key;
mod misuse;
mod protocols;
mod server;

pub use self::client::{Accepted, ClientHandshake, Refusal};
pub use self::key::{ACCEPT_KEY_LEN, accept_key};
pub use self::misuse::Misuse;
pub use self::server::{Rejection, RequestParts, ServerHandshake};
