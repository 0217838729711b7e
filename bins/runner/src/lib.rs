//! The first process inside the sandbox; on Windows the relay beside the target, by which allowed hosts are reached.
//!
//! It is this very executable again, started under the name [`NAME`] with an empty environment: so it is
//! there however garth was installed, and nothing of the user's memory or environment comes along. It
//! reads one finished order and parses nothing that a user wrote.

#[cfg(target_os = "linux")]
pub use garth_host::entry;
#[cfg(windows)]
use std::io::Write as _;

/// The name (first argument) under which an executable acts as the runner.
pub const NAME: &str = "garth-runner";

/// Acts as the runner when started under its name. Call it first in `main`.
///
/// Returns the exit code of the runner, or `None` when this process is something else.
#[must_use]
pub fn enter() -> Option<u8> {
    // No library was bound yet but those that every program has.
    #[cfg(windows)]
    if let Err(error) = garth_host::windows::sys::library::search_system_alone() {
        // Nobody hears more than the code where there is nothing to write to.
        let _told = writeln!(std::io::stderr(), "garth: {error}");
        return Some(125);
    }
    let name = std::env::args_os().next()?;
    #[cfg(windows)]
    if name == garth_host::windows::canary::NAME {
        return Some(garth_host::windows::canary::inside());
    }
    #[cfg(windows)]
    if name == garth_host::windows::interrupt::NAME {
        return Some(garth_host::windows::interrupt::inside());
    }
    if name != NAME {
        return None;
    }
    #[cfg(target_os = "linux")]
    return Some(garth_host::linux::inside::run::run());
    #[cfg(windows)]
    return Some(garth_host::windows::relay::inside());
    #[cfg(not(any(target_os = "linux", windows)))]
    Some(125)
}
