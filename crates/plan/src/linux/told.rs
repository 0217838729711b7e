//! How a file view is put together whose made-up directories tell of names that are looked for and are not there.
//!
//! Such a view is an overlay: above lies the private file system with all that the steps made, below a file system without any
//! content that only sees what was looked for in vain. What was mounted is moved there.

use super::spec::ViewStep;
use garth_policy::AbsPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What tells, and what is put over it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Directories of the sandbox's own, parents first. A name in one of them that is absent is told.
    pub directories: Vec<AbsPath>,
    /// What appears in them, parents first.
    pub parts: Vec<Part>,
}

/// One part of the view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where.
    pub path: AbsPath,
    /// What.
    pub kind: PartKind,
    /// A directory in which the file system below has nothing to say.
    pub opaque: bool,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// Something mounted, with all that is mounted in it.
    Mount,
    /// A private directory that is written to much: it stays as it is, and tells nothing.
    Quiet,
    /// A directory in one of those that tells again.
    Telling,
}

/// Directories for short-lived files with random names: to tell each of those would cost, and say nothing.
const QUIET: [&str; 4] = ["/dev/mqueue", "/dev/shm", "/tmp", "/var/tmp"];

/// Lays out the view that these steps make.
#[must_use]
pub fn layout(steps: &[ViewStep]) -> Told {
    let mounts = outermost(steps);
    let own = |path: &AbsPath| !mounts.iter().any(|(mount, _)| path.starts_with(mount));
    let made = made(steps, &mounts);
    let quiet: Vec<AbsPath> = steps
        .iter()
        .filter(|step| matches!(step, ViewStep::Directory { .. }) && own(step.path()))
        .map(|step| step.path().clone())
        .filter(|path| QUIET.iter().any(|name| path.as_bytes() == name.as_bytes()))
        .collect();
    let is_quiet = |path: &AbsPath| quiet.contains(path);
    let telling: Vec<&AbsPath> =
        made.iter().filter(|path| path.parent().is_some_and(|parent| is_quiet(&parent))).collect();
    let holds_telling = |path: &AbsPath| telling.iter().any(|child| child.starts_with(path));
    let mut parts: Vec<Part> = mounts
        .iter()
        .map(|(path, directory)| Part { path: path.clone(), kind: PartKind::Mount, opaque: *directory })
        .collect();
    parts.extend(quiet.iter().map(|path| Part {
        path: path.clone(),
        kind: PartKind::Quiet,
        opaque: !holds_telling(path),
    }));
    parts.extend(telling.iter().map(|path| Part {
        path: (*path).clone(),
        kind: PartKind::Telling,
        opaque: false,
    }));
    parts.sort_by(|a, b| a.path.cmp(&b.path));
    let directories = made.iter().filter(|path| !is_quiet(path) || holds_telling(path)).cloned().collect();
    Told { directories, parts }
}

/// What is mounted on the private file system itself, in the order of the paths, and whether it is a directory.
fn outermost(steps: &[ViewStep]) -> Vec<(AbsPath, bool)> {
    let mut mounts: Vec<(AbsPath, bool)> = steps.iter().filter_map(mounted).collect();
    mounts.sort();
    let mut outer: Vec<(AbsPath, bool)> = Vec::new();
    for (path, directory) in mounts {
        if outer.last().is_none_or(|(last, _)| !path.starts_with(last)) {
            outer.push((path, directory));
        }
    }
    outer
}

fn mounted(step: &ViewStep) -> Option<(AbsPath, bool)> {
    let directory = match step {
        ViewStep::Directory { .. }
        | ViewStep::Symlink { .. }
        | ViewStep::Copy { .. }
        | ViewStep::KeptCopy { .. } => return None,
        ViewStep::Bind { directory, .. }
        | ViewStep::Part { directory, .. }
        | ViewStep::Mask { directory, .. } => *directory,
        ViewStep::File { .. } => false,
        ViewStep::Overlay { .. }
        | ViewStep::Kept { .. }
        | ViewStep::Layer { .. }
        | ViewStep::Proc { .. }
        | ViewStep::Terminals { .. } => true,
    };
    Some((step.path().clone(), directory))
}

/// Directories of the private file system on which nothing is mounted.
fn made(steps: &[ViewStep], mounts: &[(AbsPath, bool)]) -> BTreeSet<AbsPath> {
    let mut made = BTreeSet::new();
    for step in steps {
        let path = step.path();
        let inside = mounts.iter().any(|(mount, _)| path != mount && path.starts_with(mount));
        if inside {
            continue;
        }
        if matches!(step, ViewStep::Directory { .. }) && !mounts.iter().any(|(mount, _)| mount == path) {
            made.insert(path.clone());
        }
        let mut above = path.parent();
        while let Some(directory) = above {
            above = directory.parent();
            if !made.insert(directory) {
                break;
            }
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::spec::{FileId, MountFlags};

    fn path(text: &str) -> AbsPath {
        AbsPath::posix(text).unwrap()
    }

    fn bind(text: &str) -> ViewStep {
        ViewStep::Bind {
            source: path(text),
            expect: FileId { device: 1, inode: 1 },
            directory: true,
            path: path(text),
            flags: MountFlags { read_only: true, no_exec: false, no_dev: true },
        }
    }

    fn directory(text: &str) -> ViewStep {
        ViewStep::Directory { path: path(text), mode: 0o700 }
    }

    fn texts(told: &Told) -> (Vec<String>, Vec<(String, PartKind, bool)>) {
        let directories = told.directories.iter().map(ToString::to_string).collect();
        let parts = told.parts.iter().map(|part| (part.path.to_string(), part.kind, part.opaque)).collect();
        (directories, parts)
    }

    #[test]
    fn made_up_directories_tell_and_what_is_mounted_is_moved() {
        let steps = [
            bind("/usr"),
            directory("/tmp"),
            directory("/home/ann"),
            bind("/home/ann/src/app"),
            bind("/home/ann/src/app/.git"),
            ViewStep::Symlink { path: path("/bin"), target: b"usr/bin".to_vec() },
        ];
        let (directories, parts) = texts(&layout(&steps));
        assert_eq!(directories, ["/", "/home", "/home/ann", "/home/ann/src"]);
        assert_eq!(
            parts,
            [
                ("/home/ann/src/app".to_owned(), PartKind::Mount, true),
                ("/tmp".to_owned(), PartKind::Quiet, true),
                ("/usr".to_owned(), PartKind::Mount, true),
            ]
        );
    }

    #[test]
    fn a_directory_in_a_quiet_one_tells_again() {
        let steps = [directory("/tmp"), directory("/tmp/home"), bind("/tmp/home/work"), bind("/tmp/alone")];
        let (directories, parts) = texts(&layout(&steps));
        assert_eq!(directories, ["/", "/tmp", "/tmp/home"]);
        assert_eq!(
            parts,
            [
                ("/tmp".to_owned(), PartKind::Quiet, false),
                ("/tmp/alone".to_owned(), PartKind::Mount, true),
                ("/tmp/home".to_owned(), PartKind::Telling, false),
                ("/tmp/home/work".to_owned(), PartKind::Mount, true),
            ]
        );
    }

    #[test]
    fn a_view_of_nothing_tells_nothing() {
        assert_eq!(layout(&[]), Told::default());
    }
}
