//! The Linux lowering: what a policy means in namespaces, mounts, Landlock and seccomp.

pub mod bpf;
mod bytes;
pub mod confinement;
mod environment;
mod group;
mod limit_rows;
mod links;
mod lower;
pub mod network;
mod questions;
pub mod readers;
mod record_rows;
mod rows;
pub mod spec;
mod ssh;
mod strangers;
pub mod syscalls;
pub mod told;
mod trust;
pub mod usual;
mod view;

pub use lower::{DELETE_GAP, Plan, PlanError, Report, SESSION, TOLD_GAP, lower};
pub use questions::{further_questions, questions};
pub use strangers::{ROOT_GAP, is_system};
