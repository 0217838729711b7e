//! Lowers a policy and recorded host facts to a plan and its assurance.
//!
//! Pure: no input or output, never `cfg(target_os)`. What is decided for Linux is decided and tested on
//! any OS; `garth-host` only reads facts and applies.

pub mod assurance;
pub mod facts;
pub mod git;
pub mod linux;
pub mod windows;
