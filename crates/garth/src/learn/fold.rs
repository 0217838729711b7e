//! Folding many paths into few directories.

use garth_policy::AbsPath;
use std::collections::{BTreeMap, BTreeSet};

/// So many entries of one directory become the directory.
pub(super) const ENTRIES: usize = 4;

/// Who needs a path, and how many files it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// Programs.
    pub by: BTreeSet<String>,
    /// Files.
    pub files: usize,
}

impl Need {
    /// One file, needed by one program.
    pub(super) fn one(program: &str) -> Self {
        Self { by: BTreeSet::from([program.to_owned()]), files: 1 }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.by.extend(other.by);
        self.files += other.files;
    }
}

/// Needs by path.
pub(super) type Needs = BTreeMap<AbsPath, Need>;

/// Adds a need.
pub(super) fn add(needs: &mut Needs, path: AbsPath, need: Need) {
    needs.entry(path).or_default().add(need);
}

/// From the deepest directory up: where [`ENTRIES`] or more entries of a directory are needed, and it may stand for all that
/// is in it, it takes their place. What lies below a needed directory is needed with it.
pub(super) fn fold(mut needs: Needs, may_stand: impl Fn(&AbsPath) -> bool) -> Needs {
    let deepest = needs.keys().map(AbsPath::depth).max().unwrap_or(0);
    for depth in (1..=deepest).rev() {
        let mut entries: BTreeMap<AbsPath, Vec<AbsPath>> = BTreeMap::new();
        for path in needs.keys().filter(|path| path.depth() == depth) {
            if let Some(parent) = path.parent() {
                entries.entry(parent).or_default().push(path.clone());
            }
        }
        for (parent, paths) in entries {
            if !needs.contains_key(&parent) && (paths.len() < ENTRIES || !may_stand(&parent)) {
                continue;
            }
            for path in paths {
                if let Some(need) = needs.remove(&path) {
                    add(&mut needs, parent.clone(), need);
                }
            }
        }
    }
    below_another(needs)
}

/// Moves what lies anywhere below another need into that.
fn below_another(needs: Needs) -> Needs {
    let mut kept = Needs::new();
    for (path, need) in needs {
        let mut above = path.parent();
        while let Some(parent) = &above {
            if kept.contains_key(parent) {
                break;
            }
            above = parent.parent();
        }
        add(&mut kept, above.unwrap_or(path), need);
    }
    kept
}
