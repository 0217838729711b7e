//! Windows: facts by handle, steps that own what they open, launch with a read-back, journal and undo.
//!
//! What is decided is decided in `garth_plan::windows`; here it is applied and read back. A call that returns success
//! proves nothing: on a system that ignores a limit the read-back differs, and nothing is started.

pub mod canary;
pub mod changes;
mod directories;
pub mod door;
pub mod error;
pub mod facts;
pub mod interrupt;
pub mod journal;
pub mod launch;
mod listing;
mod looking;
mod observe;
pub mod opened;
pub mod pipe;
pub mod private;
pub mod probe;
pub mod processes;
pub mod questions;
pub mod relay;
pub mod setup;
pub mod streams;
pub mod survey;
pub mod sys;
pub mod undo;
pub mod wait;

pub use error::{Error, Unavailable};
