//! Names that nobody can guess.

use super::handle::checked;
use crate::OsError;
use crate::error::Context;
use core::fmt::Write;

// The standard library has it loaded in any case; `bcrypt.dll`, which leads to the same generator, would be one library more.
#[link(name = "bcryptprimitives", kind = "raw-dylib")]
unsafe extern "system" {
    /// Fills a buffer with random bytes ("ProcessPrng function", Windows 10).
    fn ProcessPrng(buffer: *mut u8, length: usize) -> i32;
}

/// Random bytes of the system's own generator.
///
/// # Errors
/// When it gives none.
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], OsError> {
    let mut bytes = [0_u8; COUNT];
    // SAFETY: the buffer has as many bytes as is said.
    checked(unsafe { ProcessPrng(bytes.as_mut_ptr(), COUNT) }).on("draw", "random bytes")?;
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
