//! Payloads of long-polling: several packets in one body.
//!
//! Revision 4 has one way to write them ([`v4`]). Revision 3 has two, as text ([`v3`]) and, for clients that take it and
//! when there is binary data, as bytes ([`v3_binary`]); a client that polls with script elements wraps the first
//! ([`jsonp`]). A session knows which it speaks; whoever reads the body of a POST asks it for the [`Format`].
//!
//! ```
//! use siomio_engine::{Message, Packet, payload::{Body, Format}};
//!
//! let body = Body::read(Format::V3, "2:4€1:2".as_bytes());
//! let packets: Vec<_> = body.packets().collect();
//! assert_eq!(packets, [Ok(Packet::Message(Message::Text("€"))), Ok(Packet::Ping(""))]);
//! ```

mod body;
mod dialect;
pub mod jsonp;
pub mod v3;
pub mod v3_binary;
pub mod v4;

pub use body::{Body, Format, Packets};
pub(crate) use dialect::Dialect;
