//! Every change to the host is written down before it is made, so that it can be undone after a crash.
//!
//! One small file per change in the user's state directory: what was made, and which process answers for
//! it. A process is named by its number and its start time (`proc_pid_stat(5)`), so that another one that
//! got the number later is not mistaken for it.

use crate::OsError;
use crate::error::Context;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A journal in a directory of the user.
#[derive(Clone, Debug)]
pub struct Journal(PathBuf);

/// A private directory of one session. It is removed, with all that is in it, when this is dropped.
#[derive(Debug)]
pub struct SessionDirectory {
    path: PathBuf,
    entry: PathBuf,
}

/// One entry that nobody answers for any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The directory that was left, if it still stands.
    pub directory: PathBuf,
    entry: PathBuf,
}

impl Journal {
    /// The journal in `state`, the user's state directory of garth.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self(state.join("journal"))
    }

    /// The state directory that it is in.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.0.parent().unwrap_or(&self.0)
    }

    /// Makes a private directory below `parent`, after writing down that it will be made.
    ///
    /// # Errors
    /// What could not be made or written.
    pub fn make_directory(&self, parent: &Path) -> Result<SessionDirectory, OsError> {
        let made = self.announce(parent)?;
        rustix::fs::mkdir(&made.path, Mode::from_raw_mode(0o700)).on("make", made.path.display())?;
        Ok(made)
    }

    /// Draws a name below `parent` and writes down that something will be made there. What is made is removed
    /// when the result is dropped.
    pub(super) fn announce(&self, parent: &Path) -> Result<SessionDirectory, OsError> {
        std::fs::create_dir_all(&self.0).on("make", self.0.display())?;
        let mut random = [0; 16];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).on("draw", "a name")?;
        let name = format!("garth-{:032x}", u128::from_ne_bytes(random));
        let path = parent.join(&name);
        let entry = self.0.join(&name);
        let me = rustix::process::getpid().as_raw_nonzero().get();
        let mut text = format!("{me} {}\n", start_time(me).unwrap_or(0)).into_bytes();
        text.extend_from_slice(path.as_os_str().as_bytes());
        write_whole(&entry, &text)?;
        Ok(SessionDirectory { path, entry })
    }

    /// What processes that have died left behind.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn left(&self) -> Result<Vec<Left>, OsError> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.on("read", self.0.display())?,
        };
        let mut left = Vec::new();
        for entry in entries {
            let entry = entry.on("read", self.0.display())?.path();
            let Ok(text) = std::fs::read(&entry) else { continue };
            if let Some(directory) = abandoned(&entry, &text) {
                left.push(Left { directory, entry });
            }
        }
        Ok(left)
    }

    /// Undoes all that was left, as far as it can be; `garth clean` tells about the rest.
    pub fn sweep(&self) {
        for left in self.left().unwrap_or_default() {
            let _told_later = self.undo(&left);
        }
    }

    /// Undoes what was left.
    ///
    /// # Errors
    /// What could not be removed; its entry stays.
    pub fn undo(&self, left: &Left) -> Result<(), OsError> {
        remove(&left.directory)?;
        std::fs::remove_file(&left.entry).on("remove", left.entry.display())
    }
}

impl SessionDirectory {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SessionDirectory {
    fn drop(&mut self) {
        // What cannot be removed now keeps its entry, and `garth clean` reports it.
        if remove(&self.path).is_ok() {
            let _kept = std::fs::remove_file(&self.entry);
        }
    }
}

/// Removes a tree without following links. What inside took away its own permissions is given them back.
fn remove(directory: &Path) -> Result<(), OsError> {
    if super::control_group::is_one(directory) {
        return super::control_group::remove(directory);
    }
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            open_up(directory);
            std::fs::remove_dir_all(directory).on("remove", directory.display())
        }
        other => other.on("remove", directory.display()),
    }
}

fn open_up(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // Failures show when the removal is tried again.
    let _tried = std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700));
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// The directory of an entry whose process is gone. An entry that cannot be understood (cut short by a
/// crash) names its directory by its own name, in the usual places only.
fn abandoned(entry: &Path, text: &[u8]) -> Option<PathBuf> {
    let name = entry.file_name()?;
    let mut lines = text.splitn(2, |byte| *byte == b'\n');
    let owner = lines.next().and_then(|line| std::str::from_utf8(line).ok()).and_then(parse_owner);
    let directory = lines.next().map(|path| PathBuf::from(OsStr::from_bytes(path)));
    match (owner, directory) {
        (Some((pid, start)), Some(directory)) if directory.file_name() == Some(name) => {
            (start_time(pid) != Some(start)).then_some(directory)
        }
        _ => Some(Path::new("/tmp").join(name)),
    }
}

fn parse_owner(line: &str) -> Option<(i32, u64)> {
    let (pid, start) = line.split_once(' ')?;
    Some((pid.parse().ok()?, start.parse().ok()?))
}

fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(19)?.parse().ok()
}

/// Writes a file that is there whole or not at all.
fn write_whole(path: &Path, text: &[u8]) -> Result<(), OsError> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(path, flags, Mode::from_raw_mode(0o600)).on("make", path.display())?;
    let mut written = 0;
    while written < text.len() {
        match rustix::io::write(&file, &text[written..]) {
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).on("write", path.display()),
        }
    }
    rustix::fs::fsync(&file).on("write", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_and_its_entry_go_together() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path());
        let parent = tempfile::tempdir().unwrap();
        let made = journal.make_directory(parent.path()).unwrap();
        std::fs::create_dir(made.path().join("x")).unwrap();
        assert_eq!(journal.left().unwrap(), [], "its process lives");
        drop(made);
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(state.path().join("journal")).unwrap().count(), 0);
    }

    #[test]
    fn what_a_dead_process_left_is_found_and_removed() {
        let state = tempfile::tempdir().unwrap();
        let parent = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path());
        let made = journal.make_directory(parent.path()).unwrap();
        let text = std::fs::read(&made.entry).unwrap();
        let path = text.split(|byte| *byte == b'\n').nth(1).unwrap();
        std::fs::write(&made.entry, [b"999999999 1\n", path].concat()).unwrap();
        let left = journal.left().unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].directory, made.path);
        journal.undo(&left[0]).unwrap();
        assert!(!made.path.exists() && !made.entry.exists());
    }

    #[test]
    fn a_torn_entry_removes_nothing_outside_the_usual_place() {
        let left = abandoned(Path::new("/state/journal/garth-00"), b"12").unwrap();
        assert_eq!(left, Path::new("/tmp/garth-00"));
        let forged = abandoned(Path::new("/state/journal/garth-00"), b"999999999 1\n/home/u").unwrap();
        assert_eq!(forged, Path::new("/tmp/garth-00"));
    }
}
