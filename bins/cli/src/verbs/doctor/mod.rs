//! `garth doctor`: what this machine can enforce, found by trying it.

mod machine;

use super::plan::tier;
use crate::failure::Failure;
use crate::show::{BOLD, ERROR, GOOD, HINT, PART};
use crate::table::{Cell, WIDTH, table, wrap};
use crate::trial::{Part, Started, Trial};
use anstyle::Style;
use garth::policy::escape_visible;
use serde::Serialize;
use std::io::{self, Write};

/// How far a part of the machine goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Works,
    Limited,
    Missing,
}

impl Status {
    fn shown(self) -> (&'static str, Style) {
        match self {
            Self::Works => ("works", GOOD),
            Self::Limited => ("limited", PART),
            Self::Missing => ("missing", ERROR),
        }
    }
}

/// One part of the machine.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    found: String,
    /// What to do about it.
    hints: Vec<String>,
}

impl Check {
    fn works(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Status::Works, found: found.into(), hints: Vec::new() }
    }
}

/// Tries the machine. Exit code 121 if `garth run` would refuse with the default policy.
pub fn run(json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let trial = Trial::make()?;
    let features = garth::features();
    let started = trial.start(Part::Alone);
    let checks = vec![
        Check::works("kernel", format!("{} {}", features.kernel, features.arch)),
        machine::namespaces(&started),
        machine::landlock(features.landlock),
        machine::supervision(features.supervision),
        machine::overlay(&trial, &started),
        machine::network(&trial, &started),
        machine::control_groups(),
        machine::refused_reads(&trial, &started),
    ];
    let runs = started.is_good();
    let tier = started.tier().map(tier);
    if json {
        let whole = serde_json::json!({ "version": 1, "runs": runs, "tier": tier, "problem": started.problem, "checks": checks });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        text(&checks, tier, &started, out)?;
    }
    Ok(if runs { 0 } else { 121 })
}

fn text(checks: &[Check], tier: Option<&str>, started: &Started, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[Cell; 3]> = checks
        .iter()
        .map(|check| {
            let (word, style) = check.status.shown();
            [
                Cell::plain(check.name),
                Cell(word.to_owned(), style),
                Cell::plain(escape_visible(check.found.as_bytes())),
            ]
        })
        .collect();
    table(["WHAT", "STATUS", "FOUND"], &[2], &rows, out)?;
    writeln!(out)?;
    let tier = tier.unwrap_or("none");
    match &started.problem {
        None => writeln!(out, "{BOLD}tier{BOLD:#}  {tier}: `garth run` goes with the default policy")?,
        Some(problem) => {
            writeln!(
                out,
                "{BOLD}tier{BOLD:#}  {ERROR}{tier}{ERROR:#}: `garth run` refuses the default policy"
            )?;
            // What is indented lists the clauses one by one; `garth plan` does that better.
            for line in problem.lines().filter(|line| !line.starts_with(' ')) {
                for line in wrap(&escape_visible(line.as_bytes()), WIDTH - 2) {
                    writeln!(out, "  {line}")?;
                }
            }
        }
    }
    for check in checks {
        for hint in &check.hints {
            writeln!(out, "{HINT}hint:{HINT:#} {}: {}", check.name, escape_visible(hint.as_bytes()))?;
        }
    }
    Ok(())
}
