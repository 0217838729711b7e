//! The way out of a garden: which connections a sandboxed command may make, and the broker that makes them.
//!
//! [`core`] decides and parses without any I/O: it takes bytes, names, addresses and the time, and returns
//! verdicts. `io` (behind the feature of that name) is the broker: sockets, DNS answers, TLS, HTTP. What the broker does not
//! understand it refuses.

pub mod core;
#[cfg(feature = "io")]
pub mod io;
