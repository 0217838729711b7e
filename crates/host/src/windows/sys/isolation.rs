//! Which packages may use the loopback beyond their own: a list of the machine's.

use super::handle::code;
use super::library::Function;
use super::security::{SidArray, sid};
use crate::windows::error::Result;
use garth_plan::windows::Sid;
use windows_sys::Win32::Security::SID_AND_ATTRIBUTES;

type Get = unsafe extern "system" fn(*mut u32, *mut *mut SID_AND_ATTRIBUTES) -> u32;
type Set = unsafe extern "system" fn(u32, *const SID_AND_ATTRIBUTES) -> u32;

// SAFETY: the type is that of `NetworkIsolationGetAppContainerConfig` (netfw.h).
static GET: Function<Get> =
    unsafe { Function::new("firewallapi.dll", c"NetworkIsolationGetAppContainerConfig", "Windows 8") };
// SAFETY: the type is that of `NetworkIsolationSetAppContainerConfig` (netfw.h).
static SET: Function<Set> =
    unsafe { Function::new("firewallapi.dll", c"NetworkIsolationSetAppContainerConfig", "Windows 8") };

const LIST: &str = "the packages that are exempt from the isolation of the loopback";

/// The exempt packages.
///
/// # Errors
/// [`Unavailable`](crate::windows::Unavailable) where Windows has no such list.
pub fn exempt() -> Result<Vec<Sid>> {
    let get = GET.find()?;
    let (mut count, mut entries) = (0, core::ptr::null_mut());
    // SAFETY: both results have their places.
    code(unsafe { get(&raw mut count, &raw mut entries) }, "read", LIST)?;
    if entries.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the call succeeded, so there are as many entries as it says. Its documentation does not say who frees them
    // how, so they are left to the end of this process, which asks a few times at most.
    let entries = unsafe { core::slice::from_raw_parts(entries, count as usize) };
    // SAFETY: each entry points to a SID in the memory that the call made.
    entries.iter().map(|entry| unsafe { sid(entry.Sid) }).collect()
}

/// Replaces the list: the call knows no single entry.
fn set(packages: &[Sid]) -> Result<()> {
    let set = SET.find()?;
    let array = SidArray::new(packages, 0);
    // SAFETY: the array has as many entries as is said, and it outlives the call.
    Ok(code(unsafe { set(array.count(), array.as_ptr()) }, "replace", LIST)?)
}

/// Adds a package, or takes it away; all others stay. Returns whether the list had to be changed; what it holds then is read
/// back by the caller.
///
/// # Errors
/// When the list cannot be read, or the system refuses, which it does to all but administrators.
pub fn change(package: Sid, exempted: bool) -> Result<bool> {
    let mut packages = exempt()?;
    if packages.contains(&package) == exempted {
        return Ok(false);
    }
    packages.retain(|known| *known != package);
    packages.extend(exempted.then_some(package));
    set(&packages)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::Error;
    use garth_plan::windows::derive;

    #[test]
    fn a_windows_without_the_list_says_so_and_one_with_it_is_left_alone() {
        match exempt() {
            // To take away what is not there changes nothing.
            Ok(found) => {
                assert!(!change(derive::package("garth.test"), false).unwrap());
                assert_eq!(exempt().unwrap(), found);
            }
            Err(Error::Unavailable(missing)) => assert_eq!(missing.since, "Windows 8"),
            Err(other) => panic!("{other}"),
        }
    }
}
