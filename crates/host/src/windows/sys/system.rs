//! Which Windows this is, for reports.

use super::handle::{checked, code};
use super::library::Function;
use super::registry::{self, Hive};
use super::wide::{Wide, grown};
use crate::error::Context;
use crate::windows::error::Result;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, GetFileAttributesW, INVALID_FILE_ATTRIBUTES,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNameDnsDomain, GetComputerNameExW, GetSystemWindowsDirectoryW, OSVERSIONINFOW,
};

const CURRENT: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";

type Version = unsafe extern "system" fn(*mut OSVERSIONINFOW) -> i32;
// Unlike its kin this one does not depend on what the program's manifest says.
// SAFETY: the type is that of `RtlGetVersion` (wdm.h).
static VERSION: Function<Version> = unsafe { Function::new("ntdll.dll", c"RtlGetVersion", "Windows 2000") };
type Query = unsafe extern "system" fn(u32, *mut core::ffi::c_void, u32, *mut u32) -> i32;
// SAFETY: the type is that of `NtQuerySystemInformation` (winternl.h).
static QUERY: Function<Query> =
    unsafe { Function::new("ntdll.dll", c"NtQuerySystemInformation", "Windows 2000") };
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

/// Whether App Control (code integrity for programs of users) is on, and only records: the options of
/// `SystemCodeIntegrityInformation`. `None` if this Windows does not say.
#[must_use]
pub fn code_integrity() -> Option<(bool, bool)> {
    const INFORMATION: u32 = 103;
    const USER_MODE: u32 = 0x04;
    const USER_MODE_AUDIT: u32 = 0x08;
    let query = QUERY.find().ok()?;
    // Its length, and the options.
    let mut found = [8_u32, 0];
    // SAFETY: the structure has eight bytes, as its first member and the call say.
    let status = unsafe { query(INFORMATION, found.as_mut_ptr().cast(), 8, core::ptr::null_mut()) };
    (status >= 0).then_some((found[1] & USER_MODE != 0, found[1] & USER_MODE_AUDIT != 0))
}

/// The directory of Windows, also where each user of a terminal server has one of his own. `None` if the system does not say.
#[must_use]
pub fn directory() -> Option<String> {
    let found = grown(|buffer| {
        let room = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        // SAFETY: the buffer has as many units as is said.
        unsafe { GetSystemWindowsDirectoryW(buffer.as_mut_ptr(), room) }
    });
    found.ok()?.into_string().ok()
}

/// Whether a directory stands at an absolute path, or a link that is made for directories.
#[must_use]
pub fn is_directory(path: &str) -> bool {
    let Ok(wide) = Wide::path(path) else { return false };
    // SAFETY: the path ends with a zero.
    let found = unsafe { GetFileAttributesW(wide.as_ptr()) };
    found != INVALID_FILE_ATTRIBUTES && found & FILE_ATTRIBUTE_DIRECTORY != 0
}

fn string(name: &str) -> Option<String> {
    registry::text(Hive::Machine, CURRENT, name)
}

fn number(name: &str) -> Option<u32> {
    registry::number(Hive::Machine, CURRENT, name)
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
