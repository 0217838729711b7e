//! Which Windows this is, for reports.

use super::handle::{checked, code};
use super::library::Function;
use super::wide::{Wide, text};
use crate::error::Context;
use crate::windows::error::Result;
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RegGetValueW,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNameDnsDomain, GetComputerNameExW, OSVERSIONINFOW,
};

const CURRENT: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";

type Version = unsafe extern "system" fn(*mut OSVERSIONINFOW) -> i32;
// Unlike its kin this one does not depend on what the program's manifest says.
// SAFETY: the type is that of `RtlGetVersion` (wdm.h).
static VERSION: Function<Version> = unsafe { Function::new("ntdll.dll", c"RtlGetVersion", "Windows 2000") };
type WineVersion = unsafe extern "system" fn() -> *const core::ffi::c_char;
// SAFETY: never called; that it is there is the answer.
static WINE: Function<WineVersion> = unsafe { Function::new("ntdll.dll", c"wine_get_version", "Wine") };

/// The build of this Windows, with its revision: `26100.4652`.
///
/// # Errors
/// When the system does not say.
pub fn build() -> Result<String> {
    let version = VERSION.find()?;
    let size = u32::try_from(size_of::<OSVERSIONINFOW>()).unwrap_or(0);
    let mut found = OSVERSIONINFOW { dwOSVersionInfoSize: size, ..OSVERSIONINFOW::default() };
    // SAFETY: the structure says its size and outlives the call.
    let status = unsafe { version(&raw mut found) };
    code(status.cast_unsigned(), "ask for", "the version of Windows")?;
    let revision = number("UBR").unwrap_or(0);
    Ok(format!("{}.{revision}", found.dwBuildNumber))
}

/// The name of this Windows: `Windows 10 Pro 22H2`. On Windows 11 the registry still says 10; reports show the build
/// beside it.
#[must_use]
pub fn name() -> String {
    let product = string("ProductName").unwrap_or_else(|| "Windows".to_owned());
    let product = match string("DisplayVersion") {
        Some(version) => format!("{product} {version}"),
        None => product,
    };
    if is_wine() { format!("{product} (Wine)") } else { product }
}

/// Whether this is Wine, which runs Windows programs elsewhere and enforces next to nothing. For reports: nothing is
/// decided by it.
#[must_use]
pub fn is_wine() -> bool {
    WINE.is_available()
}

/// Whether the machine belongs to a domain.
///
/// # Errors
/// When the system does not say.
pub fn domain_joined() -> Result<bool> {
    let mut units = [0_u16; 256];
    let mut length = 256;
    // SAFETY: the buffer has as many units as is said.
    checked(unsafe { GetComputerNameExW(ComputerNameDnsDomain, units.as_mut_ptr(), &raw mut length) })
        .on("ask for", "the domain of this machine")?;
    Ok(length > 0 && units[0] != 0)
}

fn string(name: &str) -> Option<String> {
    let (key, value) = (Wide::new("a key", CURRENT).ok()?, Wide::new("a value", name).ok()?);
    let mut units = [0_u16; 256];
    let mut length = u32::try_from(size_of_val(&units)).ok()?;
    // SAFETY: both texts end with a zero, and the buffer has as many bytes as is said.
    let result = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_SZ,
            core::ptr::null_mut(),
            units.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    (result == 0).then(|| text(&units).to_string_lossy().into_owned())
}

fn number(name: &str) -> Option<u32> {
    let (key, value) = (Wide::new("a key", CURRENT).ok()?, Wide::new("a value", name).ok()?);
    let mut found = 0_u32;
    let mut length = 4;
    // SAFETY: both texts end with a zero, and the buffer has as many bytes as is said.
    let result = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_DWORD,
            core::ptr::null_mut(),
            (&raw mut found).cast(),
            &raw mut length,
        )
    };
    (result == 0).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_has_a_name_and_a_build() {
        assert!(name().starts_with("Windows") || name().contains("Windows"), "{}", name());
        let build = build().unwrap();
        assert!(build.split('.').all(|part| part.parse::<u32>().is_ok()), "{build}");
        domain_joined().unwrap();
    }
}
