//! Files of systems with owners and permission bits.

use super::{Author, LONGEST};
use crate::OsError;
use crate::error::Context as _;
use garth_policy::AbsPath;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use std::ffi::CString;

fn name(path: &AbsPath) -> Result<CString, OsError> {
    CString::new(path.as_bytes()).map_err(|_| Errno::INVAL).on("open", path)
}

/// Reads a policy or trust file. It is looked at as opened: nobody but its author may be able to change it.
/// `None` when it is absent.
///
/// # Errors
/// A file that others own or can write to, with the remedy, and everything that keeps it from being read.
pub fn read_trusted(path: &AbsPath, author: Author) -> Result<Option<Vec<u8>>, OsError> {
    let name = name(path)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match openat(CWD, name.as_c_str(), flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        other => other.on("open", path)?,
    };
    let stat = fstat(&file).on("look at", path)?;
    let refuse = |remedy: String| {
        Err(OsError::new("trust", path.to_string(), Errno::PERM.raw_os_error()).with_remedy(remedy))
    };
    let me = rustix::process::geteuid().as_raw();
    if stat.st_uid != 0 && (author == Author::Administrator || stat.st_uid != me) {
        return refuse(format!("it belongs to user {}; give it to its author: chown", stat.st_uid));
    }
    if stat.st_mode & 0o022 != 0 {
        return refuse("others can write to it: chmod go-w".into());
    }
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return refuse("it is no regular file".into());
    }
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::from(file), &mut text).on("read", path)?;
    Ok(Some(text))
}

/// Reads a text that a repository brought along, for pointers and its policy. `None` when it is absent.
///
/// # Errors
/// Everything but absence.
pub fn read_text(path: &AbsPath) -> Result<Option<Vec<u8>>, OsError> {
    match read_small(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if [Errno::NOENT, Errno::NOTDIR].iter().any(|none| none.raw_os_error() == error.code) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Reads a regular file of modest length, and follows no link to it.
pub(crate) fn read_small(path: &AbsPath) -> Result<Vec<u8>, OsError> {
    let name = name(path)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(CWD, name.as_c_str(), flags, Mode::empty()) {
        Err(error @ Errno::LOOP) => {
            return Err(error).on("open", path).map_err(|error| {
                error.with_remedy("it is a symbolic link, which is not followed: put the file itself there")
            });
        }
        other => other.on("open", path)?,
    };
    let stat = fstat(&file).on("look at", path)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        let refused = Err(Errno::INVAL).on("read", path);
        return refused.map_err(|error| error.with_remedy("it is no plain file: make it one, or remove it"));
    }
    if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > LONGEST {
        let refused = Err(Errno::FBIG).on("read", path);
        return refused.map_err(|error| error.with_remedy("it is longer than 1 MiB: shorten it"));
    }
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::from(file), &mut text).on("read", path)?;
    Ok(text)
}

/// True if every directory on the way, and this one, may be entered without root's right to enter any: inside a sandbox root
/// has it for nobody's directories but its own. Of others the kernel has asked the same all along.
#[must_use]
pub fn entered_without_rights(directory: &AbsPath) -> bool {
    if !rustix::process::geteuid().is_root() {
        return true;
    }
    let own_group = rustix::process::getegid().as_raw();
    let mut next = Some(directory.clone());
    while let Some(here) = next {
        let stat = name(&here).ok().and_then(|name| rustix::fs::stat(name.as_c_str()).ok());
        let Some(stat) = stat else { return false };
        let enter = match (stat.st_uid, stat.st_gid) {
            (0, _) => Mode::XUSR,
            (_, group) if group == own_group => Mode::XGRP,
            _ => Mode::XOTH,
        };
        if !Mode::from_raw_mode(stat.st_mode).contains(enter) {
            return false;
        }
        next = here.parent();
    }
    true
}

/// What stands at a name.
#[cfg(target_os = "macos")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Kind of the object at the very name: a link is a link.
    pub kind: garth_policy::NodeKind,
    /// The path with every link followed.
    pub final_path: AbsPath,
    /// Kind of the final object.
    pub final_kind: garth_policy::NodeKind,
}

/// Looks at a path, and at what it leads to: the object is opened and asked for its path (`F_GETPATH` of `fcntl(2)`). A
/// link that leads nowhere, and what may not be opened, is not seen.
#[cfg(target_os = "macos")]
#[must_use]
pub fn look(path: &AbsPath) -> Option<Found> {
    let name = name(path).ok()?;
    let own = rustix::fs::lstat(name.as_c_str()).ok()?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = openat(CWD, name.as_c_str(), flags, Mode::empty()).ok()?;
    let last = fstat(&file).ok()?;
    let final_path = AbsPath::posix(rustix::fs::getpath(&file).ok()?.into_bytes()).ok()?;
    Some(Found { kind: kind(own.st_mode), final_path, final_kind: kind(last.st_mode) })
}

#[cfg(target_os = "macos")]
fn kind(mode: rustix::fs::RawMode) -> garth_policy::NodeKind {
    use garth_policy::NodeKind;
    match FileType::from_raw_mode(mode) {
        FileType::RegularFile => NodeKind::File,
        FileType::Directory => NodeKind::Directory,
        FileType::Symlink => NodeKind::Symlink,
        _ => NodeKind::Other,
    }
}
