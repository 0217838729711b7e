//! What people run: commands that work on many files, and a stream.

use std::path::Path;

use anyhow::Result;

use super::contender::{self, Contender, words};
use super::race::{self, Race, Runner};

/// Files that the storm creates and deletes.
const STORM: usize = 5_000;
/// Programs that the shell starts, one after the other.
pub const STARTS: u32 = 500;
/// Bytes that go through the pipe.
const STREAM: u64 = 512 << 20;

/// A workload and the most it may take, as a multiple of the time it takes bare.
pub struct Workload {
    /// How the tables call it.
    pub name: &'static str,
    /// The goal.
    pub goal: f64,
    command: Vec<String>,
}

/// All of them. The storm's share is what a plain prototype of supervised creation costs.
pub fn workloads() -> Vec<Workload> {
    let shell = |text: &str| vec!["/bin/sh".to_owned(), "-c".to_owned(), text.to_owned()];
    vec![
        Workload { name: "git status, 2,000 files", goal: 1.03, command: words("git status --porcelain") },
        Workload {
            name: "untar and delete 2,000 files",
            goal: 1.03,
            command: shell("mkdir unpacked && tar -xf tree.tar -C unpacked && rm -rf unpacked"),
        },
        Workload {
            name: "create and delete 5,000 empty files",
            goal: 1.35,
            command: words(&format!("./xtask bench --storm storm {STORM}")),
        },
        Workload {
            name: "cargo build, no dependencies",
            goal: 1.03,
            command: shell("cd crate && rm -rf target && cargo build --offline --quiet"),
        },
    ]
}

impl Workload {
    /// Races it bare, in garth and in bubblewrap, in the repository.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn race(&self, base: &Path, rounds: usize) -> Result<Race> {
        let place = base.join("sources");
        let contenders = contender::same_view(base, &place, &[base.join("toolchain")]);
        let runners: Vec<Runner> = contenders.iter().map(|one| one.runner(&self.command, &place)).collect();
        race::run(&runners, rounds)
    }
}

/// A shell that starts a small program again and again: what looking at each costs. See [`per_start`].
///
/// # Errors
/// When a command cannot be started or fails.
pub fn starts(base: &Path, rounds: usize) -> Result<Race> {
    let script = format!("i=0; while [ $i -lt {STARTS} ]; do /bin/true; i=$((i+1)); done");
    let (place, command) = (base.join("small"), ["/bin/sh".to_owned(), "-c".to_owned(), script]);
    let runners: Vec<Runner> =
        contender::judged(base, &place).iter().map(|one| one.runner(&command, &place)).collect();
    race::run(&runners, rounds)
}

/// Microseconds that a sandbox adds to each of so many starts. Milliseconds of the same number of starts bare and in
/// the sandbox, and what the sandbox adds to a single one.
pub fn per_start(bare: f64, inside: f64, added_once: f64) -> f64 {
    (inside - bare - added_once) * 1000.0 / f64::from(STARTS)
}

/// Half a gigabyte from one pipe through `cat` into another. Milliseconds; see [`throughput`].
///
/// # Errors
/// When a command cannot be started or fails.
pub fn pipe(base: &Path, rounds: usize) -> Result<Race> {
    let place = base.join("small");
    let runners: Vec<Runner> = contender::same_view(base, &place, &[])
        .iter()
        .map(|one| Runner { command: piped(one), ..one.runner(&[], &place) })
        .collect();
    race::run(&runners, rounds)
}

/// The contender's own words stand behind the script, as `"$@"`, so that nothing needs quoting.
fn piped(contender: &Contender) -> Vec<String> {
    let script = format!("head -c {STREAM} /dev/zero | \"$@\" cat | cat >/dev/null");
    [&["/bin/sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()], contender.prefix.as_slice()].concat()
}

/// Megabytes (10^6) per second of a run of [`pipe`] that took so many milliseconds.
pub fn throughput(milliseconds: f64) -> f64 {
    u32::try_from(STREAM).map_or(f64::NAN, f64::from) / 1000.0 / milliseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_costs_what_is_left_without_the_sandbox_own() {
        assert_eq!(per_start(300.0, 323.0, 3.0).round(), 40.0);
    }

    #[test]
    fn half_a_gigabyte_in_half_a_second() {
        assert_eq!(throughput(536.870_912).round(), 1000.0);
    }
}
