//! `garth plan`.

use crate::arguments::PlanArguments;
use crate::failure::Failure;
use crate::show::{BOLD, ERROR, GOOD, HINT, PART};
use crate::table::{Cell, table};
use crate::trial::prepare_to_tell_of;
use crate::words::origin;
use anstyle::Style;
use garth::plan::assurance::{Row, Status};
use garth::plan::linux::spec::Tier;
use garth::policy::{Layer, escape_visible};
use garth::{Changes, Error, Prepared};
use std::io::{self, Write};

/// Shows how each clause would be held. Exit code 121 if `run` would refuse.
pub fn run(arguments: &PlanArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let changes = if arguments.cow { Changes::Layer } else { Changes::InPlace };
    let prepared = prepare_to_tell_of(&arguments.sandbox, &arguments.command, changes)?;
    let gate = prepared.gate();
    let refused: &[Row] = match &gate {
        Err(Error::NotEnforced(rows)) => rows,
        _ => &[],
    };
    if arguments.json {
        json(&prepared, refused, out)?;
    } else {
        text(&prepared, refused, arguments.all, out)?;
    }
    Ok(if refused.is_empty() { 0 } else { 121 })
}

/// The tier in one word.
pub fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Process => "process",
        Tier::Landlock => "landlock",
    }
}

/// The environment of the caller stays out: it holds secrets that do not enter the sandbox either.
fn json(prepared: &Prepared, refused: &[Row], out: &mut dyn Write) -> Result<(), Failure> {
    let whole = serde_json::json!({
        "version": 1,
        "runs": refused.is_empty(),
        "tier": tier(prepared.plan.spec.tier),
        "accepted": prepared.plan.accepted,
        "refused": refused,
        "assurance": prepared.plan.assurance.rows,
        "workspace": prepared.surroundings.context.workspace,
        "notices": prepared.surroundings.notices,
        "warnings": prepared.warnings,
        "plan": prepared.plan,
        "policy": prepared.policy,
        "facts": prepared.facts,
    });
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)?;
    Ok(())
}

/// Colour of a status.
pub fn style(status: &Status) -> Style {
    match status {
        Status::Enforced { .. } => GOOD,
        Status::Partial { .. } | Status::Advisory { .. } => PART,
        Status::Unenforceable { .. } => ERROR,
    }
}

fn text(prepared: &Prepared, refused: &[Row], all: bool, out: &mut dyn Write) -> io::Result<()> {
    let folded =
        |row: &&Row| !all && row.absent && row.origin.layer == Layer::Profile && row.status.gap().is_none();
    let rows = &prepared.plan.assurance.rows;
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
    conclusion(prepared, refused, out)
}

/// How it is held, and by which name what is missing can be accepted.
fn mechanism(row: &Row) -> String {
    let detail = row.status.detail();
    let text = row.status.gap().map_or_else(|| detail.clone(), |gap| format!("{detail} [{gap}]"));
    escape_visible(text.as_bytes())
}

fn conclusion(prepared: &Prepared, refused: &[Row], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{BOLD}workspace{BOLD:#}  {}", prepared.surroundings.context.workspace)?;
    writeln!(out, "{BOLD}tier{BOLD:#}       {}", tier(prepared.plan.spec.tier))?;
    let mut accepted = prepared.plan.accepted.clone();
    accepted.sort();
    accepted.dedup();
    if accepted.is_empty() {
        accepted.push("none".into());
    }
    for (at, gap) in accepted.iter().enumerate() {
        let name = if at == 0 { "accepted" } else { "" };
        writeln!(out, "{BOLD}{name:<8}{BOLD:#}   {}", escape_visible(gap.as_bytes()))?;
    }
    for notice in &prepared.surroundings.notices {
        writeln!(out, "{PART}notice{PART:#}     {}", escape_visible(notice.as_bytes()))?;
    }
    for warning in &prepared.warnings {
        writeln!(out, "{}", warning.trim_end())?;
    }
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
