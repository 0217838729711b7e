//! Further names of files that are about to be changed.

use super::own::Root;
use super::own::place::is_stage;
use garth_policy::AbsPath;
use garth_undo::{Entry, Kind, Tree};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many names are looked at to find them, at most.
const MOST_LOOKS: usize = 100_000;

/// The names beside these of files with several names, so that what is brought back can be a name of the same file again.
/// The tree is only looked through if there are any; what is not found among its first [`MOST_LOOKS`] names is missing.
pub(super) fn other_names(root: &mut Root, names: &[(AbsPath, Option<Entry>)]) -> BTreeMap<AbsPath, Entry> {
    let mut missing: HashMap<(u64, u64), u64> = HashMap::new();
    let mut own = BTreeSet::new();
    for (path, entry) in names {
        own.insert(path);
        let several = entry.as_ref().filter(|entry| entry.kind == Kind::File && entry.names > 1);
        if let Some(entry) = several {
            let left = missing.entry(entry.object).or_insert(entry.names);
            *left = left.saturating_sub(1);
        }
    }
    missing.retain(|_, left| *left > 0);
    let (mut found, mut looks) = (BTreeMap::new(), 0);
    let mut todo: Vec<AbsPath> = AbsPath::posix("/").into_iter().collect();
    while let Some(directory) = todo.pop().filter(|_| !missing.is_empty()) {
        // What may not be listed hides its names.
        for name in root.names(&directory).unwrap_or_default() {
            looks += 1;
            if looks > MOST_LOOKS || missing.is_empty() {
                return found;
            }
            let Ok(path) = directory.join(&name) else { continue };
            let Some(entry) = root.look(&path).ok().flatten().map(|seen| seen.entry) else { continue };
            if entry.kind == Kind::Directory && !is_stage(&path) {
                todo.push(path);
            } else if entry.kind == Kind::File && entry.names > 1 && !own.contains(&path) {
                let Some(left) = missing.get_mut(&entry.object) else { continue };
                *left -= 1;
                if *left == 0 {
                    missing.remove(&entry.object);
                }
                found.insert(path, entry);
            }
        }
    }
    found
}
