#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod close;
mod closing;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
mod header;
mod item;
mod limits;
pub mod mask;
mod opcode;
mod reader;
mod role;
mod server;
mod utf8;
mod writer;

pub use self::close::{CloseCode, CloseFrame};
pub use self::closing::{Answer, Closing};
pub use self::error::{Error, Limit, Violation};
pub use self::header::{EncodedHeader, FrameHeader, MAX_CONTROL_PAYLOAD};
pub use self::item::{Item, Step};
pub use self::limits::Limits;
pub use self::opcode::OpCode;
pub use self::reader::Reader;
pub use self::role::Role;
pub use self::server::{Event, ServerConnection};
pub use self::writer::{frame, write_close, write_frame, write_header};
