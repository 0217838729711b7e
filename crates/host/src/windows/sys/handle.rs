//! Results of calls, and handles that are closed when they are dropped.

use crate::OsError;
use std::fmt::Display;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE,
    SetHandleInformation,
};
use windows_sys::Win32::System::Pipes::PeekNamedPipe;
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use crate::error::Context;

/// The outcome of a call that returns zero on failure. Ask before any other call: the code is the thread's last.
///
/// # Errors
/// The thread's last error.
pub fn checked(result: i32) -> io::Result<()> {
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The outcome of a call that returns an error code of Win32.
///
/// # Errors
/// The code, unless it is zero.
pub fn code(result: u32, operation: &str, object: impl Display) -> Result<(), OsError> {
    if result == 0 {
        return Ok(());
    }
    Err(OsError::new(operation, object.to_string(), i32::try_from(result).unwrap_or(i32::MAX)))
}

/// The outcome of a call that returns an HRESULT. One that wraps a Win32 code is unwrapped.
///
/// # Errors
/// The code, if it is negative.
pub fn hresult(result: i32, operation: &str, object: impl Display) -> Result<(), OsError> {
    const WIN32: u32 = 0x8007_0000;
    if result >= 0 {
        return Ok(());
    }
    let bits = result.cast_unsigned();
    let code = if bits & 0xffff_0000 == WIN32 { (bits & 0xffff).cast_signed() } else { result };
    Err(OsError::new(operation, object.to_string(), code))
}

/// How many bytes wait in a pipe.
///
/// # Errors
/// The thread's last error; `ERROR_BROKEN_PIPE` where nobody is at the other end any more.
pub fn waiting(pipe: BorrowedHandle<'_>) -> io::Result<u32> {
    let (null, mut count) = (core::ptr::null_mut(), 0);
    // SAFETY: the handle is open, nothing is read, and the count has its place.
    checked(unsafe {
        PeekNamedPipe(
            pipe.as_raw_handle(),
            null,
            0,
            core::ptr::null_mut(),
            &raw mut count,
            core::ptr::null_mut(),
        )
    })?;
    Ok(count)
}

/// Takes a handle that a call returned.
///
/// # Safety
/// The handle is open, or null, or `INVALID_HANDLE_VALUE`, and nobody else closes it.
///
/// # Errors
/// The thread's last error for the two values that are no handle.
pub unsafe fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller vouches for the handle.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// A second handle to the same object, which a child may inherit if it is on its list.
///
/// # Errors
/// When the system has no room for it.
pub fn inheritable(handle: BorrowedHandle<'_>) -> Result<OwnedHandle, OsError> {
    let mut copy = core::ptr::null_mut();
    // SAFETY: the handle is open while it is borrowed, the pseudo-handles need no closing, and `copy` outlives the call.
    let made = checked(unsafe {
        DuplicateHandle(
            GetCurrentProcess(),
            handle.as_raw_handle(),
            GetCurrentProcess(),
            &raw mut copy,
            0,
            1,
            DUPLICATE_SAME_ACCESS,
        )
    });
    made.on("duplicate", "a handle for the child")?;
    // SAFETY: the call succeeded, so the copy is open and ours.
    unsafe { owned(copy) }.on("duplicate", "a handle for the child")
}

/// Keeps a handle from every child.
///
/// # Errors
/// When the object does not allow it.
pub fn keep_private(handle: BorrowedHandle<'_>) -> Result<(), OsError> {
    // SAFETY: the handle is open while it is borrowed.
    checked(unsafe { SetHandleInformation(handle.as_raw_handle(), HANDLE_FLAG_INHERIT, 0) })
        .on("keep private", "a handle")
}

#[cfg(test)]
pub(in crate::windows) mod tests {
    use super::*;
    use std::os::windows::io::AsHandle;
    use windows_sys::Win32::Foundation::GetHandleInformation;
    use windows_sys::Win32::System::Threading::GetProcessHandleCount;

    /// How many handles this process has. Wine does not say; there a new handle has the lowest free number, a multiple of four,
    /// which comes to the same.
    pub(in crate::windows) fn count() -> i64 {
        if crate::windows::sys::system::is_wine() {
            let (reader, _writer) = io::pipe().unwrap();
            return reader.as_handle().as_raw_handle() as i64 / 4;
        }
        let mut count = 0;
        // SAFETY: the pseudo-handle needs no closing, and the count has its place.
        checked(unsafe { GetProcessHandleCount(GetCurrentProcess(), &raw mut count) }).unwrap();
        i64::from(count)
    }

    fn is_inheritable(handle: &impl AsHandle) -> bool {
        let mut flags = 0;
        // SAFETY: the handle is open while it is borrowed, and `flags` outlives the call.
        checked(unsafe { GetHandleInformation(handle.as_handle().as_raw_handle(), &raw mut flags) }).unwrap();
        flags & HANDLE_FLAG_INHERIT != 0
    }

    #[test]
    fn only_the_copy_is_for_children() {
        let (reader, _writer) = io::pipe().unwrap();
        let copy = inheritable(reader.as_handle()).unwrap();
        assert!(is_inheritable(&copy) && !is_inheritable(&reader));
        keep_private(copy.as_handle()).unwrap();
        assert!(!is_inheritable(&copy));
    }

    #[test]
    fn results_that_wrap_a_code_are_unwrapped() {
        assert!(hresult(0, "a", "b").is_ok() && hresult(1, "a", "b").is_ok());
        assert_eq!(hresult(0x8007_0005_u32.cast_signed(), "a", "b").unwrap_err().code, 5);
        assert_eq!(
            hresult(0x8000_4001_u32.cast_signed(), "a", "b").unwrap_err().code,
            0x8000_4001_u32.cast_signed()
        );
        assert_eq!(code(2, "a", "b").unwrap_err().code, 2);
    }
}
