//! What is not there, found by listing a directory once instead of opening each name in it: every open passes the filters of the
//! system, such as a scanner for viruses, also where nothing is found.

use super::facts::name;
use garth_policy::AbsPath;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Names asked for in one directory from which listing it costs less.
const WORTH_IT: usize = 4;

/// Directories that were listed, for one look at the machine.
#[derive(Debug)]
pub(super) struct Listings {
    /// The names, folded; `None` where they are not known.
    known: HashMap<AbsPath, Option<HashSet<String>>>,
    /// Entries of a directory that are read. What has more is not known, so that looking costs no more in a large directory.
    most: usize,
}

impl Listings {
    /// Lists what is asked for, up to `most` entries of a directory.
    pub(super) fn new(most: usize) -> Self {
        Self { known: HashMap::new(), most }
    }

    /// The same for these paths: where few are asked for in a directory, it is not listed.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p AbsPath>, most: usize) -> Self {
        let mut counts = BTreeMap::<AbsPath, usize>::new();
        paths.filter_map(AbsPath::parent).for_each(|parent| *counts.entry(parent).or_default() += 1);
        let few = counts.into_iter().filter(|(_, count)| *count < WORTH_IT);
        Self { known: few.map(|(directory, _)| (directory, None)).collect(), most }
    }

    /// Whether its directory has nothing of this name. False where that is not known: then it has to be opened.
    pub(super) fn lacks(&mut self, path: &AbsPath) -> bool {
        let Some((directory, last)) = path.parent().zip(path.file_name().and_then(plain)) else {
            return false;
        };
        let most = self.most;
        let names = self.known.entry(directory).or_insert_with_key(|directory| list(directory, most));
        names.as_ref().is_some_and(|names| !names.contains(&last))
    }
}

/// A name that shows in a listing if it is there: no short form of another, no stream, nothing that the system changes, and
/// no letters whose cases only the file system knows.
fn plain(name: &[u8]) -> Option<String> {
    let is_other = |byte: &u8| !byte.is_ascii() || matches!(byte, b'~' | b':');
    if name.iter().any(is_other) || name.ends_with(b".") || name.ends_with(b" ") {
        return None;
    }
    String::from_utf8(name.to_ascii_lowercase()).ok()
}

/// The names in a directory, in each form in which an ASCII name could be the same to the system.
fn list(directory: &AbsPath, most: usize) -> Option<HashSet<String>> {
    // A server may hide what this user cannot read.
    if directory.as_bytes().starts_with(br"\\") {
        return None;
    }
    let mut names = HashSet::new();
    for (count, entry) in std::fs::read_dir(name(directory).ok()?).ok()?.enumerate() {
        if count >= most {
            return None;
        }
        let name = entry.ok()?.file_name().into_string().ok()?;
        if !name.is_ascii() {
            names.insert(name.to_uppercase().to_lowercase());
        }
        names.insert(name.to_lowercase());
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_not_there_is_lacking() {
        let kept = tempfile::tempdir().unwrap();
        let directory = AbsPath::windows(kept.path().to_str().unwrap()).unwrap();
        let at = |name: &str| directory.join(name.as_bytes()).unwrap();
        for made in ["Made.TXT", "\u{212a}elvin"] {
            std::fs::write(name(&at(made)).unwrap(), "x").unwrap();
        }
        let mut listings = Listings::new(100);
        for there in ["made.txt", "MADE.txt", "kelvin"] {
            assert!(!listings.lacks(&at(there)), "{there}");
        }
        assert!(listings.lacks(&at("other.txt")));
        for unknown in ["other~1.txt", "öther", "nowhere\\below"] {
            assert!(!listings.lacks(&at(unknown)), "{unknown}");
        }
        // It was read once.
        std::fs::write(name(&at("late.txt")).unwrap(), "x").unwrap();
        assert!(listings.lacks(&at("late.txt")));
        assert!(!Listings::new(100).lacks(&at("late.txt")));
    }

    #[test]
    fn a_large_directory_and_one_that_is_hardly_asked_for_are_not_listed() {
        let kept = tempfile::tempdir().unwrap();
        let directory = AbsPath::windows(kept.path().to_str().unwrap()).unwrap();
        (0..5).for_each(|at| std::fs::write(kept.path().join(at.to_string()), "x").unwrap());
        let asked: Vec<AbsPath> =
            ["a", "b", "c", "d"].map(|name| directory.join(name.as_bytes()).unwrap()).into();
        assert!(Listings::of(asked.iter(), 5).lacks(&asked[0]));
        assert!(!Listings::of(asked.iter(), 4).lacks(&asked[0]));
        assert!(!Listings::of(asked[..3].iter(), 5).lacks(&asked[0]));
    }
}
