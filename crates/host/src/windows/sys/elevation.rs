//! Starting a program as an administrator, if the user agrees.

use super::handle::{checked, owned};
use super::library::Function;
use super::wide::Wide;
use crate::error::Context;
use crate::windows::error::Result;
use core::ffi::c_void;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::{GetExitCodeProcess, INFINITE, WaitForSingleObject};
use windows_sys::Win32::UI::Shell::{SEE_MASK_NOASYNC, SEE_MASK_NOCLOSEPROCESS, SHELLEXECUTEINFOW};
use windows_sys::Win32::UI::WindowsAndMessaging::SW_HIDE;

type Execute = unsafe extern "system" fn(*mut SHELLEXECUTEINFOW) -> i32;

// SAFETY: the type is that of `ShellExecuteExW` (shellapi.h).
static EXECUTE: Function<Execute> =
    unsafe { Function::new("shell32.dll", c"ShellExecuteExW", "Windows 2000") };

/// Starts a program elevated and waits for its end. `line` is its command line without its name. The user is asked by
/// Windows itself. Its exit code.
///
/// # Errors
/// When the user declines (code 1223), or it cannot be started.
pub fn run(program: &str, line: &str) -> Result<u32> {
    let execute = EXECUTE.find()?;
    let verb = Wide::new("the verb", "runas")?;
    let (file, parameters) = (Wide::new("the program", program)?, Wide::new("its arguments", line)?);
    let mut order = SHELLEXECUTEINFOW {
        cbSize: u32::try_from(size_of::<SHELLEXECUTEINFOW>()).unwrap_or(0),
        // The handle is wanted, and nothing is left to a thread that may not live long enough.
        fMask: SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NOASYNC,
        lpVerb: verb.as_ptr(),
        lpFile: file.as_ptr(),
        lpParameters: parameters.as_ptr(),
        nShow: SW_HIDE,
        ..SHELLEXECUTEINFOW::default()
    };
    // SAFETY: the structure has its size, and the texts end with a zero and outlive the call.
    checked(unsafe { execute(&raw mut order) }).on("start as an administrator", program)?;
    // SAFETY: the call succeeded, and the handle of the new process is ours, as was asked for.
    let process = unsafe { owned(order.hProcess) }.on("wait for", program)?;
    let handle: *mut c_void = process.as_raw_handle();
    // SAFETY: the handle is open.
    let waited = unsafe { WaitForSingleObject(handle, INFINITE) };
    let mut code = 0;
    // SAFETY: the handle is open, and the result has its place.
    let asked = checked(unsafe { GetExitCodeProcess(handle, &raw mut code) });
    checked(i32::from(waited == WAIT_OBJECT_0)).and(asked).on("wait for", program)?;
    Ok(code)
}
