//! What servers cost: CPU time per operation and memory per connection, measured side by side.
//!
//! A [`Subject`](process::Subject) is a server in a process of its own, on the first core; the load comes from the second. A
//! [`Scenario`](scenario::Scenario) is some work for it, every reply of which is checked; what it takes is read from the server's
//! process, so it does not matter that the load costs something, too.
//!
//! `compare` runs scenarios for several servers in turn; `load` runs one for a server that is there already. [`soak`] is another question:
//! whether a server that has worked for long is what it was at first.

pub mod http;
pub mod link;
pub mod memory;
pub mod open;
pub mod process;
pub mod report;
pub mod scenario;
pub mod soak;
pub mod subject;
pub mod wire;
