//! Directories that Windows knows by an identifier: their names differ from machine to machine.

use super::handle::hresult;
use super::library::Function;
use super::wide;
use crate::windows::error::{Error, Result};
use core::ffi::c_void;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::core::GUID;

type Find = unsafe extern "system" fn(*const GUID, u32, HANDLE, *mut *mut u16) -> i32;
type Free = unsafe extern "system" fn(*const c_void);

// Looked up because the library takes milliseconds to load, which a program that needs no directory should not pay.
// SAFETY: the type is that of `SHGetKnownFolderPath` (shlobj_core.h).
static FIND: Function<Find> =
    unsafe { Function::new("shell32.dll", c"SHGetKnownFolderPath", "Windows Vista") };
// SAFETY: the type is that of `CoTaskMemFree` (combaseapi.h).
static FREE: Function<Free> = unsafe { Function::new("ole32.dll", c"CoTaskMemFree", "Windows 2000") };

pub use windows_sys::Win32::UI::Shell::{
    FOLDERID_LocalAppData, FOLDERID_Profile, FOLDERID_ProgramData, FOLDERID_ProgramFiles,
    FOLDERID_ProgramFilesX86, FOLDERID_UserProfiles, FOLDERID_Windows,
};

/// Where a directory is, for the user of this process. `name` is for errors.
///
/// # Errors
/// When there is none, or its path is no Unicode.
pub fn known(folder: &GUID, name: &str) -> Result<String> {
    let (find, free) = (FIND.find()?, FREE.find()?);
    let mut found = core::ptr::null_mut();
    // SAFETY: the identifier lives, null is the user of this process, and the result has its place.
    let result = unsafe { find(folder, 0, core::ptr::null_mut(), &raw mut found) };
    let text = if result >= 0 && !found.is_null() {
        let mut length = 0;
        // SAFETY: the text ends with a zero, and everything up to it may be read.
        let units = unsafe {
            while *found.add(length) != 0 {
                length += 1;
            }
            core::slice::from_raw_parts(found, length)
        };
        wide::text(units)
    } else {
        std::ffi::OsString::new()
    };
    // SAFETY: the text is ours to free, in any case, and null is allowed.
    unsafe { free(found.cast()) };
    hresult(result, "find the directory", name)?;
    text.into_string().map_err(|_| Error::value(format!("the directory {name}"), "its path is no Unicode"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_below_the_profiles() {
        let profile = known(&FOLDERID_Profile, "Profile").unwrap();
        assert!(profile.contains(":\\"), "{profile}");
        assert!(!known(&FOLDERID_Windows, "Windows").unwrap().is_empty());
        assert!(known(&GUID::from_u128(7), "none").is_err());
    }
}
