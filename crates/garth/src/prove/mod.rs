//! The attack corpus: attacks as data, run in real sandboxes on this machine.
//!
//! Each attack has a twin that must succeed, so that a broken probe cannot pass for a held property. An
//! attack that is not refused counts as held only by what the host looks like afterwards.

#[cfg(target_os = "linux")]
mod agent_stories;
mod attack;
#[cfg(target_os = "linux")]
mod broker;
#[cfg(target_os = "linux")]
mod corpus;
#[cfg(target_os = "linux")]
mod egress_live;
#[cfg(target_os = "linux")]
mod egress_stories;
#[cfg(target_os = "linux")]
mod judge;
#[cfg(target_os = "linux")]
mod log_stories;
mod report;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod scenario;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(all(test, target_os = "linux"))]
mod tests;
#[cfg(target_os = "linux")]
mod told_stories;
#[cfg(target_os = "linux")]
mod tree_stories;
#[cfg(target_os = "linux")]
mod undo_stories;
#[cfg(target_os = "linux")]
mod vetting_stories;
#[cfg(target_os = "linux")]
mod web;
#[cfg(windows)]
mod windows;

pub use attack::{Attack, Property, Twin};
#[cfg(target_os = "linux")]
pub use corpus::corpus;
pub use report::{Finding, Held, Report};
#[cfg(target_os = "linux")]
pub use run::{Options, TierChoice, prove};
#[cfg(windows)]
pub use windows::{Options, TierChoice, corpus, prove};

/// Acts as a part of a proof when this process was started as one: a probe inside a sandbox, or the parent
/// of one. Call it first in `main`. Returns the exit code, or `None` when this process is something else.
#[must_use]
pub fn enter() -> Option<u8> {
    #[cfg(target_os = "linux")]
    return garth_host::linux::probe::enter().or_else(broker::enter);
    #[cfg(windows)]
    garth_host::windows::probe::enter()
}
