//! Named pipes: ends for others to come to, and who stands at the other one.

use super::handle::{checked, owned};
use super::wide::Wide;
use crate::OsError;
use crate::error::Context;
use crate::windows::error::Result;
use garth_plan::windows::SecurityDescriptor;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle};
use windows_sys::Win32::Foundation::{ERROR_NO_DATA, ERROR_PIPE_CONNECTED};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_FIRST_PIPE_INSTANCE, PIPE_ACCESS_DUPLEX};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, GetNamedPipeClientProcessId, GetNamedPipeServerProcessId,
    PIPE_REJECT_REMOTE_CLIENTS, PIPE_UNLIMITED_INSTANCES,
};

/// What an end is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Nobody has made a pipe of this name.
    First,
    /// A further one comes to the same pipe.
    Further,
}

/// Makes an end that bytes go through both ways. As much as `room` is kept of what nobody has read at the other end.
/// Nobody of another machine gets to it.
///
/// # Errors
/// When the system refuses, as it does for a first end of a name that is there.
pub fn listening(name: &str, security: &SecurityDescriptor, which: Which, room: u32) -> Result<File> {
    let wide = Wide::new("a pipe", name)?;
    let mut block = super::security::descriptor(security)?;
    let attributes = super::security::attributes(&mut block);
    let first = if which == Which::First { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
    // SAFETY: the name ends with a zero, and the security outlives the call.
    let handle = unsafe {
        owned(CreateNamedPipeW(
            wide.as_ptr(),
            PIPE_ACCESS_DUPLEX | first,
            PIPE_REJECT_REMOTE_CLIENTS,
            PIPE_UNLIMITED_INSTANCES,
            room,
            room,
            0,
            &raw const attributes,
        ))
    };
    Ok(handle.on("make", name)?.into())
}

/// Waits until somebody comes. `false` for one who is gone again.
///
/// # Errors
/// When the system cannot wait.
pub fn connected(end: &File) -> io::Result<bool> {
    let is = |error: &io::Error, code: u32| error.raw_os_error() == i32::try_from(code).ok();
    // SAFETY: the end is open, and nothing is asynchronous.
    match checked(unsafe { ConnectNamedPipe(end.as_raw_handle(), core::ptr::null_mut()) }) {
        Ok(()) => Ok(true),
        // Faster than this call.
        Err(error) if is(&error, ERROR_PIPE_CONNECTED) => Ok(true),
        Err(error) if is(&error, ERROR_NO_DATA) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The one who came.
    Client,
    /// The one who made the pipe.
    Server,
}

/// The number of the process at the other end. It is another process's when that one is gone, so look at the process by a
/// handle, and ask again.
///
/// # Errors
/// When the system does not say.
pub fn process(end: BorrowedHandle<'_>, peer: Peer) -> core::result::Result<u32, OsError> {
    let mut number = 0;
    // SAFETY: the end is open while it is borrowed, and the number has its place.
    let asked = unsafe {
        match peer {
            Peer::Client => GetNamedPipeClientProcessId(end.as_handle().as_raw_handle(), &raw mut number),
            Peer::Server => GetNamedPipeServerProcessId(end.as_handle().as_raw_handle(), &raw mut number),
        }
    };
    checked(asked).on("ask for the other end of", "a pipe")?;
    Ok(number)
}
