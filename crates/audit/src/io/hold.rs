//! Who writes to a file of a log keeps others from doing so, for as long as it lives: elsewhere by a lock, on Windows by not
//! sharing the file with writers, because a lock there keeps readers out as well.

use std::fs::File;
use std::io;
use std::path::Path;

/// Whether somebody writes to the file.
#[cfg(not(windows))]
#[must_use]
pub fn is_live(file: &Path) -> bool {
    let Ok(file) = File::open(file) else { return false };
    matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
}

/// Whether somebody writes to the file.
#[cfg(windows)]
#[must_use]
pub fn is_live(file: &Path) -> bool {
    /// `ERROR_SHARING_VIOLATION`
    const NOT_SHARED: i32 = 32;
    let opened = File::options().write(true).open(file);
    opened.is_err_and(|error| error.raw_os_error() == Some(NOT_SHARED))
}

/// Keeps a file that was opened to be written to for this process alone; `false` if somebody else has it.
#[cfg(not(windows))]
pub(super) fn hold(file: &File) -> io::Result<bool> {
    use std::fs::TryLockError;
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Who could open the file has it alone already.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn hold(_file: &File) -> io::Result<bool> {
    Ok(true)
}
