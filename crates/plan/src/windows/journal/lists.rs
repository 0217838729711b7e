//! What a change does to a DACL, and what takes it back.

use crate::windows::acl::{Ace, AceFlags, AceKind, Acl};
use crate::windows::descriptor::{Control, Listed, SecurityDescriptor};
use crate::windows::rights::ObjectKind;

/// Whether two entries do the same. The system may have replaced generic rights by what they mean.
fn same(one: &Ace, other: &Ace) -> bool {
    let mapped = |ace: &Ace| ObjectKind::File.mapping().map(ace.mask);
    one.kind == other.kind && one.flags == other.flags && one.sid == other.sid && mapped(one) == mapped(other)
}

fn is_explicit(ace: &Ace) -> bool {
    !ace.flags.contains(AceFlags::INHERITED)
}

/// A list with these entries added: explicit denials first, then what else is explicit, then what is inherited. What is
/// there already is not added again; `None` if all is there.
#[must_use]
pub fn granted(current: &Acl, entries: &[Ace]) -> Option<Acl> {
    let mut aces = current.aces.clone();
    let mut changed = false;
    for entry in entries {
        if aces.iter().any(|ace| same(ace, entry)) {
            continue;
        }
        changed = true;
        let place = if entry.kind == AceKind::Deny {
            0
        } else {
            aces.iter().position(|ace| !is_explicit(ace) || ace.kind == AceKind::Allow).unwrap_or(aces.len())
        };
        aces.insert(place, *entry);
    }
    changed.then(|| Acl::new(aces))
}

/// A list without these entries; `None` if none is there.
#[must_use]
pub fn revoked(current: &Acl, entries: &[Ace]) -> Option<Acl> {
    let ours = |ace: &Ace| is_explicit(ace) && entries.iter().any(|entry| same(ace, entry));
    let left: Vec<Ace> = current.aces.iter().copied().filter(|ace| !ours(ace)).collect();
    (left.len() < current.aces.len()).then(|| Acl::new(left))
}

/// What is to be done about an object that had another DACL meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It has its own DACL.
    Nothing,
    /// Write this DACL; the flag says whether it is protected from inheritance.
    Write(Acl, bool),
    /// Somebody else has changed it since: what is there is nobody's to take away.
    Foreign,
}

/// How an object gets its DACL back. `held` are entries of it that others of garth's sessions have put there and still use.
#[must_use]
pub fn restored(
    current: &SecurityDescriptor,
    guard: &SecurityDescriptor,
    before: &SecurityDescriptor,
    held: &[Ace],
) -> Restored {
    let found = protection(current, held);
    if found == protection(before, held) {
        return Restored::Nothing;
    }
    if found != protection(guard, held) {
        return Restored::Foreign;
    }
    match &before.dacl {
        Listed::Present(dacl) => {
            let dacl = granted(dacl, held).unwrap_or_else(|| dacl.clone());
            Restored::Write(dacl, before.control.contains(Control::DACL_PROTECTED))
        }
        // A guard is never set on an object without protection, so this is not our work.
        Listed::Absent | Listed::Null => Restored::Foreign,
    }
}

/// What of a descriptor decides: explicit entries, and whether inherited ones may come. The inherited ones follow the
/// parent, which may have changed meanwhile.
fn protection(descriptor: &SecurityDescriptor, held: &[Ace]) -> (bool, Option<Vec<Ace>>) {
    let counts = |ace: &&Ace| is_explicit(ace) && !held.iter().any(|one| same(one, ace));
    let explicit = |acl: &Acl| {
        let mapped = acl
            .aces
            .iter()
            .filter(counts)
            .map(|ace| Ace { mask: ObjectKind::File.mapping().map(ace.mask), ..*ace });
        mapped.collect()
    };
    (descriptor.control.contains(Control::DACL_PROTECTED), descriptor.dacl.acl().map(explicit))
}
