//! The Linux host.

pub mod broker;
pub mod inside;
pub mod message;
pub mod supervise;
mod sys;
