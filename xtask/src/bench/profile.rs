//! What system calls a run makes: `strace -f -c`.

use std::path::Path;
use std::process::{Command, Stdio};

use super::contender::Contender;

/// Rows that are shown.
const SHOWN: usize = 14;

/// System calls of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// All of them.
    pub total: u64,
    /// Names and counts, the most frequent first.
    pub calls: Vec<(String, u64)>,
}

/// Counts the calls of `true` in a sandbox. `None` where strace is missing or may not trace.
pub fn count(contender: &Contender, base: &Path, place: &Path) -> Option<Profile> {
    let record = base.join("home/strace");
    let command = contender.runner(&["/bin/true".to_owned()], place).command;
    let status = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-o"])
        .arg(&record)
        .args(command)
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    status.success().then_some(())?;
    parse(&std::fs::read_to_string(record).ok()?)
}

fn parse(text: &str) -> Option<Profile> {
    let rows = text.lines().filter_map(|line| {
        let (calls, name) = line.trim().split_once(char::is_whitespace)?;
        Some((name.trim().to_owned(), calls.parse::<u64>().ok()?))
    });
    let (totals, mut calls): (Vec<_>, Vec<_>) = rows.partition(|(name, _)| name == "total");
    calls.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let total = totals.first()?.1;
    calls.truncate(SHOWN);
    Some(Profile { total, calls })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_read() {
        let text = "    calls syscall\n--------- ----------------\n        3 read\n       12 mount\n--------- ----------------\n       15 total\n";
        let calls = vec![("mount".to_owned(), 12), ("read".to_owned(), 3)];
        assert_eq!(parse(text), Some(Profile { total: 15, calls }));
        assert_eq!(parse(""), None);
    }
}
