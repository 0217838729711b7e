//! `mount_setattr(2)`.
#![expect(unsafe_code, reason = "mount_setattr has no safe wrapper")]

use super::memory::last_errno;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Errno;

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
    let request =
        libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: libc::MS_PRIVATE, userns_fd };
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
