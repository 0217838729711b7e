//! Outside the sandbox: launching the runner and waiting for it.

pub mod client;
pub mod console;
pub mod descriptors;
pub mod early;
pub mod launch;
pub mod terminal;
pub mod wait;
