//! What stands ready on the host for attacks: a pipe, an event, a section; and what takes their traces away.

use super::objects::VALUE;
use crate::OsError;
use crate::error::Context;
use crate::windows::sys::handle::owned;
use crate::windows::sys::wide::Wide;
use std::os::windows::io::OwnedHandle;
use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Storage::FileSystem::PIPE_ACCESS_DUPLEX;
use windows_sys::Win32::System::Memory::{CreateFileMappingW, PAGE_READWRITE};
use windows_sys::Win32::System::Pipes::CreateNamedPipeW;
use windows_sys::Win32::System::Registry::{HKEY_CURRENT_USER, RegDeleteKeyValueW};
use windows_sys::Win32::System::Threading::CreateEventW;

/// Named objects of the host, with the security that the system gives them. They go when this is dropped.
#[derive(Debug)]
pub struct Objects {
    _handles: [OwnedHandle; 3],
}

impl Objects {
    /// Makes `\\.\pipe\NAME`, `Local\NAME-event` and `Local\NAME-section`.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn new(name: &str) -> Result<Self, OsError> {
        let wide = |text: String| {
            Wide::new("a name", &text).map_err(|error| OsError::new("use", error.to_string(), 87))
        };
        let pipe = wide(format!(r"\\.\pipe\{name}"))?;
        let event = wide(format!(r"Local\{name}-event"))?;
        let section = wide(format!(r"Local\{name}-section"))?;
        let null = core::ptr::null();
        // SAFETY: the name ends with a zero, and the security may be null.
        let pipe =
            unsafe { owned(CreateNamedPipeW(pipe.as_ptr(), PIPE_ACCESS_DUPLEX, 0, 4, 4096, 4096, 0, null)) };
        // SAFETY: as above.
        let event = unsafe { owned(CreateEventW(null, 0, 0, event.as_ptr())) };
        // SAFETY: as above; the section has no file.
        let section = unsafe {
            owned(CreateFileMappingW(INVALID_HANDLE_VALUE, null, PAGE_READWRITE, 0, 4096, section.as_ptr()))
        };
        let handles =
            [pipe.on("make", "a pipe")?, event.on("make", "an event")?, section.on("make", "a section")?];
        Ok(Self { _handles: handles })
    }
}

/// Removes what an attack may have written to a key of the user's.
pub fn remove_value(key: &str) {
    let (Ok(key), Ok(value)) = (Wide::new("a key", key), Wide::new("a value", VALUE)) else { return };
    // SAFETY: the root is predefined, and both names end with a zero. Mostly there is nothing to remove.
    let _absent = unsafe { RegDeleteKeyValueW(HKEY_CURRENT_USER, key.as_ptr(), value.as_ptr()) };
}
