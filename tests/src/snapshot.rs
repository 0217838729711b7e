//! The state of a tree, to be compared with a later one.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What can be seen of a tree from outside: names, types, modes, owners, link targets, sizes, contents' times.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, String>);

/// Where the logs of sessions are, below a home.
pub const LOGS: &str = ".local/state/garth/log";

impl Snapshot {
    /// Looks at everything below `root`, except below the paths in `except`, and except the logs of sessions, which grow.
    ///
    /// # Panics
    /// When a directory cannot be read.
    #[must_use]
    pub fn of(root: &Path, except: &[&Path]) -> Self {
        let mut found = BTreeMap::new();
        let mut left = vec![root.to_path_buf()];
        while let Some(path) = left.pop() {
            let data = path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let skipped = except.contains(&path.as_path()) || path.ends_with(LOGS);
            if data.is_dir() && !skipped {
                let entries = path.read_dir().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                left.extend(entries.map(|entry| entry.expect("the directory can be read").path()));
            }
            if !skipped {
                let line = described(&path, &data);
                found.insert(path, line);
            }
        }
        Self(found)
    }

    /// Asserts that nothing changed since `before`.
    ///
    /// # Panics
    /// When something did.
    pub fn same_as(&self, before: &Self, what: &str) {
        let mut changes = Vec::new();
        for (path, line) in &self.0 {
            match before.0.get(path) {
                None => changes.push(format!("appeared: {} {line}", path.display())),
                Some(old) if old != line => {
                    changes.push(format!("changed: {} from {old} to {line}", path.display()));
                }
                Some(_) => {}
            }
        }
        changes.extend(
            before
                .0
                .keys()
                .filter(|path| !self.0.contains_key(*path))
                .map(|path| format!("gone: {}", path.display())),
        );
        assert!(changes.is_empty(), "{what}:\n{}", changes.join("\n"));
    }

    /// The paths that it holds.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }
}

fn described(path: &Path, data: &Metadata) -> String {
    let link = path.read_link().map(|target| target.display().to_string()).unwrap_or_default();
    let size = if data.is_file() { data.len() } else { 0 };
    format!(
        "{:o} {}:{} {size} {}.{:09} {link}",
        data.mode(),
        data.uid(),
        data.gid(),
        data.mtime(),
        data.mtime_nsec()
    )
}
