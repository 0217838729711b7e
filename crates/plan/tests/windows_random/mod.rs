//! Random tokens and descriptors, from few SIDs and few rights, so that entries often meet.

use garth_plan::windows::token::{Held, MandatoryPolicy};
use garth_plan::windows::{
    AccessMask, Ace, AceFlags, AceKind, Acl, AppContainer, Control, Group, LabelPolicy, Listed, Membership,
    ObjectKind, Privilege, SecurityDescriptor, Sid, Token, derive, known,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// The SID of the user of [`token`].
pub fn user() -> Sid {
    Sid::new(5, &[21, 1, 2, 3, 1001]).unwrap()
}

fn workspace() -> Sid {
    Sid::new(5, &[21, 9, 8, 7, 6]).unwrap()
}

/// SIDs that entries name.
pub fn subjects() -> Vec<Sid> {
    vec![
        user(),
        workspace(),
        known::EVERYONE,
        known::USERS,
        known::ADMINISTRATORS,
        known::RESTRICTED,
        known::OWNER_RIGHTS,
        known::CREATOR_OWNER,
        known::ALL_APPLICATION_PACKAGES,
        known::ALL_RESTRICTED_APPLICATION_PACKAGES,
        derive::package("garth.workspace"),
        derive::package("garth.other"),
        derive::capability("internetClient"),
        derive::capability("registryRead"),
    ]
}

/// Rights, few or generic.
pub fn mask() -> impl Strategy<Value = AccessMask> {
    let bits = vec![
        0x1,
        0x2,
        0x4,
        0x20,
        0x40,
        0x100,
        0x1_0000,
        0x2_0000,
        0x4_0000,
        0x8_0000,
        0x10_0000,
        0x8000_0000,
        0x4000_0000,
        0x2000_0000,
        0x1000_0000,
    ];
    subsequence(bits, 0..6).prop_map(|bits| AccessMask(bits.iter().fold(0, |sum, bit| sum | bit)))
}

/// An entry of a DACL.
pub fn ace() -> impl Strategy<Value = Ace> {
    let kind = select(vec![AceKind::Allow, AceKind::Allow, AceKind::Deny]);
    (kind, 0_u8..32, mask(), select(subjects())).prop_map(|(kind, flags, mask, sid)| Ace {
        kind,
        flags: AceFlags(flags),
        mask,
        sid,
    })
}

fn dacl() -> impl Strategy<Value = Listed> {
    let present = prop::collection::vec(ace(), 0..7).prop_map(|aces| Listed::Present(Acl::new(aces)));
    prop_oneof![12 => present, 1 => Just(Listed::Null), 1 => Just(Listed::Absent)]
}

fn level() -> impl Strategy<Value = Sid> {
    select(vec![known::UNTRUSTED, known::LOW, known::MEDIUM, known::HIGH])
}

fn sacl() -> impl Strategy<Value = Listed> {
    let label = (0_u32..8, level(), 0_u8..16).prop_map(|(policy, sid, flags)| Ace {
        kind: AceKind::Label,
        flags: AceFlags(flags),
        mask: AccessMask(policy) & LabelPolicy::ALL,
        sid,
    });
    let audit = (mask(), select(subjects())).prop_map(|(mask, sid)| Ace {
        kind: AceKind::Audit,
        flags: AceFlags::SUCCESSFUL_ACCESS,
        mask,
        sid,
    });
    let listed = prop::collection::vec(prop_oneof![label, audit], 0..3);
    prop_oneof![2 => Just(Listed::Absent), 2 => listed.prop_map(|aces| Listed::Present(Acl::new(aces)))]
}

/// A descriptor with an owner; its control bits fit its lists, so that SDDL can say them.
pub fn descriptor() -> impl Strategy<Value = SecurityDescriptor> {
    let owner = select(vec![user(), workspace(), known::SYSTEM, known::ADMINISTRATORS, known::EVERYONE]);
    (owner, dacl(), sacl(), any::<u16>()).prop_map(|(owner, dacl, sacl, bits)| {
        let dacl_bits = if dacl == Listed::Absent { 0 } else { 0x1500 };
        let sacl_bits = if sacl == Listed::Absent { 0 } else { 0x2a00 };
        let control = Control(bits & (dacl_bits | sacl_bits));
        SecurityDescriptor { control, owner: Some(owner), group: Some(known::USERS), dacl, sacl }
    })
}

fn membership() -> impl Strategy<Value = Membership> {
    select(vec![Membership::Enabled, Membership::Enabled, Membership::DenyOnly, Membership::Disabled])
}

/// A token that is neither restricted nor an AppContainer's.
pub fn token() -> impl Strategy<Value = Token> {
    let privileges = subsequence(
        vec![
            Privilege::Backup,
            Privilege::Restore,
            Privilege::TakeOwnership,
            Privilege::Security,
            Privilege::Relabel,
        ],
        0..3,
    );
    let groups = prop::collection::vec((select(subjects()[1..6].to_vec()), membership()), 0..5);
    (groups, privileges, any::<bool>(), any::<bool>(), level(), prop::bool::weighted(0.1)).prop_map(
        |(groups, privileges, enabled, labels, integrity, user_deny_only)| {
            let held = |privilege: &Privilege| Held { privilege: *privilege, enabled };
            let group = |(sid, membership)| Group { membership, ..Group::enabled(sid) };
            Token {
                groups: groups.into_iter().map(group).collect(),
                privileges: privileges.iter().map(held).collect(),
                integrity,
                user_deny_only,
                mandatory: MandatoryPolicy { no_write_up: labels, new_process_min: true },
                ..Token::ordinary(user())
            }
        },
    )
}

/// Restricting SIDs.
pub fn restricting() -> impl Strategy<Value = Vec<Sid>> {
    subsequence(subjects()[..6].to_vec(), 1..4)
}

/// What makes an AppContainer.
pub fn container() -> impl Strategy<Value = AppContainer> {
    let capabilities =
        subsequence(vec![derive::capability("internetClient"), derive::capability("registryRead")], 0..=2);
    (capabilities, any::<bool>()).prop_map(|(capabilities, less_privileged)| AppContainer {
        package: derive::package("garth.workspace"),
        capabilities,
        less_privileged,
    })
}

/// Kinds of objects that differ in their generic rights.
pub fn kind() -> impl Strategy<Value = ObjectKind> {
    select(vec![
        ObjectKind::File,
        ObjectKind::Directory,
        ObjectKind::Key,
        ObjectKind::Process,
        ObjectKind::Mutex,
    ])
}
