//! Attacks on named objects of the host: pipes, events, sections, and keys of the registry.

use crate::probe::{Act, Arguments, Refusal, Row};
use crate::windows::sys::handle::owned;
use crate::windows::sys::wide::Wide;
use std::fs::OpenOptions;
use std::io;
use windows_sys::Win32::System::Memory::{FILE_MAP_READ, OpenFileMappingW};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, KEY_QUERY_VALUE, KEY_SET_VALUE, REG_SZ, RegCloseKey,
    RegCreateKeyExW, RegOpenKeyExW, RegSetValueExW,
};
use windows_sys::Win32::System::Threading::{CreateEventW, EVENT_MODIFY_STATE, OpenEventW};

pub(super) const ACTIONS: &[Row] = &[
    ("open-pipe", open_pipe),
    ("list-pipes", |_| Ok(std::fs::read_dir(r"\\.\pipe\").map(|_| ())?)),
    ("open-event", open_event),
    ("make-event", make_event),
    ("open-section", open_section),
    ("write-key", write_key),
    ("read-key", read_key),
];

/// The value that an attack writes; it does nothing, whatever key it is in.
pub const VALUE: &str = "garth-prove";

fn wide(text: &str) -> Result<Wide, Refusal> {
    Wide::new("a name", text).map_err(|error| Refusal::broken(error.to_string()))
}

fn open_pipe(given: &Arguments<'_>) -> Act {
    Ok(OpenOptions::new().read(true).write(true).open(given.path(0)?).map(|_| ())?)
}

fn open_event(given: &Arguments<'_>) -> Act {
    let name = wide(given.text(0)?)?;
    // SAFETY: the name ends with a zero, and the handle is nobody else's.
    unsafe { owned(OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr())) }?;
    Ok(())
}

fn make_event(given: &Arguments<'_>) -> Act {
    let name = wide(given.text(0)?)?;
    // SAFETY: the name ends with a zero, the security may be null, and the handle is nobody else's.
    unsafe { owned(CreateEventW(core::ptr::null(), 0, 0, name.as_ptr())) }?;
    Ok(())
}

fn open_section(given: &Arguments<'_>) -> Act {
    let name = wide(given.text(0)?)?;
    // SAFETY: as above.
    unsafe { owned(OpenFileMappingW(FILE_MAP_READ, 0, name.as_ptr())) }?;
    Ok(())
}

fn root(given: &Arguments<'_>) -> Result<HKEY, Refusal> {
    match given.text(0)? {
        "user" => Ok(HKEY_CURRENT_USER),
        "machine" => Ok(HKEY_LOCAL_MACHINE),
        other => Err(Refusal::broken(format!("no root is named `{other}`"))),
    }
}

fn answered(code: u32) -> Act {
    match i32::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Refusal::Os(code)),
        Err(_) => Err(io::Error::other("a code that is none").into()),
    }
}

/// Makes the key if it is not there, and writes a value that does nothing.
fn write_key(given: &Arguments<'_>) -> Act {
    let (name, value) = (wide(given.text(1)?)?, wide(VALUE)?);
    let mut key = core::ptr::null_mut();
    let null = core::ptr::null_mut();
    // SAFETY: the root is predefined, the name ends with a zero, and what is returned has its place.
    answered(unsafe {
        RegCreateKeyExW(
            root(given)?,
            name.as_ptr(),
            0,
            null,
            0,
            KEY_SET_VALUE,
            null.cast(),
            &raw mut key,
            null.cast(),
        )
    })?;
    let nothing = [0_u16; 1];
    // SAFETY: the key is open, the name ends with a zero, and the value has two bytes.
    let written = unsafe { RegSetValueExW(key, value.as_ptr(), 0, REG_SZ, nothing.as_ptr().cast(), 2) };
    // SAFETY: the key is open.
    unsafe { RegCloseKey(key) };
    answered(written)
}

fn read_key(given: &Arguments<'_>) -> Act {
    let name = wide(given.text(1)?)?;
    let mut key = core::ptr::null_mut();
    // SAFETY: as above.
    answered(unsafe { RegOpenKeyExW(root(given)?, name.as_ptr(), 0, KEY_QUERY_VALUE, &raw mut key) })?;
    // SAFETY: the key is open.
    unsafe { RegCloseKey(key) };
    Ok(())
}
