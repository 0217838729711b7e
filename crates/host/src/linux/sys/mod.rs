//! Thin wrappers of the system calls that `rustix` does not have. Each owns its handle and has one meaning.

pub mod affinity;
pub mod fork;
pub mod heap;
pub mod landlock;
pub mod memory;
pub mod mount;
pub mod namespace;
pub mod netlink;
pub mod network;
pub mod notify;
pub mod pidfd;
pub mod signals;
pub mod spawn;
