//! What was denied, in words.

use crate::show::{BOLD, HINT};
use crate::table::{WIDTH, wrap};
use crate::words::{operation, reason_with_origin};
use garth::policy::escape_visible;
use garth::{Denied, Explained, Explainer};
use std::io::{self, Write};

/// Entries that are shown; the rest is counted.
const SHOWN: usize = 5;

/// Tells what was denied: a few entries, and how many more there were.
pub fn summary(explainer: &Explainer, denied: &[Denied], out: &mut dyn Write) -> io::Result<()> {
    if denied.is_empty() {
        return Ok(());
    }
    let what = if denied.len() == 1 { "access was" } else { "accesses were" };
    writeln!(out, "{BOLD}garth: {} {what} denied{BOLD:#}", denied.len())?;
    for entry in denied.iter().take(SHOWN) {
        write_entry(&explainer.explain(entry), out)?;
    }
    if denied.len() > SHOWN {
        writeln!(out, "  and {} more; `garth run --json` tells each", denied.len() - SHOWN)?;
    }
    Ok(())
}

fn write_entry(entry: &Explained<'_>, out: &mut dyn Write) -> io::Result<()> {
    let denied = entry.denied;
    let program = escape_visible(denied.program.as_bytes());
    writeln!(out, "  {program}: {} {}", operation(denied.op), denied.path)?;
    for line in wrap(&reason_with_origin(&entry.reason, entry.origin.as_ref()), WIDTH - 4) {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "    {HINT}hint:{HINT:#} {}", escape_visible(entry.hint.as_bytes()))
}
