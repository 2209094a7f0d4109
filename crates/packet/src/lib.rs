//! Socket.IO packets: a strict codec, and serde with binary attachments both ways.
//!
//! This crate speaks the text form of Socket.IO protocol 5, which is also that of protocol 4 (see
//! [`Revision`] for what is not). It
//! does no I/O: a [`Decoder`] takes the text and binary messages of one client and returns
//! [`Packet`]s; a [`Payload`] takes names and arguments and becomes a packet when its recipient's
//! namespace and ack id are known.
//!
//! ```
//! use siomio_packet::{Binary, Decoder, Kind, Limits, Payload};
//!
//! // Out: a named event with arguments, one of which is binary.
//! let mut payload = Payload::new();
//! payload.event("upload", &("cat.png", Binary::from(vec![0x89, 0x50])))?;
//! let mut text = Vec::new();
//! payload.encode(Kind::Event, "/files", Some(1), &mut text);
//! let text = String::from_utf8(text)?;
//! assert_eq!(text, r#"51-/files,1["upload","cat.png",{"_placeholder":true,"num":0}]"#);
//!
//! // In: the text, then its attachment.
//! let (mut decoder, limits) = (Decoder::new(), Limits::default());
//! assert!(decoder.text(&limits, &text)?.is_none());
//! let packet = decoder.binary(&limits, payload.attachments()[0][..].into())?.unwrap();
//! assert_eq!((packet.kind, &*packet.namespace, packet.id), (Kind::Event, "/files", Some(1)));
//!
//! let (name, args) = packet.data.event().unwrap();
//! assert_eq!(name, "upload");
//! let (file, bytes): (String, Binary) = args.parse()?;
//! assert_eq!((&*file, &bytes[..]), ("cat.png", &[0x89, 0x50][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Strictness
//!
//! Before a packet is handed on, one pass over it has checked the JSON's syntax and depth, the
//! payload's shape, the event's name and every placeholder; [`Limits`] bound the rest. What
//! remains is raw text: arguments are parsed when, and as what, somebody asks for them. An
//! argument that does not fit is an [`ArgError`] and no fault of the packet.
//!
//! Escapes of lone surrogates, which JavaScript sends and no UTF-8 string can hold, pass untouched
//! in [`Args`] and become U+FFFD elsewhere.
//!
//! # Other formats
//!
//! A [`Parser`] changes how packets look on the wire, and nothing behind it. With the feature
//! `msgpack` there is `MsgPack`, which the clients' package `socket.io-msgpack-parser` understands.
//!
//! # Binary
//!
//! Bytes anywhere inside of an argument travel as attachments: [`Binary`], [`Value::Binary`], and
//! whatever else uses serde's `serialize_bytes`, such as `bytes::Bytes` (with the feature `serde`
//! of that crate) and the types of `serde_bytes`. `Vec<u8>` does not, it is an array of numbers to
//! serde. `Binary` and `Value` are shared with the packet, other types are copied.
//!
//! Some things serde cannot carry:
//!
//! * In a packet with attachments, arguments reach `Deserialize` with bytes in them.
//!   `serde_json::Value` has no place for bytes and is an error there; [`Value`] has.
//! * An internally tagged enum (`#[serde(tag = "…")]`) cannot have a variant that is bytes and
//!   nothing else, because serde has no place for the tag then. Bytes in a field are fine.
//! * In an untagged enum the first variant that accepts the bytes wins, and to serde `String`
//!   accepts bytes that happen to be UTF-8. Put the variant with bytes first, and use [`Binary`]
//!   in it: `Bytes` in turn would accept strings.
//! * Keys of maps are strings and cannot be bytes.
//! * `serde_json::Value::Null` and everything else that serialises as the unit is no argument when
//!   it stands alone, see [`IntoArgs`]; [`Value::Null`] and `None` are one.
//!
//! Typed arguments and [`Value`]s nest at most [`MAX_VALUE_DEPTH`] levels.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod args;
mod binary;
mod control;
mod decoder;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod handover;
mod head;
mod kind;
mod limits;
#[cfg(feature = "msgpack")]
mod msgpack;
mod packet;
mod parser;
mod payload;
mod placeholder;
mod revision;
mod scan;
mod shape;
mod value;

pub use args::{Args, ArgsReader, ArgsRef, FromArg};
pub use binary::Binary;
pub use control::{connect, connect_error, disconnect};
pub use decoder::Decoder;
pub use error::{ArgError, DecodeError, EncodeError, PayloadError};
pub use head::write_head;
pub use kind::Kind;
pub use limits::Limits;
#[cfg(feature = "msgpack")]
pub use msgpack::MsgPack;
pub use packet::{Data, EventName, Packet, RESERVED_EVENTS};
pub use parser::{Encoded, Parser, Wire};
pub use payload::{IntoArgs, Payload};
pub use revision::{Revision, connect_v4, error_v4};
pub use value::{MAX_VALUE_DEPTH, Number, Value, ValueError};

/// The examples of the README are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
