//! What is started, and what holds it beside its token.

use super::super::acl::Ace;
use super::super::facts::Feature;
use super::super::known;
use super::super::rights::{AccessMask, ObjectKind};
use super::super::sid::Sid;
use super::super::spec::{
    Canary, Desktop, Identity, Inherited, Job, Launch, Mitigation, Narrower, Relay, Tier, UiLimit,
};
use super::super::token::{AppContainer, Token};
use super::container::own_descriptor;
use super::names::Files;
use super::vm::logon;
use super::{Given, environment, error, program};
use crate::linux::PlanError;
use crate::linux::network::{BUNDLE_VARIABLES, NO_PROXY_VARIABLES, PROXY_VARIABLES};
use garth_policy::{ApprovalMode, NetworkMode, Policy};
use std::collections::BTreeSet;

/// The launch, and what is told of it.
pub(super) struct Launched {
    pub launch: Launch,
    pub narrower: Vec<Narrower>,
    pub dropped: usize,
}

/// A whole processor in the unit of a job's rate: hundredths of a percent.
const WHOLE: u64 = 10_000;

/// Lowers everything but the files.
pub(super) fn lower(
    given: Given<'_>,
    tier: Tier,
    identity: Identity,
    files: &Files,
) -> Result<Launched, PlanError> {
    let mut entered = environment::lower(given);
    let token = target_token(&given.facts.user.token, &identity)?;
    let found = match (&token, tier) {
        (Some(token), _) => Some(program::find(given, &files.machine, token, &entered)?),
        (None, _) => None,
    };
    let refuses = |feature: Feature| given.facts.system.refused.contains_key(&feature);
    // A Windows that is too old for terminals of their own gives commands pipes.
    let terminal = given.command.terminal.filter(|_| tier != Tier::Vm && !refuses(Feature::PseudoConsole));
    let relay = relay(given.policy).filter(|_| tier != Tier::Vm);
    if let Identity::Vm(machine) = &identity {
        entered.strings = logon::environment(given, &machine.folders, &entered.strings);
    }
    let in_machine = tier == Tier::Vm;
    let (program, batch) = found.map_or((None, None), |found| (Some(found.path), found.batch));
    let launch = Launch {
        identity: identity.clone(),
        program,
        batch,
        arguments: arguments(given)?,
        directory: given.command.directory.clone(),
        environment: entered.strings,
        job: if in_machine { Job::default() } else { job(given.policy) },
        desktop: desktop(given, tier, &identity).filter(|_| !refuses(Feature::Desktop)),
        mitigations: if in_machine { Vec::new() } else { Mitigation::ALL.to_vec() },
        // A pseudo console brings its own; nothing else is inherited then.
        handles: if in_machine || terminal.is_some() { Vec::new() } else { Inherited::ALL.to_vec() },
        terminal,
        canary: canary(given, tier, &identity),
        relay,
        time: given.policy.limits.time.as_ref().map(|limit| limit.value.as_secs().max(1)),
    };
    Ok(Launched { launch, narrower: Vec::new(), dropped: entered.dropped })
}

/// The target's token, made of the caller's as a plan says; `None` for a virtual machine, in which it has another.
///
/// # Errors
/// When the caller's token cannot be made weaker.
pub fn target_token(caller: &Token, identity: &Identity) -> Result<Option<Token>, PlanError> {
    let weaker = |restriction| {
        caller.restricted(restriction).map_err(|why| {
            error(
                "the caller's token cannot be made weaker",
                why.to_string(),
                "run garth outside of other sandboxes",
            )
        })
    };
    Ok(match identity {
        Identity::Vm(_) => None,
        Identity::Restricted(recipe) => Some(weaker(&recipe.restriction)?),
        Identity::Container(recipe) => {
            let mut token = weaker(&recipe.base)?.in_app_container(recipe.package, &[]);
            token.app_container = Some(AppContainer {
                package: recipe.package,
                capabilities: recipe.capabilities.iter().map(|capability| capability.sid).collect(),
                less_privileged: recipe.less_privileged,
            });
            Some(token)
        }
    })
}

pub(super) fn arguments(given: Given<'_>) -> Result<Vec<String>, PlanError> {
    let text = |argument: &Vec<u8>| {
        let text = String::from_utf8(argument.clone()).ok().filter(|text| !text.contains('\0'));
        text.ok_or_else(|| {
            error(
                "an argument cannot be passed on",
                "it is no text, or holds a zero character",
                "check the command",
            )
        })
    };
    given.command.arguments.iter().map(text).collect()
}

fn job(policy: &Policy) -> Job {
    // PowerShell does not start with these two (published measurements of other sandboxes); the desktop of the sandbox's
    // own keeps windows apart.
    let broken = [UiLimit::Handles, UiLimit::GlobalAtoms];
    let ui = UiLimit::ALL.into_iter().filter(|limit| !broken.contains(limit)).collect();
    Job {
        processes: policy
            .limits
            .processes
            .as_ref()
            .map(|limit| u32::try_from(limit.value).unwrap_or(u32::MAX)),
        memory: policy.limits.memory.as_ref().map(|limit| limit.value),
        processor: policy.limits.cpu.as_ref().map(|limit| (limit.value * WHOLE / 1_000).max(1)),
        ui,
    }
}

/// A desktop on which nothing of the user's is: windows, hooks and messages stay apart.
fn desktop(given: Given<'_>, tier: Tier, identity: &Identity) -> Option<Desktop> {
    let user = given.facts.user.token.user;
    let all = ObjectKind::Desktop.mapping().all;
    let own = all.without(AccessMask::WRITE_DAC | AccessMask::WRITE_OWNER | AccessMask::DELETE);
    let grantees: Vec<Sid> = match identity {
        Identity::Container(recipe) => vec![recipe.package],
        Identity::Restricted(recipe) => recipe.reasons.iter().map(|reason| reason.sid).collect(),
        Identity::Vm(_) => return None,
    };
    let mut aces = vec![Ace::allow(known::SYSTEM, all), Ace::allow(user, all)];
    aces.extend(grantees.into_iter().map(|sid| Ace::allow(sid, own)));
    Some(Desktop { prefix: format!("garth-{}-", tier.name()), security: own_descriptor(user, aces) })
}

/// Whether the container's package is exempt from the isolation of the loopback.
pub(super) fn is_exempt(given: Given<'_>, identity: &Identity) -> bool {
    let Identity::Container(recipe) = identity else { return false };
    given.facts.prepared.loopback.as_ref().is_some_and(|exempt| exempt.contains(&recipe.package))
}

fn canary(given: Given<'_>, tier: Tier, identity: &Identity) -> Option<Canary> {
    let contained = tier == Tier::Container;
    (tier != Tier::Vm).then(|| Canary {
        unreadable: contained,
        unwritable: given.facts.directories.profile.clone(),
        writable: given.facts.context.tmp.clone(),
        // Of an exempt one it is known that it can; a clause says so, and has to be accepted.
        unconnected: contained && !is_exempt(given, identity),
    })
}

/// Whether something leads out, and the variables by which programs learn of it.
fn relay(policy: &Policy) -> Option<Relay> {
    let network = &policy.network;
    let leads_out = match network.mode.value {
        NetworkMode::Deny => false,
        NetworkMode::AllowList => {
            policy.approvals.mode.value == ApprovalMode::Ask || network.domains.iter().any(|rule| rule.allow)
        }
        NetworkMode::Open => true,
    };
    if !leads_out && network.host_ports.is_empty() && network.listen.is_empty() {
        return None;
    }
    let named = |names: &[&str]| {
        // Windows makes no difference between `http_proxy` and `HTTP_PROXY`.
        let upper: BTreeSet<String> = names.iter().map(|name| name.to_ascii_uppercase()).collect();
        upper.into_iter().collect()
    };
    Some(Relay {
        variables: named(&PROXY_VARIABLES),
        exceptions: named(&NO_PROXY_VARIABLES),
        direct: "localhost,127.0.0.1,::1".to_owned(),
        // Node takes no notice of the others by itself.
        switches: vec!["NODE_USE_ENV_PROXY=1".to_owned()],
        authorities: named(&BUNDLE_VARIABLES),
        host_ports: network.host_ports.iter().map(|port| port.value).collect(),
        listen: network.listen.iter().map(|port| port.value).collect(),
    })
}
