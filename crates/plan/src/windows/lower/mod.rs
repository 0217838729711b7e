//! Policy, facts and command to a plan for Windows.

mod container;
mod environment;
pub mod gaps;
mod launch;
mod named;
mod names;
mod place;
mod program;
mod restricted;
mod rows;
mod vm;

use super::facts::{Feature, HostFacts};
use super::spec::{Identity, Plan, Tier};
use crate::facts::Command;
use crate::linux::{PlanError, Report};
use garth_policy::{Boundary, Policy, Profile, TierMinimum};
pub use launch::target_token;
pub(super) use named::asked;
pub(super) use names::git_parts;

/// Programs that are looked for whatever the command is: shells that run batch files and scripts, and those whose
/// packaged form cannot be started.
pub(super) const ANYWAY: [&str; 4] = ["cmd", "powershell", "pwsh", "bash"];

/// What a plan is made from.
#[derive(Clone, Copy)]
struct Given<'p> {
    policy: &'p Policy,
    boundaries: &'p [Boundary<'p>],
    facts: &'p HostFacts,
    command: &'p Command,
    all: bool,
}

/// Lowers to the tier that was asked for, else to `vm` where the policy wants one, else to `container`. There is no
/// fall-back to a weaker tier. `boundaries` are those of the policy's file rules.
///
/// # Errors
/// When the machine lacks what the tier needs, the workspace cannot be one, or the command cannot be started; with the
/// smallest thing that helps.
pub fn lower(
    policy: &Policy,
    boundaries: &[Boundary<'_>],
    facts: &HostFacts,
    command: &Command,
    asked: Option<Tier>,
    report: Report,
) -> Result<Plan, PlanError> {
    let given = Given { policy, boundaries, facts, command, all: report == Report::All };
    let wanted = match policy.tier.minimum.value {
        TierMinimum::Process => Tier::Container,
        TierMinimum::Vm => Tier::Vm,
    };
    let tier = asked.unwrap_or(wanted);
    if command.arguments.is_empty() {
        return Err(error("no command to run", "nothing follows `--`", "garth run -- <command>"));
    }
    available(facts, tier)?;
    place::check_workspace(given, tier)?;
    match tier {
        Tier::Container => container_tier(given),
        Tier::Restricted => restricted_tier(given),
        Tier::Vm => vm_tier(given),
        Tier::Account => Err(error(
            "the tier `account` is not built yet",
            "it needs a local account that garth-setup would make once",
            "use `--tier container`, which needs no account and no administrator",
        )),
    }
}

fn error(what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> PlanError {
    PlanError { what: what.into(), why: why.into(), hint: hint.into() }
}

/// Which features a tier cannot do without, and which tier to ask for instead.
fn available(facts: &HostFacts, tier: Tier) -> Result<(), PlanError> {
    let (features, hint): (&[Feature], &str) = match tier {
        Tier::Container => (
            &[Feature::AppContainer, Feature::Job],
            "see `garth doctor`; `--tier restricted` holds writes alone, and only if you ask for it",
        ),
        Tier::Restricted => (&[Feature::RestrictedToken, Feature::Job], "see `garth doctor`"),
        Tier::Vm => (
            &[Feature::WindowsSandbox, Feature::WindowsSandboxCli],
            "switch Windows Sandbox on (not on Home; needs Windows 11 24H2), or use `--tier container`",
        ),
        Tier::Account => (&[], ""),
    };
    for feature in features {
        if let Some(why) = facts.system.refused.get(feature) {
            let what = format!("the tier `{}` does not work on this machine", tier.name());
            return Err(error(what, why.clone(), hint));
        }
    }
    Ok(())
}

fn accepted(policy: &Policy) -> Vec<String> {
    let mut accepted: Vec<String> = policy.tier.accept.iter().map(|name| name.value.clone()).collect();
    accepted.extend(gaps::ALWAYS.map(str::to_owned));
    if policy.profile.value != Profile::Strict {
        accepted.extend(gaps::USUALLY.map(str::to_owned));
    }
    accepted
}

fn container_tier(given: Given<'_>) -> Result<Plan, PlanError> {
    let lowered = container::lower(given)?;
    let identity = Identity::Container(lowered.container);
    let launch = launch::lower(given, Tier::Container, identity, &lowered.files)?;
    let assurance = rows::container(given, &lowered.files, &launch);
    Ok(finished(given, Tier::Container, lowered.files, launch, assurance))
}

fn restricted_tier(given: Given<'_>) -> Result<Plan, PlanError> {
    let lowered = restricted::lower(given)?;
    let identity = Identity::Restricted(lowered.restricted);
    let launch = launch::lower(given, Tier::Restricted, identity, &lowered.files)?;
    let assurance = rows::restricted(given, &lowered.files, &launch);
    Ok(finished(given, Tier::Restricted, lowered.files, launch, assurance))
}

fn vm_tier(given: Given<'_>) -> Result<Plan, PlanError> {
    let (vm, files) = vm::lower(given)?;
    let launch = launch::lower(given, Tier::Vm, Identity::Vm(vm), &files)?;
    let assurance = rows::vm(given, &files, &launch);
    Ok(finished(given, Tier::Vm, files, launch, assurance))
}

fn finished(
    given: Given<'_>,
    tier: Tier,
    mut files: names::Files,
    launch: launch::Launched,
    assurance: crate::assurance::Assurance,
) -> Plan {
    files.narrower.extend(launch.narrower);
    Plan {
        tier,
        preparation: files.preparation,
        launch: launch.launch,
        assurance,
        accepted: accepted(given.policy),
        narrower: files.narrower,
        dropped_variables: launch.dropped,
    }
}
