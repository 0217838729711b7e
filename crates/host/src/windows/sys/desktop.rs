//! Desktops: a process that draws or sends messages reaches only the windows of its own.

use super::handle::checked;
use super::security::{attributes, descriptor};
use super::wide::Wide;
use super::{random, wide};
use crate::OsError;
use crate::error::Context;
use crate::windows::error::Result;
use garth_plan::windows::SecurityDescriptor;
use std::io;
use std::sync::Once;
use windows_sys::Win32::System::StationsAndDesktops::{
    CloseDesktop, CreateDesktopW, GetProcessWindowStation, GetUserObjectInformationW, HDESK, UOI_NAME,
};

/// `DESKTOP_ALL_ACCESS` without the standard rights beyond reading: what the broker keeps a handle with.
const KEPT: u32 = 0x0002_01ff;

/// A desktop of its own. It goes when this and the last process on it are gone.
#[derive(Debug)]
pub struct Desktop {
    handle: HDESK,
    name: String,
}

// SAFETY: a desktop's handle belongs to the process, not to a thread; it is only closed here, once.
unsafe impl Send for Desktop {}

impl Desktop {
    /// Makes a desktop on this process's window station, with a name that begins as is said and that nobody can guess.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new(prefix: &str, security: &SecurityDescriptor) -> Result<Self> {
        let name = random::name(prefix)?;
        let wide = Wide::new("the name of a desktop", &name)?;
        let mut block = descriptor(security)?;
        note!("CreateDesktopW {KEPT:#x}: {}", super::calls::kept::descriptor(&block));
        let security = attributes(&mut block);
        // SAFETY: the name ends with a zero, device and mode are reserved as null, and the security outlives the call.
        let handle = unsafe {
            CreateDesktopW(wide.as_ptr(), core::ptr::null(), core::ptr::null(), 0, KEPT, &raw const security)
        };
        if handle.is_null() {
            let error = Err(io::Error::last_os_error()).on("make a desktop on", "the window station");
            return error.map_err(|error: OsError| {
                error.with_remedy("close other sandboxes: a window station has room for few desktops").into()
            });
        }
        let made = Self { handle, name: format!("{}\\{name}", station()?) };
        note!("CreateDesktopW = {}", made.name);
        Ok(made)
    }

    /// Station and desktop, as a new process is told.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody else closes it.
        unsafe { CloseDesktop(self.handle) };
    }
}

/// Has the library for windows loaded from now on, once, beside what else there is to do: it takes time, and nothing but a desktop
/// needs it. No thread begins and no other library is loaded meanwhile, so call it when those that are needed have been.
pub fn expect_one() {
    static EXPECTED: Once = Once::new();
    EXPECTED.call_once(load);
}

fn load() {
    /// Stack of the thread, in bytes.
    const STACK: usize = 128 * 1024;
    let thread = std::thread::Builder::new().name("desktops".into()).stack_size(STACK);
    // Where there is no thread, whoever needs the library loads it.
    let _loading = thread.spawn(|| station().map(drop));
}

/// The name of this process's window station.
fn station() -> core::result::Result<String, OsError> {
    let mut units = [0_u16; 256];
    let length = u32::try_from(size_of_val(&units)).unwrap_or(0);
    // SAFETY: the station's handle needs no closing, and the buffer has `length` bytes.
    let asked = checked(unsafe {
        GetUserObjectInformationW(
            GetProcessWindowStation(),
            UOI_NAME,
            units.as_mut_ptr().cast(),
            length,
            core::ptr::null_mut(),
        )
    });
    asked.on("ask for the name of", "the window station")?;
    let name = wide::text(&units);
    name.into_string()
        .map_err(|name| OsError::new("use", format!("the window station {}", name.display()), 87))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desktop_is_named_with_its_station() {
        let security: SecurityDescriptor = "O:SYG:SYD:(A;;GA;;;WD)".parse().unwrap();
        let one = Desktop::new("garth-", &security).unwrap();
        let (station, name) = one.name().split_once('\\').unwrap();
        assert!(!station.is_empty() && name.starts_with("garth-"), "{}", one.name());
        assert_ne!(Desktop::new("garth-", &security).unwrap().name(), one.name());
    }
}
