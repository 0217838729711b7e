//! Waiting for the end of a sandbox: its own, by time, or by the user.

use super::error::Result;
use super::launch::Launched;
use super::sys::console::{Interrupt, next_interrupt, watch_interrupts};
use super::sys::process::{Waited, wait_any};
use super::sys::session_end::watch_session_end;
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
/// A second Ctrl-C so soon after the first ends the sandbox: what has not ended takes no notice of it. One that comes later is
/// passed on like the first, since some programs live on, as a shell does.
const AGAIN: Duration = Duration::from_millis(1500);
/// A command that ends within this time is not worth a window, by which garth is told of the end of the user's session.
const SHORT: Duration = Duration::from_secs(1);
/// How long the system may take to end what a job holds.
const REAPING: Duration = Duration::from_secs(5);
/// How often it is looked whether that is done: soon, and then less and less often.
const SOON: Duration = Duration::from_micros(200);
const LATER: Duration = Duration::from_millis(5);

/// Waits for the end. When it returns nothing of the sandbox runs any more, and all its output is out.
///
/// `pass_on` is asked to tell the sandbox of Ctrl-C, and says whether it could; else, and with a second one soon after, the
/// sandbox is ended. With a terminal only Ctrl-Break comes this way: Ctrl-C is a key like any other there.
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
    let mut pause = SOON;
    while job.active().is_some_and(|count| count > 0) && began.elapsed() < REAPING {
        std::thread::sleep(pause);
        pause = (pause * 2).min(LATER);
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
    let deadline = time.map(|time| Instant::now() + time);
    let (began, mut told, mut is_short) = (Instant::now(), None::<Instant>, true);
    loop {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let poll = launched.streams.console().map(|_| SIZE_EVERY);
        let window = is_short.then(|| SHORT.saturating_sub(began.elapsed()));
        let most = [left, poll, window].into_iter().flatten().min();
        match wait_any(&[launched.process.as_handle(), event], most)? {
            Some(0) => return Ok(Outcome::Ended(launched.process.exit_code()?)),
            Some(_) => {
                let Some(interrupt) = next_interrupt() else { continue };
                let again = told.is_some_and(|at| at.elapsed() < AGAIN);
                if interrupt == Interrupt::Close || again || !pass_on(launched.process.id(), interrupt) {
                    return Ok(ended_by_now(launched));
                }
                told = Some(Instant::now());
            }
            None if deadline.is_some_and(|end| Instant::now() >= end) => return Ok(Outcome::TimedOut),
            None => {
                launched.streams.follow_size();
                if is_short && began.elapsed() >= SHORT {
                    is_short = false;
                    watch_session_end()?;
                }
            }
        }
    }
}

/// How it ended, if it just did: nobody has to end it then.
fn ended_by_now(launched: &Launched) -> Outcome {
    match launched.process.wait(Some(Duration::ZERO)) {
        Ok(Waited::Ended) => launched.process.exit_code().map_or(Outcome::Interrupted, Outcome::Ended),
        _ => Outcome::Interrupted,
    }
}
