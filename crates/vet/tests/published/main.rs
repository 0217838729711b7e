//! Texts inside published packages, which nobody here wrote. They are fetched with the ordinary clients when the test
//! runs, in fixed versions; where no index answers, nothing is tried, and the test says so.

mod packages;

use garth_vet::{Script, Shell, parse, parse_batch};
use packages::{Packages, fetched};
use std::path::Path;

/// Files and scripts below these numbers would show nothing.
const FEWEST_FILES: usize = 60;
const FEWEST_SCRIPTS: usize = 500;
const FEWEST_POWERSHELL: usize = 40;

/// Counts what is understood, and keeps what is not.
#[derive(Default)]
struct Tally {
    understood: usize,
    missed: Vec<String>,
}

impl Tally {
    fn add(&mut self, name: &str, script: &Script) {
        match script.problems.first() {
            None => self.understood += 1,
            Some(problem) => self.missed.push(format!("{name}: {problem:?}")),
        }
    }

    /// Tells what was found and holds the share that has to be understood.
    #[expect(clippy::print_stdout, reason = "a test tells what it has seen")]
    fn holds(&self, what: &str, fewest: usize, share: f64) {
        let all = self.understood + self.missed.len();
        println!("{} of {all} {what} understood", self.understood);
        self.missed.iter().for_each(|line| println!("  {line}"));
        assert!(all >= fewest, "only {all} {what}: the packages hold other things than they did");
        #[expect(clippy::cast_precision_loss, reason = "counts of files are small")]
        let found = self.understood as f64 / all as f64;
        assert!(found >= share, "only {found:.4} of the {what} are understood");
    }
}

#[expect(clippy::print_stdout, reason = "a test that tries nothing says so")]
fn packages() -> Option<&'static Packages> {
    let packages = fetched();
    if packages.is_none() {
        println!("not tried: npm, pip, tar or python3 is not here, or no index of packages answers");
    }
    packages
}

fn shown(path: &Path, below: &Path) -> String {
    path.strip_prefix(below).unwrap_or(path).display().to_string()
}

#[test]
fn batch_files_are_understood() {
    let Some(packages) = packages() else { return };
    let mut tally = Tally::default();
    for (path, text) in packages.files(&["bat", "cmd"]) {
        // Commands of another system, whose files have the same ending.
        if path.components().any(|part| part.as_os_str() == "os400") {
            continue;
        }
        tally.add(&shown(&path, packages.directory()), &parse_batch(&text));
    }
    tally.holds("batch files", FEWEST_FILES, 0.97);
}

#[test]
fn npm_scripts_are_understood() {
    let Some(packages) = packages() else { return };
    let mut tally = Tally::default();
    for (name, text) in packages.npm_scripts() {
        tally.add(&format!("{name}: {text}"), &parse(Shell::Sh, &text));
    }
    tally.holds("npm scripts", FEWEST_SCRIPTS, 0.99);
}

#[test]
fn powershell_is_understood() {
    let Some(packages) = packages() else { return };
    let mut tally = Tally::default();
    for (path, text) in packages.files(&["ps1", "psm1"]) {
        // Nobody says for which version a script is: one of them has to understand it.
        let read = [Shell::Pwsh, Shell::WindowsPowershell].map(|shell| parse(shell, &text));
        let best = read.iter().min_by_key(|script| script.problems.len());
        best.into_iter().for_each(|script| tally.add(&shown(&path, packages.directory()), script));
    }
    tally.holds("files of PowerShell", FEWEST_POWERSHELL, 0.95);
}
