//! UTF-16 with a zero at the end, as the system takes it.

use crate::windows::error::{Error, Result};
use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::{OsStrExt, OsStringExt};

/// A text for the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wide(Vec<u16>);

impl Wide {
    /// The text, with its end. A zero in it would end it early for the system and not for us.
    ///
    /// # Errors
    /// [`Error::Value`] for a zero in the text.
    pub fn new(what: &str, text: impl AsRef<OsStr>) -> Result<Self> {
        let mut units: Vec<u16> = text.as_ref().encode_wide().collect();
        if units.contains(&0) {
            return Err(Error::value(what, "it holds a zero character"));
        }
        units.push(0);
        Ok(Self(units))
    }

    /// A path in a form that is not limited to 260 characters and in which no name is special. The path is absolute
    /// and normalised already: in this form the system resolves nothing.
    ///
    /// # Errors
    /// [`Error::Value`] for a zero in the path, or a path that is not absolute.
    pub fn path(path: impl AsRef<OsStr>) -> Result<Self> {
        let path = path.as_ref();
        let shown = path.to_string_lossy().into_owned();
        let mut text = path.to_os_string();
        if shown.starts_with(r"\\?\") || shown.starts_with(r"\\.\") {
            return Self::new(&shown, text);
        }
        let bytes = shown.as_bytes();
        if let Some(rest) = shown.strip_prefix(r"\\") {
            // A share: the verbatim form names it below `UNC`. What is no Unicode is kept as it is.
            let units: Vec<u16> = path.encode_wide().skip(shown.len() - rest.len()).collect();
            text = OsString::from(r"\\?\UNC\");
            text.push(OsString::from_wide(&units));
        } else if bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && &bytes[1..3] == br":\" {
            text = OsString::from(r"\\?\");
            text.push(path);
        } else {
            return Err(Error::value(shown, "it is not an absolute path"));
        }
        Self::new(&shown, text)
    }

    /// Where the text begins.
    #[must_use]
    pub fn as_ptr(&self) -> *const u16 {
        self.0.as_ptr()
    }

    /// The same for calls that write into it.
    pub fn as_mut_ptr(&mut self) -> *mut u16 {
        self.0.as_mut_ptr()
    }
}

/// The text up to the first zero.
#[must_use]
pub fn text(units: &[u16]) -> OsString {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    OsString::from_wide(&units[..end])
}

/// Asks with a growing buffer: `ask` gets it and returns how many units it wrote, or needs. Zero is a failure.
///
/// # Errors
/// The thread's last error; more than a path can have is refused as well.
pub fn grown(mut ask: impl FnMut(&mut [u16]) -> u32) -> std::io::Result<OsString> {
    const MOST: usize = 1 << 16;
    let mut buffer = vec![0_u16; 512];
    loop {
        let count = ask(&mut buffer) as usize;
        if count == 0 {
            return Err(std::io::Error::last_os_error());
        }
        if count < buffer.len() {
            return Ok(OsString::from_wide(&buffer[..count]));
        }
        if buffer.len() >= MOST {
            return Err(std::io::Error::from(std::io::ErrorKind::InvalidData));
        }
        buffer.resize((count + 1).max(buffer.len() * 2).min(MOST), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(wide: &Wide) -> String {
        text(&wide.0).into_string().unwrap()
    }

    #[test]
    fn a_zero_is_refused() {
        assert!(Wide::new("a name", "a\0b").is_err());
        assert_eq!(shown(&Wide::new("a name", "aä").unwrap()), "aä");
    }

    #[test]
    fn paths_get_the_form_without_limits() {
        for (given, wanted) in [
            (r"C:\a b\ä", r"\\?\C:\a b\ä"),
            (r"\\server\share\x", r"\\?\UNC\server\share\x"),
            (r"\\?\C:\x", r"\\?\C:\x"),
        ] {
            assert_eq!(shown(&Wide::path(given).unwrap()), wanted);
        }
        for relative in ["a", r"\a", "C:a", ""] {
            assert!(Wide::path(relative).is_err(), "{relative}");
        }
    }
}
