#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod body;
mod chunked;
mod date;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod headers;
mod limits;
mod method;
mod pipeline;
pub mod query;
mod reader;
mod response;
mod scan;
mod status;
mod table;

pub use body::{Body, TooLarge};
pub use date::http_date;
pub use error::Error;
pub use head::{BodyLength, Head};
pub use headers::{Headers, InvalidHeader};
pub use limits::Limits;
pub use method::Method;
pub use pipeline::{Pipeline, Ready, Ticket};
pub use reader::{Item, Reader, Step};
pub use response::{CONTINUE, Response, ResponseContext};
pub use status::reason_phrase;
