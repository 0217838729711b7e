//! Run a command in a sandbox: the public library of garth.
//!
//! One flow, each verb a prefix of it: load the policy, ask the machine, make a plan, pass the gate, launch,
//! wait. See `docs/architecture.md`.

#[cfg(target_os = "linux")]
mod account;
#[cfg(target_os = "linux")]
mod approval;
#[cfg(target_os = "linux")]
mod audit;
#[cfg(target_os = "linux")]
mod audit_clean;
#[cfg(target_os = "linux")]
mod audit_keep;
#[cfg(target_os = "linux")]
mod audit_network;
#[cfg(target_os = "linux")]
mod commands;
#[cfg(target_os = "linux")]
mod deliver;
#[cfg(target_os = "linux")]
mod denial;
#[cfg(target_os = "linux")]
mod egress;
mod error;
pub mod files;
mod grant;
#[cfg(target_os = "linux")]
mod keyring;
#[cfg(target_os = "linux")]
mod keystore;
#[cfg(target_os = "linux")]
pub mod learn;
mod place;
#[cfg(any(target_os = "linux", windows))]
pub mod prove;
pub mod recorded;
#[cfg(any(target_os = "linux", windows))]
mod refusals;
#[cfg(target_os = "linux")]
mod residue;
#[cfg(target_os = "linux")]
mod secrets;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
mod trust;
#[cfg(target_os = "linux")]
pub mod undo;
mod vetting;
#[cfg(windows)]
pub mod windows;
mod words;

#[cfg(target_os = "linux")]
pub use approval::{Approval, Approve, Asked, DoorPlace, Reply, Subject};
#[cfg(target_os = "linux")]
pub use audit::{Recording, log_directory, logs, unwritten_log};
#[cfg(target_os = "linux")]
pub use audit_clean::{Closed, close_logs};
#[cfg(target_os = "linux")]
pub use audit_keep::{Pruned, prune_logs};
#[cfg(target_os = "linux")]
pub use commands::DeniedCommand;
#[cfg(target_os = "linux")]
pub use deliver::post;
#[cfg(target_os = "linux")]
pub use denial::{Explained, Explainer, Remedy};
#[cfg(target_os = "linux")]
pub use egress::network_judge;
pub use error::Error;
pub use garth_audit as log;
pub use garth_egress::core as network;
#[cfg(target_os = "linux")]
pub use garth_host::OsError;
#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::client::Client;
#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::console::{Console, Withdrawal, inherited, is_attended};
#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::early::EarlyRunner;
#[cfg(target_os = "linux")]
pub use garth_host::linux::control_group::find as control_group;
#[cfg(target_os = "linux")]
pub use garth_host::linux::door::{Door, holder};
#[cfg(target_os = "linux")]
pub use garth_host::linux::facts::{features, look};
#[cfg(target_os = "linux")]
pub use garth_host::linux::living::{Living, descendants};
#[cfg(target_os = "linux")]
pub use garth_host::linux::supervise::Denied;
pub use garth_plan as plan;
pub use garth_policy as policy;
pub use garth_vet as vet;
pub use grant::Grant;
pub use place::{Surroundings, final_path, surroundings};
#[cfg(target_os = "linux")]
pub use residue::clean;
#[cfg(target_os = "linux")]
pub use session::{
    Changes, Ended, Ending as TargetEnding, Outcome, Prepared, Request, Sandbox, early_runner, exit_like,
    prepare, repository,
};
pub use vetting::{Given, Vetting, allow_commands, allowing_commands, run_rule_tests};
pub use words::{literal, operation_name, reason_of, shell_word};
