//! Other processes, by handles of their own: what they execute, how they were called, and how they ended.

use super::handle::{checked, owned};
use super::job::Job;
use super::library::Function;
use crate::OsError;
use crate::error::Context;
use crate::windows::error::Result;
use core::ffi::c_void;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, FILETIME, HANDLE};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetExitCodeProcess, GetProcessTimes, OpenProcess, PROCESS_DUP_HANDLE,
    PROCESS_NAME_WIN32, PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION,
    QueryFullProcessImageNameW,
};

type Query = unsafe extern "system" fn(HANDLE, i32, *mut c_void, u32, *mut u32) -> i32;
// SAFETY: the type is that of `NtQueryInformationProcess` (winternl.h).
static QUERY: Function<Query> =
    unsafe { Function::new("ntdll.dll", c"NtQueryInformationProcess", "Windows 8.1") };

/// `ProcessBasicInformation` (winternl.h).
const BASIC: i32 = 0;
/// `ProcessCommandLineInformation`, since Windows 8.1.
const COMMAND_LINE: i32 = 60;
/// Longest command line that is read, in bytes; the system's own limit is 64 KiB.
const LONGEST: usize = 68 * 1024;

/// A process that somebody else made. While this lives its number is no other process's.
#[derive(Debug)]
pub struct Living {
    handle: OwnedHandle,
    id: u32,
}

impl Living {
    /// The process of this number, if it is in the job: of a number alone nothing is believed.
    ///
    /// # Errors
    /// When there is none any more, or it is in no such job.
    pub fn inside(id: u32, job: &Job) -> core::result::Result<Self, OsError> {
        let found = Self::of(id)?;
        if job.holds(found.handle.as_handle())? {
            Ok(found)
        } else {
            Err(OsError::new("find", format!("{} in the sandbox", found.name()), NOT_FOUND))
        }
    }

    /// The process that has this number now.
    ///
    /// # Errors
    /// When there is none, or it is closed to this user.
    pub fn of(id: u32) -> core::result::Result<Self, OsError> {
        // SAFETY: it has no rules; a number without a process is an error.
        let open = |access: u32| unsafe { owned(OpenProcess(access, 0, id)) };
        // The smaller right does for all that is asked, but to Wine, where a job is asked for with the larger one alone.
        let handle = open(PROCESS_QUERY_INFORMATION).or_else(|_| open(PROCESS_QUERY_LIMITED_INFORMATION));
        Ok(Self { handle: handle.on("open", format!("process {id}"))?, id })
    }

    /// The process of this number that began at this time ([`began`]), to take handles from. A number may be another process's
    /// later, and is not at the same time.
    ///
    /// # Errors
    /// When there is none any more, or it is not this user's.
    pub fn since(id: u32, at: u64) -> core::result::Result<Self, OsError> {
        let name = || format!("process {id}");
        let rights = PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION;
        // SAFETY: it has no rules; a number without a process is an error.
        let handle = unsafe { owned(OpenProcess(rights, 0, id)) }.on("open", name())?;
        let found = Self { handle, id };
        if began(found.as_handle())? == at {
            Ok(found)
        } else {
            Err(OsError::new("find", format!("{}, which has ended", name()), NOT_FOUND))
        }
    }

    /// The object that this number is a handle of in that process, by a handle of one's own.
    ///
    /// # Errors
    /// When the process has ended, or has no such handle.
    pub fn lend(&self, number: u64) -> core::result::Result<OwnedHandle, OsError> {
        let theirs = core::ptr::without_provenance_mut(usize::try_from(number).unwrap_or(0));
        let mut made = core::ptr::null_mut();
        // SAFETY: the process's handle is open, the pseudo-handle needs no closing, and the result has its place. The number is looked
        // up in the other process alone.
        let result = unsafe {
            DuplicateHandle(
                self.handle.as_raw_handle(),
                theirs,
                GetCurrentProcess(),
                &raw mut made,
                0,
                0,
                DUPLICATE_SAME_ACCESS,
            )
        };
        checked(result).on("take a handle from", self.name())?;
        // SAFETY: the call succeeded, so the handle is open and ours.
        unsafe { owned(made) }.on("take a handle from", self.name())
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The file that it executes, as drives name it.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn image(&self) -> core::result::Result<String, OsError> {
        let mut buffer = vec![0_u16; 32 * 1024];
        let mut length = u32::try_from(buffer.len()).unwrap_or(0);
        // SAFETY: the handle is open, and the buffer has as many units as is said.
        checked(unsafe {
            QueryFullProcessImageNameW(
                self.handle.as_raw_handle(),
                PROCESS_NAME_WIN32,
                buffer.as_mut_ptr(),
                &raw mut length,
            )
        })
        .on("read the program of", self.name())?;
        buffer.truncate(length as usize);
        Ok(String::from_utf16_lossy(&buffer))
    }

    /// Its command line. The process can have changed it since it started.
    ///
    /// # Errors
    /// Where the system does not say: before Windows 8.1.
    pub fn command_line(&self) -> Result<String> {
        let block = self.ask(COMMAND_LINE, LONGEST)?;
        // A `UNICODE_STRING`, and the text that it points to in the same block.
        let half = |at: usize| block.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        let length = usize::from(half(0).unwrap_or(0));
        let head = 2 * size_of::<usize>();
        let text = block.get(head..).unwrap_or_default();
        let units = text.chunks_exact(2).take(length / 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        Ok(char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    }

    /// The number of the process that made it, or that it names as that one.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn parent(&self) -> Result<u32> {
        const WORD: usize = size_of::<usize>();
        let block = self.ask(BASIC, 6 * WORD)?;
        let last = block.get(5 * WORD..5 * WORD + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
        Ok(u32::from_le_bytes(last.unwrap_or_default()))
    }

    /// The exit code of a process that has ended.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn exit_code(&self) -> core::result::Result<u32, OsError> {
        let mut code = 0;
        // SAFETY: the handle is open, and the result has its place.
        checked(unsafe { GetExitCodeProcess(self.handle.as_raw_handle(), &raw mut code) })
            .on("read the exit code of", self.name())?;
        Ok(code)
    }

    fn ask(&self, class: i32, room: usize) -> Result<Vec<u8>> {
        let query = QUERY.find()?;
        let mut block = vec![0_u64; room.div_ceil(8)];
        let mut length = 0;
        // SAFETY: the handle is open, the block is aligned and has as many bytes as is said, and the length has its place.
        let status = unsafe {
            query(
                self.handle.as_raw_handle(),
                class,
                block.as_mut_ptr().cast(),
                u32::try_from(room).unwrap_or(0),
                &raw mut length,
            )
        };
        if status < 0 {
            return Err(OsError::new("ask for", self.name(), status).into());
        }
        let mut bytes: Vec<u8> = block.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate((length as usize).min(room));
        Ok(bytes)
    }

    fn name(&self) -> String {
        format!("process {}", self.id)
    }
}

/// When a process began, in the system's units of 100 nanoseconds since 1601.
///
/// # Errors
/// When the system does not say.
pub fn began(process: BorrowedHandle<'_>) -> core::result::Result<u64, OsError> {
    let mut times = [FILETIME::default(); 4];
    let [made, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open, and each time has its place.
    checked(unsafe { GetProcessTimes(process.as_raw_handle(), made, ended, kernel, user) })
        .on("ask for the times of", "a process")?;
    Ok(u64::from(made.dwHighDateTime) << 32 | u64::from(made.dwLowDateTime))
}

/// When this process began.
///
/// # Errors
/// When the system does not say.
pub fn own_beginning() -> core::result::Result<u64, OsError> {
    // SAFETY: the pseudo-handle is always valid, and is not closed.
    began(unsafe { BorrowedHandle::borrow_raw(GetCurrentProcess()) })
}

/// `ERROR_NOT_FOUND`
const NOT_FOUND: i32 = 1168;

impl AsHandle for Living {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}
