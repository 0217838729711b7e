//! The Linux lowering: what a policy means in namespaces, mounts, Landlock and seccomp.

pub mod bpf;
pub mod spec;
pub mod syscalls;
