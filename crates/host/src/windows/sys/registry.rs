//! Single values of the registry.

use super::wide::{Wide, text as decoded};
use windows_sys::Win32::System::Registry::{
    HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, RRF_NOEXPAND, RRF_RT_REG_DWORD, RRF_RT_REG_EXPAND_SZ,
    RRF_RT_REG_SZ, RegGetValueW,
};

/// Where a key is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hive {
    /// Of the machine.
    Machine,
    /// Of the user of this process.
    User,
}

/// A text; the value without a name is the default one. `None` if it is not there, is no text or is longer than a path.
#[must_use]
pub fn text(hive: Hive, key: &str, value: &str) -> Option<String> {
    text_of(hive, key, value, RRF_RT_REG_SZ)
}

/// The same, also for a text with variables of the environment, which stay as they are written.
#[must_use]
pub fn unexpanded(hive: Hive, key: &str, value: &str) -> Option<String> {
    text_of(hive, key, value, RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND)
}

fn text_of(hive: Hive, key: &str, value: &str, kinds: u32) -> Option<String> {
    let mut units = vec![0_u16; 32_768];
    let bytes = u32::try_from(units.len() * 2).ok()?;
    // SAFETY: the buffer has as many bytes as is said.
    let found = unsafe { read(hive, key, value, kinds, units.as_mut_ptr().cast(), bytes) };
    found.then(|| decoded(&units).to_string_lossy().into_owned())
}

/// A number of 32 bits; `None` if it is not there, or is none.
#[must_use]
pub fn number(hive: Hive, key: &str, value: &str) -> Option<u32> {
    let mut found = 0_u32;
    // SAFETY: the number has four bytes.
    let read = unsafe { read(hive, key, value, RRF_RT_REG_DWORD, (&raw mut found).cast(), 4) };
    read.then_some(found)
}

/// # Safety
/// `place` must hold `bytes` bytes.
unsafe fn read(
    hive: Hive,
    key: &str,
    value: &str,
    kind: u32,
    place: *mut core::ffi::c_void,
    bytes: u32,
) -> bool {
    let (Ok(key), Ok(value)) = (Wide::new("a key", key), Wide::new("a value", value)) else { return false };
    let root = match hive {
        Hive::Machine => HKEY_LOCAL_MACHINE,
        Hive::User => HKEY_CURRENT_USER,
    };
    let mut length = bytes;
    // SAFETY: both texts end with a zero, and the caller says how much room there is.
    let result = unsafe {
        RegGetValueW(root, key.as_ptr(), value.as_ptr(), kind, core::ptr::null_mut(), place, &raw mut length)
    };
    result == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_kind() {
        const CURRENT: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        assert!(!text(Hive::Machine, CURRENT, "CurrentBuild").unwrap().is_empty());
        assert_eq!(number(Hive::Machine, CURRENT, "CurrentBuild"), None);
        assert_eq!(text(Hive::User, r"SOFTWARE\no such key", ""), None);
        assert_eq!(
            unexpanded(Hive::Machine, CURRENT, "CurrentBuild"),
            text(Hive::Machine, CURRENT, "CurrentBuild")
        );
    }
}
