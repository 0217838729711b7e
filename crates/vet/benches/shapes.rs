//! How long large texts take in each grammar: `cargo bench -p garth-vet --bench shapes -- [MEGABYTES] [judge|table] [NAME]`.
//!
//! Prints processor time, which other programs of the machine hardly change: of the reading alone, with `judge` of the
//! whole verdict, with `table` of both; then the slowest of each grammar, as in `docs/performance-vetting.md`. Fails where
//! something takes more than two seconds for ten megabytes.

#[path = "../tests/growth/clock.rs"]
mod clock;
#[path = "../tests/judge/place.rs"]
#[expect(clippy::unwrap_used, reason = "fixed paths of a measurement")]
#[expect(dead_code, reason = "the tests use more of it")]
mod place;
#[path = "../tests/growth/shapes.rs"]
mod shapes;

use clock::processor_time;
use garth_policy::{Policy, Profile};
use garth_vet::judge::{Surroundings, judge, judge_batch};
use place::surroundings;
use shapes::Reader;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

/// The longest that reading, or a verdict, may take for each megabyte.
const GOAL: Duration = Duration::from_millis(200);

/// The slowest shapes of one grammar, of the reading and of the verdict.
type Slowest = [(Duration, &'static str); 2];

/// What is measured: the reading, the verdict or both.
#[derive(Clone, Copy)]
struct Wanted {
    reading: bool,
    verdict: bool,
}

struct Measurement {
    place: Surroundings,
    policy: Policy,
    wanted: Wanted,
}

impl Measurement {
    /// Processor time of the reading and of the verdict, those of them that are wanted.
    fn times(&self, reader: Reader, text: &str) -> [Option<Duration>; 2] {
        let read = || drop(black_box(reader.read(text)));
        let judge = || match reader {
            Reader::Shell(shell) => drop(black_box(judge(&self.policy, &self.place, shell, text))),
            Reader::Batch => drop(black_box(judge_batch(&self.policy, &self.place, text))),
        };
        let Wanted { reading, verdict } = self.wanted;
        [reading.then(|| processor_time(read)), verdict.then(|| processor_time(judge))]
    }
}

fn seconds(taken: Option<Duration>) -> String {
    taken.map_or_else(|| "     -".to_owned(), |taken| format!("{:6.2}", taken.as_secs_f64()))
}

#[expect(clippy::print_stdout, reason = "a measurement says what it found")]
fn main() -> ExitCode {
    const MODES: &[&str] = &["judge", "table"];
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let has = |mode: &str| words.iter().any(|word| word == mode);
    let (numbers, names): (Vec<_>, Vec<_>) = words
        .iter()
        .filter(|word| !MODES.contains(&word.as_str()))
        .partition(|word| word.parse::<usize>().is_ok());
    let megabytes: u32 = numbers.first().and_then(|word| word.parse().ok()).unwrap_or(10);
    let wanted = Wanted { reading: has("table") || !has("judge"), verdict: has("table") || has("judge") };
    let place = surroundings();
    let policy = Policy::builtin(Profile::Workspace, &place.context);
    let measurement = Measurement { place, policy, wanted };
    let mut slowest: BTreeMap<&str, Slowest> = BTreeMap::new();
    for (grammar, reader, shapes) in shapes::ALL {
        for shape in *shapes {
            let name = format!("{grammar}: {}", shape.name);
            if !names.iter().all(|wanted| name.contains(wanted.as_str())) {
                continue;
            }
            let text = shape.text(megabytes as usize * 1_000_000);
            let times = measurement.times(*reader, black_box(text.as_str()));
            println!("{} s {} s  {name}", seconds(times[0]), seconds(times[1]));
            let slowest = slowest.entry(grammar).or_default();
            for (slowest, taken) in slowest.iter_mut().zip(times) {
                *slowest = (*slowest).max((taken.unwrap_or_default(), shape.name));
            }
        }
    }
    println!("\n| grammar | slowest to read | s | slowest verdict | s |\n| --- | --- | --- | --- | --- |");
    for (grammar, [(reading, read), (verdict, judged)]) in &slowest {
        println!(
            "| {grammar} | {read} | {:.1} | {judged} | {:.1} |",
            reading.as_secs_f64(),
            verdict.as_secs_f64()
        );
    }
    let is_slow = slowest.values().flatten().any(|(taken, _)| *taken > GOAL * megabytes);
    if is_slow { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
