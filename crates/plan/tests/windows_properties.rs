//! What holds for every token and every descriptor.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod windows_random;

use garth_plan::windows::inherit::{Child, new_object, repropagated};
use garth_plan::windows::{
    AccessMask, Ace, AceFlags, AceKind, AppContainer, Control, Listed, Membership, ObjectKind,
    SecurityDescriptor, Sid, Token, check, known, reachable,
};
use proptest::prelude::*;
use windows_random::{ace, container, descriptor, kind, mask, restricting, subjects, token};

/// All that a token gets, as one mask.
fn reach(token: &Token, object: &SecurityDescriptor, kind: ObjectKind) -> AccessMask {
    reachable(token, object, kind, false).unwrap()
}

/// The descriptor with one entry in front.
fn preceded(object: &SecurityDescriptor, ace: Ace) -> SecurityDescriptor {
    let mut changed = object.clone();
    if let Listed::Present(acl) = &mut changed.dacl {
        acl.aces.insert(0, ace);
    }
    changed
}

/// The descriptor without denials for its owner: they do not concern a token that is weakened so far that it no longer
/// counts as the owner.
fn without_owner_denials(object: &SecurityDescriptor) -> SecurityDescriptor {
    let mut changed = object.clone();
    if let Listed::Present(acl) = &mut changed.dacl {
        acl.aces.retain(|ace| ace.kind != AceKind::Deny || ace.sid != known::OWNER_RIGHTS);
    }
    changed
}

/// The descriptor with every denial made a grant.
fn granting(object: &SecurityDescriptor) -> SecurityDescriptor {
    let mut changed = object.clone();
    if let Listed::Present(acl) = &mut changed.dacl {
        acl.aces.iter_mut().for_each(|ace| ace.kind = AceKind::Allow);
    }
    changed
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_denial_in_front_never_grants(
        token in token(),
        object in descriptor(),
        kind in kind(),
        sid in 0..14_usize,
        mask in mask(),
    ) {
        // Naming the owner takes the owner's implicit rights away, which is no grant either.
        let denied = preceded(&object, Ace::deny(subjects()[sid], mask));
        prop_assert!(reach(&token, &object, kind).contains(reach(&token, &denied, kind)));
    }

    #[test]
    fn an_inherit_only_entry_changes_nothing(
        token in token(),
        object in descriptor(),
        kind in kind(),
        ace in ace(),
    ) {
        let waiting = ace.flagged(ace.flags | AceFlags::INHERIT_ONLY);
        prop_assert_eq!(reach(&token, &object, kind), reach(&token, &preceded(&object, waiting), kind));
    }

    #[test]
    fn losing_a_group_grants_nothing_where_nothing_is_denied(
        token in token(),
        object in descriptor(),
        kind in kind(),
    ) {
        let object = granting(&object);
        let mut fewer = token.clone();
        fewer.groups.pop();
        prop_assert!(reach(&token, &object, kind).contains(reach(&fewer, &object, kind)));
    }

    #[test]
    fn deny_only_never_grants(token in token(), object in descriptor(), kind in kind()) {
        let object = without_owner_denials(&object);
        let mut weaker = token.clone();
        weaker.groups.iter_mut().for_each(|group| group.membership = Membership::DenyOnly);
        prop_assert!(reach(&token, &object, kind).contains(reach(&weaker, &object, kind)));
    }

    #[test]
    fn the_maximum_is_the_union_of_single_rights(
        token in token(),
        object in descriptor(),
        kind in kind(),
        second in prop::option::of(restricting()),
        write in any::<bool>(),
        container in prop::option::of(container()),
    ) {
        let mut token = token;
        token.privileges.clear();
        token.write_restricted = write && second.is_some();
        token.restricting = second.unwrap_or_default();
        token.app_container = container;
        let maximum = check(&token, &object, kind, AccessMask::MAXIMUM_ALLOWED).unwrap();
        let all = kind.mapping().all;
        let single = all.bits().filter(|bit| check(&token, &object, kind, *bit).unwrap().allowed);
        let union = single.fold(AccessMask::NONE, |sum, bit| sum | bit);
        prop_assert_eq!(maximum.granted & all, union);
        prop_assert_eq!(reach(&token, &object, kind) & all, union);
    }

    #[test]
    fn all_or_nothing_is_what_single_rights_say(
        token in token(),
        object in descriptor(),
        kind in kind(),
        desired in mask(),
    ) {
        let answer = check(&token, &object, kind, desired).unwrap();
        let asked = kind.mapping().map(desired);
        let each = asked.bits().all(|bit| check(&token, &object, kind, bit).unwrap().allowed);
        prop_assert_eq!(answer.allowed, each && !asked.is_empty());
        prop_assert_eq!(answer.granted, if answer.allowed { asked } else { AccessMask::NONE });
        prop_assert!(answer.verdicts.iter().all(|verdict| !verdict.deciders.is_empty()
            && verdict.deciders.iter().all(|decider| decider.grants() == verdict.granted)));
        prop_assert_eq!(answer.why(&object).len(), asked.bits().count());
    }

    #[test]
    fn restricting_never_grants(
        token in token(),
        object in descriptor(),
        kind in kind(),
        second in restricting(),
    ) {
        let object = without_owner_denials(&object);
        let restricted = Token { restricting: second.clone(), ..token.clone() };
        let for_writing = Token { write_restricted: true, ..restricted.clone() };
        let [free, writing, full] =
            [&token, &for_writing, &restricted].map(|token| reach(token, &object, kind));
        prop_assert!(free.contains(writing) && writing.contains(full));
    }

    #[test]
    fn fewer_restricting_sids_grant_less_where_nothing_is_denied(
        token in token(),
        object in descriptor(),
        kind in kind(),
        second in restricting(),
    ) {
        let object = granting(&object);
        let more = Token { restricting: second.clone(), ..token.clone() };
        let fewer = Token { restricting: second[..second.len().div_ceil(2)].to_vec(), ..token };
        prop_assert!(reach(&more, &object, kind).contains(reach(&fewer, &object, kind)));
    }

    #[test]
    fn an_app_container_gets_less_than_its_user(
        token in token(),
        object in descriptor(),
        kind in kind(),
        container in container(),
    ) {
        // The label counts otherwise in an AppContainer, so the user is one for whom labels do not count.
        let mut user = token;
        user.mandatory.no_write_up = false;
        user.integrity = known::MEDIUM;
        let inside = Token { integrity: known::LOW, app_container: Some(container.clone()), ..user.clone() };
        let with = |container| Token { app_container: Some(container), ..inside.clone() };
        let all_packages = with(AppContainer { less_privileged: false, ..container.clone() });
        let fewer = with(AppContainer { less_privileged: true, ..container.clone() });
        let bare = with(AppContainer { capabilities: Vec::new(), ..container });
        let inside_reach = reach(&inside, &object, kind);
        prop_assert!(reach(&user, &object, kind).contains(inside_reach));
        prop_assert!(reach(&all_packages, &object, kind).contains(reach(&fewer, &object, kind)));
        prop_assert!(inside_reach.contains(reach(&bare, &object, kind)));
    }

    #[test]
    fn a_higher_level_takes_nothing_away(
        token in token(),
        object in descriptor(),
        kind in kind(),
        container in prop::option::of(container()),
    ) {
        let levels = [known::UNTRUSTED, known::LOW, known::MEDIUM, known::HIGH, known::SYSTEM_LEVEL];
        let at = |level: &Sid| {
            let token = Token { integrity: *level, app_container: container.clone(), ..token.clone() };
            reach(&token, &object, kind)
        };
        for pair in levels.windows(2) {
            prop_assert!(at(&pair[1]).contains(at(&pair[0])), "{} to {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn bytes_round(object in descriptor()) {
        prop_assert_eq!(SecurityDescriptor::read(&object.to_bytes().unwrap()).unwrap(), object);
    }

    #[test]
    fn texts_round(object in descriptor()) {
        let text = object.to_string();
        prop_assert_eq!(text.parse::<SecurityDescriptor>().unwrap(), object, "{}", text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = SecurityDescriptor::read(&bytes);
        let _ = Sid::read(&bytes);
    }

    #[test]
    fn damaged_bytes_never_panic_and_what_is_read_rounds(
        object in descriptor(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = object.to_bytes().unwrap();
        let place = at.index(bytes.len());
        bytes[place] = value;
        let _ = SecurityDescriptor::read(&bytes[..cut.index(bytes.len())]);
        if let Ok(read) = SecurityDescriptor::read(&bytes) {
            prop_assert_eq!(SecurityDescriptor::read(&read.to_bytes().unwrap()).unwrap(), read);
        }
    }

    #[test]
    fn random_texts_never_panic(
        text in "[OGDS:();ASIDPX0-9éa-f-]{0,
        60}",
        object in descriptor(),
        at in any::<prop::sample::Index>(),
    ) {
        let _ = text.parse::<SecurityDescriptor>();
        let _ = text.parse::<Sid>();
        let mut whole: Vec<char> = object.to_string().chars().collect();
        let place = at.index(whole.len());
        whole.splice(place..=place, text.chars());
        let whole: String = whole.into_iter().collect();
        if let Err(error) = whole.parse::<SecurityDescriptor>() {
            prop_assert!(error.column >= 1 && error.column <= whole.chars().count() + 1);
        }
    }

    #[test]
    fn what_was_inherited_is_inherited_again(parent in descriptor(), container in any::<bool>()) {
        let child = if container { Child::DIRECTORY } else { Child::FILE };
        let creator = Token::ordinary(windows_random::user());
        let made = new_object(Some(&parent), None, &creator, child);
        prop_assert_eq!(&repropagated(&parent, &made, child), &made);
        // Nobody is named that the parent does not name, but for its creator.
        let named = |sid: &Sid| parent.dacl.aces().iter().any(|ace| ace.sid == *sid);
        prop_assert!(made.dacl.aces().iter().all(|ace| named(&ace.sid) || ace.sid == creator.user));
        prop_assert!(made.dacl.aces().iter().all(|ace| ace.flags.contains(AceFlags::INHERITED)));
        let leaf = made.dacl.aces().iter().all(|ace| ace.is_effective());
        prop_assert!(container || leaf, "a file has no entries that wait");
    }

    #[test]
    fn a_protected_list_takes_nothing_from_above(
        parent in descriptor(),
        given in descriptor(),
        container in any::<bool>(),
    ) {
        let child = if container { Child::DIRECTORY } else { Child::FILE };
        let creator = Token::ordinary(windows_random::user());
        let protected = Control::DACL_PROTECTED | Control::SACL_PROTECTED;
        let said = |list| if list == Listed::Absent { Listed::Null } else { list };
        let (dacl, sacl) = (said(given.dacl), said(given.sacl));
        let given = SecurityDescriptor { control: protected, dacl, sacl, ..given };
        let alone = new_object(None, Some(&given), &creator, child);
        let below = new_object(Some(&parent), Some(&given), &creator, child);
        prop_assert_eq!(&below, &alone);
        prop_assert_eq!(&repropagated(&parent, &alone, child), &alone);
    }

    #[test]
    fn taking_an_entry_from_the_parent_takes_it_from_the_child(
        parent in descriptor(),
        ace in ace(),
        container in any::<bool>(),
    ) {
        let child = if container { Child::DIRECTORY } else { Child::FILE };
        let creator = Token::ordinary(windows_random::user());
        let before = new_object(Some(&parent), None, &creator, child);
        let granted = repropagated(&preceded(&parent, ace), &before, child);
        prop_assert_eq!(&repropagated(&parent, &granted, child), &before);
    }
}
