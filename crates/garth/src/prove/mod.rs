//! The attack corpus: attacks as data, run in real sandboxes on this machine.
//!
//! Each attack has a twin that must succeed, so that a broken probe cannot pass for a held property. An
//! attack that is not refused counts as held only by what the host looks like afterwards.

mod attack;
mod broker;
mod corpus;
mod egress_stories;
mod judge;
mod log_stories;
mod run;
mod scenario;
mod stage;
#[cfg(test)]
mod tests;
mod undo_stories;
mod vetting_stories;
mod web;

pub use attack::{Attack, Property, Twin};
pub use corpus::corpus;
pub use judge::{Finding, Held};
pub use run::{Options, Report, TierChoice, prove};

/// Acts as a part of a proof when this process was started as one: a probe inside a sandbox, or the parent
/// of one. Call it first in `main`. Returns the exit code, or `None` when this process is something else.
#[must_use]
pub fn enter() -> Option<u8> {
    garth_host::linux::probe::enter().or_else(broker::enter)
}
