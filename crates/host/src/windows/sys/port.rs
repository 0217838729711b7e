//! Completion ports that hear of the processes in a job.
//!
//! Source: "`JOBOBJECT_ASSOCIATE_COMPLETION_PORT` structure" of the documentation. Of the messages those of limits are sent
//! without a guarantee, and so are those of processes that start and end.

use super::handle::{checked, owned};
use super::job::Job;
use crate::OsError;
use crate::error::Context;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle};
use std::time::Duration;
use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::IO::{
    CreateIoCompletionPort, GetQueuedCompletionStatus, OVERLAPPED, PostQueuedCompletionStatus,
};

// Messages (winnt.h).
const ACTIVE_PROCESS_LIMIT: u32 = 3;
const NEW_PROCESS: u32 = 6;
const EXIT_PROCESS: u32 = 7;
const ABNORMAL_EXIT_PROCESS: u32 = 8;
const PROCESS_MEMORY_LIMIT: u32 = 9;
const JOB_MEMORY_LIMIT: u32 = 10;

/// What a job told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A process is in it from now on. Its number may be another process's by the time that this is read.
    Started(u32),
    /// A process of it ended.
    Ended(u32),
    /// No further process was let start.
    Processes,
    /// Memory was refused.
    Memory,
    /// Nothing more is to be heard.
    Last,
}

/// `WAIT_TIMEOUT`
const TIMED_OUT: i32 = 258;

/// The key of messages of the job, and of garth's own last one.
const JOB: usize = 1;
const LAST: usize = 2;

/// A port.
#[derive(Debug)]
pub struct Port {
    handle: OwnedHandle,
}

impl Port {
    /// A port of nothing yet.
    ///
    /// # Errors
    /// When the system has none.
    pub fn new() -> Result<Self, OsError> {
        // SAFETY: no file and no port are given, so a new port is made.
        let handle =
            unsafe { owned(CreateIoCompletionPort(INVALID_HANDLE_VALUE, core::ptr::null_mut(), 0, 1)) };
        Ok(Self { handle: handle.on("make", "a completion port")? })
    }

    /// Hears of this job. Call it before anything is in the job: what is there already is not told.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn hear(&self, job: &Job) -> Result<(), OsError> {
        job.tell(self.handle.as_handle(), JOB)
    }

    /// The next message, if one comes within this time; without one it is waited for.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn next(&self, most: Option<Duration>) -> Result<Option<Message>, OsError> {
        let most = most.map_or(u32::MAX, |most| u32::try_from(most.as_millis()).unwrap_or(u32::MAX - 1));
        loop {
            let (mut message, mut key) = (0, 0);
            let mut value: *mut OVERLAPPED = core::ptr::null_mut();
            // SAFETY: the port is open, and the results have their places. The last of them is no pointer here, but the
            // number of a process, and is not followed.
            let heard = checked(unsafe {
                GetQueuedCompletionStatus(
                    self.handle.as_raw_handle(),
                    &raw mut message,
                    &raw mut key,
                    &raw mut value,
                    most,
                )
            });
            match heard {
                Err(error) if error.raw_os_error() == Some(TIMED_OUT) => return Ok(None),
                heard => heard.on("wait for", "messages of a job")?,
            }
            let process = u32::try_from(value as usize).unwrap_or(0);
            if key == LAST {
                return Ok(Some(Message::Last));
            }
            let message = match message {
                NEW_PROCESS => Message::Started(process),
                EXIT_PROCESS | ABNORMAL_EXIT_PROCESS => Message::Ended(process),
                ACTIVE_PROCESS_LIMIT => Message::Processes,
                PROCESS_MEMORY_LIMIT | JOB_MEMORY_LIMIT => Message::Memory,
                // That nothing runs any more, and times that garth does not set.
                _ => continue,
            };
            return Ok(Some(message));
        }
    }

    /// Lets who waits hear [`Message::Last`], after all that was told before.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn close(&self) -> io::Result<()> {
        // SAFETY: the port is open, and nothing is pointed to.
        checked(unsafe {
            PostQueuedCompletionStatus(self.handle.as_raw_handle(), 0, LAST, core::ptr::null())
        })
    }
}
