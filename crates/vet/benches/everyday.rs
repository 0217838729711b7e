//! How long a verdict takes on everyday commands of agents: `cargo bench -p garth-vet --bench everyday`.
//!
//! Prints the median and the 99th percentile over all commands of `corpus/everyday.txt`, for reading alone and for the
//! whole verdict. Of each command the median of some calls counts: what else the machine does meanwhile is not the command's.

#[path = "../tests/judge/place.rs"]
#[expect(clippy::unwrap_used, reason = "fixed paths of a measurement")]
#[expect(dead_code, reason = "the tests use more of it")]
mod place;

use garth_policy::{Policy, Profile};
use garth_vet::judge::Judge;
use garth_vet::knowledge::Table;
use garth_vet::{Shell, parse};
use place::surroundings;
use std::hint::black_box;
use std::time::{Duration, Instant};

const CORPUS: &str = include_str!("../corpus/everyday.txt");

/// Calls of which the median counts.
const CALLS: usize = 21;

fn median_of(call: &dyn Fn()) -> Duration {
    let once = |_| {
        let start = Instant::now();
        call();
        start.elapsed()
    };
    let mut taken: Vec<Duration> = (0..CALLS).map(once).collect();
    taken.sort_unstable();
    taken.get(CALLS / 2).copied().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "a measurement says what it found")]
fn tell(what: &str, mut taken: Vec<(Duration, &str)>) {
    taken.sort_unstable();
    let at = |percent: usize| taken.get(taken.len() * percent / 100).or(taken.last());
    let micros = |found: Option<&(Duration, &str)>| found.map_or(0.0, |(taken, _)| taken.as_secs_f64() * 1e6);
    let longest = taken.last();
    println!(
        "| {what} | {:.1} | {:.1} | {:.1} | {} |",
        micros(at(50)),
        micros(at(99)),
        micros(longest),
        longest.map_or("", |(_, text)| text).chars().take(60).collect::<String>().replace('|', "\\|")
    );
}

#[expect(clippy::print_stdout, reason = "a measurement says what it found")]
fn main() {
    let place = surroundings();
    let policy = Policy::builtin(Profile::Workspace, &place.context);
    let table = Table::built_in();
    let judge = Judge { policy: &policy, surroundings: &place, table: &table };
    let texts: Vec<&str> = CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let each =
        |call: &dyn Fn(&str)| texts.iter().map(|text| (median_of(&|| call(text)), *text)).collect::<Vec<_>>();
    println!(
        "| of {} commands | p50, µs | p99, µs | longest, µs | which |\n| --- | --- | --- | --- | --- |",
        texts.len()
    );
    tell("reading", each(&|text| drop(black_box(parse(Shell::Bash, black_box(text))))));
    tell("verdict", each(&|text| drop(black_box(judge.text(Shell::Bash, black_box(text))))));
}
