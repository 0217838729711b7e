//! Reads host facts, applies plans, launches and undoes.
//!
//! The only crate with `unsafe` code. It takes no policy decision: what it does is data from `garth-plan`,
//! and what it finds is data for it.

pub mod error;
#[cfg(any(unix, windows))]
pub mod files;
#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(any(target_os = "linux", windows))]
mod names;
#[cfg(any(target_os = "linux", windows))]
pub mod probe;
#[cfg(any(windows, test))]
pub mod relay;
#[cfg(any(target_os = "linux", windows))]
mod screen;
#[cfg(any(target_os = "linux", windows))]
pub mod undo;
pub mod used;
#[cfg(windows)]
pub mod windows;

pub use error::OsError;
