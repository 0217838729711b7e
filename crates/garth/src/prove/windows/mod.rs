//! The corpus on Windows: attacks as data, run in real sandboxes on this machine, as the user who starts it.
//!
//! Wine enforces next to nothing of what holds a sandbox, so there attacks are not tried; their twins are, without a sandbox.

mod corpus;
mod judge;
mod run;
mod stage;
#[cfg(test)]
mod tests;

pub use corpus::corpus;
pub use run::{Options, TierChoice, prove};
