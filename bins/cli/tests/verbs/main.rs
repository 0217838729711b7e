//! The verbs, as a user meets them: the real program in a directory and a home of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what goes wrong in a helper fails the test")]

mod browser;
mod check;
mod doctor;
mod help;
mod log;
mod place;
mod plan;
mod policy;
mod prove;
mod report;
mod report_keys;
mod run;
mod why;
mod windows;
