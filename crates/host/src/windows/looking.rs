//! Looking at many paths at a time: most of it is waiting, for filters of the system or for the disk.

use super::facts::{Ids, open_and_look};
use super::listing::Listings;
use super::opened::Opened;
use super::sys::desktop;
use garth_plan::windows::facts::PathFact;
use garth_policy::AbsPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::Builder;

/// How many are looked at at a time; with more the system itself is what is waited for.
const AT_A_TIME: usize = 3;
/// Paths from which another thread is worth its start.
const WORTH_IT: usize = 4;

/// Paths that are looked at.
#[derive(Debug)]
struct Looking<'q> {
    /// In their order: a directory comes before what is below.
    paths: Vec<&'q AbsPath>,
    found: Vec<OnceLock<PathFact>>,
    /// What was found before, at other paths.
    before: &'q BTreeMap<AbsPath, PathFact>,
    listings: Mutex<Listings>,
    next: AtomicUsize,
    /// Where objects are kept open, if they are asked for their identity later.
    opened: Option<&'q Opened>,
}

/// What stands at each of these paths. What lies below something that is not there is not looked at, and where many names of one
/// directory are asked for, the directory says which are there, if it has no more entries than `most`.
pub(super) fn all(
    paths: &BTreeSet<AbsPath>,
    before: &BTreeMap<AbsPath, PathFact>,
    most: usize,
    opened: Option<&Opened>,
) -> Vec<(AbsPath, PathFact)> {
    let looking = Looking {
        paths: paths.iter().collect(),
        found: paths.iter().map(|_| OnceLock::new()).collect(),
        before,
        listings: Mutex::new(Listings::of(paths.iter(), most)),
        next: AtomicUsize::new(0),
        opened,
    };
    std::thread::scope(|scope| {
        for _ in 1..AT_A_TIME.min(paths.len() / WORTH_IT + 1) {
            // Without another thread this one looks at them all.
            let _more = Builder::new().name("looking".into()).spawn_scoped(scope, || looking.work());
        }
        if opened.is_some() {
            // A sandbox is to come of it, and these threads are the last for a while.
            desktop::expect_one();
        }
        looking.work();
    });
    let Looking { paths, found, .. } = looking;
    let found = found.into_iter().map(|found| found.into_inner().unwrap_or_else(broken_off));
    paths.into_iter().cloned().zip(found).collect()
}

/// Nothing follows from it.
fn broken_off() -> PathFact {
    PathFact::Unknown("looking at it was broken off".to_owned())
}

/// A place that is filled in the end, whatever happens: others wait for it.
struct Filled<'f>(&'f OnceLock<PathFact>);

impl Drop for Filled<'_> {
    fn drop(&mut self) {
        self.0.get_or_init(broken_off);
    }
}

impl Looking<'_> {
    /// Looks at one after the other, until none is left.
    fn work(&self) {
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((path, found)) = self.paths.get(at).zip(self.found.get(at)) else { return };
            let filled = Filled(found);
            let absent = self.is_below_nothing(at, path) || self.lacks(path);
            filled.0.get_or_init(|| if absent { PathFact::Absent } else { self.look(path) });
        }
    }

    fn look(&self, path: &AbsPath) -> PathFact {
        let ids = if self.opened.is_some() { Ids::Later } else { Ids::Now };
        let (found, node) = open_and_look(path, ids);
        if let (Some(opened), Some(object), Some(node)) = (self.opened, found.object(), node) {
            opened.keep(&object.final_path, node);
        }
        found
    }

    /// Whether the directory of a path is not there. Whoever looks at that one began before, and waits for none that comes later.
    fn is_below_nothing(&self, at: usize, path: &AbsPath) -> bool {
        let Some(parent) = path.parent() else { return false };
        let above = match self.paths.binary_search(&&parent) {
            Ok(earlier) if earlier < at => self.found.get(earlier).map(OnceLock::wait),
            _ => self.before.get(&parent),
        };
        matches!(above, Some(PathFact::Absent))
    }

    fn lacks(&self, path: &AbsPath) -> bool {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner).lacks(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::facts::{look, name};

    /// More than are looked at at a time, each directory before what is in it, and some that are not there.
    #[test]
    fn many_are_found_as_each_would_be() {
        let kept = tempfile::tempdir().unwrap();
        let root = AbsPath::windows(kept.path().to_str().unwrap()).unwrap();
        let mut paths = BTreeSet::from([root.clone()]);
        for number in 0..12 {
            let directory = root.join(format!("d{number}").as_bytes()).unwrap();
            if number % 3 != 0 {
                std::fs::create_dir(name(&directory).unwrap()).unwrap();
                std::fs::write(name(&directory.join(b"x").unwrap()).unwrap(), "x").unwrap();
            }
            paths.extend([b"x", b"y"].map(|below| directory.join(below).unwrap()));
            paths.insert(directory);
        }
        let found = all(&paths, &BTreeMap::new(), 512, None);
        assert!(found.iter().map(|(path, _)| path).eq(&paths));
        for (path, fact) in &found {
            assert_eq!(*fact, look(path), "{path}");
        }
        let present = found.iter().filter(|(_, fact)| fact.object().is_some()).count();
        assert!(present > 8 && present < paths.len() - 8, "{present}");
    }

    #[test]
    fn what_was_found_before_counts() {
        let kept = tempfile::tempdir().unwrap();
        let root = AbsPath::windows(kept.path().to_str().unwrap()).unwrap();
        std::fs::write(kept.path().join("x"), "x").unwrap();
        let paths = BTreeSet::from([root.join(b"x").unwrap()]);
        let before = BTreeMap::from([(root, PathFact::Absent)]);
        assert_eq!(all(&paths, &before, 512, None)[0].1, PathFact::Absent);
        assert!(all(&paths, &BTreeMap::new(), 512, None)[0].1.object().is_some());
    }
}
