//! Verbs on Windows, and those that tell of a recorded Windows machine anywhere.

pub mod doctor;
mod machine;
pub mod plan;
mod recipe;
#[cfg(windows)]
pub mod run;
mod typed;
pub mod why;

#[cfg(windows)]
pub use typed::words;
