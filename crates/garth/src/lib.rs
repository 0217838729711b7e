//! Run a command in a sandbox: the public library of garth.
//!
//! One flow, each verb a prefix of it: load the policy, ask the machine, make a plan, pass the gate, launch,
//! wait. See `docs/architecture.md`.

#[cfg(target_os = "linux")]
mod account;
#[cfg(target_os = "linux")]
mod agents;
#[cfg(any(target_os = "linux", windows))]
mod approval;
#[cfg(any(target_os = "linux", windows))]
mod audit;
#[cfg(any(target_os = "linux", windows))]
mod audit_clean;
#[cfg(any(target_os = "linux", windows))]
mod audit_keep;
#[cfg(any(target_os = "linux", windows))]
mod audit_network;
#[cfg(any(target_os = "linux", windows))]
mod changed;
#[cfg(any(target_os = "linux", windows))]
mod commands;
#[cfg(any(target_os = "linux", windows))]
mod deliver;
#[cfg(target_os = "linux")]
mod denial;
#[cfg(any(target_os = "linux", windows))]
mod door;
#[cfg(target_os = "linux")]
mod egress;
mod error;
#[cfg(any(target_os = "linux", windows))]
mod event_log;
pub mod files;
mod grant;
#[cfg(target_os = "linux")]
mod habits;
#[cfg(any(target_os = "linux", windows))]
mod heard;
#[cfg(target_os = "linux")]
mod keyring;
#[cfg(target_os = "linux")]
mod keystore;
#[cfg(any(target_os = "linux", windows))]
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
#[cfg(any(target_os = "linux", windows))]
mod session_log;
#[cfg(any(target_os = "linux", windows))]
mod system;
#[cfg(target_os = "linux")]
mod trust;
#[cfg(any(target_os = "linux", windows))]
pub mod undo;
mod vetting;
#[cfg(windows)]
pub mod windows;
mod words;

#[cfg(target_os = "linux")]
pub use agents::{AgentEnd, AgentState, Agents, Part};
#[cfg(any(target_os = "linux", windows))]
pub use approval::{Approval, Approve, Asked, Reply, Subject};
#[cfg(any(target_os = "linux", windows))]
pub use audit::{Recording, agent_of, log_directory, logs, unwritten_log};
#[cfg(any(target_os = "linux", windows))]
pub use audit_clean::{Closed, close_logs};
#[cfg(any(target_os = "linux", windows))]
pub use audit_keep::{Pruned, prune_logs};
#[cfg(any(target_os = "linux", windows))]
pub use commands::DeniedCommand;
#[cfg(any(target_os = "linux", windows))]
pub use deliver::post;
#[cfg(target_os = "linux")]
pub use denial::{Explained, Explainer, Remedy};
#[cfg(any(target_os = "linux", windows))]
pub use door::DoorPlace;
#[cfg(target_os = "linux")]
pub use egress::network_judge;
pub use error::Error;
#[cfg(any(target_os = "linux", windows))]
pub use event_log::EventLog;
pub use garth_audit as log;
pub use garth_egress::core as network;
#[cfg(any(target_os = "linux", windows))]
pub use garth_host::OsError;
#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::console::inherited;
#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::early::EarlyRunner;
#[cfg(target_os = "linux")]
pub use garth_host::linux::control_group::find as control_group;
#[cfg(target_os = "linux")]
pub use garth_host::linux::door::holder;
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
#[cfg(any(target_os = "linux", windows))]
pub use system::{Client, Console, Door, DoorStream, Withdrawal, is_attended};
pub use vetting::{Given, Vetting, allow_commands, allowing_commands, run_rule_tests};
pub use words::{literal, operation_name, reason_of, shell_word};
