//! Time and processor time of one command.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// What one run of a command took, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From the start of the spawn to the end of the wait.
    pub wall: f64,
    /// User and system time of the command and of all its descendants, also of those it left behind.
    pub cpu: f64,
}

/// Runs a command to its end with nothing on its standard streams.
///
/// The standard library starts it by `posix_spawn`, as long as neither hooks nor other users are asked for.
///
/// # Errors
/// When it cannot be started or ends with another status than 0.
pub fn once(arguments: &[String], place: &Path) -> Result<Cost> {
    let (program, rest) = arguments.split_first().context("a command has a program")?;
    let mut command = Command::new(program);
    command.args(rest).current_dir(place).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let before = children();
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    let wall = milliseconds(start.elapsed());
    reap();
    let cpu = milliseconds(children().saturating_sub(before));
    if !status.success() {
        bail!("{status}: {}\nhint: run it by hand to see what it says", arguments.join(" "));
    }
    Ok(Cost { wall, cpu })
}

/// From now on what commands leave behind becomes this process's child: bubblewrap ends without waiting for its first
/// process, whose time would be lost. prctl(2), `PR_SET_CHILD_SUBREAPER`.
///
/// # Errors
/// When the kernel refuses.
#[cfg(target_os = "linux")]
pub fn adopt() -> Result<()> {
    nix::sys::prctl::set_child_subreaper(true).context("cannot adopt what commands leave behind")
}

/// Nothing is adopted here.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn adopt() -> Result<()> {
    Ok(())
}

/// Waits for everything that was adopted. A process that adopts nothing may have children that others wait for.
#[cfg(target_os = "linux")]
fn reap() {
    if nix::sys::prctl::get_child_subreaper() == Ok(true) {
        while nix::sys::wait::wait().is_ok() {}
    }
}

#[cfg(not(target_os = "linux"))]
fn reap() {}

/// A duration in milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Processor time of all children that were waited for, and of theirs, so far: getrusage(2), `RUSAGE_CHILDREN`.
#[cfg(unix)]
pub fn children() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Duration::ZERO };
    let micros = [usage.user_time(), usage.system_time()].map(|time| {
        u64::try_from(time.tv_sec()).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_usec()).unwrap_or(0)
    });
    Duration::from_micros(micros.iter().sum())
}

/// Not known here.
#[cfg(not(unix))]
pub fn children() -> Duration {
    Duration::ZERO
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn waiting_costs_time_and_no_processor() {
        let cost = once(&words("sleep 0.2"), Path::new("/")).unwrap();
        assert!(cost.wall >= 200.0 && cost.cpu < cost.wall / 2.0, "{cost:?}");
    }

    #[test]
    fn a_failing_command_is_no_measurement() {
        let error = once(&words("false now"), Path::new("/")).unwrap_err().to_string();
        assert!(error.contains("false now"), "{error}");
    }
}
