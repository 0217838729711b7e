//! Garth's own files of layers and checkpoints, and what each system has for them by one name.

use super::file_error;
use crate::Error;
use crate::files::os_path;
use garth_policy::AbsPath;
use garth_undo::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

#[cfg(target_os = "linux")]
pub(super) use garth_host::linux::undo::{Root, clock, content, place};
pub(super) use garth_host::undo::Opened;
#[cfg(windows)]
pub(super) use garth_host::windows::undo::{Root, clock, content, place};

/// A name that no other layer or checkpoint has.
pub(crate) fn new_id() -> Result<String, Error> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let number = crate::system::unguessable().map_err(Error::os("choose a name"))?;
    let letter = |place: u32| char::from(LETTERS[((number >> (5 * place)) & 31) as usize]);
    Ok((0..8).map(letter).collect())
}

/// How a file that only the user may read is opened.
#[cfg(unix)]
pub(super) fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// How a file is opened; who may read it is said by its directory.
#[cfg(windows)]
pub(super) fn private() -> OpenOptions {
    OpenOptions::new()
}

/// Makes directories that only the user may enter.
#[cfg(unix)]
pub(crate) fn make_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| file_error("make", path, &error))
}

/// Makes a directory that only the user may enter, and those above it where they are missing.
#[cfg(windows)]
pub(crate) fn make_private(path: &Path) -> Result<(), Error> {
    let shown = path.to_string_lossy();
    let path = AbsPath::windows(&shown).map_err(|error| Error::Policy(format!("{shown}: {error}")))?;
    crate::system::PrivateDirectory::make(&path).map(drop).map_err(Error::os("make a checkpoint"))
}

/// Writes a file that is there as a whole or not at all.
pub(crate) fn write_whole(path: &Path, text: &[u8]) -> Result<(), Error> {
    let temporary = path.with_extension("new");
    let written = private()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| file_error("write", path, &error))
}

/// Removes a directory of garth's own with all that is in it.
#[cfg(target_os = "linux")]
pub(crate) fn remove_directory(path: &Path) -> Result<(), Error> {
    use std::ffi::{OsStr, OsString};
    use std::os::fd::AsFd;
    let (parent, name) = path.parent().zip(path.file_name()).unwrap_or((path, OsStr::new(".")));
    let opened = File::open(parent).map_err(|error| file_error("open", parent, &error))?;
    garth_host::linux::undo::remove::remove_tree(opened.as_fd(), &OsString::from(name))
        .map_err(|errno| file_error("remove", path, &std::io::Error::from(errno)))
}

/// Removes a directory of garth's own with all that is in it.
#[cfg(windows)]
pub(crate) fn remove_directory(path: &Path) -> Result<(), Error> {
    fs::remove_dir_all(path).map_err(|error| file_error("remove", path, &error))
}

/// Whether a directory of garth's own lies in a tree.
pub(super) fn lies_in(path: &Path, tree: &AbsPath) -> bool {
    if cfg!(windows) {
        // One that is no path for a policy is in no tree that is one.
        return AbsPath::windows(&path.to_string_lossy()).is_ok_and(|path| path.starts_with(tree));
    }
    path.starts_with(os_path(tree))
}

/// The state directory of the user with this environment.
#[cfg(target_os = "linux")]
pub(super) fn state(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    crate::residue::state(environment)
}

/// The state directory of the user.
#[cfg(windows)]
pub(super) fn state(_environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    crate::windows::state()
}

/// Keeps others from putting something in place in a tree, for as long as the file lives.
#[cfg(target_os = "linux")]
pub(super) fn hold_tree(tree: &AbsPath, _checkpoints: &Path) -> Result<File, Error> {
    let path = os_path(tree);
    let held = File::open(&path).map_err(|error| file_error("open", &path, &error))?;
    held.try_lock().map_err(|error| in_use(tree, &error))?;
    Ok(held)
}

/// Keeps others from putting something in place in a tree, for as long as the file lives: a directory cannot be locked here, so
/// one file stands for all trees of the user. No sandbox may be in the tree either.
#[cfg(windows)]
pub(super) fn hold_tree(tree: &AbsPath, checkpoints: &Path) -> Result<File, Error> {
    crate::windows::vacant(tree)?;
    let path = checkpoints.with_file_name("undo.lock");
    let held = private().read(true).append(true).create(true).open(&path);
    let held = held.map_err(|error| file_error("make", &path, &error))?;
    held.try_lock().map_err(|error| in_use(tree, &error))?;
    Ok(held)
}

fn in_use(tree: &AbsPath, error: &fs::TryLockError) -> Error {
    Error::Undo {
        what: format!("{tree} is being changed"),
        why: format!("another `garth` puts something in place there: {error}"),
        hint: "wait for its end".into(),
    }
}

/// What is written down of an object. On Windows a program can set the time of its last change, so a later look does not trust it:
/// contents are compared.
pub(super) fn remembered(entry: Entry) -> Entry {
    if cfg!(windows) {
        let never = garth_undo::Time { seconds: i64::MIN, nanos: 0 };
        return Entry { changed: never, ..entry };
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ids_and_differ() {
        let ids: std::collections::BTreeSet<String> = (0..100).map(|_| new_id().unwrap()).collect();
        assert!(ids.len() == 100 && ids.iter().all(|id| garth_undo::is_id(id) && id.len() == 8));
    }
}
