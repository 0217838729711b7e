//! Actions of an attacker, carried out inside a sandbox.
//!
//! `garth prove` copies the executable into a scratch workspace under the name [`NAME`] and runs it there as
//! the target. Each action tries one thing and tells how it went; whether that is good news is decided
//! outside. No other program is needed.

mod egress;
mod enforcer;
mod files;
pub mod fixture;
mod kernel;
mod lead;
mod limits;
mod network;
mod others;
mod process;
mod race;
mod raw;
mod root;
mod sockets;
mod trees;
mod web;
mod wire;

pub use crate::probe::{Act, Arguments, Outcome, Refusal};
pub use lead::{Line, SEPARATOR, outside};
pub use wire::http2_request;

use crate::probe::Row;
use std::ffi::{OsStr, OsString};
use std::io::Write;

const TABLES: &[&[Row]] = &[
    files::ACTIONS,
    race::ACTIONS,
    kernel::ACTIONS,
    network::ACTIONS,
    process::ACTIONS,
    others::ACTIONS,
    enforcer::ACTIONS,
    limits::ACTIONS,
    root::ACTIONS,
    sockets::ACTIONS,
    egress::ACTIONS,
    trees::ACTIONS,
    web::ACTIONS,
];

/// The file name under which an executable acts as a probe.
pub const NAME: &str = "garth-probe";

/// Acts as a probe when this process was started under [`NAME`]. Returns the exit code, or `None` when this
/// process is something else.
#[must_use]
pub fn enter() -> Option<u8> {
    let mut words = std::env::args_os();
    let name = words.next()?;
    let file = name.as_encoded_bytes().rsplit(|byte| *byte == b'/').next()?;
    if file != NAME.as_bytes() {
        return None;
    }
    let role = words.next();
    let rest: Vec<OsString> = words.collect();
    Some(match role.as_deref().and_then(OsStr::to_str) {
        Some("lead") => lead::lead(&name, &rest),
        Some("act") => tell(&rest),
        _ => 12,
    })
}

/// Carries out one action in this process.
#[must_use]
pub fn perform(name: &str, arguments: &[OsString]) -> Outcome {
    crate::probe::perform(TABLES, name, arguments)
}

/// Whether there is an action of that name.
#[must_use]
pub fn exists(name: &str) -> bool {
    crate::probe::find(TABLES, name).is_some()
}

/// Carries out one action and prints how it went; the exit code says the kind.
fn tell(words: &[OsString]) -> u8 {
    let Some((name, arguments)) = words.split_first() else { return 12 };
    let outcome = perform(&name.to_string_lossy(), arguments);
    // A reader that is gone sees the exit code all the same.
    let _gone = writeln!(std::io::stdout(), "{}", outcome.to_line());
    match outcome {
        Outcome::Succeeded => 0,
        Outcome::Refused(libc::ENOENT | libc::ENOTDIR) => 11,
        Outcome::Refused(_) => 10,
        Outcome::Killed(_) | Outcome::Hung | Outcome::Broken(_) => 12,
    }
}
