//! What the host reads back of a process that has not run yet, held to its order.

use super::{Identity, JobSpec, LaunchSpec, UiLimits};
use crate::windows::known::described;
use crate::windows::sid::Sid;
use crate::windows::token::Privilege;
use core::fmt;
use serde::{Deserialize, Serialize};

/// What was read back. `None` where the system could not say: that is no agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The process is in the job.
    pub in_job: bool,
    /// The job's limits.
    pub job: ObservedJob,
    /// The restricting SIDs of its token.
    pub restricting: Option<Vec<Sid>>,
    /// SIDs of its token that only refuse.
    pub deny_only: Option<Vec<Sid>>,
    /// SIDs of its token that grant: the user and its enabled groups.
    pub enabled: Option<Vec<Sid>>,
    /// Numbers of the privileges of its token.
    pub privileges: Option<Vec<u32>>,
    /// Its package; the inner `None` for a token that is not of a container.
    pub package: Option<Option<Sid>>,
    /// Its capabilities.
    pub capabilities: Option<Vec<Sid>>,
    /// For each of [`super::probes`], in order, whether the system granted it; `None` where it could not say.
    pub probes: Vec<Option<bool>>,
}

/// What was read back of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedJob {
    /// Everything in it ends when its last handle is closed.
    pub kill_on_close: Option<bool>,
    /// A process may leave it, openly or silently.
    pub breakaway: Option<bool>,
    /// Most memory; the inner `None` for no limit.
    pub memory: Option<Option<u64>>,
    /// Most processes.
    pub processes: Option<Option<u32>>,
    /// Hard cap on processors.
    pub cpu: Option<Option<u32>>,
    /// Limits on the user interface.
    pub ui: Option<UiLimits>,
}

/// A property that is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// The process is in its job.
    InJob,
    /// The job ends with its last handle, and nothing leaves it.
    JobLifetime,
    /// Memory, processes and processors of the job.
    JobLimits,
    /// Limits on the user interface.
    UiLimits,
    /// Restricting SIDs.
    Restricting,
    /// SIDs that only refuse.
    DenyOnly,
    /// Privileges.
    Privileges,
    /// The package of a container.
    Package,
    /// The capabilities of a container.
    Capabilities,
    /// What the system's own access check says of the token.
    AccessCheck,
}

/// A property that is not as ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which.
    pub property: Property,
    /// What was ordered, in words.
    pub ordered: String,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ordered: {}; found: {}", self.ordered, self.found)
    }
}

/// What differs from the order; nothing if the process may run.
#[must_use]
pub fn differences(spec: &LaunchSpec, observed: &Observed) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    found.equal(Property::InJob, "the process is in its job", &true, Some(&observed.in_job));
    job(&spec.job, &observed.job, &mut found);
    identity(&spec.identity, observed, &mut found);
    let probes = super::probe::probes(&spec.identity);
    for (at, probe) in probes.iter().enumerate() {
        let granted = observed.probes.get(at).copied().flatten();
        if granted != Some(probe.granted) {
            let word = |granted: Option<bool>| match granted {
                Some(true) => "granted",
                Some(false) => "refused",
                None => "not answered",
            };
            found.add(
                Property::AccessCheck,
                format!("{} is {}", probe.what, word(Some(probe.granted))),
                word(granted).to_owned(),
            );
        }
    }
    found.0
}

struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, property: Property, ordered: String, found: String) {
        self.0.push(Difference { property, ordered, found });
    }

    fn equal<T: PartialEq + fmt::Debug>(
        &mut self,
        property: Property,
        what: &str,
        ordered: &T,
        found: Option<&T>,
    ) {
        if found != Some(ordered) {
            let shown = found.map_or_else(|| "not known".to_owned(), |found| format!("{found:?}"));
            self.add(property, format!("{what}: {ordered:?}"), shown);
        }
    }

    /// The same SIDs, in any order.
    fn same_sids(&mut self, property: Property, what: &str, ordered: &[Sid], found: Option<&Vec<Sid>>) {
        let sorted = |sids: &[Sid]| {
            let mut sids = sids.to_vec();
            sids.sort_unstable();
            sids.dedup();
            sids
        };
        let ordered = sorted(ordered);
        if found.map(|found| sorted(found)).as_ref() != Some(&ordered) {
            let shown = found.map_or_else(|| "not known".to_owned(), |found| names(found));
            self.add(property, format!("{what}: {}", names(&ordered)), shown);
        }
    }
}

fn names(sids: &[Sid]) -> String {
    if sids.is_empty() {
        return "none".to_owned();
    }
    sids.iter().map(described).collect::<Vec<_>>().join(", ")
}

fn job(ordered: &JobSpec, observed: &ObservedJob, found: &mut Found) {
    let lifetime = Property::JobLifetime;
    found.equal(lifetime, "the job ends with its last handle", &true, observed.kill_on_close.as_ref());
    found.equal(lifetime, "a process may leave the job", &false, observed.breakaway.as_ref());
    let limits = Property::JobLimits;
    found.equal(limits, "most memory of the job, in bytes", &ordered.memory, observed.memory.as_ref());
    found.equal(limits, "most processes of the job", &ordered.processes, observed.processes.as_ref());
    found.equal(limits, "processors of the job", &ordered.cpu, observed.cpu.as_ref());
    found.equal(Property::UiLimits, "limits on the user interface", &ordered.ui, observed.ui.as_ref());
}

fn identity(ordered: &Identity, observed: &Observed, found: &mut Found) {
    found.same_sids(
        Property::Restricting,
        "restricting SIDs",
        ordered.restricting(),
        observed.restricting.as_ref(),
    );
    let package = ordered.container().map(|container| container.package);
    found.equal(Property::Package, "package", &package, observed.package.as_ref());
    if let Some(container) = ordered.container() {
        let capabilities = observed.capabilities.as_ref();
        found.same_sids(Property::Capabilities, "capabilities", &container.capabilities, capabilities);
    }
    let restriction = ordered.restriction();
    // A SID that the token never had needs no disabling, so what counts is that none of them grants.
    let granting: Option<Vec<Sid>> = observed
        .enabled
        .as_ref()
        .map(|enabled| enabled.iter().copied().filter(|sid| restriction.disable.contains(sid)).collect());
    found.same_sids(Property::DenyOnly, "disabled SIDs that still grant", &[], granting.as_ref());
    let wrong = observed.privileges.as_ref().map(|held| {
        let goes = |number: u32| {
            restriction.delete.iter().any(|privilege| privilege.number() == number)
                || restriction.drop_privileges && number != Privilege::ChangeNotify.number()
        };
        held.iter().copied().filter(|number| goes(*number)).collect::<Vec<u32>>()
    });
    found.equal(Property::Privileges, "privileges that should be gone", &Vec::new(), wrong.as_ref());
}
