//! Events: what one thread waits for and another one signals.

use super::handle::{checked, owned};
use crate::OsError;
use crate::error::Context;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent};

/// An event without a name, which stays signalled until it is reset.
#[derive(Debug)]
pub struct Event(OwnedHandle);

impl Event {
    /// One that is not signalled.
    ///
    /// # Errors
    /// When the system has none.
    pub fn new() -> Result<Self, OsError> {
        // SAFETY: security and name may be null; the event is reset by hand.
        let event = unsafe { owned(CreateEventW(core::ptr::null(), 1, 0, core::ptr::null())) };
        Ok(Self(event.on("make", "an event")?))
    }

    /// Signals it.
    ///
    /// # Errors
    /// The thread's last error.
    pub fn set(&self) -> io::Result<()> {
        // SAFETY: the event is open.
        checked(unsafe { SetEvent(self.0.as_raw_handle()) })
    }

    /// Takes the signal back.
    ///
    /// # Errors
    /// The thread's last error.
    pub fn reset(&self) -> io::Result<()> {
        // SAFETY: the event is open.
        checked(unsafe { ResetEvent(self.0.as_raw_handle()) })
    }

    /// The same event, by a handle of its own.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn twin(&self) -> Result<Self, OsError> {
        Ok(Self(self.0.try_clone().on("keep", "an event")?))
    }
}

impl AsHandle for Event {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}
