//! What the runner does in the new namespaces before the target starts, and while it runs. Each step takes
//! data and says what failed.

pub mod canary;
pub mod confine;
pub mod count;
pub mod egress;
pub mod init;
pub mod network;
pub mod run;
mod settings;
pub mod start;
pub mod told;
pub mod view;

pub use super::sys::network::loopback_up;
