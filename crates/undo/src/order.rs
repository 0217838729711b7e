//! In which order changes are put in place.

use crate::{Change, Entry, Kind};
use garth_policy::AbsPath;
use std::collections::{BTreeSet, HashMap, HashSet};

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
    let (holding, mut below) = (holding(left), Below { left, known: HashMap::new() });
    changes.into_iter().partition(|change| {
        let goes = change.before.as_ref().is_some_and(|before| before.kind == Kind::Directory)
            && change.after.as_ref().is_none_or(|after| after.kind != Kind::Directory);
        let holds_left = goes && holding.contains(&change.path);
        !(holds_left || below.is_left(&change.path))
    })
}

/// The directories that hold any of these, each looked at once: paths can be deep, and there can be many.
fn holding(left: &BTreeSet<AbsPath>) -> HashSet<AbsPath> {
    let mut holding = HashSet::new();
    for path in left {
        let mut next = path.parent();
        while let Some(directory) = next {
            next = directory.parent();
            if !holding.insert(directory) {
                break;
            }
        }
    }
    holding
}

/// Whether names are left, or lie in a directory that is. What was found of a directory is known from then on.
struct Below<'l> {
    left: &'l BTreeSet<AbsPath>,
    known: HashMap<AbsPath, bool>,
}

impl Below<'_> {
    fn is_left(&mut self, path: &AbsPath) -> bool {
        if self.left.contains(path) {
            return true;
        }
        let (mut way, mut next, mut found) = (Vec::new(), path.parent(), false);
        while let Some(directory) = next {
            if let Some(known) = self.known.get(&directory) {
                found = *known;
                break;
            }
            next = directory.parent();
            found = self.left.contains(&directory);
            way.push(directory);
            if found {
                break;
            }
        }
        self.known.extend(way.into_iter().map(|directory| (directory, found)));
        found
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;

    fn path(text: &str) -> AbsPath {
        AbsPath::posix(text.as_bytes()).unwrap()
    }

    fn entry(kind: Kind) -> Entry {
        let time = Time { seconds: 0, nanos: 0 };
        let attributes = std::collections::BTreeMap::new();
        let (target, object) = (Vec::new(), (1, 1));
        Entry {
            kind,
            mode: 0o755,
            owner: 0,
            group: 0,
            size: 0,
            modified: time,
            created: None,
            changed: time,
            object,
            names: 1,
            target,
            attributes,
        }
    }

    fn kept(changes: &[(&str, Option<Kind>, Option<Kind>)], left: &[&str]) -> Vec<String> {
        let change = |(name, before, after): &(&str, Option<Kind>, Option<Kind>)| {
            Change::between(path(name), before.map(entry), after.map(entry), false).unwrap()
        };
        let (kept, dropped) =
            without(changes.iter().map(change).collect(), &left.iter().map(|name| path(name)).collect());
        assert_eq!(kept.len() + dropped.len(), changes.len());
        kept.iter().map(|change| change.path.to_string()).collect()
    }

    #[test]
    fn what_is_left_keeps_what_is_in_it_and_the_directories_that_would_go() {
        let (made, gone) = ((None, Some(Kind::File)), (Some(Kind::Directory), None));
        let changes = [
            ("/a", made.0, made.1),
            ("/b/c/d", made.0, made.1),
            ("/b/x", made.0, made.1),
            ("/g", gone.0, gone.1),
            ("/g/h", gone.0, gone.1),
            ("/g/i", gone.0, gone.1),
        ];
        assert_eq!(kept(&changes, &["/b/c"]), ["/a", "/b/x", "/g", "/g/h", "/g/i"]);
        assert_eq!(kept(&changes, &["/g/h"]), ["/a", "/b/c/d", "/b/x", "/g/i"]);
        assert_eq!(kept(&changes, &["/g/h/no/change", "/b"]), ["/a", "/g/i"]);
    }

    /// Each directory on the way is looked at once, however many names are below it.
    #[test]
    fn many_names_far_down_take_no_longer_than_they_are_many() {
        let deep = "/d".repeat(1500);
        let changes: Vec<Change> = (0..4000)
            .map(|number| {
                Change::between(path(&format!("{deep}/{number}")), None, Some(entry(Kind::File)), false)
                    .unwrap()
            })
            .collect();
        let left = (0..2000).map(|number| path(&format!("{deep}/{number}"))).collect();
        let began = std::time::Instant::now();
        assert_eq!(without(changes, &left).0.len(), 2000);
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}
