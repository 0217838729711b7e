//! `garth plan` of a Windows machine.

use super::machine::planned;
use super::recipe;
use crate::arguments::PlanArguments;
use crate::failure::Failure;
use crate::verbs::clauses::{Conclusion, clauses, conclusion};
use garth::plan::assurance::Row;
use garth::plan::linux::Report;
use garth::recorded::Planned;
use std::io::Write;

/// Shows how each clause would be held, and by which recipe. Exit code 121 if `run` would refuse.
pub fn run(arguments: &PlanArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    if arguments.cow {
        return Err(Failure::new(
            121,
            "--cow is not built for Windows",
            "there is no layer for writes: a gap named windows.overlay",
            "leave it out",
        ));
    }
    let planned = planned(&arguments.sandbox, &arguments.machine, &arguments.command, Report::All)?;
    let refused = planned.refused();
    if arguments.json {
        json(&planned, &refused, out)?;
    } else {
        text(&planned, &refused, arguments.all, out)?;
    }
    Ok(if refused.is_empty() { 0 } else { 121 })
}

/// The same members as of a plan for Linux.
fn json(planned: &Planned, refused: &[Row], out: &mut dyn Write) -> Result<(), Failure> {
    let whole = serde_json::json!({
        "version": 1,
        "runs": refused.is_empty(),
        "tier": planned.plan.tier.name(),
        "accepted": planned.plan.accepted,
        "refused": refused,
        "assurance": planned.plan.assurance.rows,
        "workspace": planned.facts.context.workspace,
        "notices": [],
        "warnings": planned.warnings,
        "plan": planned.plan,
        "policy": planned.policy,
        "facts": facts_without_environment(planned)?,
    });
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)?;
    Ok(())
}

/// The caller's variables stay out: they hold secrets that do not enter the sandbox either.
fn facts_without_environment(planned: &Planned) -> Result<serde_json::Value, Failure> {
    let mut facts = serde_json::to_value(&planned.facts)?;
    if let Some(environment) = facts.get_mut("environment") {
        *environment = serde_json::json!([]);
    }
    Ok(facts)
}

fn text(planned: &Planned, refused: &[Row], all: bool, out: &mut dyn Write) -> Result<(), Failure> {
    clauses(&planned.plan.assurance.rows, all, out)?;
    recipe::write(&planned.plan, all, out)?;
    let shown = Conclusion {
        workspace: &planned.facts.context.workspace,
        tier: planned.plan.tier.name(),
        accepted: &planned.plan.accepted,
        notices: &[],
        warnings: &planned.warnings,
        refused,
    };
    conclusion(&shown, out)?;
    Ok(())
}
