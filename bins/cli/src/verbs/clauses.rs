//! How the clauses of a policy are held, and whether a run would go.

use crate::show::{BOLD, ERROR, GOOD, HINT, PART};
use crate::table::{Cell, table};
use crate::words::origin;
use anstyle::Style;
use garth::plan::assurance::{Row, Status};
use garth::policy::{AbsPath, Layer, escape_visible};
use std::io::{self, Write};

/// Colour of a status.
pub fn style(status: &Status) -> Style {
    match status {
        Status::Enforced { .. } => GOOD,
        Status::Partial { .. } | Status::Advisory { .. } => PART,
        Status::Unenforceable { .. } => ERROR,
    }
}

/// Writes one row per clause. Without `all`, built-in rules for what is not there are counted only.
pub fn clauses(rows: &[Row], all: bool, out: &mut dyn Write) -> io::Result<()> {
    let folded =
        |row: &&Row| !all && row.absent && row.origin.layer == Layer::Profile && row.status.gap().is_none();
    let cells: Vec<[Cell; 4]> = rows
        .iter()
        .filter(|row| !folded(row))
        .map(|row| {
            [
                Cell::plain(escape_visible(row.clause.as_bytes())),
                Cell(row.status.word().to_owned(), style(&row.status)),
                Cell::plain(mechanism(row)),
                Cell::plain(origin(&row.origin)),
            ]
        })
        .collect();
    table(["CLAUSE", "STATUS", "MECHANISM", "ORIGIN"], &[0, 2, 3], &cells, out)?;
    let count = rows.iter().filter(folded).count();
    if count > 0 {
        writeln!(out, "... and {count} built-in rules for names that do not exist here (--all shows them)")?;
    }
    Ok(())
}

/// How it is held, and by which name what is missing can be accepted.
fn mechanism(row: &Row) -> String {
    let detail = row.status.detail();
    // A built-in rule for what is not there is not the user's to mend.
    let is_idle = row.absent && row.origin.layer != Layer::Profile && row.status.gap().is_none();
    let detail = if is_idle { format!("{detail}; not there at the start") } else { detail };
    let text = row.status.gap().map_or_else(|| detail.clone(), |gap| format!("{detail} [{gap}]"));
    escape_visible(text.as_bytes())
}

/// What a plan comes to.
pub struct Conclusion<'p> {
    /// The workspace.
    pub workspace: &'p AbsPath,
    /// The tier.
    pub tier: &'p str,
    /// Gaps that are accepted.
    pub accepted: &'p [String],
    /// What the user should know of the place.
    pub notices: &'p [String],
    /// What is to be said about the policy files, rendered.
    pub warnings: &'p [String],
    /// Clauses for which the run refuses.
    pub refused: &'p [Row],
}

/// Writes whether a run would go, and what helps if not.
pub fn conclusion(plan: &Conclusion<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{BOLD}workspace{BOLD:#}  {}", plan.workspace)?;
    writeln!(out, "{BOLD}tier{BOLD:#}       {}", plan.tier)?;
    let mut accepted = plan.accepted.to_vec();
    accepted.sort();
    accepted.dedup();
    if accepted.is_empty() {
        accepted.push("none".into());
    }
    for (at, gap) in accepted.iter().enumerate() {
        let name = if at == 0 { "accepted" } else { "" };
        writeln!(out, "{BOLD}{name:<8}{BOLD:#}   {}", escape_visible(gap.as_bytes()))?;
    }
    for notice in plan.notices {
        writeln!(out, "{PART}notice{PART:#}     {}", escape_visible(notice.as_bytes()))?;
    }
    for warning in plan.warnings {
        writeln!(out, "{}", warning.trim_end())?;
    }
    let refused = plan.refused;
    if refused.is_empty() {
        return writeln!(out, "{BOLD}run{BOLD:#}        {GOOD}goes{GOOD:#}");
    }
    writeln!(
        out,
        "{BOLD}run{BOLD:#}        {ERROR}refuses{ERROR:#}: {} not enforced here",
        count(refused.len())
    )?;
    let mut hints: Vec<&str> = refused
        .iter()
        .filter_map(|row| match &row.status {
            Status::Unenforceable { hint, .. } => Some(hint.as_str()),
            _ => None,
        })
        .collect();
    hints.sort_unstable();
    hints.dedup();
    for hint in hints {
        writeln!(out, "{HINT}hint:{HINT:#} {hint}")?;
    }
    let mut gaps: Vec<&str> = refused.iter().filter_map(|row| row.status.gap()).collect();
    gaps.sort_unstable();
    gaps.dedup();
    writeln!(out, "{HINT}hint:{HINT:#} to run all the same, accept by name: --accept {}", gaps.join(","))
}

fn count(clauses: usize) -> String {
    if clauses == 1 { "1 clause is".to_owned() } else { format!("{clauses} clauses are") }
}
