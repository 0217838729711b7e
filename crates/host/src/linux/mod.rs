//! The Linux host.

pub mod addresses;
pub mod broker;
pub mod change_lock;
pub mod control_group;
pub mod door;
pub mod entry;
pub mod facts;
pub mod inside;
pub mod journal;
mod links;
pub mod living;
pub mod mapped;
pub mod message;
pub mod outside;
pub mod private;
pub mod probe;
pub mod supervise;
mod sys;
pub mod undo;
pub mod walk;
