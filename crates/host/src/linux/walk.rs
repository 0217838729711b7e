//! Looking at many paths at once.

use super::facts::{kind, leads_to_reader, look, name, object_from, readable};
use garth_plan::facts::Object;
use garth_policy::{AbsPath, NodeKind};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, Stat, openat, readlinkat_raw, statat};
use std::collections::HashSet;
use std::mem::MaybeUninit;

/// Looks at many paths in their order, so that a directory comes before what is in it: what lies below an absent
/// directory needs no look, and below a directory that was reached without a link one call is enough.
#[derive(Debug)]
pub struct Walk<'p> {
    /// All that will be looked at, in order.
    paths: Vec<&'p AbsPath>,
    /// The directories on the way to the last path, the outermost first.
    way: Vec<Step>,
}

/// A name on the way.
#[derive(Debug)]
struct Step {
    path: AbsPath,
    way: Way,
    /// How many names in it were looked for in vain.
    missed: usize,
    /// What is in it, once that was worth reading.
    names: Option<Names>,
}

/// How a directory is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A directory, and no link on the way: its final path is its path.
    Plain,
    /// Something that leads on through a link.
    Linked,
    /// Nothing is there, or nothing that could hold a name.
    Absent,
}

/// So many names of one directory are looked for in vain before it is read.
const PATIENCE: usize = 5;

/// So many names have to be left to be looked for in a directory before it is read: an entry of a directory that is read
/// costs a third of a look, and one like `/etc` has more than a hundred.
const WORTH: usize = 24;

impl<'p> Walk<'p> {
    /// A walk over these paths, which come in their order.
    pub fn new(paths: Vec<&'p AbsPath>) -> Self {
        Self { paths, way: Vec::new() }
    }

    /// As [`look`], for one after the other of the paths.
    pub fn look(&mut self, path: &AbsPath) -> Option<Object> {
        let (object, way) = match path.parent().map_or(Way::Linked, |parent| self.way_to(&parent)) {
            Way::Absent => (None, Way::Absent),
            Way::Plain if self.is_not_listed(path) => (None, Way::Absent),
            Way::Linked => through_links(path),
            Way::Plain => {
                let found = directly(path);
                self.count(path, found.0.is_some());
                found
            }
        };
        self.push(path, way);
        object
    }

    fn push(&mut self, path: &AbsPath, way: Way) {
        self.way.push(Step { path: path.clone(), way, missed: 0, names: None });
    }

    /// How a directory is reached; it is the last step then, unless nothing is there.
    fn way_to(&mut self, directory: &AbsPath) -> Way {
        while self.way.last().is_some_and(|known| !directory.starts_with(&known.path)) {
            self.way.pop();
        }
        match self.way.last() {
            Some(known) if known.path == *directory || known.way != Way::Plain => return known.way,
            _ => {}
        }
        let way = match directory.parent() {
            None => Way::Plain,
            Some(parent) => match self.way_to(&parent) {
                Way::Plain if self.is_not_listed(directory) => Way::Absent,
                Way::Plain => {
                    let way = directly_reached(directory);
                    self.count(directory, way != Way::Absent);
                    way
                }
                way => way,
            },
        };
        self.push(directory, way);
        way
    }

    /// Whether the last step, a plain directory, is known not to hold this name.
    fn is_not_listed(&self, path: &AbsPath) -> bool {
        let names = self.way.last().and_then(|directory| directory.names.as_ref());
        names.zip(path.file_name()).is_some_and(|(names, name)| names.surely_lack(name))
    }

    /// Notes what came of looking for a name in the last step.
    fn count(&mut self, path: &AbsPath, found: bool) {
        let Some(directory) = self.way.last_mut().filter(|_| !found) else { return };
        directory.missed += 1;
        if directory.missed == PATIENCE && is_worth(&self.paths, &directory.path, path) {
            directory.names = Names::of(&directory.path);
        }
    }
}

/// Whether enough names in `directory` come behind this path.
fn is_worth(paths: &[&AbsPath], directory: &AbsPath, path: &AbsPath) -> bool {
    let coming = paths.get(paths.partition_point(|known| *known <= path)..).unwrap_or_default();
    let mut names: Vec<&[u8]> = coming
        .iter()
        .map_while(|path| path.strip_prefix(directory)?.split(|byte| *byte == b'/').next())
        .take(4 * WORTH)
        .collect();
    // They come in their order.
    names.dedup();
    names.len() >= WORTH
}

/// What stands in a small directory.
#[derive(Debug)]
struct Names(HashSet<Vec<u8>>);

impl Names {
    /// Reads a directory; `None` if it is long (looking for single names is faster there, and what garth does must
    /// not take longer in a larger tree), or if it holds names whose case cannot be told by their bytes.
    fn of(directory: &AbsPath) -> Option<Self> {
        const READS: usize = 2;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(CWD, name(directory)?.as_c_str(), flags, Mode::empty()).ok()?;
        let mut buffer = [MaybeUninit::uninit(); 8192];
        let mut names = HashSet::new();
        for _ in 0..READS {
            let mut entries = RawDir::new(&opened, &mut buffer);
            loop {
                let Some(entry) = entries.next() else { return Some(Self(names)) };
                let found = entry.ok()?.file_name().to_bytes().to_ascii_lowercase();
                if !found.is_ascii() {
                    return None;
                }
                names.insert(found);
                if entries.is_buffer_empty() {
                    break;
                }
            }
        }
        None
    }

    /// Whether no name there could be this one, not even on a file system that ignores case or has short names.
    fn surely_lack(&self, name: &[u8]) -> bool {
        name.is_ascii() && !name.contains(&b'~') && !self.0.contains(&name.to_ascii_lowercase())
    }
}

/// How a name in a plain directory leads on.
fn directly_reached(path: &AbsPath) -> Way {
    let stat = name(path).and_then(|name| statat(CWD, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).ok());
    stat.map_or(Way::Absent, |stat| way_through(kind(&stat)))
}

fn way_through(kind: NodeKind) -> Way {
    match kind {
        NodeKind::Directory => Way::Plain,
        NodeKind::Symlink => Way::Linked,
        NodeKind::File | NodeKind::Other => Way::Absent,
    }
}

/// Looks at a name in a plain directory.
fn directly(path: &AbsPath) -> (Option<Object>, Way) {
    let Some(name) = name(path) else { return (None, Way::Absent) };
    let Ok(stat) = statat(CWD, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW) else {
        return (None, Way::Absent);
    };
    let kind = kind(&stat);
    if kind == NodeKind::Symlink {
        return (short_link(path, &stat).or_else(|| look(path)), Way::Linked);
    }
    let readable = readable(&name, &stat);
    (Some(object_from(path.clone(), kind, &stat, readable)), way_through(kind))
}

/// A link in a plain directory to something below that very directory, without further links, as `/bin`; or to the
/// reader's own, as `/dev/stdin`.
fn short_link(path: &AbsPath, stat: &Stat) -> Option<Object> {
    let mut buffer = [MaybeUninit::uninit(); 256];
    let (text, rest) = readlinkat_raw(CWD, name(path)?.as_c_str(), &mut buffer).ok()?;
    if rest.is_empty() {
        return None;
    }
    let link = Some(text.to_vec());
    if leads_to_reader(text) {
        return Some(Object { link, ..object_from(path.clone(), NodeKind::Symlink, stat, false) });
    }
    if text.starts_with(b"/") {
        return None;
    }
    // A link with `..` is no clean path and is looked at in the long way.
    let (directory, target) = (path.parent()?, path.parent()?.join(text).ok()?);
    let mut walk = Walk::new(Vec::new());
    walk.push(&directory, Way::Plain);
    if walk.way_to(&target.parent()?) != Way::Plain {
        return None;
    }
    let name = name(&target)?;
    let stat = statat(CWD, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let final_kind = kind(&stat);
    if final_kind == NodeKind::Symlink {
        return None;
    }
    let object = object_from(target, final_kind, &stat, readable(&name, &stat));
    Some(Object { kind: NodeKind::Symlink, link, ..object })
}

fn through_links(path: &AbsPath) -> (Option<Object>, Way) {
    let object = look(path);
    let way = if object.is_some() { Way::Linked } else { Way::Absent };
    (object, way)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::os::unix::fs::symlink;

    /// Directories, files, links to both, to nothing and to themselves; and names in all of these.
    fn tree(root: &std::path::Path) -> Vec<String> {
        std::fs::create_dir_all(root.join("a/b/c")).unwrap();
        std::fs::write(root.join("a/file"), "x").unwrap();
        std::fs::write(root.join("a/b/c/file"), "x").unwrap();
        symlink("b", root.join("a/link")).unwrap();
        symlink("b/c", root.join("a/longer")).unwrap();
        symlink("link/c", root.join("a/twice")).unwrap();
        symlink("../a/b", root.join("a/up")).unwrap();
        symlink("nowhere", root.join("a/dangling")).unwrap();
        symlink("circle", root.join("a/circle")).unwrap();
        symlink("/proc/self/fd/0", root.join("a/input")).unwrap();
        symlink(root.join("a/b/c/file"), root.join("a/b/far")).unwrap();
        let names = [
            "a",
            "a/b",
            "a/b/c",
            "a/b/far",
            "a/file",
            "a/link",
            "a/longer",
            "a/twice",
            "a/up",
            "a/dangling",
            "a/circle",
            "a/input",
            "none",
            "a/none",
            "a/NONE",
            "a/~none",
        ];
        let below = ["", "/c", "/c/file", "/c/none", "/file", "/b", "/b/c/file", "/none/none"];
        names.iter().flat_map(|name| below.iter().map(move |below| format!("{name}{below}"))).collect()
    }

    #[test]
    fn a_walk_sees_what_single_looks_see() {
        let directory = tempfile::tempdir().unwrap();
        let at =
            |name: &str| AbsPath::posix(directory.path().join(name).as_os_str().as_encoded_bytes()).unwrap();
        let paths: BTreeSet<AbsPath> = tree(directory.path()).iter().map(|name| at(name)).collect();
        let mut walk = Walk::new(paths.iter().collect());
        let mut present = 0;
        for path in &paths {
            let expected = look(path);
            present += usize::from(expected.is_some());
            assert_eq!(walk.look(path), expected, "{path}");
        }
        assert!(present > 15, "{present}");
    }

    #[test]
    fn many_names_of_one_directory_are_found_by_reading_it() {
        let directory = tempfile::tempdir().unwrap();
        let at =
            |name: &str| AbsPath::posix(directory.path().join(name).as_os_str().as_encoded_bytes()).unwrap();
        for number in (0..40).step_by(2) {
            std::fs::write(directory.path().join(format!("Name-{number:02}")), "").unwrap();
        }
        let is_read = |numbers: usize| {
            let paths: BTreeSet<_> = (0..numbers).map(|number| at(&format!("Name-{number:02}"))).collect();
            let mut walk = Walk::new(paths.iter().collect());
            for (number, path) in paths.iter().enumerate() {
                // Every second one is there, so the last that is missed in patience has twice as many before it.
                assert_eq!(walk.look(path).is_some(), number % 2 == 0 && number < 40, "{number}");
            }
            walk.way.iter().any(|step| step.names.is_some())
        };
        assert!(is_read(2 * PATIENCE + WORTH));
        // As many looks take less than reading it.
        assert!(!is_read(2 * PATIENCE + WORTH - 1));
        // As on a file system that ignores case, or one with other letters: nothing is said without a look.
        let names = Names::of(&at("")).unwrap();
        assert!(
            !names.surely_lack(b"nAME-00")
                && !names.surely_lack(b"NAME-0~1")
                && !names.surely_lack("é".as_bytes())
        );
        assert!(names.surely_lack(b"Name-01"));
        std::fs::write(directory.path().join("ſ"), "").unwrap();
        assert!(Names::of(&at("")).is_none());
    }

    #[test]
    fn a_long_directory_is_not_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..2000 {
            std::fs::write(directory.path().join(format!("a-rather-long-name-{number}")), "").unwrap();
        }
        let path = AbsPath::posix(directory.path().as_os_str().as_encoded_bytes()).unwrap();
        assert!(Names::of(&path).is_none());
    }
}
