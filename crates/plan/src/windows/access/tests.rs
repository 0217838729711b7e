use super::super::acl::{Ace, AceKind, Acl};
use super::super::sid::Sid;
use super::super::token::Group;
use super::*;
use crate::windows::derive;

const USER: Sid = Sid::fixed(5, [21, 1, 2, 3, 1001]);

fn descriptor(text: &str) -> SecurityDescriptor {
    text.parse().unwrap()
}

fn answer(token: &Token, text: &str, desired: AccessMask) -> Answer {
    check(token, &descriptor(text), ObjectKind::File, desired).unwrap()
}

#[test]
fn answers_say_which_entry_decided() {
    let token = Token::ordinary(USER);
    let text = "O:BAD:(A;IO;GA;;;WD)(D;;0x2;;;BU)(A;;FRFW;;;AU)";
    let why = answer(&token, text, AccessMask(0x0001_0007)).why(&descriptor(text));
    assert_eq!(
        why,
        [
            "read data: granted: entry 3 (A;;0x12019f;;;AU) for Authenticated users (S-1-5-11) grants it",
            "write data: refused: entry 2 (D;;DC;;;BU) for Users (S-1-5-32-545) refuses it",
            "append data: granted: entry 3 (A;;0x12019f;;;AU) for Authenticated users (S-1-5-11) grants it",
            "delete: refused: no entry grants it",
        ]
    );
}

#[test]
fn answers_name_the_pass() {
    let package = derive::package("garth.test");
    let mut token = Token::ordinary(USER).in_app_container(package, &[]);
    let text = "O:S-1-5-21-1-2-3-1001D:(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FR;;;AC)";
    let why = |token: &Token, right| answer(token, text, right).why(&descriptor(text)).pop().unwrap();
    assert!(
        why(&token, AccessMask::FILE_WRITE_DATA)
            .ends_with("no entry grants it to the package or a capability")
    );
    assert!(why(&token, AccessMask::FILE_READ_DATA).contains("grants it; entry 2 (A;;FR;;;AC)"));
    token = Token::ordinary(USER);
    token.restricting = vec![known::RESTRICTED];
    assert!(why(&token, AccessMask::FILE_WRITE_DATA).ends_with("no entry grants it to a restricting SID"));
    token = Token { integrity: known::LOW, ..Token::ordinary(USER) };
    assert!(why(&token, AccessMask::DELETE).ends_with("label Medium level (S-1-16-8192) refuses it"));
    assert!(why(&Token::ordinary(USER), AccessMask::WRITE_DAC).ends_with("the token owns the object"));
    assert!(
        why(&Token::ordinary(USER), AccessMask::ACCESS_SYSTEM_SECURITY)
            .ends_with("only SeSecurityPrivilege gives it, which is not enabled")
    );
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let mut token = Token::ordinary(USER);
    token.write_restricted = true;
    let owned = descriptor("O:SYD:");
    let ask = |token: &Token, kind, backup| {
        let request = AccessRequest { desired: AccessMask::GENERIC_READ, backup };
        check(token, &owned, kind, request).unwrap_err()
    };
    assert_eq!(ask(&token, ObjectKind::File, false), Undecidable::EmptyWriteRestriction);
    token.write_restricted = false;
    assert_eq!(ask(&token, ObjectKind::Key, true), Undecidable::Backup);
    assert_eq!(reachable(&token, &owned, ObjectKind::Key, true), Err(Undecidable::Backup));
    let unowned = descriptor("D:(A;;GA;;;WD)");
    assert_eq!(reachable(&token, &unowned, ObjectKind::File, false), Err(Undecidable::Owner));
    token.integrity = known::SYSTEM;
    assert_eq!(ask(&token, ObjectKind::File, false), Undecidable::Level);
    token.integrity = known::MEDIUM;
    for (kind, mask, expected) in
        [(AceKind::Label, 1, Undecidable::Entry), (AceKind::Audit, 1, Undecidable::Entry)]
    {
        let mut odd = owned.clone();
        let entry = Ace { kind, mask: AccessMask(mask), ..Ace::allow(known::LOW, AccessMask::NONE) };
        odd.dacl = Listed::Present(Acl::new(vec![entry]));
        assert_eq!(reachable(&token, &odd, ObjectKind::File, false), Err(expected));
        odd.sacl = core::mem::take(&mut odd.dacl);
        assert!(reachable(&token, &odd, ObjectKind::File, false).is_ok());
    }
    let mut odd = owned.clone();
    let label = Ace { kind: AceKind::Label, ..Ace::allow(known::LOW, AccessMask(8)) };
    odd.sacl = Listed::Present(Acl::new(vec![label]));
    assert_eq!(reachable(&token, &odd, ObjectKind::File, false), Err(Undecidable::Level));
    for package in [known::EVERYONE, known::PACKAGES, known::ALL_APPLICATION_PACKAGES] {
        let token = Token::ordinary(USER).in_app_container(package, &[]);
        assert_eq!(ask(&token, ObjectKind::File, false), Undecidable::Package);
    }
}

#[test]
fn a_directory_gives_rights_on_what_lies_in_it() {
    let token = Token::ordinary(USER);
    let reach = |parent, file| {
        reachable_file(&token, &descriptor(parent), &descriptor(file), ObjectKind::File).unwrap()
    };
    assert_eq!(reach("O:SYD:", "O:SYD:"), AccessMask::NONE);
    assert_eq!(reach("O:SYD:(A;;DT;;;BU)", "O:SYD:"), AccessMask::DELETE);
    assert_eq!(reach("O:SYD:(A;;0x1;;;BU)", "O:SYD:"), AccessMask::FILE_READ_ATTRIBUTES);
}

#[test]
fn a_group_that_is_disabled_counts_for_nothing() {
    let mut token = Token::ordinary(USER);
    let membership = crate::windows::token::Membership::Disabled;
    token.groups.push(Group { membership, ..Group::enabled(known::ADMINISTRATORS) });
    assert!(!answer(&token, "O:SYD:(A;;FA;;;BA)", AccessMask::GENERIC_READ).allowed);
    assert!(answer(&token, "O:SYD:(D;;FA;;;BA)(A;;FA;;;WD)", AccessMask::GENERIC_READ).allowed);
}
