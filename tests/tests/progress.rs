//! What takes longer than a second shows how far it is: on a terminal, and nowhere where a program reads.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Identity, Run, Terminal};

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn shown(garden: &Garden, words: &[&str], code: i32) -> String {
    let program = garden.program().to_str().expect("text").to_owned();
    let mut terminal = Terminal::bare(&garden.at(""), &[&[program.as_str()], words].concat(), 30, 120);
    let status = terminal.wait_within(std::time::Duration::from_secs(150));
    assert_eq!(status.code(), Some(code), "{}", terminal.shown());
    terminal.shown()
}

/// How fast the machine is is not tested: without patience something shows in any case.
const SOON: (&str, &str) = ("GARTH_PROGRESS_AFTER", "0");

/// Enough files to take several times as long.
const MANY: &str = "import os
for d in range(20):
    os.mkdir(f'd{d}')
    for f in range(100): open(f'd{d}/f{f}', 'w').write(str(f))";

#[test]
fn what_takes_long_shows_how_far_it_is_on_a_terminal_alone() {
    let garden = Garden::new(Identity::Current).with(SOON.0, SOON.1);
    let _ = garden.prepare(&format!("python3 -c \"{MANY}\""));
    let made = shown(&garden, &["run", "--checkpoint", "--", "true"], 0);
    assert!(made.contains("garth: kept in a checkpoint"), "{made:?}");
    // It is wiped out before what comes next.
    assert!(made.contains("holds 2021"), "{made:?}");
    // A pipe, and JSON on a terminal.
    let piped = garth(&garden, &["run", "--checkpoint", "--", "bash", "-c", "rm -r d*"]).code(0);
    assert!(!String::from_utf8_lossy(&piped.stderr).contains("kept in a checkpoint"), "{piped}");
    let undone = shown(&garden, &["undo", "--yes"], 0);
    assert!(undone.contains("garth: taken back") || undone.contains("garth: comparing"), "{undone:?}");
    let json = shown(&garden, &["undo", "--json"], 0);
    assert!(json.contains("\"placed\"") && !json.contains("garth: "), "{json:?}");
    let json = shown(&garden, &["run", "--json", "--checkpoint", "--", "true"], 0);
    assert!(!json.contains("kept in a checkpoint"), "{json:?}");
    // What takes less time than the patience shows nothing.
    let quick = Garden::new(Identity::Current).with(SOON.0, "600000");
    quick.write("a", "1\n");
    let made = shown(&quick, &["run", "--checkpoint", "--", "true"], 0);
    assert!(!made.contains("kept in a checkpoint"), "{made:?}");
}

#[test]
fn putting_many_files_in_place_shows_how_far_it_is() {
    let garden = Garden::new(Identity::Current).with(SOON.0, SOON.1);
    let script = format!("python3 -c \"{MANY}\"");
    let _ = garth(&garden, &["run", "--cow", "--", "bash", "-euc", &script]).code(0);
    let applied = shown(&garden, &["apply", "--yes"], 0);
    assert!(applied.contains("garth: put in place"), "{applied:?}");
    assert!(applied.contains("2020 changes are in place"), "{applied:?}");
}

#[test]
fn the_look_at_what_was_changed_and_throwing_it_away_show_how_far_they_are() {
    let garden = Garden::new(Identity::Current).with(SOON.0, SOON.1);
    let script = format!("python3 -c \"{MANY}\"");
    let ran = shown(&garden, &["run", "--cow", "--", "bash", "-euc", &script], 0);
    assert!(ran.contains("garth: looking at what was changed"), "{ran:?}");
    assert!(ran.contains("2020 changes are in the layer"), "{ran:?}");
    let gone = shown(&garden, &["discard"], 0);
    assert!(gone.contains("garth: throwing the layer away") && gone.contains(" is gone"), "{gone:?}");
    // After a checkpoint the same is done, by comparing with it.
    let ran = shown(&garden, &["run", "--checkpoint", "--", "bash", "-euc", &script], 0);
    assert!(ran.contains("garth: looking at what was changed"), "{ran:?}");
}
