//! Two sandboxes in one workspace, under one policy.
//!
//! The second one is planned as if it were alone: what the others have changed is taken out of the facts first. Then it is let in
//! only if its own plan holds each of their changes as well. So each record says all that its session needs, a change is undone with
//! the last record that holds it, and no session depends on how another one ends. Of two plans that differ the later is refused.

use super::{Change, Record, revoked};
use crate::windows::acl::Ace;
use crate::windows::descriptor::Listed;
use crate::windows::facts::{HostFacts, Object, PathFact, Security};
use crate::windows::sid::Sid;
use crate::windows::spec::{Directory, Grant, Guard, Preparation, Removal, Reservation, Tier};
use garth_policy::{AbsPath, Policy};
use sha2::{Digest, Sha256};

/// Takes out of the facts what these sessions, which live, have changed. What stays for later ones is taken out as well, so that
/// the plan asks for it again and its record holds it.
///
/// # Errors
/// The path of something that stands in a directory which one of them has made, and that none of them has.
pub fn without(facts: &mut HostFacts, sessions: &[Record]) -> Result<(), AbsPath> {
    let changes = || sessions.iter().flat_map(|record| &record.changes);
    let taken: Vec<&Reservation> = changes()
        .filter_map(|change| match change {
            Change::Reservation(reservation) => Some(reservation),
            _ => None,
        })
        .collect();
    for (path, fact) in &mut facts.paths {
        let Some(around) = taken.iter().find(|one| path.starts_with(&one.path)) else { continue };
        let is_theirs = matches!(fact, PathFact::Absent) || taken.iter().any(|one| one.path == *path);
        if !is_theirs && around.removal == Removal::AtEndIfEmpty {
            return Err(path.clone());
        }
        *fact = PathFact::Absent;
    }
    for fact in facts.paths.values_mut() {
        if let PathFact::Present(object) = fact {
            changes().for_each(|change| restore(object, change));
        }
    }
    Ok(())
}

/// Takes a change out of what was read of an object.
fn restore(object: &mut Object, change: &Change) {
    let Security::Read(descriptor) = &mut object.security else { return };
    match change {
        Change::Guard { guard, before } if guard.path == object.final_path && guard.expect == object.id => {
            *descriptor = before.clone();
        }
        Change::Grant(grant) if grant.path == object.final_path && grant.expect == object.id => {
            if let Some(list) = descriptor.dacl.acl().and_then(|list| revoked(list, &grant.entries)) {
                descriptor.dacl = Listed::Present(list);
            }
        }
        _ => {}
    }
}

/// Whether a session of this preparation holds all that another one holds beyond what is its own.
///
/// # Errors
/// What it does not hold, or otherwise.
pub fn holds_all_of(mine: &Preparation, theirs: &Record) -> Result<(), String> {
    let own = theirs.changes.iter().filter_map(|change| match change {
        Change::Directory(directory) => Some(sids(directory)),
        _ => None,
    });
    let common: Vec<Sid> = mine.directories.iter().flat_map(sids).collect();
    let private: Vec<Sid> = own.flatten().filter(|sid| !common.contains(sid)).collect();
    for change in &theirs.changes {
        let (held, what) = match change {
            Change::Directory(_) | Change::NullDevice(_) | Change::Loopback(_) => continue,
            Change::Profile(profile) => {
                (mine.profile.as_ref().is_some_and(|own| own.name == profile.name), profile.name.clone())
            }
            Change::Guard { guard, .. } => {
                (mine.guards.iter().any(|own| same_guard(own, guard)), guard.path.to_string())
            }
            Change::Reservation(taken) => {
                (mine.reservations.iter().any(|own| same_name(own, taken)), taken.path.to_string())
            }
            Change::Grant(grant) => {
                (mine.grants.iter().any(|own| grants(own, grant, &private)), grant.path.to_string())
            }
        };
        if !held {
            return Err(what);
        }
    }
    Ok(())
}

fn sids(directory: &Directory) -> Vec<Sid> {
    directory.security.dacl.aces().iter().map(|ace| ace.sid).collect()
}

fn same_guard(one: &Guard, other: &Guard) -> bool {
    let Guard { path, expect, directory, security, reason: _ } = one;
    (path, expect, directory, security) == (&other.path, &other.expect, &other.directory, &other.security)
}

fn same_name(one: &Reservation, other: &Reservation) -> bool {
    let Reservation { path, kind, security, removal, content, reason: _ } = one;
    (path, kind, security) == (&other.path, &other.kind, &other.security)
        && (removal, content) == (&other.removal, &other.content)
}

fn grants(mine: &Grant, theirs: &Grant, private: &[Sid]) -> bool {
    let is_held = |entry: &Ace| private.contains(&entry.sid) || mine.entries.contains(entry);
    (&mine.path, &mine.expect) == (&theirs.path, &theirs.expect) && theirs.entries.iter().all(is_held)
}

/// What policy, tier and version of garth come to. Each session has a directory of its own, `own`, whose name does not count.
#[must_use]
pub fn likeness(policy: &Policy, tier: Option<Tier>, own: &AbsPath, version: &str) -> String {
    // It is made of texts, numbers and lists of known length, and nothing can keep it from being written.
    let mut bytes = postcard::to_stdvec(policy).unwrap_or_default();
    if let Some(name) = own.file_name().filter(|name| !name.is_empty()) {
        let mut at = 0;
        while at + name.len() <= bytes.len() {
            if bytes[at..at + name.len()].eq_ignore_ascii_case(name) {
                bytes[at..at + name.len()].fill(b'*');
                at += name.len();
            } else {
                at += 1;
            }
        }
    }
    bytes.extend_from_slice(format!("{tier:?} {version}").as_bytes());
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::{Context, Os, Profile};

    fn policy(own: &str, profile: Profile) -> (Policy, AbsPath) {
        let path = |text: &str| AbsPath::windows(text).unwrap();
        let tmp = path(&format!(r"C:\Users\u\AppData\Local\Temp\{own}"));
        let context = Context {
            os: Os::Windows,
            workspace: path(r"C:\w"),
            home: path(r"C:\Users\u"),
            tmp: tmp.clone(),
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: Vec::new(),
        };
        (Policy::builtin(profile, &context), tmp)
    }

    #[test]
    fn sessions_of_one_policy_are_alike_and_others_are_not() {
        let like = |own, profile, tier| {
            let (policy, tmp) = policy(own, profile);
            likeness(&policy, tier, &tmp, "1")
        };
        let one = like("garth-0123", Profile::Workspace, None);
        assert_eq!(one, like("garth-89ab", Profile::Workspace, None));
        assert_ne!(one, like("garth-0123", Profile::Strict, None));
        assert_ne!(one, like("garth-0123", Profile::Workspace, Some(Tier::Restricted)));
    }
}
