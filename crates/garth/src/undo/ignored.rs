//! What a checkpoint leaves out: what `.gitignore` names (gitignore(5)), as the files said when it was made.

use crate::files::os_path;
use garth_policy::AbsPath;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeMap;

/// Files with patterns are no longer than this; what is longer is not read, so nothing is left out by it.
pub(super) const LONGEST: u64 = 256 * 1024;

/// The patterns of a tree.
pub(super) struct Ignored {
    /// Those of the policy, which no file of the tree takes back.
    excluded: Gitignore,
    directories: BTreeMap<AbsPath, Gitignore>,
}

/// Patterns of a directory. Where names are the same in any letters, as for git there, patterns are too.
fn builder(directory: &AbsPath) -> GitignoreBuilder {
    let mut builder = GitignoreBuilder::new(os_path(directory));
    // It is only a choice, and cannot fail without a pattern.
    let _builder = builder.case_insensitive(cfg!(windows));
    builder
}

impl Ignored {
    /// Leaves out what these patterns name. A line that is no pattern says nothing.
    pub(super) fn excluding(patterns: &[String]) -> Self {
        let mut builder = GitignoreBuilder::new("/");
        let _builder = builder.case_insensitive(cfg!(windows));
        for pattern in patterns {
            let _no_pattern = builder.add_line(None, pattern);
        }
        let excluded = builder.build().unwrap_or_else(|_| Gitignore::empty());
        Self { excluded, directories: BTreeMap::new() }
    }

    /// Adds the patterns of a directory. A line that is no pattern says nothing.
    pub(super) fn add(&mut self, directory: &AbsPath, text: &[u8]) {
        let mut builder = builder(directory);
        for line in String::from_utf8_lossy(text).lines() {
            let _no_pattern = builder.add_line(None, line);
        }
        if let Ok(patterns) = builder.build() {
            self.directories.insert(directory.clone(), patterns);
        }
    }

    /// Whether a name is left out. Asked from the root down: what lies in a directory that is left out is so, too.
    pub(super) fn leaves_out(&self, path: &AbsPath, is_directory: bool) -> bool {
        if path.components().next() == Some(b".git") {
            return false;
        }
        let place = os_path(path);
        if self.excluded.matched(&place, is_directory).is_ignore() {
            return true;
        }
        let mut next = path.parent();
        while let Some(directory) = next {
            if let Some(patterns) = self.directories.get(&directory) {
                match patterns.matched(&place, is_directory) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
            next = directory.parent();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_with_patterns_decides() {
        let path = |text: &str| AbsPath::posix(text.as_bytes()).unwrap();
        let mut ignored = Ignored::excluding(&["*.iso".into(), "/big".into()]);
        ignored.add(&path("/"), b"!*.iso\n/target\n*.log\n!keep.log\nnode_modules/\n[\n");
        ignored.add(&path("/sub"), b"!*.log\nx\n");
        for (name, directory, out) in [
            ("/target", true, true),
            ("/sub/target", true, false),
            ("/a.log", false, true),
            ("/keep.log", false, false),
            ("/sub/a.log", false, false),
            ("/sub/x", false, true),
            ("/x", false, false),
            ("/d/node_modules", true, true),
            ("/d/node_modules", false, false),
            ("/.git/a.log", false, false),
            ("/.git/a.iso", false, false),
            ("/sub/a.iso", false, true),
            ("/big", true, true),
            ("/sub/big", true, false),
        ] {
            assert_eq!(ignored.leaves_out(&path(name), directory), out, "{name}");
        }
    }
}
