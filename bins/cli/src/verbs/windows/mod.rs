//! Verbs on Windows, and those that tell of a recorded Windows machine anywhere.

pub mod doctor;
mod machine;
pub mod plan;
mod recipe;
#[cfg(windows)]
pub mod run;
mod typed;
pub mod why;

#[cfg(windows)]
use crate::failure::Failure;
#[cfg(windows)]
use std::io::Write;

/// `garth clean`: undoes what sandboxes left behind. With `check`, only tells; exit code 1 if anything is left.
#[cfg(windows)]
pub fn clean(check: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let left = garth::windows::clean(check)?;
    for item in &left {
        writeln!(out, "{}: {item}", if check { "left" } else { "removed" })?;
    }
    if left.is_empty() {
        writeln!(out, "nothing is left of any sandbox")?;
    }
    Ok(u8::from(check && !left.is_empty()))
}
