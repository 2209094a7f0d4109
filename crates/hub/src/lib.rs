//! The mind of a Socket.IO server, without I/O: namespaces, sockets, rooms, acknowledgements.
//!
//! A [`Hub`] knows which connection has joined which namespace as which socket, which rooms a socket is in, and which
//! acknowledgements are awaited. It is told what arrived and says what that means ([`Received`]); it is asked to join,
//! to disconnect, to select the recipients of a broadcast. It never runs code of the application, never sends and never
//! reads a clock, so it can be borrowed again from inside any handler, simulated, or put inside a server of your own.
//!
//! ```
//! use std::{borrow::Cow, sync::Arc, time::Instant};
//! use siomio_hub::{Config, Hub, Received, Revision, Rooms, Selector};
//!
//! # #[allow(clippy::disallowed_methods)]
//! let now = Instant::now();
//! let mut hub = Hub::new(Config::default(), Rooms::shared(7), 7);
//! let main = hub.declare("/");
//!
//! // A connection opens, and asks for the main namespace.
//! let client = hub.open_client(now, 1, Revision::V5);
//! let Ok(Received::Connect { namespace, .. }) = hub.handle_text(client, "0") else { panic!() };
//! assert_eq!(namespace, main);
//! let socket = hub.begin_connect(client, namespace, Arc::from("kM2n4Yq0aXb8RrT1AAAB")).unwrap();
//! // … the application's middleware may look at it here …
//! hub.accept(now, socket, None);
//! hub.join(socket, "lobby");
//!
//! // Who gets a broadcast to the lobby? The tag is the number under which we opened the connection.
//! let mut recipients = Vec::new();
//! hub.select(main, &Selector::all().room("lobby"), &mut recipients);
//! assert_eq!(recipients, [1]);
//!
//! // An event arrives.
//! let Ok(Received::Event { data, .. }) = hub.handle_text(client, r#"2["say","hi"]"#) else { panic!() };
//! let (name, args) = data.event().unwrap();
//! assert_eq!((&*name, args.len()), ("say", 1));
//! # let _: Cow<str> = "".into();
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod acks;
mod arena;
mod client;
mod deadlines;
#[doc(hidden)]
pub mod fuzzing;
mod hub;
mod namespace;
mod offset;
mod operation;
mod reason;
mod received;
mod recovery;
mod requests;
mod rooms;
mod selector;
mod socket;

pub use acks::{AckToken, Awaiter};
pub use arena::{Arena, Key};
pub use client::{Client, ClientKey};
pub use deadlines::Due;
pub use hub::{Config, Departure, Hub};
pub use namespace::{Namespace, NamespaceId};
pub use offset::Offset;
pub use operation::{Broadcast, Flags, Gathering, Operation};
pub use reason::DisconnectReason;
pub use received::{Received, Violation};
pub use recovery::{Recovered, Recovery};
pub use requests::{Answer, Outcome, RequestId, SocketInfo, Style, Told};
pub use rooms::{Rooms, SharedRooms};
pub use selector::Selector;
pub use siomio_packet::Revision;
pub use socket::{Socket, SocketKey};

/// The examples of the README are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
