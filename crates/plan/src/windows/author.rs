//! Who besides its author can change a file that garth trusts, or read one that it keeps to itself.

use super::{
    AccessMask, Ace, AceFlags, AceKind, Acl, Control, Listed, ObjectKind, SecurityDescriptor, Sid, known,
};

/// What changes the content of a file, or who may change it.
const CHANGES: AccessMask = AccessMask::FILE_WRITE_DATA
    .with(AccessMask::FILE_APPEND_DATA)
    // Of a directory: what lies in it can be replaced. Of a file it means nothing.
    .with(AccessMask::FILE_DELETE_CHILD)
    .with(AccessMask::DELETE)
    .with(AccessMask::WRITE_DAC)
    .with(AccessMask::WRITE_OWNER);

/// `FILE_ALL_ACCESS` (winnt.h).
const ALL: AccessMask = AccessMask(0x001f_01ff);

/// What shows the content of a file or directory.
const SHOWS: AccessMask = CHANGES.with(AccessMask::FILE_READ_DATA);

/// Why a file is not its author's alone: another owner, or an entry that lets somebody else change it. `None` if nobody
/// else can. The system and administrators always may; `user` is left out for files that they alone may write.
/// Entries that deny do not count: what they leave depends on the token of whoever comes.
#[must_use]
pub fn stranger(descriptor: &SecurityDescriptor, user: Option<Sid>) -> Option<String> {
    other(descriptor, user, CHANGES, "can change it")
}

/// The same for a file or directory that nobody else may look into either.
#[must_use]
pub fn onlooker(descriptor: &SecurityDescriptor, user: Sid) -> Option<String> {
    other(descriptor, Some(user), SHOWS, "can look into it")
}

/// The descriptor of a file or directory that is this user's and the system's alone; what is made in such a directory is too.
/// No package is among them: in a container a user's own permissions count for nothing without those of the package.
#[must_use]
pub fn private(user: Sid, directory: bool) -> SecurityDescriptor {
    let entry = |sid| {
        let entry = Ace::allow(sid, ALL);
        if directory { entry.flagged(AceFlags::OBJECT_INHERIT | AceFlags::CONTAINER_INHERIT) } else { entry }
    };
    SecurityDescriptor {
        control: Control::DACL_PROTECTED,
        owner: Some(user),
        group: Some(user),
        dacl: Listed::Present(Acl { aces: vec![entry(user), entry(known::SYSTEM)] }),
        sacl: Listed::Absent,
    }
}

fn other(
    descriptor: &SecurityDescriptor,
    user: Option<Sid>,
    rights: AccessMask,
    what: &str,
) -> Option<String> {
    let is_author = |sid: Sid| [known::SYSTEM, known::ADMINISTRATORS].contains(&sid) || user == Some(sid);
    match descriptor.owner {
        Some(owner) if is_author(owner) => {}
        Some(owner) => return Some(format!("it belongs to {}", known::described(&owner))),
        None => return Some("it has no owner".into()),
    }
    let Some(list) = descriptor.dacl.acl() else { return Some(format!("everybody {what}")) };
    let mapping = ObjectKind::File.mapping();
    let other = list.aces.iter().find(|ace| {
        ace.kind == AceKind::Allow
            && ace.is_effective()
            && mapping.map(ace.mask).intersects(rights)
            // These are the owner's, who was looked at above.
            && ace.sid != known::OWNER_RIGHTS
            && !is_author(ace.sid)
    });
    other.map(|ace| format!("{} {what}", known::described(&ace.sid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_authors_alone() {
        let user: Sid = "S-1-5-21-1-2-3-1001".parse().unwrap();
        let table = [
            (
                "O:S-1-5-21-1-2-3-1001D:(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;BU)",
                None,
            ),
            ("O:BAD:(A;;FA;;;BA)(A;;FRFX;;;WD)", None),
            ("O:BAD:(A;;FA;;;OW)(A;OICIIO;FA;;;CO)", None),
            ("O:BAD:(D;;FW;;;BU)(A;;FA;;;BU)", Some("S-1-5-32-545) can change it")),
            ("O:BAD:(A;;FA;;;SY)(A;;0x4;;;AU)", Some("S-1-5-11) can change it")),
            ("O:BAD:(A;;GW;;;WD)", Some("S-1-1-0) can change it")),
            ("O:BAD:(A;;WO;;;WD)", Some("S-1-1-0) can change it")),
            ("O:S-1-5-21-1-2-3-1002D:(A;;FA;;;SY)", Some("it belongs to S-1-5-21-1-2-3-1002")),
            ("O:BAD:NO_ACCESS_CONTROL", Some("everybody can change it")),
            ("O:BA", Some("everybody can change it")),
            ("D:(A;;FA;;;SY)", Some("it has no owner")),
        ];
        for (text, expected) in table {
            let found = stranger(&text.parse().unwrap(), Some(user));
            assert!(found.as_deref().is_some() == expected.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().ends_with(expected.unwrap_or_default()), "{text}");
        }
        // What only administrators may write is not the user's.
        let own: SecurityDescriptor = "O:S-1-5-21-1-2-3-1001D:(A;;FA;;;SY)".parse().unwrap();
        assert!(stranger(&own, None).is_some_and(|why| why.contains("it belongs to")));
        assert_eq!(stranger(&own, Some(user)), None);
    }

    #[test]
    fn what_is_private_is_shown_to_nobody() {
        let user: Sid = "S-1-5-21-1-2-3-1001".parse().unwrap();
        for directory in [false, true] {
            let private = private(user, directory);
            assert_eq!(onlooker(&private, user), None);
            assert_eq!(SecurityDescriptor::read(&private.to_bytes().unwrap()).unwrap(), private);
        }
        let of = |text: &str| onlooker(&text.parse().unwrap(), user);
        assert_eq!(of("O:BAD:(A;;FA;;;BA)(A;;FA;;;S-1-5-21-1-2-3-1001)"), None);
        for text in [
            "(A;;FR;;;BU)",
            "(A;;GR;;;WD)",
            "(A;;FX;;;S-1-15-2-1)(A;;FR;;;S-1-15-2-1)",
            "(A;;0x1;;;S-1-15-3-1024-7)",
        ] {
            let found = of(&format!("O:BAD:(A;;FA;;;SY){text}"));
            assert!(found.is_some_and(|why| why.ends_with("can look into it")), "{text}");
        }
    }
}
