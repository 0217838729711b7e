//! Sessions on a machine of the model, stopped at every place: what is recovered is what was there before.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

use garth_plan::windows::facts::FileId;
use garth_plan::windows::journal::{
    Action, Change, Chosen, Damage, Record, Restored, choose, decode, encode, granted, restored, revoked,
};
use garth_plan::windows::spec::{
    Directory, Grant, Guard, Lifetime, Preparation, Profile, Removal, Reservation,
};
use garth_plan::windows::{AccessMask, Ace, AceFlags, Acl, Control, Listed, SecurityDescriptor, Sid, derive};
use garth_policy::{AbsPath, NodeKind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What can be changed of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct World {
    objects: BTreeMap<AbsPath, SecurityDescriptor>,
    profiles: BTreeSet<String>,
}

type Slots = [Option<Vec<u8>>; 2];

/// The files of the journal: the kept record and one per session.
#[derive(Clone, Debug, Default)]
struct Store {
    kept: Slots,
    sessions: BTreeMap<usize, Slots>,
    number: u64,
}

fn path(name: &str) -> AbsPath {
    AbsPath::windows(&format!(r"C:\w\{name}")).unwrap()
}

fn security(text: &str) -> SecurityDescriptor {
    text.parse().unwrap()
}

fn initial() -> World {
    let plain = security("O:SYG:SYD:AI(A;;FA;;;SY)(A;OICIID;FA;;;BA)");
    let own = security("O:SYG:SYD:PAI(D;;WD;;;WD)(A;;FA;;;SY)");
    let objects = [("a", plain.clone()), ("b", own), ("c", plain)];
    World {
        objects: objects.into_iter().map(|(name, security)| (path(name), security)).collect(),
        profiles: BTreeSet::new(),
    }
}

fn dacl(security: &SecurityDescriptor) -> Acl {
    security.dacl.acl().unwrap().clone()
}

fn set(world: &mut World, path: &AbsPath, dacl: Acl, protected: bool) {
    let object = world.objects.get_mut(path).unwrap();
    object.dacl = Listed::Present(dacl);
    let rest = object.control.0 & !Control::DACL_PROTECTED.0;
    object.control = Control(if protected { rest | Control::DACL_PROTECTED.0 } else { rest });
}

/// What the host does for a change.
fn apply(world: &mut World, change: &Change, held: &[Ace]) {
    match change {
        Change::Profile(profile) => {
            world.profiles.insert(profile.name.clone());
        }
        Change::Directory(Directory { path, security, .. })
        | Change::Reservation(Reservation { path, security, .. }) => {
            world.objects.insert(path.clone(), security.clone());
        }
        Change::Guard { guard, .. } => {
            let list = dacl(&guard.security);
            let list = granted(&list, held).unwrap_or(list);
            set(world, &guard.path, list, guard.security.control.contains(Control::DACL_PROTECTED));
        }
        Change::Grant(grant) => {
            let object = &world.objects[&grant.path];
            let protected = object.control.contains(Control::DACL_PROTECTED);
            if let Some(list) = granted(&dacl(object), &grant.entries) {
                set(world, &grant.path, list, protected);
            }
        }
    }
}

fn undo(world: &mut World, change: &Change, held: &[Ace]) {
    match change {
        Change::Profile(profile) => {
            world.profiles.remove(&profile.name);
        }
        Change::Directory(Directory { path, .. }) | Change::Reservation(Reservation { path, .. }) => {
            world.objects.remove(path);
        }
        Change::Guard { guard, before } => {
            match restored(&world.objects[&guard.path], &guard.security, before, held) {
                Restored::Nothing => {}
                Restored::Write(list, protected) => set(world, &guard.path, list, protected),
                Restored::Foreign => {
                    panic!("nobody else changes this world: {:?}", world.objects[&guard.path])
                }
            }
        }
        Change::Grant(grant) => {
            let object = &world.objects[&grant.path];
            let protected = object.control.contains(Control::DACL_PROTECTED);
            if let Some(list) = revoked(&dacl(object), &grant.entries) {
                set(world, &grant.path, list, protected);
            }
        }
    }
}

/// What a crash leaves of a file that was being written.
#[derive(Clone, Copy, Debug)]
enum Torn {
    Absent,
    Cut,
    Zeros,
}

/// The steps of an action; a crash may come before each. Returns whether it did, counting down.
fn carry_out(
    action: &Action,
    session: usize,
    world: &mut World,
    store: &mut Store,
    left: &mut usize,
    torn: Torn,
) -> bool {
    let mut step = || {
        let crashes = *left == 0;
        *left = left.saturating_sub(1);
        crashes
    };
    match action {
        Action::Keep(record) | Action::Save(record) => {
            store.number += 1;
            let bytes = encode(record, store.number).unwrap();
            let kept = matches!(action, Action::Keep(_));
            let slots = if kept { &mut store.kept } else { store.sessions.entry(session).or_default() };
            for slot in slots {
                if step() {
                    match torn {
                        Torn::Absent => {}
                        Torn::Cut => *slot = Some(bytes[..bytes.len() / 2].to_vec()),
                        Torn::Zeros => *slot = Some(vec![0; bytes.len()]),
                    }
                    return true;
                }
                *slot = Some(bytes.clone());
            }
        }
        Action::Apply(change, held) => {
            if step() {
                return true;
            }
            apply(world, change, held);
        }
        Action::Undo(change, held) => {
            if step() {
                return true;
            }
            undo(world, change, held);
        }
        Action::Forget => {
            if let Some(slots) = store.sessions.get_mut(&session) {
                for slot in slots {
                    if step() {
                        return true;
                    }
                    *slot = None;
                }
            }
            store.sessions.remove(&session);
        }
    }
    false
}

fn record(slots: &Slots) -> Record {
    match choose(slots) {
        Chosen::Nothing => Record::default(),
        Chosen::Record(record, _) => record,
        Chosen::Damaged(damage) => panic!("a crash alone damages no journal: {damage}"),
    }
}

impl Store {
    fn kept(&self) -> Record {
        record(&self.kept)
    }

    fn others(&self, session: usize) -> Vec<Record> {
        let others = self.sessions.iter().filter(|(number, _)| **number != session);
        others.map(|(_, slots)| record(slots)).collect()
    }

    fn others_and_kept(&self, session: usize) -> Vec<Record> {
        [self.others(session), vec![self.kept()]].concat()
    }
}

/// Carries out actions until they are done or a crash comes. False for a crash.
fn all(
    actions: &[Action],
    session: usize,
    world: &mut World,
    store: &mut Store,
    left: &mut usize,
    torn: Torn,
) -> bool {
    !actions.iter().any(|action| carry_out(action, session, world, store, left, torn))
}

const NEVER: usize = usize::MAX;

fn never() -> usize {
    NEVER
}

fn start(
    preparation: &Preparation,
    session: usize,
    world: &mut World,
    store: &mut Store,
    left: &mut usize,
    torn: Torn,
) -> bool {
    let (others, kept) = (store.others(session), store.kept());
    let all_others = store.others_and_kept(session);
    let before = |path: &AbsPath| world.objects.get(path).cloned();
    let record = Record::of(preparation, before, &all_others).unwrap();
    all(&record.forward(&kept, &others), session, world, store, left, torn)
}

fn end(session: usize, world: &mut World, store: &mut Store, left: &mut usize, torn: Torn) -> bool {
    let Some(slots) = store.sessions.get(&session) else { return true };
    let actions = record(slots).back(&store.others_and_kept(session));
    all(&actions, session, world, store, left, torn)
}

fn clean(world: &mut World, store: &mut Store, left: &mut usize, torn: Torn) -> bool {
    let actions = store.kept().cleaned(&store.others(usize::MAX));
    all(&actions, usize::MAX, world, store, left, torn)
}

/// After a reboot: every session is dead.
fn recover(world: &mut World, store: &mut Store) {
    for session in store.sessions.keys().copied().collect::<Vec<_>>() {
        assert!(end(session, world, store, &mut never(), Torn::Absent));
    }
    assert!(clean(world, store, &mut never(), Torn::Absent));
    assert!(store.kept().is_empty() && store.sessions.is_empty());
}

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
