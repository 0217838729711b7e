//! Waiting for the end of a sandbox: its own, by time, or by the user.

use super::error::Result;
use super::launch::Launched;
use super::sys::console::{Interrupt, next_interrupt, watch_interrupts};
use super::sys::process::wait_any;
use std::os::windows::io::AsHandle;
use std::time::{Duration, Instant};

/// How a sandbox ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, with this exit code.
    Ended(u32),
    /// Its time was over.
    TimedOut,
    /// The user ended it.
    Interrupted,
}

/// Exit code of what the time limit ended.
const TIMED_OUT: u32 = 124;
/// Exit code of what the user ended: `STATUS_CONTROL_C_EXIT`.
pub const INTERRUPTED: u32 = 0xc000_013a;
/// How often the size of the console is looked at, in a sandbox with a terminal.
const SIZE_EVERY: Duration = Duration::from_millis(200);
/// How long a sandbox may take to end by itself after Ctrl-C.
const GRACE: Duration = Duration::from_secs(3);
/// How long the system may take to end what a job holds.
const REAPING: Duration = Duration::from_secs(5);

/// Waits for the end. When it returns nothing of the sandbox runs any more, and all its output is out.
///
/// `pass_on` is asked to tell the sandbox of Ctrl-C, and says whether it could; a second one ends the sandbox.
///
/// # Errors
/// When the system cannot wait; the sandbox is ended then as well.
pub fn wait(
    mut launched: Launched,
    time: Option<Duration>,
    pass_on: &mut dyn FnMut(u32, Interrupt) -> bool,
) -> Result<Outcome> {
    let outcome = until_end(&mut launched, time, pass_on);
    let ended_by = match &outcome {
        Ok(Outcome::Ended(code)) => *code,
        Ok(Outcome::TimedOut) => TIMED_OUT,
        Ok(Outcome::Interrupted) | Err(_) => INTERRUPTED,
    };
    let Launched { process, job, streams, .. } = launched;
    let ended = job.terminate(ended_by);
    let began = Instant::now();
    while job.active().is_some_and(|count| count > 0) && began.elapsed() < REAPING {
        std::thread::sleep(Duration::from_millis(5));
    }
    streams.finish();
    drop(process);
    ended?;
    outcome
}

fn until_end(
    launched: &mut Launched,
    time: Option<Duration>,
    pass_on: &mut dyn FnMut(u32, Interrupt) -> bool,
) -> Result<Outcome> {
    let event = watch_interrupts()?;
    let mut deadline = time.map(|time| (Instant::now() + time, Outcome::TimedOut));
    let mut asked = false;
    loop {
        let now = Instant::now();
        let left = deadline.map(|(end, _)| end.saturating_duration_since(now));
        let poll = launched.streams.console().map(|_| SIZE_EVERY);
        let most = [left, poll].into_iter().flatten().min();
        match wait_any(&[launched.process.as_handle(), event], most)? {
            Some(0) => return Ok(Outcome::Ended(launched.process.exit_code()?)),
            Some(_) => {
                let Some(interrupt) = next_interrupt() else { continue };
                let told =
                    !asked && interrupt != Interrupt::Close && pass_on(launched.process.id(), interrupt);
                if !told {
                    return Ok(Outcome::Interrupted);
                }
                asked = true;
                let end = Instant::now() + GRACE;
                if deadline.is_none_or(|(earlier, _)| end < earlier) {
                    deadline = Some((end, Outcome::Interrupted));
                }
            }
            None => {
                if let Some((end, outcome)) = deadline
                    && Instant::now() >= end
                {
                    return Ok(outcome);
                }
                launched.streams.follow_size();
            }
        }
    }
}
