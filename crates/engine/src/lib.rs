//! Engine.IO without I/O: packets, payloads and the session machine.
//!
//! Engine.IO carries messages over HTTP long-polling and over WebSocket and lets a session move from the
//! first to the second while messages flow. This crate holds what the protocol decides, and nothing else: it
//! opens no socket, reads no clock and draws no random number. The caller reads HTTP requests and WebSocket
//! messages, tells a [`Session`] what arrived, and carries out the [`Action`]s it gets back.
//!
//! ```
//! use std::{sync::Arc, time::Instant};
//! use siomio_engine::{Action, Config, Message, Outgoing, Protocol, RequestId, Response, Session, Sid};
//! use siomio_engine::payload::Body;
//!
//! # #[allow(clippy::disallowed_methods)]
//! let now = Instant::now();
//! let config = Arc::new(Config::default());
//! let sid = Sid::new(0, [7; 15]);
//! let mut session = Session::open_polling(now, config, sid, Protocol::V4);
//! let mut actions = Vec::new();
//!
//! // The first GET brings the handshake.
//! session.handle_get(RequestId { connection: 1, sequence: 0 }, &mut actions);
//! session.flush(&mut actions);
//!
//! // The body of a POST holds packets; each goes through the session, which hands messages back.
//! let post = RequestId { connection: 1, sequence: 1 };
//! let Some(format) = session.handle_post_head(post, false, &mut actions) else { panic!() };
//! for packet in Body::read(format, b"4hello").packets() {
//!     let message = session.handle_post_packet(now, post, packet, &mut actions);
//!     assert_eq!(message, Some(Message::Text("hello")));
//! }
//! session.handle_post_end(post, &mut actions);
//!
//! // A GET waits until there is something to say.
//! session.handle_get(RequestId { connection: 2, sequence: 1 }, &mut actions);
//! session.queue(Outgoing::text("hello yourself"));
//! session.flush(&mut actions);
//! let Some(Action::Respond { response: Response::Payload(body), .. }) = actions.last() else { panic!() };
//! assert_eq!(body, b"4hello yourself");
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod action;
mod base64;
mod config;
mod framing;
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod packet;
pub mod payload;
mod query;
mod reason;
mod refusal;
mod session;
mod sid;

pub use action::{Action, ChannelId, RequestId, Response};
pub use config::{Config, Transports};
pub use framing::Framing;
pub use packet::{InvalidPacket, Message, Outgoing, Packet, Text};
pub use query::{Admission, Protocol, Query, Request, Transport, verify};
pub use reason::{CloseReason, TransportError};
pub use refusal::{BadRequest, Refusal};
pub use session::{Lane, Session};
pub use sid::Sid;

/// The examples of the README are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
