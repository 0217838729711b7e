//! Sessions on a machine of the model, stopped at every place: what is recovered is what was there before.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_world;

use garth_plan::windows::facts::FileId;
use garth_plan::windows::journal::{
    Chosen, Damage, Record, Restored, choose, decode, encode, granted, restored, revoked,
};
use garth_plan::windows::spec::{
    Directory, Grant, Guard, Lifetime, Preparation, Profile, Removal, Reservation,
};
use garth_plan::windows::{AccessMask, Ace, AceFlags, Acl, Listed, SecurityDescriptor, Sid, derive};
use garth_policy::NodeKind;
use proptest::prelude::*;
use std::collections::BTreeSet;
use windows_world::{
    NEVER, Store, Torn, World, clean, dacl, end, initial, never, path, recover, security, start,
};

fn capability(number: u32) -> Sid {
    derive::capability(&format!("garth.{number}"))
}

fn entries(number: u32) -> Vec<Ace> {
    let inherit = AceFlags::OBJECT_INHERIT | AceFlags::CONTAINER_INHERIT;
    let all = vec![
        Ace::allow(capability(0), AccessMask(0x0013_01bf)).flagged(inherit),
        Ace::allow(capability(1), AccessMask::GENERIC_READ),
        Ace::deny(capability(1), AccessMask::FILE_WRITE_DATA),
    ];
    all.into_iter().enumerate().filter(|(at, _)| number >> at & 1 == 1).map(|(_, ace)| ace).collect()
}

const ID: FileId = FileId { volume: 1, file: (0, 1) };

fn grant(name: &str, number: u32, lifetime: Lifetime) -> Grant {
    Grant {
        path: path(name),
        expect: ID,
        directory: true,
        entries: entries(number),
        propagates: true,
        lifetime,
        reason: "test".into(),
    }
}

fn guard(name: &str) -> Guard {
    Guard {
        path: path(name),
        expect: ID,
        directory: false,
        security: security("O:SYG:SYD:PAI(A;;FA;;;SY)(A;;FR;;;BU)"),
        reason: "test".into(),
    }
}

fn preparation() -> impl Strategy<Value = Preparation> {
    let lifetime = prop_oneof![Just(Lifetime::Kept), Just(Lifetime::Session)];
    let grants = prop::collection::vec((0_usize..3, 1_u32..8, lifetime), 0..4);
    (any::<bool>(), any::<bool>(), prop::collection::btree_set(0_usize..3, 0..3), grants, any::<u8>())
        .prop_map(|(profile, reserve, guards, grants, own)| {
            const NAMES: [&str; 3] = ["a", "b", "c"];
            let mut preparation = Preparation::default();
            let name = "garth.test".to_owned();
            let package = derive::package(&name);
            preparation.profile = profile.then(|| Profile { name, package, display: "test".into() });
            preparation.directories = vec![Directory {
                path: path(&format!("own-{own}")),
                security: security("O:SYG:SYD:P(A;;FA;;;SY)"),
                reason: "test".into(),
            }];
            preparation.guards = guards.into_iter().map(|at| guard(NAMES[at])).collect();
            let mut seen = BTreeSet::new();
            preparation.grants = grants
                .into_iter()
                .filter(|(at, ..)| seen.insert(*at))
                .map(|(at, number, lifetime)| grant(NAMES[at], number, lifetime))
                .collect();
            if reserve {
                preparation.reservations = vec![Reservation {
                    path: path(&format!("name-{own}")),
                    kind: NodeKind::File,
                    security: security("O:SYG:SYD:P(A;;FR;;;SY)"),
                    removal: Removal::AtEnd,
                    content: String::new(),
                    reason: "test".into(),
                }];
            }
            preparation
        })
}

/// Two sessions that begin and end one in the other, with one crash at `left`.
fn story(
    one: &Preparation,
    two: &Preparation,
    nested: bool,
    mut left: usize,
    torn: Torn,
) -> (World, Store, bool) {
    let (mut world, mut store) = (initial(), Store::default());
    let left = &mut left;
    let (first, second) = if nested { (2, 1) } else { (1, 2) };
    let whole = start(one, 1, &mut world, &mut store, left, torn)
        && start(two, 2, &mut world, &mut store, left, torn)
        && end(first, &mut world, &mut store, left, torn)
        && end(second, &mut world, &mut store, left, torn)
        && clean(&mut world, &mut store, left, torn);
    (world, store, whole)
}

fn own(number: u8, mut preparation: Preparation) -> Preparation {
    // Directories and placeholders have names that no other session uses.
    for directory in &mut preparation.directories {
        directory.path = path(&format!("own-{number}"));
    }
    for reservation in &mut preparation.reservations {
        reservation.path = path(&format!("name-{number}"));
    }
    preparation
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_crash_at_any_place_leaves_what_can_be_undone(
        one in preparation(), two in preparation(), nested in any::<bool>(),
    ) {
        let (one, two) = (own(1, one), own(2, two));
        let (world, store, whole) = story(&one, &two, nested, NEVER, Torn::Absent);
        prop_assert!(whole && store.sessions.is_empty() && store.kept().is_empty());
        prop_assert_eq!(world, initial());
        for torn in [Torn::Absent, Torn::Cut, Torn::Zeros] {
            for left in 0.. {
                let (mut world, mut store, whole) = story(&one, &two, nested, left, torn);
                if whole {
                    break;
                }
                // A second crash, while the first is being mended.
                for again in [0_u8, 1, 3, 7] {
                    let (mut world, mut store) = (world.clone(), store.clone());
                    let session = store.sessions.keys().next().copied().unwrap_or(0);
                    end(session, &mut world, &mut store, &mut usize::from(again), torn);
                    recover(&mut world, &mut store);
                    prop_assert_eq!(&world, &initial(), "crashed at {} and {} ({:?})", left, again, torn);
                }
                recover(&mut world, &mut store);
                prop_assert_eq!(&world, &initial(), "crashed at {} ({:?})", left, torn);
            }
        }
    }

    #[test]
    fn a_living_session_keeps_what_it_uses(one in preparation(), two in preparation()) {
        let (one, two) = (own(1, one), own(2, two));
        let (mut world, mut store) = (initial(), Store::default());
        prop_assert!(start(&one, 1, &mut world, &mut store, &mut never(), Torn::Absent));
        prop_assert!(start(&two, 2, &mut world, &mut store, &mut never(), Torn::Absent));
        prop_assert!(end(1, &mut world, &mut store, &mut never(), Torn::Absent));
        prop_assert!(clean(&mut world, &mut store, &mut never(), Torn::Absent));
        for grant in &two.grants {
            prop_assert_eq!(granted(&dacl(&world.objects[&grant.path]), &grant.entries), None, "{:?}", grant);
        }
        prop_assert_eq!(two.profile.is_some(), world.profiles.contains("garth.test"));
        recover(&mut world, &mut store);
        prop_assert_eq!(world, initial());
    }

    #[test]
    fn bytes_that_are_not_whole_are_noticed(one in preparation(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let record = Record::of(&one, |path| initial().objects.get(path).cloned(), &[]).unwrap();
        let bytes = encode(&record, 7).unwrap();
        prop_assert_eq!(decode(&bytes), Ok((record.clone(), 7)));
        let at = at.index(bytes.len());
        prop_assert!(decode(&bytes[..at]).is_err());
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(decode(&changed).is_err());
        prop_assert!(decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        let older = encode(&Record::default(), 6).unwrap();
        prop_assert_eq!(choose(&[Some(changed), Some(older.clone())]), Chosen::Record(Record::default(), 6));
        prop_assert_eq!(choose(&[Some(bytes), Some(older)]), Chosen::Record(record, 7));
    }
}

#[test]
fn a_journal_that_was_destroyed_says_so() {
    let zeros = || Some(vec![0; 100]);
    assert_eq!(choose(&[zeros(), zeros()]), Chosen::Damaged(Damage::Zeros));
    assert_eq!(
        choose(&[zeros(), None]),
        Chosen::Nothing,
        "the second file is written before anything is changed"
    );
    assert_eq!(choose(&[None, None]), Chosen::Nothing);
    assert_eq!(decode(&[]), Err(Damage::Empty));
    assert_eq!(decode(b"something else"), Err(Damage::Foreign));
}

#[test]
fn entries_of_others_stay_where_they_are() {
    let list = dacl(&security("D:(D;;FA;;;BG)(A;;FR;;;BU)(A;OICIID;FA;;;BA)"));
    let with = granted(&list, &entries(7)).unwrap();
    assert!(with.is_canonical());
    assert_eq!(with.aces.len(), list.aces.len() + 3);
    assert_eq!(granted(&with, &entries(7)), None);
    assert_eq!(revoked(&with, &entries(7)), Some(list.clone()));
    assert_eq!(revoked(&list, &entries(7)), None);
    // An entry that a child inherited is the parent's.
    let inherited =
        Acl::new(entries(1).iter().map(|ace| ace.flagged(ace.flags | AceFlags::INHERITED)).collect());
    assert_eq!(revoked(&inherited, &entries(1)), None);
}

#[test]
fn what_somebody_else_changed_is_left_alone() {
    let (guard, before) = (security("D:P(A;;FR;;;SY)"), security("D:AI(A;ID;FA;;;SY)"));
    assert_eq!(restored(&before, &guard, &before, &[]), Restored::Nothing);
    assert_eq!(restored(&guard, &guard, &before, &[]), Restored::Write(dacl(&before), false));
    assert_eq!(restored(&security("D:P(A;;FA;;;WD)"), &guard, &before, &[]), Restored::Foreign);
    let held = entries(1);
    let with =
        SecurityDescriptor { dacl: Listed::Present(granted(&dacl(&guard), &held).unwrap()), ..guard.clone() };
    let back = granted(&dacl(&before), &held).unwrap();
    assert_eq!(restored(&with, &guard, &before, &held), Restored::Write(back, false));
}
