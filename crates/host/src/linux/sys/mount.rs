//! `mount_setattr(2)`.
#![expect(unsafe_code, reason = "mount_setattr has no safe wrapper")]

use super::memory::last_errno;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Errno;

/// Sets attributes on the whole tree of mounts below `tree`, and cuts it off from mounts that the host
/// makes later.
///
/// # Errors
/// The error of `mount_setattr(2)`.
pub fn restrict(tree: BorrowedFd<'_>, attributes: u64) -> Result<(), Errno> {
    let request =
        libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 };
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
