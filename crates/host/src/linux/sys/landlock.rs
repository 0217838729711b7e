//! `landlock(7)`: rulesets as owned descriptors.
#![expect(unsafe_code, reason = "the Landlock calls have no safe wrapper in the C library")]

use super::memory::last_errno;
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use rustix::io::Errno;

#[repr(C)]
struct RulesetAttributes {
    handled_files: u64,
    handled_network: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: i32,
}

/// The kernel's Landlock ABI version; 0 when it has none or has it switched off.
#[must_use]
pub fn abi() -> u32 {
    const VERSION: libc::c_ulong = 1;
    // SAFETY: asking for the version takes no pointer.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// A set of rules, not yet in force.
#[derive(Debug)]
pub struct Ruleset(OwnedFd);

impl Ruleset {
    /// A ruleset that refuses the given accesses unless a rule allows them.
    ///
    /// # Errors
    /// `EINVAL` when the kernel does not know one of the bits, `ENOSYS`/`EOPNOTSUPP` without Landlock.
    pub fn new(handled_files: u64, handled_network: u64, scoped: u64) -> Result<Self, Errno> {
        let attributes = RulesetAttributes { handled_files, handled_network, scoped };
        // Older kernels take shorter structures and refuse longer ones only if the surplus is not zero.
        let size = size_of::<RulesetAttributes>();
        // SAFETY: the call reads `size` bytes from the borrow.
        let fd = unsafe {
            libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0 as libc::c_ulong)
        };
        let fd = RawFd::try_from(fd).map_err(|_| Errno::BADF)?;
        if fd < 0 {
            return Err(last_errno());
        }
        // SAFETY: the kernel just returned this descriptor to us and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Allows `allowed` beneath the object.
    ///
    /// # Errors
    /// `EINVAL` for bits that are not handled or do not fit the object (a directory right on a file).
    pub fn allow(&self, object: BorrowedFd<'_>, allowed: u64) -> Result<(), Errno> {
        const PATH_BENEATH: libc::c_ulong = 1;
        let rule = PathBeneath { allowed, parent: object.as_raw_fd() };
        // SAFETY: the call reads one `PathBeneath` from the borrow; both descriptors are open.
        let result = unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                self.0.as_raw_fd(),
                PATH_BENEATH,
                &raw const rule,
                0 as libc::c_ulong,
            )
        };
        if result == 0 { Ok(()) } else { Err(last_errno()) }
    }

    /// Puts the ruleset in force on the calling thread and all that it starts. Needs `no_new_privs`.
    /// Allocates nothing.
    ///
    /// # Errors
    /// The `errno` of `landlock_restrict_self(2)`.
    pub fn restrict(&self) -> Result<(), i32> {
        // SAFETY: the call takes a descriptor and flags, no pointer.
        let result = unsafe {
            libc::syscall(libc::SYS_landlock_restrict_self, self.0.as_raw_fd(), 0 as libc::c_ulong)
        };
        if result == 0 { Ok(()) } else { Err(last_errno().raw_os_error()) }
    }
}
