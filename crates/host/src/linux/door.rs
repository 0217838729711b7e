//! A door to a session: a socket in a directory of this user's, at which whoever watches the session answers its question.
//!
//! It exists as long as the question does. Both ends look at each other before a word is said: the session lets in a process
//! of the same user in the same namespaces, which no process inside a sandbox is; the other end wants the very process that
//! writes the session's log. The name cannot be guessed, the directory is the user's alone, and no sandbox shows it.

use super::addresses::unguessable;
use super::private::PrivateDirectory;
use crate::OsError;
use crate::error::Context;
use garth_policy::AbsPath;
use rustix::fd::AsRawFd;
use rustix::fs::{AtFlags, Mode, chmodat, unlinkat};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Most names that are looked at.
const NAMES: usize = 4096;

/// The session's side of a door. The name goes when this is dropped.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    directory: PrivateDirectory,
    name: String,
}

impl Door {
    /// Opens a door whose name begins with `stem` and ends with random digits; the directory is made where it is missing.
    ///
    /// # Errors
    /// A directory that is not this user's alone, and what keeps the socket from being made.
    pub fn open(directory: &AbsPath, stem: &str) -> Result<Self, OsError> {
        let directory = PrivateDirectory::make(directory)?;
        let digits: String = unguessable()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{stem}.{digits}");
        let of = || format!("{}/{name}", directory.path());
        let listener = UnixListener::bind(through(&directory, &name)).on("make", of())?;
        // Nobody else gets into the directory meanwhile.
        chmodat(directory.as_fd(), &*name, Mode::from_raw_mode(0o600), AtFlags::empty())
            .on("protect", of())?;
        listener.set_nonblocking(true).on("listen at", of())?;
        Ok(Self { listener, directory, name })
    }

    /// The next one who came and is trusted; whoever is not is sent away without a word. Does not wait.
    #[must_use]
    pub fn visitor(&self) -> Option<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().ok()?;
            if is_trusted(&stream) && stream.set_nonblocking(true).is_ok() {
                return Some(stream);
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // It may be gone: `garth clean` removes what nobody listens at.
        let _gone = unlinkat(self.directory.as_fd(), &*self.name, AtFlags::empty());
    }
}

/// A short way to a name: the address of a socket has room for 107 bytes (`unix(7)`).
fn through(directory: &PrivateDirectory, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_fd().as_raw_fd()))
}

/// Whether the other end is of this user and stands where this process stands.
fn is_trusted(stream: &UnixStream) -> bool {
    let Ok(peer) = socket_peercred(stream) else { return false };
    let number = peer.pid.as_raw_nonzero().get();
    let same = |kind: &str| {
        let of = |process: String| fs::read_link(format!("/proc/{process}/ns/{kind}")).ok();
        // What cannot be read is not trusted.
        of(number.to_string()).is_some_and(|theirs| Some(theirs) == of("self".to_owned()))
    };
    peer.uid == rustix::process::geteuid() && same("user") && same("pid") && same("mnt")
}

/// Names of doors in a directory that begin so.
fn names(directory: &AbsPath, stem: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(as_path(directory)) else { return Vec::new() };
    let names = entries.take(NAMES).flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.starts_with(stem)).collect()
}

fn as_path(path: &AbsPath) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()))
}

/// Goes to the door whose name begins with `stem`. `holder` is the process that has to stand behind it.
///
/// # Errors
/// `ENOENT` without a door; `EPERM` for a directory that is not this user's alone, and where another process or user than
/// `holder` listens.
pub fn knock(directory: &AbsPath, stem: &str, holder: i32) -> Result<UnixStream, OsError> {
    let opened = PrivateDirectory::open(directory)?;
    let Some(name) = names(directory, &format!("{stem}.")).into_iter().next() else {
        return Err(Errno::NOENT).on("find", format!("a door of {stem}"));
    };
    let of = || format!("{directory}/{name}");
    let stream = UnixStream::connect(through(&opened, &name)).on("connect to", of())?;
    let peer = socket_peercred(&stream).on("look at", of())?;
    if peer.uid != rustix::process::geteuid() || peer.pid.as_raw_nonzero().get() != holder {
        return Err(OsError::new("trust", of(), Errno::PERM.raw_os_error()).with_remedy(
            "another process listens there than the one that writes the session's log; look at it",
        ));
    }
    Ok(stream)
}

/// Doors at which nobody listens: their sessions were killed.
#[must_use]
pub fn abandoned(directory: &AbsPath) -> Vec<PathBuf> {
    let Ok(opened) = PrivateDirectory::open(directory) else { return Vec::new() };
    let is_left = |name: &String| {
        UnixStream::connect(through(&opened, name))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    };
    names(directory, "").into_iter().filter(is_left).map(|name| as_path(directory).join(name)).collect()
}

/// The process that holds the lock on a file, as the kernel tells it (`proc_locks(5)`); `None` if none does, or it cannot be
/// told.
#[must_use]
pub fn holder(file: &Path) -> Option<i32> {
    let found = fs::metadata(file).ok()?;
    let (device, inode) = (found.dev(), found.ino());
    let wanted = format!("{:02x}:{:02x}:{inode}", rustix::fs::major(device), rustix::fs::minor(device));
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        // `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`; those who wait have an arrow.
        let words: Vec<&str> = line.split_whitespace().collect();
        let holds = words.get(1) == Some(&"FLOCK") && words.get(3) == Some(&"WRITE");
        let number = words.get(4)?.parse().ok().filter(|number| *number > 0)?;
        (holds && words.get(5) == Some(&wanted.as_str())).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    fn place(directory: &Path) -> AbsPath {
        AbsPath::posix(directory.as_os_str().as_bytes()).unwrap()
    }

    fn own() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    #[test]
    fn the_two_ends_find_each_other_and_nothing_stays() {
        let root = tempfile::tempdir().unwrap();
        // Longer than the address of a socket.
        let deep = root.path().join("d".repeat(120)).join("e");
        let directory = place(&deep);
        let door = Door::open(&directory, "s.0").unwrap();
        let names: Vec<_> = fs::read_dir(&deep).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(names.len(), 1);
        assert_eq!(names[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(door.visitor().is_none());
        let mut there = knock(&directory, "s.0", own()).unwrap();
        let mut here = door.visitor().unwrap();
        here.write_all(b"x").unwrap();
        let mut byte = [0];
        there.read_exact(&mut byte).unwrap();
        assert!(abandoned(&directory).is_empty());
        drop(door);
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
        assert_eq!(knock(&directory, "s.0", own()).unwrap_err().code, libc::ENOENT);
    }

    #[test]
    fn who_is_not_the_writer_of_the_log_is_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let directory = place(&root.path().join("control"));
        let _door = Door::open(&directory, "s.0").unwrap();
        assert_eq!(knock(&directory, "s.0", own() + 1).unwrap_err().code, libc::EPERM);
        assert_eq!(knock(&directory, "s", own()).map(|_| ()).unwrap_or(()), ());
        fs::set_permissions(root.path().join("control"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(knock(&directory, "s.0", own()).unwrap_err().code, libc::EPERM);
    }

    #[test]
    fn a_door_that_was_left_is_found() {
        let root = tempfile::tempdir().unwrap();
        let directory = place(&root.path().join("control"));
        let mut door = Door::open(&directory, "s.0").unwrap();
        // As when the process is killed: the name stays.
        let name = std::mem::replace(&mut door.name, "none".into());
        drop(door);
        assert_eq!(abandoned(&directory), [root.path().join("control").join(name)]);
    }

    #[test]
    fn the_holder_of_a_lock_is_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        let file = fs::File::create(&path).unwrap();
        assert_eq!(holder(&path), None);
        file.lock().unwrap();
        assert_eq!(holder(&path), Some(own()));
    }
}
