//! The access check: what a token gets on an object, and which entry, label or privilege decided each right.
//!
//! Source: MS-DTYP 2.5.3 and, for restricting SIDs, AppContainers and the order of the steps, the sources that
//! `docs/windows-model.md` names. The steps: mandatory label, privileges, owner, DACL for the token's own SIDs, for
//! its restricting SIDs, for its package and capabilities. A right is granted if every step that applies lets it pass;
//! this is decided for each right alone, which for an ordered list gives the same as deciding for all at once.

mod explain;
mod integrity;
mod passes;

pub use explain::{Answer, Decider, Gate, Verdict};

use super::acl::ListKind;
use super::descriptor::{Listed, SecurityDescriptor};
use super::known;
use super::rights::{AccessMask, ObjectKind};
use super::sid::Sid;
use super::token::{Privilege, Token};
use core::fmt;
use passes::Decided;

/// Rights that a single file handle can have: all but those that only ask.
const ASKABLE: AccessMask = AccessMask(0x01ff_ffff);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRequest {
    /// The rights, generic ones among them, or `MAXIMUM_ALLOWED`.
    pub desired: AccessMask,
    /// The object is opened for backup or restoring (`FILE_FLAG_BACKUP_SEMANTICS`), so these privileges count.
    pub backup: bool,
}

impl From<AccessMask> for AccessRequest {
    fn from(desired: AccessMask) -> Self {
        Self { desired, backup: false }
    }
}

/// Why there is no answer. The caller must take it for "may be granted" where it has to be refused, and the other way
/// round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecidable {
    /// `WRITE_RESTRICTED` without a restricting SID: what Windows makes of it is not documented.
    EmptyWriteRestriction,
    /// The descriptor names no owner, which every object has; it was read without asking for it.
    Owner,
    /// The DACL holds an entry that is neither a grant nor a denial.
    Entry,
    /// The integrity level of the token or of the label is none, or the label's policy is not understood.
    Level,
    /// An AppContainer whose package SID is none.
    Package,
    /// Backup privileges mean something else for each kind of object, and only files are modelled.
    Backup,
}

impl fmt::Display for Undecidable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::EmptyWriteRestriction => {
                "the token is write-restricted and has no restricting SID; add one, or drop the flag"
            }
            Self::Owner => "the security descriptor names no owner; read it together with the DACL",
            Self::Entry => "the DACL holds an entry that neither grants nor denies",
            Self::Level => "an integrity level is not of the form S-1-16-number, or its policy is unknown",
            Self::Package => "the package SID is not of the form S-1-15-2-numbers",
            Self::Backup => "opening for backup is only modelled for files and directories",
        })
    }
}

impl core::error::Error for Undecidable {}

/// Rights that the privilege to back up gives on a file opened for it ("Privilege constants").
const BACKUP_RIGHTS: AccessMask = AccessMask(0x0112_00a9);
/// Rights that the privilege to restore gives on a file opened for it.
const RESTORE_RIGHTS: AccessMask = AccessMask(0x011f_0116);

fn check_token(token: &Token) -> Result<(), Undecidable> {
    if token.write_restricted && token.restricting.is_empty() {
        return Err(Undecidable::EmptyWriteRestriction);
    }
    let package = token.app_container.as_ref().map(|container| container.package);
    if package.is_some_and(|sid| !sid.is_below(&known::PACKAGES) || passes::is_group_of_packages(&sid)) {
        return Err(Undecidable::Package);
    }
    Ok(())
}

/// Decides what `token` gets on an object with this descriptor.
///
/// # Errors
/// [`Undecidable`], with what has to be known first.
pub fn check(
    token: &Token,
    descriptor: &SecurityDescriptor,
    kind: ObjectKind,
    request: impl Into<AccessRequest>,
) -> Result<Answer, Undecidable> {
    let request = request.into();
    check_token(token)?;
    if request.backup && !matches!(kind, ObjectKind::File | ObjectKind::Directory) {
        return Err(Undecidable::Backup);
    }
    let mapping = kind.mapping();
    let desired = mapping.map(request.desired).without(AccessMask::MAXIMUM_ALLOWED);
    let maximum = request.desired.intersects(AccessMask::MAXIMUM_ALLOWED);
    let case = Case { token, descriptor, kind, backup: request.backup };
    let judged = case.judge()?;
    // A privilege is only used for what is named: asking for the maximum takes what the lists give.
    let by_lists = if maximum { judged.granted(false) & case.meant(&judged) } else { AccessMask::NONE };
    let asked = desired | by_lists;
    let granted = judged.granted(true) & asked;
    let allowed = granted.contains(desired) && !granted.is_empty();
    Ok(Answer {
        kind,
        allowed,
        granted: if allowed { granted } else { AccessMask::NONE },
        verdicts: judged.verdicts(if maximum { asked | mapping.all } else { desired }),
    })
}

/// Everything that the token gets on the object if it asks for one right after the other, with privileges: the most
/// that a process can do with it.
///
/// # Errors
/// As [`check`].
pub fn reachable(
    token: &Token,
    descriptor: &SecurityDescriptor,
    kind: ObjectKind,
    backup: bool,
) -> Result<AccessMask, Undecidable> {
    check_token(token)?;
    if backup && !matches!(kind, ObjectKind::File | ObjectKind::Directory) {
        return Err(Undecidable::Backup);
    }
    let judged = Case { token, descriptor, kind, backup }.judge()?;
    Ok(judged.granted(true) & (kind.mapping().all | AccessMask::ACCESS_SYSTEM_SECURITY))
}

/// Everything that the token gets on a file or directory that lies in a directory, as file systems give it: a directory
/// whose children the token may delete gives deleting, and one that it may list gives reading attributes ("File
/// security and access rights").
///
/// # Errors
/// As [`check`].
pub fn reachable_file(
    token: &Token,
    parent: &SecurityDescriptor,
    file: &SecurityDescriptor,
    kind: ObjectKind,
) -> Result<AccessMask, Undecidable> {
    let mut rights = reachable(token, file, kind, false)?;
    let around = reachable(token, parent, ObjectKind::Directory, false)?;
    if around.intersects(AccessMask::FILE_DELETE_CHILD) {
        rights |= AccessMask::DELETE;
    }
    if around.intersects(AccessMask::FILE_READ_DATA) {
        rights |= AccessMask::FILE_READ_ATTRIBUTES;
    }
    Ok(rights)
}

/// One token, one object.
struct Case<'a> {
    token: &'a Token,
    descriptor: &'a SecurityDescriptor,
    kind: ObjectKind,
    backup: bool,
}

impl Case<'_> {
    /// Rights that a request for the maximum can give: all that the kind of object has, and what entries name.
    fn meant(&self, judged: &Judged) -> AccessMask {
        let mapping = self.kind.mapping();
        match judged.dacl {
            Gate::NoDacl => mapping.all,
            _ => ASKABLE,
        }
    }

    fn judge(&self) -> Result<Judged, Undecidable> {
        let owner = self.descriptor.owner.ok_or(Undecidable::Owner)?;
        let is_owner = self.is_owner(&owner);
        if self.descriptor.dacl.aces().iter().any(|ace| !ListKind::Discretionary.takes(ace.kind)) {
            return Err(Undecidable::Entry);
        }
        let label = integrity::limit(self.token, self.descriptor, self.kind.mapping())?;
        let container = self.token.app_container.is_some();
        let mut judged = Judged {
            label,
            privileges: self.privileges(),
            owner: self.owner_rights(is_owner),
            dacl: Gate::Dacl,
            own: Decided::default(),
            restricting: None,
            package: None,
        };
        let Listed::Present(acl) = &self.descriptor.dacl else {
            // No protection, and so no pass over entries at all; for an AppContainer nothing is granted.
            judged.dacl = if container { Gate::NoDaclInContainer } else { Gate::NoDacl };
            return Ok(judged);
        };
        let context = passes::Context { token: self.token, is_owner, acl, mapping: self.kind.mapping() };
        judged.own = context.own();
        judged.restricting = context.restricting();
        judged.package = context.package();
        Ok(judged)
    }

    /// Whether the token owns the object. A restricted one must have the owner among its restricting SIDs too.
    fn is_owner(&self, owner: &Sid) -> bool {
        let second = !self.token.is_restricted() || self.token.restricting.contains(owner);
        self.token.allows(owner) && second
    }

    /// What owning the object gives without an entry: reading and writing the DACL, unless an entry for owner rights
    /// says otherwise.
    fn owner_rights(&self, is_owner: bool) -> AccessMask {
        let mut entries = self.descriptor.dacl.aces().iter();
        let replaced = entries.any(|ace| ace.is_effective() && ace.sid == known::OWNER_RIGHTS);
        if is_owner && !replaced {
            AccessMask::READ_CONTROL | AccessMask::WRITE_DAC
        } else {
            AccessMask::NONE
        }
    }

    /// What each enabled privilege gives, whatever the lists say.
    fn privileges(&self) -> Vec<(Privilege, AccessMask)> {
        let backup = |rights| if self.backup { rights } else { AccessMask::NONE };
        // The first that gives a right names it; those that come before the label come first.
        let table = [
            (Privilege::Backup, backup(BACKUP_RIGHTS)),
            (Privilege::Restore, backup(RESTORE_RIGHTS)),
            (Privilege::Security, AccessMask::ACCESS_SYSTEM_SECURITY),
            (Privilege::TakeOwnership, AccessMask::WRITE_OWNER),
            (Privilege::Relabel, AccessMask::WRITE_OWNER),
        ];
        table.into_iter().filter(|(privilege, _)| self.token.has_enabled(*privilege)).collect()
    }
}

/// What each step says about each right.
struct Judged {
    label: integrity::Limit,
    privileges: Vec<(Privilege, AccessMask)>,
    owner: AccessMask,
    dacl: Gate,
    own: Decided,
    restricting: Option<passes::Restricting>,
    package: Option<Decided>,
}

impl Judged {
    /// Rights granted by the lists and by owning, and if asked by privileges.
    fn granted(&self, privileges: bool) -> AccessMask {
        AccessMask((0..u32::BITS).fold(0, |sum, place| {
            let (granted, _) = self.verdict_at(place, privileges);
            sum | u32::from(granted) << place
        }))
    }

    fn verdicts(&self, asked: AccessMask) -> Vec<Verdict> {
        let verdict = |right: AccessMask| {
            let (granted, deciders) = self.verdict_at(right.0.trailing_zeros(), true);
            Verdict { right, granted, deciders }
        };
        asked.bits().map(verdict).collect()
    }

    /// Whether the right at this place is granted, and by what. A refusal names the one thing that refused.
    fn verdict_at(&self, place: u32, privileges: bool) -> (bool, Vec<Decider>) {
        let right = AccessMask(1 << place);
        let refused = |decider| (false, vec![decider]);
        let mut deciders = Vec::new();
        let backing = [Privilege::Backup, Privilege::Restore];
        let by_privilege = self.privileges.iter().find(|(_, rights)| privileges && rights.intersects(right));
        // Opening for backup comes before the label is looked at; the other privileges come after.
        let before_label = by_privilege.is_some_and(|(privilege, _)| backing.contains(privilege));
        if !before_label && !self.label.allowed.contains(right) {
            return refused(Decider::Label(self.label.reason));
        }
        if let Some((privilege, _)) = by_privilege {
            deciders.push(Decider::Privilege(*privilege));
        } else if right == AccessMask::ACCESS_SYSTEM_SECURITY {
            return refused(Decider::NoPrivilege(Privilege::Security));
        } else if self.dacl == Gate::NoDacl {
            return (true, vec![Decider::NoDacl]);
        } else if self.owner.contains(right) {
            deciders.push(Decider::Owner);
        } else if self.dacl == Gate::Dacl {
            match self.listed(place) {
                Ok(entries) => deciders.extend(entries),
                Err(decider) => return refused(decider),
            }
        }
        if self.dacl == Gate::NoDaclInContainer {
            return refused(Decider::NoDaclInContainer);
        }
        if let Some(package) = &self.package {
            let decider = package.at(place, Gate::Package);
            if !decider.grants() {
                return refused(decider);
            }
            deciders.push(decider);
        }
        (true, deciders)
    }

    /// What the entries for the token's own and its restricting SIDs say.
    fn listed(&self, place: u32) -> Result<Vec<Decider>, Decider> {
        let own = self.own.at(place, Gate::Dacl);
        if !own.grants() {
            return Err(own);
        }
        let mut deciders = vec![own];
        if let Some(second) = &self.restricting
            && second.covers.contains(AccessMask(1 << place))
        {
            let decider = second.decided.at(place, Gate::Restricting);
            if !decider.grants() {
                return Err(decider);
            }
            deciders.push(decider);
        }
        Ok(deciders)
    }
}

#[cfg(test)]
mod tests;
