//! Raw system calls, for what has no safe wrapper or must bypass one.
#![expect(unsafe_code, reason = "an attacker makes system calls that no wrapper offers")]

use crate::linux::sys::memory::last_errno;
use crate::probe::Refusal;
use std::os::fd::{FromRawFd, OwnedFd};

/// `AT_FDCWD` as a system-call argument: the kernel looks at its lower half.
pub(super) const HERE: usize = libc::AT_FDCWD.cast_unsigned() as usize;

/// Makes a system call whose arguments are plain integers, or addresses of live, exclusively borrowed
/// memory that the call may fill.
pub(super) fn call(number: i64, arguments: &[usize]) -> Result<i64, Refusal> {
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    // SAFETY: every caller in this module's parent passes integers, null, or addresses of memory that
    // it owns for the length of the call; the probe process holds nothing else that the kernel could spoil.
    let result = unsafe { libc::syscall(number, at(0), at(1), at(2), at(3), at(4), at(5)) };
    if result < 0 { Err(last_errno().into()) } else { Ok(result) }
}

/// As [`call`], for calls that make a descriptor.
pub(super) fn descriptor(number: i64, arguments: &[usize]) -> Result<OwnedFd, Refusal> {
    let made = call(number, arguments)?;
    let made = i32::try_from(made).map_err(|_| Refusal::broken("not a descriptor"))?;
    // SAFETY: the call has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(made) })
}

/// The address of a value, as a system-call argument.
pub(super) fn address<T: ?Sized>(value: &mut T) -> usize {
    std::ptr::from_mut(value).cast::<u8>().addr()
}

/// A path with its NUL.
pub(super) fn text(path: impl AsRef<std::ffi::OsStr>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = path.as_ref().as_encoded_bytes().to_vec();
    if bytes.contains(&0) {
        return Err(Refusal::broken("a NUL in a path"));
    }
    bytes.push(0);
    Ok(bytes)
}

/// A 32-bit call by the gate of another ABI (`int 0x80`): `getpid` of i386 has the number of `writev`-like
/// 64-bit calls, so a filter that forgets the ABI lets other calls through.
#[cfg(target_arch = "x86_64")]
pub(super) fn old_gate(number: u32) -> i64 {
    let result: i64;
    // SAFETY: the call takes no argument and changes no memory; the gate keeps all registers but rax
    // (r8 to r11 are declared lost).
    unsafe {
        std::arch::asm!(
            "int 0x80",
            inlateout("rax") u64::from(number) => result,
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
        );
    }
    result
}
