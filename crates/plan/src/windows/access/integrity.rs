//! The mandatory label: what a lower level may not do.
//!
//! Source: MS-DTYP 2.5.3.3, "Mandatory integrity control". For AppContainers a label of medium or below does not count
//! (published in "Windows Security Internals", chapter 7, with the measurement).

use super::Undecidable;
use crate::windows::acl::LabelPolicy;
use crate::windows::descriptor::SecurityDescriptor;
use crate::windows::known;
use crate::windows::rights::{AccessMask, GenericMapping};
use crate::windows::sid::Sid;
use crate::windows::token::{Privilege, Token};

/// What may pass the label.
pub(super) struct Limit {
    /// These rights.
    pub(super) allowed: AccessMask,
    /// The level of the object, for the reason.
    pub(super) reason: Sid,
}

/// The number of a level.
fn level(sid: &Sid) -> Result<u32, Undecidable> {
    let is_level = sid.authority() == known::MEDIUM.authority() && sid.sub_authorities().len() == 1;
    if is_level { Ok(sid.relative_id()) } else { Err(Undecidable::Level) }
}

/// True for a token below medium.
pub(super) fn is_low(token: &Token) -> bool {
    token.integrity.relative_id() < known::MEDIUM.relative_id()
}

pub(super) fn limit(
    token: &Token,
    descriptor: &SecurityDescriptor,
    mapping: &GenericMapping,
) -> Result<Limit, Undecidable> {
    let label = descriptor.label();
    if label.is_some_and(|label| label.check().is_err()) {
        return Err(Undecidable::Level);
    }
    let (object, policy) =
        label.map_or((known::MEDIUM, LabelPolicy::NO_WRITE_UP), |label| (label.sid, label.mask));
    let (subject, height) = (level(&token.integrity)?, level(&object)?);
    let passed_over = token.app_container.is_some() && height <= known::MEDIUM.relative_id();
    let everything = subject >= height || !token.mandatory.no_write_up || passed_over;
    let mut allowed = if everything { AccessMask(u32::MAX) } else { below(policy, mapping) };
    if token.has_enabled(Privilege::Relabel) {
        allowed |= AccessMask::WRITE_OWNER;
    }
    Ok(Limit { allowed, reason: object })
}

/// What a lower level keeps under a policy. Each right belongs to reading, writing or executing, some to several; one
/// that only belongs to what the policy refuses is lost, and what belongs to none of them counts as writing.
fn below(policy: AccessMask, mapping: &GenericMapping) -> AccessMask {
    let writing = mapping.write
        | AccessMask::DELETE
        | AccessMask::WRITE_DAC
        | AccessMask::WRITE_OWNER
        | AccessMask::ACCESS_SYSTEM_SECURITY;
    let reading = mapping.read | AccessMask::READ_CONTROL;
    let executing = mapping.execute.without(mapping.read) | AccessMask::SYNCHRONIZE;
    let classes = [
        (writing, LabelPolicy::NO_WRITE_UP),
        (reading, LabelPolicy::NO_READ_UP),
        (executing, LabelPolicy::NO_EXECUTE_UP),
    ];
    let kept = |refused: bool| {
        let classes = classes.iter().filter(|(_, bit)| policy.intersects(*bit) == refused);
        classes.fold(AccessMask::NONE, |sum, (rights, _)| sum | *rights)
    };
    let base = mapping.read | mapping.execute | AccessMask::SYNCHRONIZE | AccessMask::READ_CONTROL;
    let base = if policy.intersects(LabelPolicy::NO_WRITE_UP) { base } else { base | mapping.all };
    base.without(kept(true).without(kept(false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::rights::ObjectKind;

    #[test]
    fn each_policy_takes_its_class() {
        let file = ObjectKind::File.mapping();
        assert_eq!(below(AccessMask::NONE, file), file.all);
        assert_eq!(below(LabelPolicy::NO_WRITE_UP, file), file.read | file.execute);
        let unreadable = below(LabelPolicy::NO_READ_UP, file);
        assert!(!unreadable.intersects(AccessMask::FILE_READ_DATA | AccessMask::FILE_READ_EA));
        assert!(unreadable.contains(file.write | AccessMask::FILE_EXECUTE | AccessMask::DELETE));
        assert!(!below(LabelPolicy::NO_EXECUTE_UP, file).intersects(AccessMask::FILE_EXECUTE));
        assert_eq!(below(LabelPolicy::ALL, file), AccessMask::NONE);
    }

    #[test]
    fn what_is_no_kind_of_access_counts_as_writing() {
        let file = ObjectKind::File.mapping();
        assert!(!below(LabelPolicy::NO_WRITE_UP, file).intersects(AccessMask::FILE_DELETE_CHILD));
    }
}
