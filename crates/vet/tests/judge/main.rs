//! The verdict on texts: properties of all of them, and a suite of single ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod additions;
#[path = "../growth/clock.rs"]
mod clock;
mod escapes;
mod evaluated;
mod everyday;
mod network;
mod place;
mod programs;
mod properties;
mod suite;
mod windows;
mod written;
