//! What a whole tree has to become to be as another one, or as a list of names was.

use crate::{Change, Entry, Failed, Found, Kind, LONGEST_PATH, MOST_NAMES, Tree};
use garth_policy::AbsPath;
use std::collections::{BTreeMap, BTreeSet};

/// The changes that make `present` what `wanted` says. A name that is not wanted goes, unless `spared` says that nothing is
/// known of it; nothing below a spared directory is looked at.
///
/// # Errors
/// The first look that failed, or a tree beyond the limits.
pub fn compare<T: Tree>(
    present: &mut T,
    wanted: &BTreeMap<AbsPath, Option<Entry>>,
    mut spared: impl FnMut(&AbsPath, bool) -> bool,
) -> Result<Found, Failed<T::Error>> {
    let mut found: BTreeMap<AbsPath, Change> = BTreeMap::new();
    let mut add = |path: &AbsPath, before: Option<Entry>, after: Option<Entry>| {
        if let Some(change) = Change::between(path.clone(), before, after, false) {
            found.insert(path.clone(), change);
        }
    };
    let mut seen = 0;
    let mut todo: Vec<AbsPath> = AbsPath::posix("/").into_iter().collect();
    let (mut met, mut beyond) = (BTreeSet::new(), BTreeSet::new());
    while let Some(directory) = todo.pop() {
        for name in present.names(&directory)? {
            seen += 1;
            if seen > MOST_NAMES {
                return Err(Failed::TooMany);
            }
            let Ok(path) = directory.join(&name) else { continue };
            if path.as_bytes().len() > LONGEST_PATH {
                beyond.insert(directory.clone());
                continue;
            }
            let Some(entry) = present.look(&path)?.map(|seen| seen.entry) else { continue };
            let is_directory = entry.kind == Kind::Directory;
            let known = wanted.get(&path);
            if known.is_none() && spared(&path, is_directory) {
                continue;
            }
            if is_directory {
                todo.push(path.clone());
            }
            met.insert(path.clone());
            add(&path, Some(entry), known.cloned().flatten());
        }
    }
    for (path, entry) in wanted {
        if path.as_bytes() != b"/" && !met.contains(path) {
            // Not met on the walk: absent, or below something spared.
            let before = present.look(path)?.map(|seen| seen.entry);
            add(path, before, entry.clone());
        }
    }
    Ok(Found { changes: found.into_values().collect(), beyond })
}
