//! Names that nobody can guess.

use crate::OsError;
use core::fmt::Write;
use windows_sys::Win32::Security::Cryptography::{BCRYPT_USE_SYSTEM_PREFERRED_RNG, BCryptGenRandom};

/// Random bytes of the system's own generator.
///
/// # Errors
/// When it gives none.
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], OsError> {
    let mut bytes = [0_u8; COUNT];
    let count = u32::try_from(COUNT).unwrap_or(0);
    // SAFETY: no algorithm is named, as the flag demands, and the buffer has `count` bytes.
    let status = unsafe {
        BCryptGenRandom(core::ptr::null_mut(), bytes.as_mut_ptr(), count, BCRYPT_USE_SYSTEM_PREFERRED_RNG)
    };
    if status < 0 {
        return Err(OsError::new("draw", "random bytes", status));
    }
    Ok(bytes)
}

/// A name of 32 hexadecimal digits behind a prefix.
///
/// # Errors
/// As [`random`].
pub fn name(prefix: &str) -> Result<String, OsError> {
    let mut name = prefix.to_owned();
    for byte in random::<16>()? {
        // Writing to a text does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_comes_twice() {
        let (one, other) = (name("garth-").unwrap(), name("garth-").unwrap());
        assert_eq!(one.len(), "garth-".len() + 32);
        assert_ne!(one, other);
    }
}
