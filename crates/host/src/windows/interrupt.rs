//! Ctrl-C and Ctrl-Break for what runs inside.
//!
//! The sandbox has a console of its own, so the system tells garth alone of keys in the user's. Who raises the same in another
//! console has to be attached there, and the console's server belongs to the sandbox. So it is not garth that does it, which
//! would give its own console up, but garth's executable once more, in the sandbox like the command itself.

use super::error::{Error, Result};
use super::launch::{Launched, launch};
use super::streams::Streams;
use super::sys::console::{Interrupt, interrupt_console_of, watch_interrupts};
use super::sys::process::wait_any;
use crate::error::Context;
use garth_plan::windows::launch::LaunchSpec;
use garth_plan::windows::quote::for_c_runtime;
use std::fs::File;
use std::os::windows::io::AsHandle;
use std::time::Duration;

/// The name under which an executable raises one event.
pub const NAME: &str = "garth-interrupt";
/// How long that may take. It takes milliseconds, but on a machine with other work; a second event ends the wait.
const PATIENCE: Duration = Duration::from_secs(30);
const C: &str = "c";
const BREAK: &str = "break";

/// Raises it in the console of `process`, which was started as `spec` orders; `program` is garth's own executable, at a place
/// that can be read inside.
///
/// # Errors
/// When it cannot be started, or the event cannot be raised in time.
pub fn pass_on(spec: &LaunchSpec, program: &str, process: u32, interrupt: Interrupt) -> Result<()> {
    let kind = match interrupt {
        Interrupt::C => C,
        Interrupt::Break => BREAK,
        Interrupt::Close => return Err(not_passed("the console closes")),
    };
    let words = [NAME, kind, &process.to_string()];
    let line = for_c_runtime(&words).map_err(|error| not_passed(error.to_string()))?;
    let order = spec.for_own(program, line);
    let null = File::options().read(true).write(true).open("NUL").on("open", "the null device")?;
    let streams = Streams::detached([null.as_handle(), null.as_handle(), null.as_handle()])?;
    let Launched { process, job: _job, .. } = launch(&order, streams)?;
    match wait_any(&[process.as_handle(), watch_interrupts()?], Some(PATIENCE))? {
        None => Err(not_passed("it takes too long")),
        Some(0) => match process.exit_code()? {
            0 => Ok(()),
            code => Err(not_passed(format!("the code is {code}"))),
        },
        // Whoever takes it knows that it is the second one.
        Some(_) => Ok(()),
    }
}

fn not_passed(why: impl Into<String>) -> Error {
    Error::value("Ctrl-C for the command", why)
}

/// Raises the event that its command line names. The exit code.
#[must_use]
pub fn inside() -> u8 {
    let words: Vec<String> = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok()).collect();
    let [kind, process] = words.as_slice() else { return 2 };
    let interrupt = match kind.as_str() {
        C => Interrupt::C,
        BREAK => Interrupt::Break,
        _ => return 2,
    };
    let Ok(process) = process.parse() else { return 2 };
    u8::from(interrupt_console_of(process, interrupt).is_err())
}
