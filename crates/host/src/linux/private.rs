//! A directory that is this user's alone, and files in it: for what must not be read or changed by anybody else.
//!
//! The directory is opened once and spoken to by its descriptor, so nobody puts another one in its place meanwhile.

use crate::OsError;
use crate::error::Context;
use garth_policy::AbsPath;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// A directory of this user's, opened.
#[derive(Debug)]
pub struct PrivateDirectory {
    directory: OwnedFd,
    path: AbsPath,
}

impl PrivateDirectory {
    /// Opens a directory, after making it and those above it where they are missing.
    ///
    /// # Errors
    /// What keeps it from being made or opened; and one that is another user's, or open to others, with the remedy.
    pub fn make(path: &AbsPath) -> Result<Self, OsError> {
        let name = Path::new(OsStr::from_bytes(path.as_bytes()));
        DirBuilder::new().recursive(true).mode(0o700).create(name).on("make", path)?;
        Self::open(path)
    }

    /// Opens a directory that is there.
    ///
    /// # Errors
    /// As for [`Self::make`].
    pub fn open(path: &AbsPath) -> Result<Self, OsError> {
        let name = Path::new(OsStr::from_bytes(path.as_bytes()));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(CWD, name, flags, Mode::empty()).on("open", path)?;
        let found = fstat(&directory).on("look at", path)?;
        let refuse = |remedy: String| {
            Err(OsError::new("trust", path.to_string(), Errno::PERM.raw_os_error()).with_remedy(remedy))
        };
        if found.st_uid != rustix::process::geteuid().as_raw() {
            return refuse(format!("it belongs to user {}, and has to be yours", found.st_uid));
        }
        if found.st_mode & 0o077 != 0 {
            return refuse(format!("others can look into it: chmod 700 {path}"));
        }
        let path = super::supervise::place::final_path(directory.as_fd()).on("find", path)?;
        Ok(Self { directory, path })
    }

    /// Where it is, without links.
    #[must_use]
    pub fn path(&self) -> &AbsPath {
        &self.path
    }

    /// Makes a file that only this user can read and that only grows, and locks it for as long as it is open.
    ///
    /// # Errors
    /// What keeps it from being made; `EEXIST` for a name that is there.
    pub fn create(&self, name: &str) -> Result<File, OsError> {
        let flags = OFlags::CREATE
            | OFlags::EXCL
            | OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::NOFOLLOW
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let file =
            openat(&self.directory, name, flags, Mode::from_raw_mode(0o600)).on("make", self.of(name))?;
        let file = File::from(file);
        file.lock().on("lock", self.of(name))?;
        Ok(file)
    }

    /// Opens a file of [`Self::create`] to read it and to append to it.
    ///
    /// # Errors
    /// What keeps it from being opened, and a file that is no such file.
    pub fn reopen(&self, name: &str) -> Result<File, OsError> {
        let flags = OFlags::RDWR
            | OFlags::APPEND
            | OFlags::NOFOLLOW
            | OFlags::NOCTTY
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::empty()).on("open", self.of(name))?;
        let found = fstat(&file).on("look at", self.of(name))?;
        let is_ours = found.st_uid == rustix::process::geteuid().as_raw() && found.st_nlink == 1;
        if !is_ours || FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(OsError::new("trust", self.of(name), Errno::PERM.raw_os_error())
                .with_remedy("it is no file of yours alone; look at it, and move it away"));
        }
        Ok(File::from(file))
    }

    /// Removes a file.
    ///
    /// # Errors
    /// What keeps it from being removed.
    pub fn remove(&self, name: &str) -> Result<(), OsError> {
        unlinkat(&self.directory, name, AtFlags::empty()).on("remove", self.of(name))
    }

    /// The opened directory.
    #[must_use]
    pub fn as_fd(&self) -> rustix::fd::BorrowedFd<'_> {
        self.directory.as_fd()
    }

    fn of(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn path(path: &Path) -> AbsPath {
        AbsPath::posix(path.as_os_str().as_bytes()).unwrap()
    }

    #[test]
    fn is_made_for_this_user_alone() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("a/b");
        let made = PrivateDirectory::make(&path(&inner)).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&place.path().join("a"))), (0o700, 0o700));
        let mut file = made.create("x").unwrap();
        file.write_all(b"one\n").unwrap();
        assert_eq!(mode(&inner.join("x")), 0o600);
        assert_eq!(made.create("x").unwrap_err().code, libc::EEXIST);
        assert!(File::open(inner.join("x")).unwrap().try_lock_shared().is_err(), "it is locked");
        drop(file);
        let mut file = made.reopen("x").unwrap();
        file.write_all(b"two\n").unwrap();
        let mut text = String::new();
        File::open(inner.join("x")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");
        made.remove("x").unwrap();
        assert_eq!(made.remove("x").unwrap_err().code, libc::ENOENT);
    }

    #[test]
    fn what_others_could_have_laid_there_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let open = place.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        let refused = PrivateDirectory::make(&path(&open)).unwrap_err();
        assert!(refused.remedy.unwrap().contains("chmod 700"));
        let link = place.path().join("link");
        symlink(place.path(), &link).unwrap();
        assert_eq!(PrivateDirectory::make(&path(&link)).unwrap_err().code, libc::ENOTDIR);
        let made = PrivateDirectory::make(&path(&place.path().join("mine"))).unwrap();
        symlink("/etc/hostname", place.path().join("mine/link")).unwrap();
        assert_eq!(made.create("link").unwrap_err().code, libc::EEXIST);
        assert_eq!(made.reopen("link").unwrap_err().code, libc::ELOOP);
        std::fs::write(place.path().join("mine/file"), "x").unwrap();
        std::fs::hard_link(place.path().join("mine/file"), place.path().join("other")).unwrap();
        assert_eq!(made.reopen("file").unwrap_err().code, libc::EPERM);
    }
}
