//! The system's log of events, by its classic interface, which needs no manifest.

use super::library::Function;
use super::wide::Wide;
use crate::OsError;
use crate::windows::error::Result;
use core::ffi::c_void;
use std::io;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::core::{PCWSTR, PWSTR};

type Register = unsafe extern "system" fn(PCWSTR, PCWSTR) -> HANDLE;
type Report = unsafe extern "system" fn(
    HANDLE,
    u16,
    u16,
    u32,
    *mut c_void,
    u16,
    u32,
    *const PWSTR,
    *const c_void,
) -> i32;
type Deregister = unsafe extern "system" fn(HANDLE) -> i32;

const LIBRARY: &str = "advapi32.dll";
const SINCE: &str = "Windows 2000";
// SAFETY: the type is that of `RegisterEventSourceW` (winbase.h).
static REGISTER: Function<Register> = unsafe { Function::new(LIBRARY, c"RegisterEventSourceW", SINCE) };
// SAFETY: the type is that of `ReportEventW` (winbase.h).
static REPORT: Function<Report> = unsafe { Function::new(LIBRARY, c"ReportEventW", SINCE) };
// SAFETY: the type is that of `DeregisterEventSource` (winbase.h).
static DEREGISTER: Function<Deregister> = unsafe { Function::new(LIBRARY, c"DeregisterEventSource", SINCE) };

/// The log, opened for one source.
#[derive(Debug)]
pub struct EventLog {
    handle: HANDLE,
    report: Report,
    deregister: Deregister,
}

impl EventLog {
    /// Opens it. A source that nobody registered is taken as well, and its entries go to the log of applications.
    ///
    /// # Errors
    /// When the system refuses, as where the service of the log does not run.
    pub fn open(source: &str) -> Result<Self> {
        let (register, report, deregister) = (REGISTER.find()?, REPORT.find()?, DEREGISTER.find()?);
        let source = Wide::new("the source of events", source)?;
        // SAFETY: the name ends with a zero, and no machine means this one.
        let handle = unsafe { register(core::ptr::null(), source.as_ptr()) };
        if handle.is_null() {
            return Err(last("open").into());
        }
        Ok(Self { handle, report, deregister })
    }

    /// Writes one entry: number, level (`EVENTLOG_…_TYPE`) and text.
    ///
    /// # Errors
    /// When the system refuses, and for a text with a zero in it.
    pub fn write(&self, number: u32, level: u16, text: &str) -> Result<()> {
        let mut text = Wide::new("the text of an event", text)?;
        let texts = [text.as_mut_ptr()];
        // SAFETY: the handle is open; there is one text, which ends with a zero and outlives the call; no user and no bytes
        // are named.
        let written = unsafe {
            (self.report)(
                self.handle,
                level,
                0,
                number,
                core::ptr::null_mut(),
                1,
                0,
                texts.as_ptr(),
                core::ptr::null(),
            )
        };
        if written == 0 { Err(last("write to").into()) } else { Ok(()) }
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody else closes it. Nobody can be told of a failure here.
        let _closed = unsafe { (self.deregister)(self.handle) };
    }
}

fn last(operation: &str) -> OsError {
    let code = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    OsError::new(operation, "the Windows Event Log", code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_taken() {
        let log = EventLog::open("garth-test").unwrap();
        log.write(100, 4, "{\"event\":\"test\"}").unwrap();
        assert!(log.write(100, 4, "a\0b").is_err());
    }
}
