//! A machine of the model and a journal, whose changes can be stopped at every place.

#![allow(dead_code, reason = "each test file uses a part of it")]

use garth_plan::windows::journal::{
    Action, Change, Chosen, Record, Restored, choose, encode, granted, restored, revoked,
};
use garth_plan::windows::spec::{Directory, Preparation, Removal, Reservation};
use garth_plan::windows::{Ace, Acl, Control, Listed, SecurityDescriptor, Sid, derive};
use garth_policy::AbsPath;
use std::collections::{BTreeMap, BTreeSet};

/// What can be changed of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub objects: BTreeMap<AbsPath, SecurityDescriptor>,
    pub profiles: BTreeSet<String>,
    /// Names that go with their last handle, and the sessions that have one.
    pub open: BTreeMap<AbsPath, BTreeSet<usize>>,
    /// The null device's list; a restart makes it anew.
    pub null_device: Acl,
    /// Packages that are exempt from the isolation of the loopback.
    pub exempt: BTreeSet<Sid>,
}

pub type Slots = [Option<Vec<u8>>; 2];

/// The files of the journal: the kept record and one per session.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub kept: Slots,
    pub sessions: BTreeMap<usize, Slots>,
    pub number: u64,
}

pub fn path(name: &str) -> AbsPath {
    AbsPath::windows(&format!(r"C:\w\{name}")).unwrap()
}

pub fn security(text: &str) -> SecurityDescriptor {
    text.parse().unwrap()
}

pub fn initial() -> World {
    let plain = security("O:SYG:SYD:AI(A;;FA;;;SY)(A;OICIID;FA;;;BA)");
    let own = security("O:SYG:SYD:PAI(D;;WD;;;WD)(A;;FA;;;SY)");
    let objects = [("a", plain.clone()), ("b", own), ("c", plain)];
    World {
        objects: objects.into_iter().map(|(name, security)| (path(name), security)).collect(),
        profiles: BTreeSet::new(),
        open: BTreeMap::new(),
        null_device: dacl(&security("D:(A;;0x12019f;;;WD)(A;;FA;;;SY)")),
        exempt: BTreeSet::from([derive::package("somebody.else")]),
    }
}

pub fn dacl(security: &SecurityDescriptor) -> Acl {
    security.dacl.acl().unwrap().clone()
}

pub fn set(world: &mut World, path: &AbsPath, dacl: Acl, protected: bool) {
    let object = world.objects.get_mut(path).unwrap();
    object.dacl = Listed::Present(dacl);
    let rest = object.control.0 & !Control::DACL_PROTECTED.0;
    object.control = Control(if protected { rest | Control::DACL_PROTECTED.0 } else { rest });
}

/// What the host does for a change.
pub fn apply(world: &mut World, change: &Change, held: &[Ace]) {
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
        Change::NullDevice(entries) => {
            if let Some(list) = granted(&world.null_device, entries) {
                world.null_device = list;
            }
        }
        Change::Loopback(package) => {
            world.exempt.insert(*package);
        }
    }
}

pub fn undo(world: &mut World, change: &Change, held: &[Ace]) {
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
        Change::NullDevice(entries) => {
            if let Some(list) = revoked(&world.null_device, entries) {
                world.null_device = list;
            }
        }
        Change::Loopback(package) => {
            world.exempt.remove(package);
        }
    }
}

/// What a crash leaves of a file that was being written.
#[derive(Clone, Copy, Debug)]
pub enum Torn {
    Absent,
    Cut,
    Zeros,
}

/// The steps of an action; a crash may come before each. Returns whether it did, counting down.
pub fn carry_out(
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
            if let Change::Reservation(taken) = change {
                hold(world, taken, session);
            }
        }
        Action::Join(taken) => {
            if step() {
                return true;
            }
            assert_eq!(world.objects.get(&taken.path), Some(&taken.security), "what is joined is there");
            hold(world, taken, session);
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

fn hold(world: &mut World, taken: &Reservation, session: usize) {
    if taken.removal == Removal::OnClose {
        world.open.entry(taken.path.clone()).or_default().insert(session);
    }
}

/// The handles of a session are closed: it ends, or was killed.
pub fn close(world: &mut World, session: usize) {
    let World { open, objects, .. } = world;
    open.retain(|path, sessions| {
        sessions.remove(&session);
        if sessions.is_empty() {
            objects.remove(path);
        }
        !sessions.is_empty()
    });
}

pub fn record(slots: &Slots) -> Record {
    match choose(slots) {
        Chosen::Nothing => Record::default(),
        Chosen::Record(record, _) => record,
        Chosen::Damaged(damage) => panic!("a crash alone damages no journal: {damage}"),
    }
}

impl Store {
    pub fn kept(&self) -> Record {
        record(&self.kept)
    }

    pub fn others(&self, session: usize) -> Vec<Record> {
        let others = self.sessions.iter().filter(|(number, _)| **number != session);
        others.map(|(_, slots)| record(slots)).collect()
    }

    pub fn others_and_kept(&self, session: usize) -> Vec<Record> {
        [self.others(session), vec![self.kept()]].concat()
    }
}

/// Carries out actions until they are done or a crash comes. False for a crash.
pub fn all(
    actions: &[Action],
    session: usize,
    world: &mut World,
    store: &mut Store,
    left: &mut usize,
    torn: Torn,
) -> bool {
    !actions.iter().any(|action| carry_out(action, session, world, store, left, torn))
}

pub const NEVER: usize = usize::MAX;

pub fn never() -> usize {
    NEVER
}

pub fn start(
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

pub fn end(session: usize, world: &mut World, store: &mut Store, left: &mut usize, torn: Torn) -> bool {
    close(world, session);
    let Some(slots) = store.sessions.get(&session) else { return true };
    let actions = record(slots).back(&store.others_and_kept(session));
    all(&actions, session, world, store, left, torn)
}

pub fn clean(world: &mut World, store: &mut Store, left: &mut usize, torn: Torn) -> bool {
    let actions = store.kept().cleaned(&store.others(usize::MAX));
    all(&actions, usize::MAX, world, store, left, torn)
}

/// After a reboot: every session is dead.
pub fn recover(world: &mut World, store: &mut Store) {
    for session in store.sessions.keys().copied().collect::<Vec<_>>() {
        assert!(end(session, world, store, &mut never(), Torn::Absent));
    }
    assert!(clean(world, store, &mut never(), Torn::Absent));
    assert!(store.kept().is_empty() && store.sessions.is_empty());
}
