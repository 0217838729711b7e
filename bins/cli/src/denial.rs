//! What was denied, in words.

use crate::show::{BOLD, HINT};
use crate::table::{WIDTH, wrap};
use crate::words::{operation, reason_with_origin};
use garth::policy::{FileOp, escape_visible};
use garth::{Denied, Explained, Explainer};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Entries that are shown; the rest is counted.
const SHOWN: usize = 5;

/// Tells what was denied: a few entries, and how many more there were. Credentials come first. Reads that one rule refused
/// are one entry, with the first of them and their number. What programs look for by themselves is one line, and none if
/// nothing else was denied and the command did what it was to do.
pub fn summary(
    explainer: &Explainer,
    denied: &[Denied],
    has_failed: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (habits, denied): (Vec<&Denied>, Vec<&Denied>) =
        denied.iter().partition(|denied| explainer.habit(denied).is_some());
    if !denied.is_empty() {
        let what = if denied.len() == 1 { "access was" } else { "accesses were" };
        writeln!(out, "{BOLD}garth: {} {what} denied{BOLD:#}", denied.len())?;
        let groups = by_rule(explainer, &denied);
        let shown: usize = groups.iter().take(SHOWN).map(|(_, count)| count).sum();
        for (entry, count) in groups.iter().take(SHOWN) {
            write_entry(entry, count - 1, out)?;
        }
        if denied.len() > shown {
            writeln!(out, "  and {} more; `garth run --json` tells each", denied.len() - shown)?;
        }
    }
    if has_failed || !denied.is_empty() {
        write_habits(&habits, out)?;
    }
    Ok(())
}

/// The line for what programs look for by themselves.
fn write_habits(habits: &[&Denied], out: &mut dyn Write) -> io::Result<()> {
    /// Programs that are named.
    const NAMED: usize = 3;
    let Some(first) = habits.first() else { return Ok(()) };
    let programs: BTreeSet<&str> = habits.iter().map(|denied| denied.program.as_str()).collect();
    let mut names: Vec<String> =
        programs.iter().take(NAMED).map(|name| escape_visible(name.as_bytes())).collect();
    if programs.len() > NAMED {
        names.push("others".to_owned());
    }
    let what = match habits.len() {
        1 => format!("{} was", first.path),
        count => format!("{count} settings were"),
    };
    writeln!(
        out,
        "garth: {what} not shown to {}, as usual at a start; `garth log last` lists all",
        names.join(", ")
    )
}

/// Entries with how many refusals each stands for, credentials first.
fn by_rule<'d>(explainer: &Explainer, denied: &[&'d Denied]) -> Vec<(Explained<'d>, usize)> {
    let mut groups: Vec<(Explained<'d>, usize)> = Vec::new();
    for entry in denied.iter().map(|denied| explainer.explain(denied)) {
        let same = |(first, _): &&mut (Explained<'_>, usize)| {
            is_read(first.denied.op)
                && is_read(entry.denied.op)
                && (&first.reason, &first.origin) == (&entry.reason, &entry.origin)
        };
        match groups.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => groups.push((entry, 1)),
        }
    }
    // Stable: else they stay as they happened.
    groups.sort_by_key(|(entry, _)| !explainer.is_credential(&entry.denied.path));
    groups
}

fn is_read(op: FileOp) -> bool {
    matches!(op, FileOp::Read | FileOp::List | FileOp::Execute | FileOp::Metadata)
}

fn write_entry(entry: &Explained<'_>, more: usize, out: &mut dyn Write) -> io::Result<()> {
    let denied = entry.denied;
    let program = escape_visible(denied.program.as_bytes());
    let others = match more {
        0 => String::new(),
        1 => ", and one more by this rule".to_owned(),
        more => format!(", and {more} more by this rule"),
    };
    writeln!(out, "  {program}: {} {}{others}", operation(denied.op), denied.path)?;
    for line in wrap(&reason_with_origin(&entry.reason, entry.origin.as_ref()), WIDTH - 4) {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "    {HINT}hint:{HINT:#} {}", escape_visible(entry.hint.as_bytes()))
}
