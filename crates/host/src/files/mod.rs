//! Policy files and what else garth trusts: reading what nobody but its author can change, and texts that a repository
//! brought along.

#[cfg(unix)]
mod posix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use posix::read_small;
#[cfg(unix)]
pub use posix::{entered_without_rights, read_text, read_trusted};
#[cfg(windows)]
pub use windows::{read_text, read_trusted};

#[cfg(target_os = "macos")]
pub use posix::{Found, look};

/// Text files longer than this are not read: none of those asked for ever is. In bytes.
const LONGEST: u64 = 1 << 20;

/// Who may have written a file that is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Root alone; on Windows the system and administrators.
    Administrator,
    /// These, or the user who runs garth.
    User,
}
