//! In which order changes are put in place.

use crate::{Change, Entry, Kind};
use garth_policy::AbsPath;
use std::collections::BTreeSet;

/// One thing to do at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Take away what stands there: an empty directory, or anything that is none.
    Remove,
    /// Make a directory that only its owner can use, for the time being.
    MakeDirectory,
    /// Put a file, link or pipe there, in place of what stands there.
    Put,
    /// Give a directory, or a file whose content stays, its mode, attributes and times.
    Dress,
}

/// A step, with the number of its change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub act: Act,
    /// For which change, by its place in the list.
    pub change: usize,
}

/// The steps for a list of changes in the order of their paths. What goes, goes first, so that nothing is in the way, the
/// deepest name before the directory that holds it; what comes, comes in the order of the paths; directories get their
/// modes at last, because one that is read-only could not be filled.
#[must_use]
pub fn order(changes: &[Change]) -> Vec<Step> {
    let numbered = || changes.iter().enumerate();
    let chosen = |act: Act| numbered().filter(move |(_, change)| acts(change).contains(&Some(act)));
    let step = |act: Act| move |(change, _): (usize, &Change)| Step { act, change };
    let mut steps: Vec<Step> = chosen(Act::Remove).map(step(Act::Remove)).collect();
    steps.reverse();
    steps.extend(chosen(Act::MakeDirectory).map(step(Act::MakeDirectory)));
    steps.extend(chosen(Act::Put).map(step(Act::Put)));
    let mut dressed: Vec<Step> = chosen(Act::Dress).map(step(Act::Dress)).collect();
    dressed.reverse();
    steps.extend(dressed);
    steps
}

/// What is to be done for one change.
fn acts(change: &Change) -> [Option<Act>; 2] {
    let is_directory = |entry: &Entry| entry.kind == Kind::Directory;
    let Some(after) = &change.after else { return [Some(Act::Remove), None] };
    let made = change.before.as_ref().is_none_or(|before| before.kind != after.kind);
    if is_directory(after) {
        return [made.then_some(Act::MakeDirectory), Some(Act::Dress)];
    }
    // A file with other names is not changed in place: the others are not spoken of.
    let alone = change.before.as_ref().is_some_and(|before| before.names == 1);
    let act = if change.same_content && alone { Act::Dress } else { Act::Put };
    [Some(act), None]
}

/// The changes that can be made when these names are left as they are, and those that cannot: a directory that is not made
/// leaves all that is in it, and one that something is left in does not go.
#[must_use]
pub fn without(changes: Vec<Change>, left: &BTreeSet<AbsPath>) -> (Vec<Change>, Vec<Change>) {
    if left.is_empty() {
        return (changes, Vec::new());
    }
    let holding: BTreeSet<AbsPath> = left.iter().flat_map(ancestors).collect();
    changes.into_iter().partition(|change| {
        let goes = change.before.as_ref().is_some_and(|before| before.kind == Kind::Directory)
            && change.after.as_ref().is_none_or(|after| after.kind != Kind::Directory);
        let holds_left = goes && holding.contains(&change.path);
        let is_below_left = ancestors(&change.path).any(|here| left.contains(&here));
        !(left.contains(&change.path) || is_below_left || holds_left)
    })
}

/// The directories that hold a path, the innermost first.
fn ancestors(path: &AbsPath) -> impl Iterator<Item = AbsPath> + use<> {
    std::iter::successors(path.parent(), AbsPath::parent)
}

/// The changes at or below any of these paths, with the directories that these need and that are not there yet. All of
/// them if no path is named.
#[must_use]
pub fn select(changes: Vec<Change>, wanted: &[AbsPath]) -> Vec<Change> {
    if wanted.is_empty() {
        return changes;
    }
    let below = |change: &Change| wanted.iter().any(|path| change.path.starts_with(path));
    let leads = |change: &Change| {
        let made = change.after.as_ref().is_some_and(|entry| entry.kind == Kind::Directory)
            && change.before.as_ref().is_none_or(|entry| entry.kind != Kind::Directory);
        made && wanted.iter().any(|path| path.starts_with(&change.path))
    };
    changes.into_iter().filter(|change| below(change) || leads(change)).collect()
}
