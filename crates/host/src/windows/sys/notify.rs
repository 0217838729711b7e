//! What the system tells of changes below a directory.
//!
//! Source: documentation of `ReadDirectoryChangesW`. The first call gives the directory a buffer of the system's own, of the
//! size that is asked for, in which it notes from then on what happens between two calls. One that runs over is thrown away,
//! which the next call tells by success without a byte.

use super::event::Event;
use super::handle::{checked, owned};
use super::security::Aligned;
use super::wide::Wide;
use crate::error::Context;
use crate::windows::error::Result;
use std::fmt;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use windows_sys::Win32::Foundation::{ERROR_NOTIFY_ENUM_DIR, ERROR_OPERATION_ABORTED};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OVERLAPPED, FILE_LIST_DIRECTORY,
    FILE_NOTIFY_CHANGE_ATTRIBUTES, FILE_NOTIFY_CHANGE_CREATION, FILE_NOTIFY_CHANGE_DIR_NAME,
    FILE_NOTIFY_CHANGE_FILE_NAME, FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_NOTIFY_CHANGE_SECURITY,
    FILE_NOTIFY_CHANGE_SIZE, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
    ReadDirectoryChangesW,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};

/// Bytes of a buffer. A directory of another machine takes no more.
const ROOM: usize = 64 * 1024;

const WANTED: u32 = FILE_NOTIFY_CHANGE_FILE_NAME
    | FILE_NOTIFY_CHANGE_DIR_NAME
    | FILE_NOTIFY_CHANGE_ATTRIBUTES
    | FILE_NOTIFY_CHANGE_SIZE
    | FILE_NOTIFY_CHANGE_LAST_WRITE
    | FILE_NOTIFY_CHANGE_CREATION
    | FILE_NOTIFY_CHANGE_SECURITY;

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A list of `FILE_NOTIFY_INFORMATION`.
    Notices(Vec<u8>),
    /// More happened than the system had room for; what it was is not known.
    Overrun,
    /// Nothing happened, and nothing more is asked.
    Nothing,
}

/// A directory with everything below it that tells of changes.
pub struct Notifying {
    directory: OwnedHandle,
    name: String,
    event: Event,
    /// The system writes to both while it is asked, so they stay where they are.
    call: Box<OVERLAPPED>,
    buffer: Aligned,
    is_asked: bool,
}

impl fmt::Debug for Notifying {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Notifying").field("name", &self.name).finish_non_exhaustive()
    }
}

// SAFETY: what `call` points to is the event, which belongs to the same value; nothing of it belongs to a thread.
unsafe impl Send for Notifying {}

impl Notifying {
    /// Asks the system to note what happens in a directory from now on.
    ///
    /// # Errors
    /// When it cannot be opened, or its file system does not tell of changes.
    pub fn new(path: &str) -> Result<Self> {
        let wide = Wide::path(path)?;
        // SAFETY: the path ends with a zero, and the security and the template may be null.
        let directory = unsafe {
            owned(CreateFileW(
                wide.as_ptr(),
                FILE_LIST_DIRECTORY,
                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                core::ptr::null(),
                OPEN_EXISTING,
                FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED,
                core::ptr::null_mut(),
            ))
        };
        let directory = directory.on("watch", path)?;
        let event = Event::new()?;
        let call =
            Box::new(OVERLAPPED { hEvent: event.as_handle().as_raw_handle(), ..OVERLAPPED::default() });
        let buffer = Aligned::room(ROOM);
        let mut made = Self { directory, name: path.to_owned(), event, call, buffer, is_asked: false };
        made.ask().on("watch", path)?;
        Ok(made)
    }

    /// As it was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Signalled when [`Notifying::take`] has something.
    #[must_use]
    pub fn event(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }

    fn ask(&mut self) -> io::Result<()> {
        let (place, room) = (self.buffer.as_mut_ptr(), self.buffer.short_length());
        let raw = self.directory.as_raw_handle();
        let call = &raw mut *self.call;
        // SAFETY: the handle is open; buffer, call and event live until the call is over, for which `drop` waits.
        checked(unsafe {
            ReadDirectoryChangesW(raw, place, room, 1, WANTED, core::ptr::null_mut(), call, None)
        })?;
        self.is_asked = true;
        Ok(())
    }

    /// The result of the call, which is waited for.
    fn result(&mut self) -> io::Result<Heard> {
        if !self.is_asked {
            return Ok(Heard::Nothing);
        }
        let mut count = 0;
        let (raw, call) = (self.directory.as_raw_handle(), &raw const *self.call);
        // SAFETY: the handle is open, and the call is the one that was made with it.
        let result = checked(unsafe { GetOverlappedResult(raw, call, &raw mut count, 1) });
        self.is_asked = false;
        let is = |error: &io::Error, code: u32| error.raw_os_error() == i32::try_from(code).ok();
        match result {
            Ok(()) if count == 0 => Ok(Heard::Overrun),
            Ok(()) => {
                let mut bytes = self.buffer.bytes();
                bytes.truncate(count as usize);
                Ok(Heard::Notices(bytes))
            }
            Err(error) if is(&error, ERROR_NOTIFY_ENUM_DIR) => Ok(Heard::Overrun),
            Err(error) if is(&error, ERROR_OPERATION_ABORTED) => Ok(Heard::Nothing),
            Err(error) => Err(error),
        }
    }

    fn cancel(&mut self) {
        let (raw, call) = (self.directory.as_raw_handle(), &raw const *self.call);
        // SAFETY: the handle is open, and the call is the one that was made with it. One that is over already cannot be
        // cancelled, which makes no difference.
        let _over = unsafe { CancelIoEx(raw, call) };
    }

    /// What happened, and asks again. Waits if the event is not signalled.
    ///
    /// # Errors
    /// When the directory tells no more; then it is not asked again.
    pub fn take(&mut self) -> io::Result<Heard> {
        let heard = self.result()?;
        self.ask()?;
        Ok(heard)
    }

    /// What happened up to now and was not told; [`Heard::Nothing`] when that was all. Does not wait for anything to happen.
    ///
    /// # Errors
    /// When the directory tells no more.
    pub fn rest(&mut self) -> io::Result<Heard> {
        if !self.is_asked {
            // Whatever was noted meanwhile is the result at once.
            self.ask()?;
        }
        self.cancel();
        self.result()
    }
}

impl Drop for Notifying {
    fn drop(&mut self) {
        if self.is_asked {
            self.cancel();
            // The system writes to the buffer until then.
            let _heard = self.result();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_plan::windows::changes::{Action, Notice, notices};

    fn all(watched: &mut Notifying) -> Vec<Notice> {
        let mut found = Vec::new();
        while let Heard::Notices(bytes) = watched.rest().unwrap() {
            found.extend(notices(&bytes).unwrap());
        }
        found
    }

    #[test]
    fn a_directory_tells_what_happens_in_it() {
        let kept = tempfile::tempdir().unwrap();
        std::fs::write(kept.path().join("before"), "x").unwrap();
        let mut watched = Notifying::new(kept.path().to_str().unwrap()).unwrap();
        std::fs::write(kept.path().join("made"), "x").unwrap();
        std::fs::remove_file(kept.path().join("before")).unwrap();
        let heard = all(&mut watched);
        let has = |action: Action, name: &str| {
            heard.contains(&Notice { action, name: name.encode_utf16().collect() })
        };
        assert!(has(Action::Added, "made") && has(Action::Removed, "before"), "{heard:?}");
        assert_eq!(all(&mut watched), []);
    }

    #[test]
    fn what_is_no_directory_is_not_watched() {
        assert!(Notifying::new(r"C:\no such\directory").is_err());
    }
}
