//! Removes a tree of any depth.

use crate::linux::supervise::place::descriptor_path;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes what stands at a name of a directory, with all that is in it. No link is followed. A directory in it is moved up
/// and emptied there: neither the depth of the tree nor the length of its paths matters, and two directories are open at a
/// time. What its owner may not enter is made passable.
///
/// # Errors
/// What could not be removed.
pub fn remove_tree(parent: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        // EPERM is what POSIX has for a directory.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(Errno::NOENT) => return Ok(()),
        other => return other,
    }
    let top = opened(parent, name)?;
    let mut number = 0_u64;
    let mut left: Vec<OsString> = Vec::new();
    empty(top.as_fd(), top.as_fd(), &mut left, &mut number)?;
    while let Some(next) = left.pop() {
        let directory = opened(top.as_fd(), &next)?;
        empty(directory.as_fd(), top.as_fd(), &mut left, &mut number)?;
        drop(directory);
        unlinkat(&top, next.as_os_str(), AtFlags::REMOVEDIR)?;
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

fn opened(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    match openat(parent, name, DIRECTORY, Mode::empty()) {
        Err(Errno::ACCESS) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let object = openat(parent, name, flags, Mode::empty())?;
            rustix::fs::chmod(descriptor_path(object.as_fd()).as_c_str(), Mode::RWXU)?;
            openat(&object, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        }
        other => other,
    }
}

/// Removes all that is no directory, and moves the directories to `top`.
fn empty(
    directory: BorrowedFd<'_>,
    top: BorrowedFd<'_>,
    left: &mut Vec<OsString>,
    number: &mut u64,
) -> Result<(), Errno> {
    // Names that are removed while a directory is read may hide others: all of them are read first.
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push((OsString::from_vec(name), entry.file_type() == FileType::Directory));
        }
    }
    if !names.is_empty() {
        // Nothing can be taken out of a directory that its owner may not write to.
        rustix::fs::fchmod(directory, Mode::RWXU)?;
    }
    for (name, is_directory) in names {
        if !is_directory {
            match unlinkat(directory, name.as_os_str(), AtFlags::empty()) {
                Err(Errno::ISDIR | Errno::PERM) => {}
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            }
        }
        match unlinkat(directory, name.as_os_str(), AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::ACCESS) => {
                left.push(moved(directory, &name, top, number)?)
            }
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn moved(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    top: BorrowedFd<'_>,
    number: &mut u64,
) -> Result<OsString, Errno> {
    loop {
        let new = OsString::from(format!(".garth-{number}"));
        *number += 1;
        let taken = rustix::fs::statat(top, new.as_os_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok();
        if taken {
            continue;
        }
        match renameat(directory, name, top, new.as_os_str()) {
            // Its own `..` changes, so it has to be writable itself.
            Err(Errno::ACCESS) => {
                opened(directory, name).and_then(|object| rustix::fs::fchmod(&object, Mode::RWXU))?;
                renameat(directory, name, top, new.as_os_str())?;
            }
            other => other?,
        }
        debug_assert!(!new.as_bytes().is_empty());
        return Ok(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, mkdirat};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_tree_deeper_than_any_path_goes_and_what_links_lead_to_stays() {
        let directory = tempfile::tempdir().unwrap();
        let top = openat(CWD, directory.path(), DIRECTORY, Mode::empty()).unwrap();
        std::fs::write(directory.path().join("outside"), "kept").unwrap();
        mkdirat(&top, "tree", Mode::RWXU).unwrap();
        let mut here = openat(&top, "tree", DIRECTORY, Mode::empty()).unwrap();
        for level in 0..3000 {
            rustix::fs::symlinkat(directory.path().join("outside"), &here, "link").unwrap();
            mkdirat(&here, "d", Mode::RWXU).unwrap();
            let next = openat(&here, "d", DIRECTORY, Mode::empty()).unwrap();
            if level % 100 == 0 {
                rustix::fs::fchmod(&here, Mode::from_raw_mode(0o500)).unwrap();
            }
            here = next;
        }
        remove_tree(top.as_fd(), OsStr::new("tree")).unwrap();
        assert!(!directory.path().join("tree").exists());
        assert_eq!(std::fs::read(directory.path().join("outside")).unwrap(), b"kept");
        remove_tree(top.as_fd(), OsStr::new("tree")).unwrap();
    }

    #[test]
    fn what_nobody_may_enter_goes_too() {
        let directory = tempfile::tempdir().unwrap();
        let top = openat(CWD, directory.path(), DIRECTORY, Mode::empty()).unwrap();
        let closed = directory.path().join("tree/a/b");
        std::fs::create_dir_all(&closed).unwrap();
        std::fs::write(closed.join("f"), "").unwrap();
        symlink("/", closed.join("root")).unwrap();
        for path in [&closed, &directory.path().join("tree/a"), &directory.path().join("tree")] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o0)).unwrap();
        }
        remove_tree(top.as_fd(), OsStr::new("tree")).unwrap();
        assert!(!directory.path().join("tree").exists());
    }
}
