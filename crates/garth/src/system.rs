//! What every system has in its own way, by one name.

use crate::Error;
use garth_host::OsError;
use garth_policy::AbsPath;

#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::client::Client;
#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::console::Withdrawal;
#[cfg(target_os = "linux")]
pub use garth_host::linux::broker::console::{Console, is_attended};
#[cfg(target_os = "linux")]
pub use garth_host::linux::door::Door;
#[cfg(target_os = "linux")]
pub(crate) use garth_host::linux::private::PrivateDirectory;
#[cfg(windows)]
pub use garth_host::windows::door::{Door, DoorStream};
#[cfg(windows)]
pub(crate) use garth_host::windows::private::PrivateDirectory;
#[cfg(windows)]
pub use garth_host::windows::questions::{Client, Console, Withdrawal, is_attended};
#[cfg(target_os = "linux")]
pub use std::os::unix::net::UnixStream as DoorStream;

/// Random bits that nobody can guess.
pub(crate) fn unguessable() -> Result<u64, OsError> {
    #[cfg(target_os = "linux")]
    let bytes = {
        let random = garth_host::linux::addresses::unguessable()?;
        let mut half = [0; 8];
        half.copy_from_slice(&random[..8]);
        half
    };
    #[cfg(windows)]
    let bytes = garth_host::windows::sys::random::random::<8>()?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The user's home.
#[cfg(target_os = "linux")]
pub(crate) fn home(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    let named = environment.iter().find(|(name, _)| name == b"HOME");
    named.and_then(|(_, value)| AbsPath::posix(value.clone()).ok()).ok_or_else(|| {
        Error::Policy("HOME is not set\nhint: set it to your home directory, or name --directory".into())
    })
}

/// The user's profile.
#[cfg(windows)]
pub(crate) fn home(_environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    crate::windows::profile()
}
