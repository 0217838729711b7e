//! The passes over the DACL: for the token's own SIDs, its restricting SIDs, its package.

use super::explain::{Decider, Gate};
use super::integrity;
use crate::windows::acl::{Ace, AceKind, Acl};
use crate::windows::known;
use crate::windows::rights::{AccessMask, GenericMapping};
use crate::windows::sid::Sid;
use crate::windows::token::{AppContainer, Token};

/// Which entry decided about each right in one pass: its place in the list and whether it grants.
#[derive(Clone, Default)]
pub(super) struct Decided {
    by: [Option<(usize, bool)>; 32],
}

impl Decided {
    /// What decided about the right at this place.
    pub(super) fn at(&self, place: u32, gate: Gate) -> Decider {
        match self.by.get(place as usize).copied().flatten() {
            Some((entry, true)) => Decider::Allowed { gate, entry },
            Some((entry, false)) => Decider::Denied { gate, entry },
            None => Decider::Unmentioned { gate },
        }
    }

    /// The first entry that names a right decides about it.
    fn note(&mut self, mask: AccessMask, entry: usize, grants: bool) {
        for (place, by) in self.by.iter_mut().enumerate() {
            if mask.0 >> place & 1 == 1 && by.is_none() {
                *by = Some((entry, grants));
            }
        }
    }
}

/// The pass for restricting SIDs, and the rights that it is asked about.
pub(super) struct Restricting {
    pub(super) decided: Decided,
    pub(super) covers: AccessMask,
}

/// What the passes look at.
pub(super) struct Context<'a> {
    pub(super) token: &'a Token,
    pub(super) is_owner: bool,
    pub(super) acl: &'a Acl,
    pub(super) mapping: &'a GenericMapping,
}

/// True for the two SIDs that stand for many packages.
pub(super) fn is_group_of_packages(sid: &Sid) -> bool {
    matches!(*sid, known::ALL_APPLICATION_PACKAGES | known::ALL_RESTRICTED_APPLICATION_PACKAGES)
}

impl Context<'_> {
    fn entries(&self) -> impl Iterator<Item = (usize, &Ace, AccessMask)> {
        let effective = self.acl.aces.iter().enumerate().filter(|(_, ace)| ace.is_effective());
        effective.map(|(place, ace)| (place, ace, self.mapping.map(ace.mask)))
    }

    /// An entry for owner rights speaks to a token that owns the object, in each pass alike.
    fn speaks_to_owner(&self, sid: &Sid) -> bool {
        self.is_owner && *sid == known::OWNER_RIGHTS
    }

    /// One pass: in order, the first entry that concerns the token decides about each of its rights.
    fn pass(&self, allow: impl Fn(&Sid) -> bool, deny: impl Fn(&Sid) -> bool) -> Decided {
        let mut decided = Decided::default();
        for (place, ace, mask) in self.entries() {
            match ace.kind {
                AceKind::Allow if allow(&ace.sid) => decided.note(mask, place, true),
                AceKind::Deny if deny(&ace.sid) => decided.note(mask, place, false),
                _ => {}
            }
        }
        decided
    }

    /// The token's own SIDs. Allow entries for packages and capabilities speak to the package alone where that is
    /// asked.
    pub(super) fn own(&self) -> Decided {
        let apart = self.token.app_container.is_some() || integrity::is_low(self.token);
        let elsewhere =
            |sid: &Sid| apart && (sid.is_below(&known::PACKAGES) || sid.is_below(&known::CAPABILITIES));
        self.pass(
            |sid| self.speaks_to_owner(sid) || self.token.allows(sid) && !elsewhere(sid),
            |sid| self.speaks_to_owner(sid) || self.token.denies(sid),
        )
    }

    /// The restricting SIDs, which grant and refuse alike.
    ///
    /// Of a write-restricted token it is asked about deleting, writing the DACL, taking ownership, and what the kind
    /// of object counts as writing and not as reading or executing too. Deleting the children of a directory is not
    /// among these: the token may do that wherever the user may.
    pub(super) fn restricting(&self) -> Option<Restricting> {
        if !self.token.is_restricted() {
            return None;
        }
        let among = |sid: &Sid| self.speaks_to_owner(sid) || self.token.restricting.contains(sid);
        let covers = if self.token.write_restricted {
            let mapping = self.mapping;
            mapping.write.without(mapping.read | mapping.execute)
                | AccessMask::DELETE
                | AccessMask::WRITE_DAC
                | AccessMask::WRITE_OWNER
                | AccessMask::ACCESS_SYSTEM_SECURITY
        } else {
            AccessMask(u32::MAX)
        };
        Some(Restricting { decided: self.pass(among, among), covers })
    }

    /// The package and its capabilities. Only allow entries count: one that denies a package refuses nothing.
    ///
    /// A low token that is no AppContainer gets nothing from a list that names a package, unless all packages get it.
    pub(super) fn package(&self) -> Option<Decided> {
        let matches: Box<dyn Fn(&Sid) -> bool> = match &self.token.app_container {
            Some(container) => Box::new(|sid| speaks_to(container, sid)),
            None if integrity::is_low(self.token) && self.names_package() => Box::new(is_group_of_packages),
            None => return None,
        };
        Some(self.pass(matches, |_| false))
    }

    /// True if an entry grants something to one package.
    fn names_package(&self) -> bool {
        self.entries().any(|(_, ace, _)| {
            let one = ace.sid.is_below(&known::PACKAGES) && !is_group_of_packages(&ace.sid);
            ace.kind == AceKind::Allow && one
        })
    }
}

fn speaks_to(container: &AppContainer, sid: &Sid) -> bool {
    match *sid {
        known::ALL_APPLICATION_PACKAGES => !container.less_privileged,
        known::ALL_RESTRICTED_APPLICATION_PACKAGES => true,
        _ => *sid == container.package || container.capabilities.contains(sid),
    }
}
