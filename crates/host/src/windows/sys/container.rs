//! Profiles of AppContainers.

use super::handle::hresult;
use super::library::Function;
use super::security::sid;
use super::wide::Wide;
use crate::windows::error::{Error, Result};
use core::ffi::c_void;
use garth_plan::windows::{Sid, derive};
use windows_sys::Win32::Security::{FreeSid, PSID};

type Create =
    unsafe extern "system" fn(*const u16, *const u16, *const u16, *const c_void, u32, *mut PSID) -> i32;
type Delete = unsafe extern "system" fn(*const u16) -> i32;
type Derive = unsafe extern "system" fn(*const u16, *mut PSID) -> i32;

// SAFETY: the type is that of `CreateAppContainerProfile` (userenv.h).
static CREATE: Function<Create> =
    unsafe { Function::new("userenv.dll", c"CreateAppContainerProfile", "Windows 8") };
// SAFETY: the type is that of `DeleteAppContainerProfile` (userenv.h).
static DELETE: Function<Delete> =
    unsafe { Function::new("userenv.dll", c"DeleteAppContainerProfile", "Windows 8") };
// SAFETY: the type is that of `DeriveAppContainerSidFromAppContainerName` (userenv.h).
static DERIVE: Function<Derive> =
    unsafe { Function::new("userenv.dll", c"DeriveAppContainerSidFromAppContainerName", "Windows 8") };

/// `ERROR_ALREADY_EXISTS`
const EXISTS: i32 = 183;

/// Makes the profile of a container, or takes the one that is there. Returns whether it was made.
///
/// # Errors
/// [`Error::Unavailable`] where Windows has no AppContainers; a package SID that differs from the planned one is refused.
pub fn ensure(name: &str, display: &str) -> Result<bool> {
    let create = CREATE.find()?;
    let (wide, shown) = (Wide::new("the name of a container", name)?, Wide::new("its title", display)?);
    let mut made = core::ptr::null_mut();
    // SAFETY: the texts end with a zero, no capabilities are given, and the result has its place.
    let result =
        unsafe { create(wide.as_ptr(), shown.as_ptr(), shown.as_ptr(), core::ptr::null(), 0, &raw mut made) };
    let fresh = match hresult(result, "make the profile of the container", name) {
        Ok(()) => true,
        Err(error) if error.code == EXISTS => false,
        Err(error) => return Err(error.into()),
    };
    if fresh {
        // SAFETY: the call succeeded, so the SID is valid and ours to free.
        expect_package(name, unsafe { taken(made) }?)?;
    } else {
        expect_package(name, package(name)?)?;
    }
    Ok(fresh)
}

/// The package SID that this Windows derives from a name.
///
/// # Errors
/// [`Error::Unavailable`] where Windows has no AppContainers.
pub fn package(name: &str) -> Result<Sid> {
    let derive = DERIVE.find()?;
    let wide = Wide::new("the name of a container", name)?;
    let mut derived = core::ptr::null_mut();
    // SAFETY: the text ends with a zero, and the result has its place.
    let result = unsafe { derive(wide.as_ptr(), &raw mut derived) };
    hresult(result, "derive the package of the container", name)?;
    // SAFETY: the call succeeded, so the SID is valid and ours to free.
    unsafe { taken(derived) }
}

/// Removes the profile of a container. One that is not there is removed already.
///
/// # Errors
/// [`Error::Unavailable`] where Windows has no AppContainers.
pub fn remove(name: &str) -> Result<()> {
    let delete = DELETE.find()?;
    let wide = Wide::new("the name of a container", name)?;
    // SAFETY: the text ends with a zero.
    let result = unsafe { delete(wide.as_ptr()) };
    Ok(hresult(result, "remove the profile of the container", name)?)
}

/// Whether this Windows has AppContainers at all.
///
/// # Errors
/// The function that is missing.
pub fn available() -> Result<()> {
    CREATE.find()?;
    DELETE.find()?;
    DERIVE.find()?;
    Ok(())
}

fn expect_package(name: &str, found: Sid) -> Result<()> {
    let planned = derive::package(name);
    if found == planned {
        return Ok(());
    }
    Err(Error::value(format!("the container {name}"), format!("its package is {found}, not {planned}")))
}

/// Copies and frees a SID.
///
/// # Safety
/// The SID is valid, and nobody else frees it.
unsafe fn taken(raw: PSID) -> Result<Sid> {
    // SAFETY: the caller vouches for it.
    let copy = unsafe { sid(raw) };
    // SAFETY: the caller vouches that nobody else frees it.
    unsafe { FreeSid(raw) };
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_without_containers_says_so_and_one_with_them_derives_as_planned() {
        match package("garth.test") {
            Ok(found) => assert_eq!(found, derive::package("garth.test")),
            Err(Error::Unavailable(missing)) => assert_eq!(missing.since, "Windows 8"),
            Err(other) => panic!("{other}"),
        }
    }
}
