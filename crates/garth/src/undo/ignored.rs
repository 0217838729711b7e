//! What a checkpoint leaves out: what `.gitignore` names (gitignore(5)), as the files said when it was made.

use garth_policy::AbsPath;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Files with patterns are no longer than this; what is longer is not read, so nothing is left out by it.
pub(super) const LONGEST: u64 = 256 * 1024;

/// The patterns of a tree.
#[derive(Default)]
pub(super) struct Ignored(BTreeMap<AbsPath, Gitignore>);

fn path_of(path: &AbsPath) -> &Path {
    Path::new(OsStr::from_bytes(path.as_bytes()))
}

impl Ignored {
    /// Adds the patterns of a directory. A line that is no pattern says nothing.
    pub(super) fn add(&mut self, directory: &AbsPath, text: &[u8]) {
        let mut builder = GitignoreBuilder::new(path_of(directory));
        for line in String::from_utf8_lossy(text).lines() {
            let _no_pattern = builder.add_line(None, line);
        }
        if let Ok(patterns) = builder.build() {
            self.0.insert(directory.clone(), patterns);
        }
    }

    /// Whether a name is left out. Asked from the root down: what lies in a directory that is left out is so, too.
    pub(super) fn leaves_out(&self, path: &AbsPath, is_directory: bool) -> bool {
        if path.components().next() == Some(b".git") {
            return false;
        }
        let mut next = path.parent();
        while let Some(directory) = next {
            if let Some(patterns) = self.0.get(&directory) {
                match patterns.matched(path_of(path), is_directory) {
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
        let mut ignored = Ignored::default();
        ignored.add(&path("/"), b"/target\n*.log\n!keep.log\nnode_modules/\n[\n");
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
        ] {
            assert_eq!(ignored.leaves_out(&path(name), directory), out, "{name}");
        }
    }
}
