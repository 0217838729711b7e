//! `garth plan`.

use super::clauses::{Conclusion, clauses, conclusion};
use crate::arguments::PlanArguments;
use crate::failure::Failure;
use crate::trial::prepare_to_tell_of;
use garth::plan::assurance::Row;
use garth::plan::linux::spec::Tier;
use garth::{Changes, Error, Prepared};
use std::io::Write;

/// Shows how each clause would be held. Exit code 121 if `run` would refuse.
pub fn run(arguments: &PlanArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    if arguments.machine.facts.is_some() {
        return super::windows::plan::run(arguments, out);
    }
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
        clauses(&prepared.plan.assurance.rows, arguments.all, out)?;
        let shown = Conclusion {
            workspace: &prepared.surroundings.context.workspace,
            tier: tier(prepared.plan.spec.tier),
            accepted: &prepared.plan.accepted,
            notices: &prepared.surroundings.notices,
            warnings: &prepared.warnings,
            refused,
        };
        conclusion(&shown, out)?;
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
