//! The working directories that a place of a text may have.

use super::Surroundings;
use garth_policy::AbsPath;

/// Directories that may be the working directory at one place of a text; more are as good as unknown.
const MOST: usize = 8;

/// Directories that `pushd` keeps; what is kept beyond is not known.
const MOST_KEPT: usize = 32;

/// Every directory that may be the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directories {
    /// These, the likeliest last.
    pub paths: Vec<AbsPath>,
    /// None else.
    pub is_certain: bool,
}

impl Directories {
    /// This one.
    pub(super) fn certain(path: AbsPath) -> Self {
        Self { paths: vec![path], is_certain: true }
    }

    /// Any directory.
    pub(super) fn unknown() -> Self {
        Self { paths: Vec::new(), is_certain: false }
    }

    /// These as well, as the likeliest.
    pub(super) fn add(&mut self, other: &Self) {
        self.is_certain &= other.is_certain;
        for path in &other.paths {
            if !self.paths.contains(path) {
                self.paths.push(path.clone());
            }
        }
        if self.paths.len() > MOST {
            self.paths.truncate(1);
            self.is_certain = false;
        }
    }
}

/// What `pushd` has kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    directories: Directories,
    /// Other changes followed. Had the `pushd` failed, `popd` would stay where they led to.
    is_left: bool,
}

/// The working directory, and what brings it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// Now.
    pub now: Directories,
    /// From where the last change leads to where, if it succeeds.
    moved: Option<(Directories, Directories)>,
    /// Before the last change that surely succeeded: where `cd -` leads to.
    before: Option<Directories>,
    kept: Vec<Kept>,
    /// What `setlocal` has kept.
    local: Vec<Directories>,
}

impl Location {
    pub(super) fn new(surroundings: &Surroundings) -> Self {
        let now = Directories::certain(surroundings.directory.clone());
        Self { now, moved: None, before: None, kept: Vec::new(), local: Vec::new() }
    }

    /// A change of the directory that may fail.
    pub(super) fn goes(&mut self, to: Directories) {
        self.loses_kept();
        self.moves(to);
    }

    fn moves(&mut self, to: Directories) {
        if let Some(before) = &mut self.before {
            before.add(&self.now);
        }
        let from = self.now.clone();
        self.now.add(&to);
        self.moved = Some((from, to));
    }

    /// As [`Location::goes`], and the directory is kept for later.
    pub(super) fn goes_and_keeps(&mut self, to: Directories) {
        let is_left = self.kept.len() >= MOST_KEPT;
        let directories = if is_left { Directories::unknown() } else { self.now.clone() };
        self.kept.truncate(MOST_KEPT - 1);
        self.kept.push(Kept { directories, is_left });
        self.moves(to);
    }

    /// Back to what was kept last. Where its `pushd` failed, one that was kept before comes back, so all count.
    pub(super) fn comes_back(&mut self) {
        let Some(Kept { directories, is_left }) = self.kept.pop() else {
            return self.goes(Directories::unknown());
        };
        let mut back = Directories { paths: Vec::new(), is_certain: true };
        self.kept.iter().for_each(|kept| back.add(&kept.directories));
        back.paths.retain(|path| !directories.paths.contains(path));
        back.add(&directories);
        if is_left {
            return self.goes(back);
        }
        let from = std::mem::replace(&mut self.now, back.clone());
        self.moved = Some((from, back));
        self.before = None;
    }

    /// Nothing is certain of what `pushd` has kept.
    pub(super) fn loses_kept(&mut self) {
        self.kept.iter_mut().for_each(|kept| kept.is_left = true);
    }

    /// Back to where the last change that surely succeeded came from.
    pub(super) fn goes_back(&mut self) {
        self.goes(self.before.clone().unwrap_or_else(Directories::unknown));
    }

    /// `setlocal`.
    pub(super) fn begins_local(&mut self) {
        if self.local.len() < MOST_KEPT {
            self.local.push(self.now.clone());
        }
    }

    /// `endlocal`. Outside batch files it does nothing, so where the text is stays possible.
    pub(super) fn ends_local(&mut self) {
        if let Some(back) = self.local.pop() {
            self.goes(back);
        }
    }

    /// The last change succeeded.
    pub(super) fn succeeded(&mut self) {
        if let Some((from, to)) = self.moved.take() {
            (self.before, self.now) = (Some(from), to);
        }
    }

    /// At the beginning of code that runs from any of these directories.
    pub(super) fn anywhere(&mut self, everywhere: &Directories) {
        self.now.add(everywhere);
        (self.moved, self.before) = (None, None);
        self.kept.clear();
    }

    /// This or the other.
    pub(super) fn or(mut self, mut other: Self) -> Self {
        self.now.add(&other.now);
        (self.moved, self.before) = (None, None);
        if self.kept != other.kept {
            let mut all = Directories { paths: Vec::new(), is_certain: true };
            self.kept.iter().chain(&other.kept).for_each(|kept| all.add(&kept.directories));
            if self.kept.len() < other.kept.len() {
                std::mem::swap(&mut self.kept, &mut other.kept);
            }
            for kept in &mut self.kept {
                *kept = Kept { directories: all.clone(), is_left: true };
            }
        }
        self
    }
}
