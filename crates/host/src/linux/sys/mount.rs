//! `mount_setattr(2)` and `open_tree_attr(2)`.
#![expect(unsafe_code, reason = "mount_setattr and open_tree_attr have no safe wrapper")]

use super::memory::last_errno;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

/// `open_tree_attr`, of Linux 6.15: since 2019 new calls have one number on all systems that garth is built for
/// (`include/uapi/asm-generic/unistd.h`).
const OPEN_TREE_ATTR: libc::c_long = 467;

/// A copy of the whole tree of mounts at an object, mounted nowhere.
///
/// # Errors
/// The error of `open_tree(2)`.
pub fn clone_tree(object: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    open_tree(object, "", CLONE)
}

/// What makes a copy of the object itself, with all that is mounted below it.
const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE
    .union(OpenTreeFlags::OPEN_TREE_CLOEXEC)
    .union(OpenTreeFlags::AT_EMPTY_PATH)
    .union(OpenTreeFlags::AT_RECURSIVE);

/// As [`clone_tree`] and then [`restrict`], in one call where the kernel has one.
///
/// # Errors
/// The error of `open_tree(2)` or `mount_setattr(2)`.
pub fn clone_restricted(object: BorrowedFd<'_>, attributes: u64) -> Result<OwnedFd, Errno> {
    let request = request(attributes, 0);
    // SAFETY: the path is an empty C string, the request is read for its own size.
    let result = unsafe {
        libc::syscall(
            OPEN_TREE_ATTR,
            object.as_raw_fd(),
            c"".as_ptr(),
            CLONE.bits(),
            &raw const request,
            size_of::<libc::mount_attr>(),
        )
    };
    if let Ok(number @ 0..) = i32::try_from(result) {
        // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
        return Ok(unsafe { OwnedFd::from_raw_fd(number) });
    }
    // An older kernel, or one in a container that does not know the call. Whatever is wrong else, the older calls say.
    let tree = clone_tree(object)?;
    restrict(tree.as_fd(), attributes)?;
    Ok(tree)
}

fn request(attributes: u64, userns_fd: u64) -> libc::mount_attr {
    libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: libc::MS_PRIVATE, userns_fd }
}

/// As [`restrict`], and shows owners as the user namespace maps them.
///
/// # Errors
/// `EPERM` without rights over the file system, `EINVAL` where it, or a mount below, cannot map owners.
pub fn map_owners(tree: BorrowedFd<'_>, attributes: u64, owners: BorrowedFd<'_>) -> Result<(), Errno> {
    let owners = u64::try_from(owners.as_raw_fd()).map_err(|_| Errno::BADF)?;
    set(tree, attributes | libc::MOUNT_ATTR_IDMAP, owners)
}

/// Sets attributes on the whole tree of mounts below `tree`, and cuts it off from mounts that the host
/// makes later.
///
/// # Errors
/// The error of `mount_setattr(2)`.
pub fn restrict(tree: BorrowedFd<'_>, attributes: u64) -> Result<(), Errno> {
    set(tree, attributes, 0)
}

fn set(tree: BorrowedFd<'_>, attributes: u64, userns_fd: u64) -> Result<(), Errno> {
    let request = request(attributes, userns_fd);
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    // SAFETY: the path is an empty C string, the request is read for its own size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const request,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}
