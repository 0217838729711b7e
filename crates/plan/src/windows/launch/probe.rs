//! Questions to the system's own access check about a token, whose answers the plan knows.
//!
//! A list of SIDs that reads back as ordered is one kind of evidence. The other is that the kernel heeds it.

use super::Identity;
use crate::windows::acl::{Ace, Acl};
use crate::windows::descriptor::{Control, Listed, SecurityDescriptor};
use crate::windows::known;
use crate::windows::rights::AccessMask;
use crate::windows::sid::Sid;

/// One question, about an object that exists only as a descriptor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The access, in words.
    pub what: String,
    /// The object's protection. The owner is the system, so that the owner's rights play no part.
    pub descriptor: SecurityDescriptor,
    /// What is asked for.
    pub desired: AccessMask,
    /// What the answer has to be.
    pub granted: bool,
}

const READ: AccessMask = AccessMask::FILE_READ_DATA;
const WRITE: AccessMask = AccessMask::FILE_WRITE_DATA;
/// `FILE_ALL_ACCESS`
const FULL: AccessMask = AccessMask(0x001f_01ff);
/// Users are in every token that garth starts from, so access that is granted to them alone shows the second check.
const SUBJECT: Sid = known::AUTHENTICATED_USERS;

fn object(trustees: &[Sid]) -> SecurityDescriptor {
    let aces = trustees.iter().map(|sid| Ace::allow(*sid, FULL)).collect();
    SecurityDescriptor {
        owner: Some(known::SYSTEM),
        group: Some(known::SYSTEM),
        dacl: Listed::Present(Acl::new(aces)),
        sacl: Listed::Absent,
        control: Control::NONE,
    }
}

fn probe(what: impl Into<String>, trustees: &[Sid], desired: AccessMask, granted: bool) -> Probe {
    Probe { what: what.into(), descriptor: object(trustees), desired, granted }
}

/// The questions for an identity. Each refusal has a twin that is granted, so that a check that always refuses, or never
/// does, is noticed.
#[must_use]
pub fn probes(identity: &Identity) -> Vec<Probe> {
    match identity {
        Identity::Container { container, .. } => {
            let packages = known::ALL_APPLICATION_PACKAGES;
            let open = !container.less_privileged;
            let mut found = vec![
                probe("reading what is the user's alone", &[SUBJECT], READ, false),
                probe("reading what is the package's too", &[SUBJECT, container.package], READ, true),
                probe("reading what is all packages' too", &[SUBJECT, packages], READ, open),
            ];
            found.extend(container.capabilities.iter().map(|capability| {
                let what = format!("reading what {} has too", known::described(capability));
                probe(what, &[SUBJECT, *capability], READ, true)
            }));
            found
        }
        Identity::Restricted { restriction, .. } => {
            let mut found = Vec::new();
            if !restriction.restricting.is_empty() {
                let reads = restriction.write_restricted;
                found.push(probe("writing what is the user's alone", &[SUBJECT], WRITE, false));
                found.push(probe("reading what is the user's alone", &[SUBJECT], READ, reads));
            }
            found.extend(restriction.restricting.iter().map(|sid| {
                let what = format!("writing what {} has too", known::described(sid));
                probe(what, &[SUBJECT, *sid], WRITE, true)
            }));
            found.extend(restriction.disable.iter().map(|sid| {
                let what = format!("reading what {} has alone", known::described(sid));
                probe(what, &[*sid], READ, false)
            }));
            found
        }
    }
}
