//! How long large texts take in each grammar: `cargo bench -p garth-vet --bench shapes -- [MEGABYTES] [judge] [NAME]`.
//!
//! Prints processor time, which other programs of the machine hardly change: of the reading alone or, with `judge`, of
//! the whole verdict. Fails where reading takes more than two seconds for ten megabytes. The numbers are in
//! `docs/performance-vetting.md`.

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
use garth_vet::judge::{judge, judge_batch};
use place::surroundings;
use shapes::Reader;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

/// The longest that reading may take for each megabyte.
const GOAL: Duration = Duration::from_millis(200);

#[expect(clippy::print_stdout, reason = "a measurement says what it found")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let judges = words.iter().any(|word| word == "judge");
    let (numbers, names): (Vec<_>, Vec<_>) =
        words.iter().filter(|word| *word != "judge").partition(|word| word.parse::<usize>().is_ok());
    let megabytes: u32 = numbers.first().and_then(|word| word.parse().ok()).unwrap_or(10);
    let mut is_slow = false;
    let place = surroundings();
    let policy = Policy::builtin(Profile::Workspace, &place.context);
    for (grammar, reader, shapes) in shapes::ALL {
        for shape in *shapes {
            let name = format!("{grammar}: {}", shape.name);
            if !names.iter().all(|wanted| name.contains(wanted.as_str())) {
                continue;
            }
            let text = shape.text(megabytes as usize * 1_000_000);
            let text = black_box(text.as_str());
            let taken = processor_time(|| match (judges, reader) {
                (false, reader) => drop(black_box(reader.read(text))),
                (true, Reader::Shell(shell)) => drop(black_box(judge(&policy, &place, *shell, text))),
                (true, Reader::Batch) => drop(black_box(judge_batch(&policy, &place, text))),
            });
            println!("{:6.2} s  {name}", taken.as_secs_f64());
            is_slow |= !judges && taken > GOAL * megabytes;
        }
    }
    if is_slow { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
