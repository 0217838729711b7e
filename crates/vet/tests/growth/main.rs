//! The time that a text takes grows with the text, whatever the text is made of.

mod clock;
mod shapes;

use clock::processor_time;
use shapes::{ALL, Reader, Shape};
use std::hint::black_box;
use std::time::Duration;

/// Bytes of the smaller text.
const SMALL: usize = 64_000;

/// How much larger the larger text is.
const TIMES: u32 = 4;

/// Attempts at a measurement; the quickest counts, since other programs of the machine only ever make it slower.
const ATTEMPTS: usize = 10;

fn taken(reader: Reader, text: &str) -> Duration {
    processor_time(|| drop(black_box(reader.read(black_box(text)))))
}

/// `None` if the time grows as the text does, or at most twice as much; else both times.
fn grows_faster(reader: Reader, shape: &Shape) -> Option<(Duration, Duration)> {
    let (small, large) = (shape.text(SMALL), shape.text(SMALL * TIMES as usize));
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..ATTEMPTS {
        best = (best.0.min(taken(reader, &small)), best.1.min(taken(reader, &large)));
        // Four times the text; quadratic time would be sixteen times as long. What takes no time at all says nothing.
        if best.1 < best.0 * (2 * TIMES) + Duration::from_millis(20) {
            return None;
        }
    }
    Some(best)
}

fn all_of(grammar: &str) {
    let found = ALL.iter().filter(|(name, ..)| *name == grammar);
    let shapes: Vec<_> =
        found.flat_map(|(_, reader, all)| all.iter().map(|shape| (*reader, shape))).collect();
    assert!(shapes.len() >= 30, "{grammar}");
    let of = |(reader, shape): (Reader, &Shape)| {
        grows_faster(reader, shape).map(|times| format!("{}: {times:?}", shape.name))
    };
    let wrong: Vec<String> = shapes.into_iter().filter_map(of).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn bash() {
    all_of("bash");
}

#[test]
fn sh() {
    all_of("sh");
}

#[test]
fn batch_files() {
    all_of("batch");
}

#[test]
fn command_lines() {
    all_of("cmd");
}

#[test]
fn powershell_7() {
    all_of("pwsh");
}

#[test]
fn windows_powershell() {
    all_of("powershell");
}

/// A text that is longer than what is read to its end is not understood, in every grammar.
#[test]
fn what_is_not_read_is_a_problem() {
    for (text, reader) in [
        ("a;".repeat(700_000), ALL[0].1),
        ("a&\n".repeat(300_000), ALL[2].1),
        (format!("a {}", "b".repeat(100_000)), ALL[3].1),
        ("a;".repeat(700_000), ALL[4].1),
    ] {
        assert!(!reader.read(&text).problems.is_empty(), "{:?}", text.get(..4));
    }
}
