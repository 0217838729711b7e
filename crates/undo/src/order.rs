//! In which order changes are put in place.

use crate::{Change, Kind};
use garth_policy::AbsPath;

/// One thing to do at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Take away what stands there: an empty directory, or anything that is none.
    Remove,
    /// Make a directory that only its owner can use, for the time being.
    MakeDirectory,
    /// Put a file, link or pipe there, in place of what stands there.
    Put,
    /// Give a directory its mode, attributes and times.
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
    let is_directory =
        |entry: &Option<crate::Entry>| entry.as_ref().is_some_and(|entry| entry.kind == Kind::Directory);
    let numbered = || changes.iter().enumerate();
    let mut steps = Vec::with_capacity(changes.len());
    let mut push = |act, change| steps.push(Step { act, change });
    numbered()
        .rev()
        .filter(|(_, change)| change.after.is_none())
        .for_each(|(number, _)| push(Act::Remove, number));
    for (number, change) in numbered() {
        match &change.after {
            Some(entry) if entry.kind == Kind::Directory => {
                if !is_directory(&change.before) {
                    push(Act::MakeDirectory, number);
                }
            }
            Some(_) => push(Act::Put, number),
            None => {}
        }
    }
    let dressed = numbered().rev().filter(|(_, change)| is_directory(&change.after));
    dressed.for_each(|(number, _)| push(Act::Dress, number));
    steps
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
