//! `garth doctor` on Windows, and of a recorded Windows machine anywhere.

use super::machine::recorded;
use crate::arguments::DoctorArguments;
use crate::failure::Failure;
use crate::show::{BOLD, ERROR, GOOD, HINT, PART};
use crate::table::{Cell, table};
use garth::plan::windows::doctor::{Diagnosis, State, diagnose};
use garth::plan::windows::facts::HostFacts;
use garth::policy::escape_visible;
use garth::recorded::policy_of;
use std::io::{self, Write};

/// Shows the machine. Exit code 121 if `garth run` would refuse with the policy in force.
pub fn run(arguments: &DoctorArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let facts = match &arguments.from {
        Some(file) => recorded(file)?,
        None => own()?,
    };
    if let Some(file) = &arguments.facts {
        let mut text = serde_json::to_string_pretty(&facts)?;
        text.push('\n');
        std::fs::write(file, text).map_err(|error| Failure::file("write", file.display(), &error))?;
        writeln!(
            out,
            "{} holds what a plan of this machine needs",
            escape_visible(file.to_string_lossy().as_bytes())
        )?;
        writeln!(
            out,
            "{HINT}hint:{HINT:#} it names your directories and holds your policy files; look at it before you share it"
        )?;
        writeln!(out, "{HINT}hint:{HINT:#} elsewhere: garth plan --os windows --facts FILE -- COMMAND")?;
        return Ok(0);
    }
    let (policy, _) = policy_of(&facts, None, &[])?;
    let told = diagnose(&policy, &facts);
    if arguments.json {
        let whole = serde_json::json!({
            "version": 1, "runs": told.tier.is_some(), "tier": told.tier, "problem": problem(&told),
            "checks": told.findings,
        });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        text(&told, out)?;
    }
    Ok(if told.tier.is_some() { 0 } else { 121 })
}

/// Why the default tier is none.
fn problem(told: &Diagnosis) -> Option<&str> {
    let container = told.findings.iter().find(|finding| finding.name == "tier container");
    container.filter(|_| told.tier.is_none()).map(|finding| finding.found.as_str())
}

fn text(told: &Diagnosis, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[Cell; 3]> = told
        .findings
        .iter()
        .map(|finding| {
            let (word, style) = match finding.status {
                State::Works => ("works", GOOD),
                State::Limited => ("limited", PART),
                State::Missing => ("missing", ERROR),
            };
            let found = escape_visible(finding.found.as_bytes());
            [Cell::plain(&finding.name), Cell(word.to_owned(), style), Cell::plain(found)]
        })
        .collect();
    table(["WHAT", "STATUS", "FOUND"], &[0, 2], &rows, out)?;
    writeln!(out)?;
    match told.tier {
        Some(tier) => {
            writeln!(out, "{BOLD}tier{BOLD:#}  {}: the plan of `garth run` passes", tier.name())?;
        }
        None => writeln!(
            out,
            "{BOLD}tier{BOLD:#}  {ERROR}none{ERROR:#}: `garth run` refuses the policy in force"
        )?,
    }
    for finding in &told.findings {
        for hint in &finding.hints {
            writeln!(out, "{HINT}hint:{HINT:#} {}: {}", finding.name, escape_visible(hint.as_bytes()))?;
        }
    }
    Ok(())
}

/// What is found on this machine.
#[cfg(windows)]
fn own() -> Result<HostFacts, Failure> {
    let sandbox = crate::arguments::SandboxArguments::plain();
    Ok(garth::windows::record::record_all(&super::run::request_for(&sandbox, vec!["cmd".to_owned()])?)?)
}

/// This is no Windows.
#[cfg(not(windows))]
fn own() -> Result<HostFacts, Failure> {
    let why = "facts are recorded on Windows, for plans elsewhere";
    Err(Failure::own(
        "--facts is for Windows",
        why,
        "run it there, or look at a record: garth doctor --from FILE",
    ))
}
