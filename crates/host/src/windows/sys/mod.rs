//! Calls to Windows, each behind a safe function that does one thing.
#![expect(unsafe_code, reason = "calls the system")]

#[macro_use]
pub(in crate::windows) mod calls;

pub mod addresses;
pub mod attributes;
pub mod console;
pub mod container;
pub mod desktop;
pub mod elevation;
pub mod event;
pub mod event_log;
pub mod file;
pub mod folders;
pub mod handle;
pub mod isolation;
pub mod job;
pub mod library;
pub mod living;
pub mod named_pipe;
pub mod notify;
pub mod port;
pub mod process;
pub mod random;
pub mod registry;
pub mod security;
pub mod session_end;
pub mod stat;
pub mod system;
pub mod token;
pub mod volume;
pub mod wide;
