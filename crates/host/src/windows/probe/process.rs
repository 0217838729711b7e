//! Attacks on processes outside, and on what holds this one.

use crate::probe::{Act, Arguments, Refusal, Row};
use crate::windows::sys::handle::{checked, owned};
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::Command;
use windows_sys::Win32::Foundation::LUID;
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES,
    TOKEN_DUPLICATE, TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows_sys::Win32::System::Console::{AttachConsole, FreeConsole};
use windows_sys::Win32::System::Diagnostics::Debug::{DebugActiveProcess, DebugActiveProcessStop};
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_ALL_ACCESS,
    PROCESS_CREATE_PROCESS, PROCESS_CREATE_THREAD, PROCESS_DUP_HANDLE, PROCESS_QUERY_INFORMATION,
    PROCESS_SET_INFORMATION, PROCESS_SUSPEND_RESUME, PROCESS_TERMINATE, PROCESS_VM_OPERATION,
    PROCESS_VM_READ, PROCESS_VM_WRITE,
};

pub(super) const ACTIONS: &[Row] = &[
    ("open-process", open_process),
    ("open-token", open_token),
    ("terminate-process", terminate),
    ("debug-process", debug),
    ("attach-console", attach),
    ("leave-job", leave_job),
    ("take-privilege", take_privilege),
    ("own-process", |_| open(std::process::id(), PROCESS_VM_READ).map(|_| ())),
    ("own-child", |_| run_itself(0)),
    ("stand-by", stand_by),
];

/// Rights by their names.
const RIGHTS: &[(&str, u32)] = &[
    ("read-memory", PROCESS_VM_READ),
    ("write-memory", PROCESS_VM_WRITE | PROCESS_VM_OPERATION),
    ("make-thread", PROCESS_CREATE_THREAD),
    ("duplicate-handle", PROCESS_DUP_HANDLE),
    ("be-parent", PROCESS_CREATE_PROCESS),
    ("suspend", PROCESS_SUSPEND_RESUME),
    ("set-information", PROCESS_SET_INFORMATION),
    ("everything", PROCESS_ALL_ACCESS),
];

fn open(id: u32, rights: u32) -> Result<OwnedHandle, Refusal> {
    // SAFETY: it has no rules, and the handle is nobody else's.
    Ok(unsafe { owned(OpenProcess(rights, 0, id)) }?)
}

fn open_process(given: &Arguments<'_>) -> Act {
    let name = given.text(1)?;
    let (_, rights) = RIGHTS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| Refusal::broken(format!("no right is named `{name}`")))?;
    open(given.number(0)?, *rights).map(|_| ())
}

fn open_token(given: &Arguments<'_>) -> Act {
    let process = open(given.number(0)?, PROCESS_QUERY_INFORMATION)?;
    let mut token = core::ptr::null_mut();
    // SAFETY: the process is open, and the token has its place.
    checked(unsafe {
        OpenProcessToken(process.as_raw_handle(), TOKEN_DUPLICATE | TOKEN_QUERY, &raw mut token)
    })?;
    // SAFETY: the call succeeded.
    unsafe { owned(token) }?;
    Ok(())
}

/// Asks for the right alone: the bystander is needed for other attacks.
fn terminate(given: &Arguments<'_>) -> Act {
    open(given.number(0)?, PROCESS_TERMINATE).map(|_| ())
}

fn debug(given: &Arguments<'_>) -> Act {
    let id = given.number(0)?;
    // SAFETY: it has no rules; this process lets go at once.
    checked(unsafe { DebugActiveProcess(id) })?;
    // SAFETY: it is debugged by this process.
    unsafe { DebugActiveProcessStop(id) };
    Ok(())
}

fn attach(given: &Arguments<'_>) -> Act {
    let id = given.number(0)?;
    // SAFETY: a process without a console may call it too.
    unsafe { FreeConsole() };
    // SAFETY: it has no rules.
    Ok(checked(unsafe { AttachConsole(id) })?)
}

fn leave_job(_: &Arguments<'_>) -> Act {
    run_itself(CREATE_BREAKAWAY_FROM_JOB)
}

fn run_itself(flags: u32) -> Act {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args(["act", "own-process"]).creation_flags(flags);
    let status = super::files::quiet(&mut command).status()?;
    if status.success() { Ok(()) } else { Err(Refusal::broken("a child could not act")) }
}

/// `ERROR_NOT_ALL_ASSIGNED`
const NOT_ALL: i32 = 1300;

/// Switches on a privilege, by its number.
fn take_privilege(given: &Arguments<'_>) -> Act {
    let mut token = core::ptr::null_mut();
    // SAFETY: the pseudo-handle of this process needs no closing, and the token has its place.
    checked(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &raw mut token) })?;
    // SAFETY: the call succeeded.
    let token = unsafe { owned(token) }?;
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES {
            Luid: LUID { LowPart: given.number(0)?, HighPart: 0 },
            Attributes: SE_PRIVILEGE_ENABLED,
        }],
    };
    let null = core::ptr::null_mut();
    // SAFETY: the token is open, the structure says how long it is, and what was before is not asked for.
    checked(unsafe {
        AdjustTokenPrivileges(token.as_raw_handle(), 0, &raw const wanted, 0, null, null.cast())
    })?;
    // It succeeds in part, too, and then says so.
    match io::Error::last_os_error().raw_os_error() {
        Some(NOT_ALL) => Err(Refusal::Os(NOT_ALL)),
        _ => Ok(()),
    }
}

/// Does nothing for a while, for others to be opened by.
fn stand_by(_: &Arguments<'_>) -> Act {
    std::thread::sleep(std::time::Duration::from_secs(600));
    Ok(())
}

#[link(name = "ntdll", kind = "raw-dylib")]
// SAFETY: as `NtQueryInformationProcess` is declared in winternl.h.
unsafe extern "system" {
    fn NtQueryInformationProcess(
        process: *mut core::ffi::c_void,
        class: i32,
        information: *mut core::ffi::c_void,
        length: u32,
        returned: *mut u32,
    ) -> i32;
}

/// The process that started this one.
pub(super) fn parent() -> Option<usize> {
    // `PROCESS_BASIC_INFORMATION`: six words, of which the last is the parent's number.
    let mut found = [0_usize; 6];
    let length = u32::try_from(size_of_val(&found)).ok()?;
    // SAFETY: class 0 is this structure (winternl.h), which outlives the call; the length need not be returned.
    let status = unsafe {
        NtQueryInformationProcess(
            GetCurrentProcess(),
            0,
            found.as_mut_ptr().cast(),
            length,
            core::ptr::null_mut(),
        )
    };
    (status >= 0).then_some(found[5])
}
