//! Attacks by way of what acts for the user outside: services, COM servers, the task scheduler, other programs.

use crate::probe::{Act, Arguments, Refusal, Row};
use crate::windows::sys::handle::hresult;
use crate::windows::sys::wide::Wide;
use std::io;
use std::process::Command;
use windows_sys::Win32::System::Com::{
    CLSCTX_INPROC_SERVER, CLSCTX_LOCAL_SERVER, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, SC_MANAGER_CONNECT, SC_MANAGER_CREATE_SERVICE,
    SERVICE_CHANGE_CONFIG, SERVICE_START,
};
use windows_sys::core::GUID;

pub(super) const ACTIONS: &[Row] =
    &[("make-object", make_object), ("services", services), ("service", service), ("run", run)];

/// `IID_IUnknown`
static UNKNOWN: GUID = GUID::from_u128(0x0000_0000_0000_0000_c000_0000_0000_0046);

fn class(text: &str) -> Result<GUID, Refusal> {
    let digits = text.replace('-', "");
    let number = u128::from_str_radix(&digits, 16);
    number.map(GUID::from_u128).map_err(|_| Refusal::broken(format!("`{text}` is no class")))
}

/// Makes an object of a class: `local` in a server of its own, `inner` in this process.
fn make_object(given: &Arguments<'_>) -> Act {
    let class = class(given.text(0)?)?;
    let context = if given.text(1)? == "local" { CLSCTX_LOCAL_SERVER } else { CLSCTX_INPROC_SERVER };
    let refused = |error: crate::OsError| Refusal::Os(error.code);
    // SAFETY: the reserved argument is null.
    let ready = unsafe { CoInitializeEx(core::ptr::null(), COINIT_MULTITHREADED.cast_unsigned()) };
    hresult(ready, "use", "COM").map_err(refused)?;
    let mut object = core::ptr::null_mut();
    // SAFETY: the classes outlive the call, nothing is aggregated, and the object has its place. It is given back with the
    // process.
    let made = unsafe {
        CoCreateInstance(
            &raw const class,
            core::ptr::null_mut(),
            context,
            &raw const UNKNOWN,
            &raw mut object,
        )
    };
    hresult(made, "make", "an object").map_err(refused)
}

/// Opens the list of services: `connect`, or `create` to make one.
fn services(given: &Arguments<'_>) -> Act {
    let rights = if given.text(0)? == "create" { SC_MANAGER_CREATE_SERVICE } else { SC_MANAGER_CONNECT };
    // SAFETY: both names may be null: this machine, the usual list.
    let list = unsafe { OpenSCManagerW(core::ptr::null(), core::ptr::null(), rights) };
    if list.is_null() {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: it is open.
    unsafe { CloseServiceHandle(list) };
    Ok(())
}

/// Opens a service to start it or to change what it runs.
fn service(given: &Arguments<'_>) -> Act {
    let name = Wide::new("a service", given.text(0)?).map_err(|error| Refusal::broken(error.to_string()))?;
    let rights = if given.text(1)? == "change" { SERVICE_CHANGE_CONFIG } else { SERVICE_START };
    // SAFETY: as above.
    let list = unsafe { OpenSCManagerW(core::ptr::null(), core::ptr::null(), SC_MANAGER_CONNECT) };
    if list.is_null() {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: the list is open, and the name ends with a zero.
    let service = unsafe { OpenServiceW(list, name.as_ptr(), rights) };
    let error = io::Error::last_os_error();
    // SAFETY: both are open, or the second is null, which is refused without harm.
    unsafe { CloseServiceHandle(service) };
    // SAFETY: it is open.
    unsafe { CloseServiceHandle(list) };
    if service.is_null() { Err(error.into()) } else { Ok(()) }
}

/// A program of the system that says no.
const SAID_NO: i32 = 1;

/// Runs a program with these words; it succeeds with the program.
fn run(given: &Arguments<'_>) -> Act {
    let mut command = Command::new(given.word(0)?);
    command.args(given.all().get(1..).unwrap_or_default());
    let status = super::files::quiet(&mut command).status()?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Refusal::Os(code)),
        None => Err(Refusal::Os(SAID_NO)),
    }
}
