//! A whole broker on loopback, with servers behind made-up names and clients before it. One program, so that all of it is
//! built once. Not on macOS, where 127.0.0.2 is not an address by itself.
#![cfg(not(target_os = "macos"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "a test that cannot build its input has failed"
)]

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/web.rs"]
mod web;

mod bare;
mod crowded;
mod explicit;
mod hostile;
mod secrets;
mod tls;
#[cfg(target_os = "linux")]
mod transparent;
mod trouble;
