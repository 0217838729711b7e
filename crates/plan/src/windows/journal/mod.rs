//! What garth changes on a Windows machine, written down before it is changed, so that it can be undone whatever happens.
//!
//! A session has a record of its own; what stays for later sessions stands in a further one, the kept record. Each record is
//! saved whole before the first of its changes is made. To undo is to look at the machine and take away what is
//! there: so it may be done twice, and of a record whose changes were made in part or not at all. A change that
//! several records hold is undone with the last of them.
//!
//! The lists of actions here are carried out by the host, one after the other; a test stops them at every place.

mod form;
mod holder;
mod lists;
pub mod sharing;

pub use form::{Chosen, Damage, SLOTS, choose, decode, encode};
pub use holder::{Holder, LONGEST as LONGEST_HOLDER, Shared};
pub use lists::{Restored, granted, restored, revoked};

use super::acl::Ace;
use super::descriptor::{Listed, SecurityDescriptor};
use super::facts::sddl_text;
use super::sid::Sid;
use super::spec::{Directory, Grant, Guard, Lifetime, Preparation, Profile, Removal, Reservation};
use garth_policy::AbsPath;
use serde::{Deserialize, Serialize};

/// One change to the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A container's profile.
    Profile(Profile),
    /// A directory of the sandbox's own.
    Directory(Directory),
    /// An object with another DACL.
    Guard {
        /// The object and its DACL meanwhile.
        guard: Guard,
        /// Its descriptor before; the DACL of it comes back.
        #[serde(with = "sddl_text")]
        before: SecurityDescriptor,
    },
    /// Entries of a DACL.
    Grant(Grant),
    /// A name that is taken.
    Reservation(Reservation),
    /// Entries of the null device's list, by `garth-setup`.
    NullDevice(Vec<Ace>),
    /// A package's exemption from the isolation of the loopback, by `garth-setup`.
    Loopback(Sid),
}

/// Which change of two records is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'c> {
    /// The profile of this name.
    Profile(&'c str),
    /// The directory at this path.
    Directory(&'c AbsPath),
    /// The guard of this object.
    Guard(&'c AbsPath),
    /// Entries of this object. Two records may hold different entries of one object; see `Change::without`.
    Grant(&'c AbsPath),
    /// The placeholder at this path.
    Reservation(&'c AbsPath),
    /// The null device's list, of which records may hold different entries.
    NullDevice,
    /// The exemption of this package.
    Loopback(&'c Sid),
}

impl Change {
    fn key(&self) -> Key<'_> {
        match self {
            Self::Profile(profile) => Key::Profile(&profile.name),
            Self::Directory(directory) => Key::Directory(&directory.path),
            Self::Guard { guard, .. } => Key::Guard(&guard.path),
            Self::Grant(grant) => Key::Grant(&grant.path),
            Self::Reservation(reservation) => Key::Reservation(&reservation.path),
            Self::NullDevice(_) => Key::NullDevice,
            Self::Loopback(package) => Key::Loopback(package),
        }
    }

    /// The change without what another one holds too; `None` if nothing is left of it.
    fn without(&self, other: &Self) -> Option<Self> {
        if self.key() != other.key() {
            return Some(self.clone());
        }
        let lacking = |mine: &[Ace], theirs: &[Ace]| {
            let entries: Vec<_> = mine.iter().copied().filter(|entry| !theirs.contains(entry)).collect();
            (!entries.is_empty()).then_some(entries)
        };
        match (self, other) {
            (Self::Grant(mine), Self::Grant(theirs)) => lacking(&mine.entries, &theirs.entries)
                .map(|entries| Self::Grant(Grant { entries, ..mine.clone() })),
            (Self::NullDevice(mine), Self::NullDevice(theirs)) => lacking(mine, theirs).map(Self::NullDevice),
            _ => None,
        }
    }

    /// Whether it stays for later sessions.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Profile(_) | Self::NullDevice(_) | Self::Loopback(_) => true,
            Self::Grant(grant) => grant.lifetime == Lifetime::Kept,
            Self::Directory(_) | Self::Guard { .. } | Self::Reservation(_) => false,
        }
    }
}

/// What was, or is about to be, changed; in the order in which it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The changes.
    pub changes: Vec<Change>,
}

/// One action of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Save this as the kept record.
    Keep(Record),
    /// Save this as the session's record.
    Save(Record),
    /// Make the change, if it is not there already. The entries are those that other records hold of the object.
    Apply(Change, Vec<Ace>),
    /// Hold a name that another living session has taken, as the same object: it goes with the last of them.
    Join(Reservation),
    /// Take the change back, as far as it is there. The entries are those that other records hold of the object.
    Undo(Change, Vec<Ace>),
    /// Remove the session's record.
    Forget,
}

impl Record {
    /// What a preparation changes. `before` tells the descriptor that an object has now; `others` are all other records.
    ///
    /// # Errors
    /// The path of an object whose descriptor is not known.
    pub fn of<'p>(
        preparation: &'p Preparation,
        before: impl Fn(&AbsPath) -> Option<SecurityDescriptor>,
        others: &[Self],
    ) -> Result<Self, &'p AbsPath> {
        let mut changes: Vec<Change> = preparation.profile.iter().cloned().map(Change::Profile).collect();
        changes.extend(preparation.directories.iter().cloned().map(Change::Directory));
        for guard in &preparation.guards {
            let found = before(&guard.path).ok_or(&guard.path)?;
            changes.push(Change::Guard { guard: guard.clone(), before: before_all(guard, found, others) });
        }
        changes.extend(preparation.grants.iter().cloned().map(Change::Grant));
        // What goes with its handle goes without a record, even when the machine loses its power: it is then a name that is
        // taken by an empty file, so it is written down all the same.
        changes.extend(preparation.reservations.iter().cloned().map(Change::Reservation));
        Ok(Self { changes })
    }

    /// Records and changes, in order: nothing is changed that is not written down. `kept` is the kept record, `sessions`
    /// are those of other sessions.
    #[must_use]
    pub fn forward(&self, kept: &Self, sessions: &[Self]) -> Vec<Action> {
        let mut actions = Vec::new();
        let more: Vec<Change> = self
            .changes
            .iter()
            .filter(|change| change.is_kept())
            .flat_map(|change| kept.lacks(change))
            .collect();
        if !more.is_empty() {
            let changes = kept.changes.iter().cloned().chain(more).collect();
            actions.push(Action::Keep(Self { changes }));
        }
        actions.push(Action::Save(self.clone()));
        actions.extend(self.changes.iter().map(|change| {
            if let Change::Reservation(taken) = change
                && remaining(change, sessions).is_none()
            {
                return Action::Join(taken.clone());
            }
            let mut held = held(change, sessions);
            held.extend(self::held(change, core::slice::from_ref(kept)));
            Action::Apply(change.clone(), held)
        }));
        actions
    }

    /// The way back at the end of a session, or after it was killed. `others` are all other records, the kept one among
    /// them.
    #[must_use]
    pub fn back(&self, others: &[Self]) -> Vec<Action> {
        let mut actions = undone(self.alone(others), others);
        actions.push(Action::Forget);
        actions
    }

    /// The way back when a change that should stay could not be made: what is new of this record is taken back, and the
    /// kept record is `kept` again, as it was before. `sessions` are those of others.
    #[must_use]
    pub fn retracted(&self, kept: &Self, sessions: &[Self]) -> Vec<Action> {
        let others = [sessions, core::slice::from_ref(kept)].concat();
        let mut actions = undone(self.alone(&others), &others);
        actions.push(Action::Keep(kept.clone()));
        actions.push(Action::Forget);
        actions
    }

    /// The way back for what was kept. What a living session uses stays.
    #[must_use]
    pub fn cleaned(&self, sessions: &[Self]) -> Vec<Action> {
        let alone = self.alone(sessions);
        let gone = Self { changes: alone.clone() };
        let left = Self { changes: self.alone(core::slice::from_ref(&gone)) };
        let mut actions = undone(alone, sessions);
        actions.push(Action::Keep(left));
        actions
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What no other record holds.
    fn alone(&self, others: &[Self]) -> Vec<Change> {
        self.changes.iter().filter_map(|change| remaining(change, others)).collect()
    }

    /// What of a change this record does not hold yet.
    fn lacks(&self, change: &Change) -> Option<Change> {
        remaining(change, core::slice::from_ref(self))
    }
}

/// Undoes in the reverse order.
fn undone(changes: Vec<Change>, others: &[Record]) -> Vec<Action> {
    let undo = |change: Change| {
        let held = held(&change, others);
        Action::Undo(change, held)
    };
    changes.into_iter().rev().map(undo).collect()
}

/// Entries of a guarded object that other records hold: they outlive the guard, and it does not hide them.
fn held(change: &Change, others: &[Record]) -> Vec<Ace> {
    let Change::Guard { guard, .. } = change else { return Vec::new() };
    others.iter().flat_map(|record| held_by(&guard.path, record)).collect()
}

fn held_by<'r>(path: &AbsPath, record: &'r Record) -> impl Iterator<Item = Ace> + use<'r> {
    let path = path.clone();
    let grants = record.changes.iter().filter_map(move |other| match other {
        Change::Grant(grant) if grant.path == path => Some(&grant.entries),
        _ => None,
    });
    grants.flatten().copied()
}

fn remaining(change: &Change, others: &[Record]) -> Option<Change> {
    let mut all = others.iter().flat_map(|record| &record.changes);
    all.try_fold(change.clone(), |left, other| left.without(other))
}

/// The descriptor that an object has without garth. Where another session guards it, what is there now is that session's,
/// and the descriptor from before is in its record. Entries that other records hold go with these, so they must not come
/// back with this one.
fn before_all(guard: &Guard, found: SecurityDescriptor, others: &[Record]) -> SecurityDescriptor {
    let all = || others.iter().flat_map(|record| &record.changes);
    let theirs = all().find_map(|change| match change {
        Change::Guard { guard: other, before } if other.path == guard.path => Some(before.clone()),
        _ => None,
    });
    let mut before = theirs.unwrap_or(found);
    let held: Vec<Ace> = others.iter().flat_map(|record| held_by(&guard.path, record)).collect();
    if let Some(list) = before.dacl.acl().and_then(|list| revoked(list, &held)) {
        before.dacl = Listed::Present(list);
    }
    before
}

/// Whether a placeholder is removed at the end, rather than with its handle.
#[must_use]
pub fn goes_at_end(reservation: &Reservation) -> bool {
    reservation.removal != Removal::OnClose
}
