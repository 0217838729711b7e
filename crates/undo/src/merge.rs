//! What a layer changes in the tree below it.

use crate::{Change, Entry, Kind, Mark};
use garth_policy::AbsPath;
use std::collections::BTreeSet;
use std::fmt;

/// The longest path in a tree, in bytes (`PATH_MAX`, `limits.h`). What lies deeper has no name that a program could use.
pub const LONGEST_PATH: usize = 4096;

/// As many names as are looked at in one tree.
pub const MOST_NAMES: usize = 5_000_000;

/// An object of a tree, with what a layer says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The object.
    pub entry: Entry,
    /// What it means for what lies below it; [`Mark::None`] outside layers.
    pub mark: Mark,
    /// It was copied up and not made.
    pub copied: bool,
}

/// A tree that can be looked at. Links are never followed.
pub trait Tree {
    /// What goes wrong.
    type Error;

    /// What stands at a path.
    ///
    /// # Errors
    /// When it cannot be looked at.
    fn look(&mut self, path: &AbsPath) -> Result<Option<Seen>, Self::Error>;

    /// The names in a directory, in any order.
    ///
    /// # Errors
    /// When it cannot be listed.
    fn names(&mut self, directory: &AbsPath) -> Result<Vec<Vec<u8>>, Self::Error>;
}

/// Why a tree could not be compared.
#[derive(Debug, PartialEq, Eq)]
pub enum Failed<E> {
    /// Looking failed.
    Look(E),
    /// There are more names than [`MOST_NAMES`].
    TooMany,
}

impl<E: fmt::Display> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look(error) => error.fmt(f),
            Self::TooMany => write!(f, "there are more than {MOST_NAMES} names"),
        }
    }
}

impl<E> From<E> for Failed<E> {
    fn from(error: E) -> Self {
        Self::Look(error)
    }
}

/// What was found between two trees.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The changes, in the order of their paths.
    pub changes: Vec<Change>,
    /// Directories that hold something of which the path is longer than [`LONGEST_PATH`]. That was not looked at, so it is in
    /// no change; a program can make such names, and nobody else has to give up for them.
    pub beyond: BTreeSet<AbsPath>,
}

/// What is still to be compared.
enum Todo {
    /// A directory of the layer, and whether the one below shows through.
    Directory { path: AbsPath, merged: bool },
    /// All that lies in a directory below, which is gone.
    Gone(AbsPath),
}

/// The changes that a layer makes in the tree below it.
///
/// # Errors
/// The first look that failed, or a tree beyond the limits.
pub fn changes<L, U>(lower: &mut L, upper: &mut U) -> Result<Found, Failed<L::Error>>
where
    L: Tree,
    U: Tree<Error = L::Error>,
{
    let Ok(root) = AbsPath::posix("/") else { return Ok(Found::default()) };
    let mut work = Work { lower, upper, found: Found::default(), seen: 0, todo: Vec::new() };
    work.todo.push(Todo::Directory { path: root, merged: true });
    while let Some(todo) = work.todo.pop() {
        match todo {
            Todo::Directory { path, merged } => work.directory(&path, merged)?,
            Todo::Gone(path) => work.gone(&path)?,
        }
    }
    work.found.changes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(work.found)
}

struct Work<'t, L, U> {
    lower: &'t mut L,
    upper: &'t mut U,
    found: Found,
    seen: usize,
    todo: Vec<Todo>,
}

impl<L: Tree, U: Tree<Error = L::Error>> Work<'_, L, U> {
    fn child(&mut self, directory: &AbsPath, name: &[u8]) -> Result<Option<AbsPath>, Failed<L::Error>> {
        self.seen += 1;
        if self.seen > MOST_NAMES {
            return Err(Failed::TooMany);
        }
        let Ok(path) = directory.join(name) else { return Ok(None) };
        if path.as_bytes().len() > LONGEST_PATH {
            self.found.beyond.insert(directory.clone());
            return Ok(None);
        }
        Ok(Some(path))
    }

    fn directory(&mut self, directory: &AbsPath, merged: bool) -> Result<(), Failed<L::Error>> {
        let names: BTreeSet<Vec<u8>> = self.upper.names(directory)?.into_iter().collect();
        for name in &names {
            let Some(path) = self.child(directory, name)? else { continue };
            let Some(above) = self.upper.look(&path)? else { continue };
            let below = self.lower.look(&path)?.map(|seen| seen.entry);
            self.pair(path, above, below, merged);
        }
        if merged {
            return Ok(());
        }
        // What lies below is hidden; what of it has no counterpart is gone.
        let below = self.lower.look(directory)?;
        if below.is_none_or(|seen| seen.entry.kind != Kind::Directory) {
            return Ok(());
        }
        for name in self.lower.names(directory)? {
            if names.contains(&name) {
                continue;
            }
            if let Some(path) = self.child(directory, &name)? {
                self.remove(path)?;
            }
        }
        Ok(())
    }

    fn pair(&mut self, path: AbsPath, above: Seen, below: Option<Entry>, merged: bool) {
        let is_directory = |entry: &Entry| entry.kind == Kind::Directory;
        let below_is_directory = below.as_ref().is_some_and(is_directory);
        let after = (above.mark != Mark::Whiteout).then_some(above.entry);
        match &after {
            Some(entry) if is_directory(entry) => {
                let merged = merged && above.mark != Mark::Opaque && below_is_directory;
                self.todo.push(Todo::Directory { path: path.clone(), merged });
            }
            _ if below_is_directory => self.todo.push(Todo::Gone(path.clone())),
            _ => {}
        }
        self.found.changes.extend(Change::between(path, below, after, above.copied));
    }

    fn gone(&mut self, directory: &AbsPath) -> Result<(), Failed<L::Error>> {
        for name in self.lower.names(directory)? {
            if let Some(path) = self.child(directory, &name)? {
                self.remove(path)?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: AbsPath) -> Result<(), Failed<L::Error>> {
        let Some(seen) = self.lower.look(&path)? else { return Ok(()) };
        if seen.entry.kind == Kind::Directory {
            self.todo.push(Todo::Gone(path.clone()));
        }
        self.found.changes.extend(Change::between(path, Some(seen.entry), None, false));
        Ok(())
    }
}
