//! What a command text would run, and what the policy says of it, decided before anything runs.
//!
//! Pure: no I/O, no process, nothing under `cfg(target_os)`. Every grammar is read on every system. A text becomes a
//! [`Script`]: the simple commands that could run, with what is only known at run time marked as such.
//!
//! What is found here is advice and evidence. A verdict of "allow" never widens the sandbox (property P6).

#![forbid(unsafe_code)]

#[cfg(test)]
#[path = "../tests/growth/clock.rs"]
mod clock;
mod cmd;
mod command;
mod effect;
mod hidden;
pub mod judge;
pub mod knowledge;
pub mod launch;
mod nested;
mod parse;
pub mod pwsh;
mod region;
mod sh;

pub use cmd::nested as cmd_nested;
pub use effect::{Effect, EffectKind};
pub use nested::Nested;
pub use parse::{argv, parse, parse_at, parse_batch};
pub use region::{Region, RegionKind};

pub use command::{
    Assignment, Command, Input, Part, Problem, Redirection, RedirectionKind, Script, Shell, Span, Unknown,
    Word,
};
