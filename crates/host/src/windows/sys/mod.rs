//! Calls to Windows, each behind a safe function that does one thing.
#![expect(unsafe_code, reason = "calls the system")]

pub mod handle;
pub mod library;
pub mod wide;
