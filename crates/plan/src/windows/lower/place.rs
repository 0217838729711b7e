//! Where garth changes no permissions, and which directory cannot be a workspace.

use super::super::facts::{HostFacts, VolumeKind};
use super::super::machine::{Machine, Shield};
use super::super::rights::AccessMask;
use super::super::spec::Tier;
use super::{Given, error};
use crate::linux::PlanError;
use garth_policy::AbsPath;

/// Why no entry is put on an object, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Untouchable {
    pub reason: String,
    pub hint: String,
}

fn because(reason: impl Into<String>, hint: impl Into<String>) -> Option<Untouchable> {
    Some(Untouchable { reason: reason.into(), hint: hint.into() })
}

const NAME_ANOTHER: &str = "name a narrower directory";

/// What kind of directory belongs to the system or holds a whole profile.
fn kind_of(facts: &HostFacts, path: &AbsPath) -> Option<&'static str> {
    let directories = &facts.directories;
    let holds = |inner: &AbsPath| inner.starts_with(path);
    if path.parent().is_none() {
        return Some("the root of a drive or share");
    }
    if holds(&directories.profile) {
        return Some("a profile or what holds profiles");
    }
    let below_system = path.starts_with(&directories.windows)
        || directories.program_files.iter().any(|programs| path.starts_with(programs));
    if below_system || holds(&directories.windows) || holds(&directories.program_data) {
        return Some("a directory of the system");
    }
    let whole_store = directories.local_app_data.starts_with(path);
    whole_store.then_some("where all programs keep their data")
}

/// Why no entry is put on the object at `path`, which exists; `None` if garth may do it for this user.
pub(super) fn untouchable(facts: &HostFacts, machine: &Machine, path: &AbsPath) -> Option<Untouchable> {
    if let Some(kind) = kind_of(facts, path) {
        return because(format!("it is {kind}, where garth changes no permissions"), NAME_ANOTHER);
    }
    match facts.volume(path) {
        None => return because("nothing is known of its volume", "see `garth doctor`"),
        Some(volume) if volume.kind == VolumeKind::Remote => {
            return because("it lies on a share", "use a directory on a disk of this machine");
        }
        Some(volume) if !volume.acls => {
            return because(
                format!("its volume ({}) keeps no permissions", volume.file_system),
                "use a directory on an NTFS or ReFS volume",
            );
        }
        Some(_) => {}
    }
    let Shield::Descriptor(descriptor) = machine.shield(path) else {
        return because("its permissions could not be read", "see `garth doctor`");
    };
    if descriptor.dacl.acl().is_none() {
        return because("it has no permissions at all (a NULL list)", "give it a list with `icacls /reset`");
    }
    let rights = machine.rights(&facts.user.token, path).unwrap_or_default();
    if !rights.contains(AccessMask::WRITE_DAC) {
        return because(
            "this user may not change its permissions",
            "ask its owner, or copy what is needed to a directory of your own",
        );
    }
    None
}

/// Refuses a directory that cannot be a workspace, before anything else is planned.
pub(super) fn check_workspace(given: Given<'_>, tier: Tier) -> Result<(), PlanError> {
    let facts = given.facts;
    let workspace = given.policy.files.guarded().first().unwrap_or(&facts.context.workspace);
    let what = format!("{workspace} cannot be a workspace");
    if let Some(kind) = kind_of(facts, workspace) {
        let hint = "change into the directory of your project, or name it with `--workspace`";
        return Err(error(what, format!("it is {kind}, and everything in it would be granted"), hint));
    }
    let synchronised = facts.directories.synchronised.contains(workspace);
    if synchronised {
        let why = "it is the root of a directory that is kept in step with a store elsewhere";
        return Err(error(what, why, "use one project in it, or a directory outside"));
    }
    if facts.object(workspace).is_none() {
        let why = "it is not there, or could not be opened";
        return Err(error(what, why, "check the name and that you may open it"));
    }
    if tier == Tier::Vm {
        return Ok(());
    }
    match untouchable(facts, &Machine::new(facts), workspace) {
        Some(trouble) => Err(error(what, trouble.reason, trouble.hint)),
        None => Ok(()),
    }
}
