//! Notices git repositories that appear, under any name, without looking at the tree.

use garth_policy::{AbsPath, NodeKind};
use std::collections::BTreeSet;

/// What makes a directory a repository to git: `HEAD`, `objects` and `refs` in one place
/// (`gitrepository-layout(5)`), or a `.git` pointer file.
const PARTS: [&[u8]; 3] = [b"HEAD", b"objects", b"refs"];

/// Directories in which parts of a repository were made.
#[derive(Debug)]
pub(super) struct Repositories {
    known: BTreeSet<AbsPath>,
    parts: BTreeSet<AbsPath>,
}

impl Repositories {
    pub(super) fn new(known: &[AbsPath]) -> Self {
        Self { known: known.iter().cloned().collect(), parts: BTreeSet::new() }
    }

    /// Notes a new name; `true` when it may matter.
    pub(super) fn made(&mut self, path: &AbsPath, kind: NodeKind) -> bool {
        let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else { return false };
        if name == b".git" && kind == NodeKind::File {
            self.parts.insert(path.clone());
        } else if PARTS.contains(&name) {
            self.parts.insert(parent);
        } else {
            return false;
        }
        true
    }

    /// A directory that moved takes what was seen in it along; a file may arrive as a part by its new name.
    pub(super) fn moved(&mut self, from: &AbsPath, to: &AbsPath, kind: NodeKind) -> bool {
        let made = self.made(to, kind);
        // Git itself writes `HEAD.lock` and renames it, which `made` has just seen.
        if kind != NodeKind::Directory {
            return made;
        }
        let inside: Vec<AbsPath> = self.parts.iter().filter(|path| path.starts_with(from)).cloned().collect();
        for old in &inside {
            let rest = old.strip_prefix(from).map(<[u8]>::to_vec).unwrap_or_default();
            let new = if rest.is_empty() { Ok(to.clone()) } else { to.join(&rest) };
            if let Ok(new) = new {
                self.parts.remove(old);
                self.parts.insert(new);
            }
        }
        made || !inside.is_empty()
    }

    /// Candidates: the directories in which at least one part appeared and that were no repository before.
    /// Whoever reports them looks whether all parts stand there in the end.
    pub(super) fn appeared(&self) -> Vec<AbsPath> {
        self.parts.difference(&self.known).cloned().collect()
    }
}

/// Of the candidates, those where a whole repository or a pointer to one stands now.
#[must_use]
pub fn still_repositories(candidates: &[AbsPath]) -> Vec<AbsPath> {
    use std::os::unix::ffi::OsStrExt;
    let exists = |path: &AbsPath| {
        std::path::Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())).symlink_metadata().is_ok()
    };
    let whole = |path: &AbsPath| {
        path.file_name() == Some(b".git") && exists(path)
            || PARTS.iter().all(|part| path.join(part).is_ok_and(|part| exists(&part)))
    };
    candidates.iter().filter(|path| whole(path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> AbsPath {
        AbsPath::posix(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_bare_repository_is_noticed_and_followed() {
        let mut repositories = Repositories::new(&[path("/w/.git")]);
        repositories.made(&path("/w/.git/HEAD"), NodeKind::File);
        repositories.made(&path("/w/x/objects"), NodeKind::Directory);
        repositories.moved(&path("/w/x/HEAD.lock"), &path("/w/x/HEAD"), NodeKind::File);
        repositories.moved(&path("/w/x"), &path("/w/innocent"), NodeKind::Directory);
        assert_eq!(repositories.appeared(), [path("/w/innocent")]);
    }

    #[test]
    fn a_pointer_file_counts() {
        let mut repositories = Repositories::new(&[]);
        repositories.made(&path("/w/sub/.git"), NodeKind::File);
        assert_eq!(repositories.appeared(), [path("/w/sub/.git")]);
    }
}
