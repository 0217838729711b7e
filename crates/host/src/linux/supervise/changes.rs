//! What the supervisor carried out in the user's tree, in terms of names: what was made, written, moved and removed.
//!
//! Each name is noted once. Whether something is different in the end is looked at in the end.

use super::place;
use garth_policy::{AbsPath, NodeKind};
use rustix::fs::{AtFlags, CWD, Stat, statat};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;

/// How a name differs from what it was at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// It was not there.
    Made,
    /// It was opened for writing, or replaced, and is not what it was.
    Written,
    /// It is gone.
    Removed,
    /// It had another name.
    Moved,
}

/// One name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The name, as it is seen inside.
    pub path: AbsPath,
    /// What became of it.
    pub how: How,
    /// Its name before, if it was moved.
    pub from: Option<AbsPath>,
    /// What it is, or was.
    pub kind: NodeKind,
    /// Its size in bytes; `None` if it is gone.
    pub bytes: Option<u64>,
}

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesCounted {
    /// Changes that were seen and not noted.
    pub more: u64,
    /// Names could be removed without the supervisor.
    pub removals_unseen: bool,
}

/// Names that are noted.
pub const MOST: usize = 10_000;

/// Names below a directory that are noted anew when it is moved.
const MOST_MOVED: usize = 500;

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    kind: NodeKind,
    /// Something stood there at the start: with time of its last change and size, where that is known.
    before: Option<Option<(i64, u64, u64)>>,
    /// It came from this name of the start.
    from: Option<AbsPath>,
    /// What stood there went to another name, which is told.
    left: bool,
}

/// The names of one sandbox.
#[derive(Debug, Default)]
pub struct Changes {
    notes: BTreeMap<AbsPath, Note>,
    more: u64,
    removals_unseen: bool,
}

fn version(stat: &Stat) -> (i64, u64, u64) {
    (stat.st_mtime, stat.st_mtime_nsec, stat.st_size.cast_unsigned())
}

impl Changes {
    /// Notes nothing yet. With `removals_unseen` names can go without being noted.
    #[must_use]
    pub fn new(removals_unseen: bool) -> Self {
        Self { removals_unseen, ..Self::default() }
    }

    fn entry(&mut self, path: &AbsPath, note: impl FnOnce() -> Note) {
        if self.notes.contains_key(path) {
            return;
        }
        if self.notes.len() >= MOST {
            self.more += 1;
            return;
        }
        self.notes.insert(path.clone(), note());
    }

    /// A name was made.
    pub(super) fn made(&mut self, path: &AbsPath, kind: NodeKind) {
        self.entry(path, || Note { kind, before: None, from: None, left: false });
        if let Some(note) = self.notes.get_mut(path) {
            (note.kind, note.left) = (kind, false);
        }
    }

    /// A file that stands there is opened for writing; this is what it was until now.
    pub(super) fn written(&mut self, path: &AbsPath, stat: &Stat) {
        let before = Some(Some(version(stat)));
        self.entry(path, || Note { kind: place::kind(stat), before, from: None, left: false });
    }

    /// Something else stands at a name now.
    pub(super) fn replaced(&mut self, path: &AbsPath, kind: NodeKind) {
        self.entry(path, || Note { kind, before: Some(None), from: None, left: false });
        if let Some(note) = self.notes.get_mut(path) {
            // Whatever it was at the start, it is not that any more.
            (note.kind, note.before) = (kind, note.before.map(|_| None));
        }
    }

    /// A name was removed.
    pub(super) fn removed(&mut self, path: &AbsPath, kind: NodeKind) {
        match self.notes.get(path) {
            Some(note) if note.before.is_none() => drop(self.notes.remove(path)),
            Some(_) => {}
            None => self.entry(path, || Note { kind, before: Some(None), from: None, left: false }),
        }
    }

    /// A name was given another one, over what stood there if something did.
    pub(super) fn moved(&mut self, from: &AbsPath, to: &AbsPath, kind: NodeKind, over: bool) {
        let known = self.notes.remove(from);
        let origin = match &known {
            None => Some(from.clone()),
            Some(note) => note.from.clone().or_else(|| note.before.is_some().then(|| from.clone())),
        };
        let stood = known.as_ref().is_none_or(|note| note.before.is_some());
        if stood {
            let before = known.map_or(Some(None), |note| note.before);
            self.entry(from, || Note { kind, before, from: None, left: true });
        }
        let before = if over { Some(None) } else { None };
        self.entry(to, || Note { kind, before, from: None, left: false });
        if let Some(note) = self.notes.get_mut(to) {
            (note.kind, note.from, note.left) = (kind, origin, false);
        }
        if kind == NodeKind::Directory {
            self.follow(from, to);
        }
    }

    /// What is noted below a directory that moved. The names of one directory are one behind the other.
    fn follow(&mut self, from: &AbsPath, to: &AbsPath) {
        // The least name that a directory can hold.
        let Ok(first) = from.join(b"\x01") else { return };
        let below = self.notes.range((Bound::Included(first), Bound::Unbounded)).map(|(path, _)| path);
        let inside: Vec<AbsPath> =
            below.take_while(|path| path.starts_with(from)).take(MOST_MOVED + 1).cloned().collect();
        if inside.len() > MOST_MOVED {
            self.more += 1;
        }
        for old in inside.iter().take(MOST_MOVED) {
            let new = old.strip_prefix(from).and_then(|rest| to.join(rest).ok());
            if let (Some(new), Some(note)) = (new, self.notes.remove(old)) {
                self.notes.insert(new, note);
            }
        }
    }

    /// What is different now, and what is not in that list.
    #[must_use]
    pub fn settle(&self) -> (Vec<Changed>, ChangesCounted) {
        let found = self.notes.iter().filter_map(|(path, note)| settled(path, note)).collect();
        (found, ChangesCounted { more: self.more, removals_unseen: self.removals_unseen })
    }
}

fn settled(path: &AbsPath, note: &Note) -> Option<Changed> {
    let now = statat(CWD, path.as_bytes(), AtFlags::SYMLINK_NOFOLLOW).ok();
    let changed = |how, from: Option<&AbsPath>| {
        let kind = now.as_ref().map_or(note.kind, place::kind);
        let bytes = now.as_ref().map(|stat| stat.st_size.cast_unsigned());
        Some(Changed { path: path.clone(), how, from: from.cloned(), kind, bytes })
    };
    match (&now, note.before) {
        (None, None) => None,
        // What went elsewhere is told there.
        (None, Some(_)) if note.left => None,
        (None, Some(_)) => changed(How::Removed, None),
        (Some(_), None) => match note.from.as_ref().filter(|from| *from != path) {
            Some(from) => changed(How::Moved, Some(from)),
            None => changed(How::Made, None),
        },
        // Opened, and not written to.
        (Some(stat), Some(Some(before))) if before == version(stat) && note.from.is_none() => None,
        (Some(_), Some(_)) => changed(How::Written, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    fn absolute(path: &Path) -> AbsPath {
        AbsPath::posix(path.as_os_str().as_bytes()).unwrap()
    }

    fn told(changes: &Changes, root: &Path) -> Vec<String> {
        let name = |path: &AbsPath| {
            let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
            path.strip_prefix(root.to_str().unwrap()).unwrap().to_owned()
        };
        let line = |changed: &Changed| {
            let from = changed.from.as_ref().map_or_else(String::new, |from| format!(" from {}", name(from)));
            format!("{:?} {}{from}", changed.how, name(&changed.path))
        };
        changes.settle().0.iter().map(line).collect()
    }

    #[test]
    fn each_name_is_told_as_it_is_in_the_end() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let path = |name: &str| absolute(&root.join(name));
        for name in ["kept", "changed", "gone", "old", "target"] {
            fs::write(root.join(name), "before").unwrap();
        }
        let stat = |name: &str| statat(CWD, root.join(name), AtFlags::SYMLINK_NOFOLLOW).unwrap();
        let mut changes = Changes::new(false);
        changes.written(&path("kept"), &stat("kept"));
        changes.written(&path("changed"), &stat("changed"));
        fs::write(root.join("changed"), "after, and longer").unwrap();
        changes.removed(&path("gone"), NodeKind::File);
        fs::remove_file(root.join("gone")).unwrap();
        changes.moved(&path("old"), &path("new"), NodeKind::File, false);
        fs::rename(root.join("old"), root.join("new")).unwrap();
        // As an editor saves: another file, over the old one.
        changes.made(&path("target.tmp"), NodeKind::File);
        changes.moved(&path("target.tmp"), &path("target"), NodeKind::File, true);
        fs::write(root.join("target"), "another").unwrap();
        changes.made(&path("passing"), NodeKind::File);
        changes.made(&path("made"), NodeKind::File);
        fs::write(root.join("made"), "").unwrap();
        let wanted =
            ["Written /changed", "Removed /gone", "Made /made", "Moved /new from /old", "Written /target"];
        assert_eq!(told(&changes, root), wanted);
        assert_eq!(changes.settle().1, ChangesCounted::default());
    }

    #[test]
    fn what_is_in_a_directory_moves_with_it() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let path = |name: &str| absolute(&root.join(name));
        fs::create_dir_all(root.join("b")).unwrap();
        fs::write(root.join("b/x"), "").unwrap();
        let mut changes = Changes::new(true);
        changes.made(&path("a"), NodeKind::Directory);
        changes.made(&path("a/x"), NodeKind::File);
        changes.moved(&path("a"), &path("b"), NodeKind::Directory, false);
        assert_eq!(told(&changes, root), ["Made /b", "Made /b/x"]);
        assert!(changes.settle().1.removals_unseen);
    }

    #[test]
    fn no_more_than_so_many_are_noted() {
        let mut changes = Changes::default();
        for number in 0..MOST + 7 {
            changes.made(&AbsPath::posix(format!("/nowhere/{number}").into_bytes()).unwrap(), NodeKind::File);
        }
        assert_eq!(changes.settle(), (Vec::new(), ChangesCounted { more: 7, removals_unseen: false }));
    }
}
