//! What a proof lays out on the host and cannot lay out without system calls.
#![expect(unsafe_code, reason = "System V shared memory has no safe wrapper")]

use crate::OsError;
use crate::error::Context;
use crate::linux::sys::memory::last_errno;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::path::Path;

/// A segment of System V shared memory, removed on drop.
#[derive(Debug)]
pub struct SharedMemory {
    id: i32,
    /// The key under which others find it.
    pub key: i32,
}

impl SharedMemory {
    /// Makes a segment of one page under `key`, for this user only.
    ///
    /// # Errors
    /// The error of `shmget(2)`.
    pub fn new(key: i32) -> Result<Self, OsError> {
        // SAFETY: takes integers only.
        let id = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) };
        if id < 0 { Err(last_errno()).on("make", "shared memory") } else { Ok(Self { id, key }) }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the segment is ours; no structure is passed for this command.
        unsafe { libc::shmctl(self.id, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

/// A POSIX message queue, removed on drop.
#[derive(Debug)]
pub struct MessageQueue(std::ffi::CString);

impl MessageQueue {
    /// Makes a queue.
    ///
    /// # Errors
    /// The error of `mq_open(3)`.
    pub fn new(name: &str) -> Result<Self, OsError> {
        let name = std::ffi::CString::new(format!("/{name}"))
            .map_err(|_| rustix::io::Errno::INVAL)
            .on("name", "a message queue")?;
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_RDWR;
        // SAFETY: the name is NUL-terminated; a null attribute asks for the defaults.
        let queue = unsafe { libc::mq_open(name.as_ptr(), flags, 0o600, std::ptr::null::<libc::mq_attr>()) };
        if queue < 0 {
            return Err(last_errno()).on("make", "a message queue");
        }
        // SAFETY: the queue was just opened and is not used again.
        unsafe { libc::mq_close(queue) };
        Ok(Self(name))
    }
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        // SAFETY: the name is NUL-terminated.
        unsafe { libc::mq_unlink(self.0.as_ptr()) };
    }
}

/// Opens a file so that every program that is started inherits the descriptor: a leak, as careless
/// parents have them.
///
/// # Errors
/// The error of `open(2)`.
pub fn leak(path: &Path) -> Result<OwnedFd, OsError> {
    openat(CWD, path, OFlags::RDONLY, Mode::empty()).on("open", path.display())
}

/// Lets every process of the same user trace this one (`PR_SET_PTRACER_ANY`), so that a refusal inside is
/// the sandbox's own. A kernel without Yama does not know the call, and needs it not.
pub fn let_anyone_trace() {
    // SAFETY: takes integers only.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0) };
}

/// Numbers of this user and of its terminal, if it has one.
#[must_use]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Ends a process and everything it holds.
pub fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}
