//! What happened in a session: a typed vocabulary, redacted, chained by hashes, written outside the sandbox, read again.
//!
//! [`core`] is pure: it takes events and lines, times and random names as arguments. [`io`] writes and reads files.
//! `docs/audit.md` has the format and what it can and cannot prove.

pub mod core;
pub mod io;
