//! Attacks on what the user sees and types: clipboard, windows, hooks, keys, desktops.

use crate::probe::{Act, Arguments, Refusal, Row};
use crate::windows::sys::handle::checked;
use crate::windows::sys::wide::Wide;
use std::io;
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::DataExchange::{
    CloseClipboard, EmptyClipboard, GetClipboardData, OpenClipboard,
};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::StationsAndDesktops::{
    CloseDesktop, CloseWindowStation, DESKTOP_READOBJECTS, DESKTOP_SWITCHDESKTOP, OpenDesktopW,
    OpenInputDesktop, OpenWindowStationW,
};
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{
    INPUT, INPUT_0, INPUT_KEYBOARD, KEYBDINPUT, SendInput,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CallNextHookEx, EnumWindows, GetShellWindow, GetWindowThreadProcessId, PostMessageW, SPI_GETBEEP,
    SPI_SETBEEP, SetWindowsHookExW, SystemParametersInfoW, UnhookWindowsHookEx, WH_KEYBOARD_LL, WM_NULL,
};

pub(super) const ACTIONS: &[Row] = &[
    ("read-clipboard", |_| clipboard(false)),
    ("clear-clipboard", |_| clipboard(true)),
    ("foreign-window", foreign_window),
    ("post-to-shell", post_to_shell),
    ("hook-keys", hook_keys),
    ("send-keys", send_keys),
    ("open-desktop", open_desktop),
    ("input-desktop", input_desktop),
    ("open-station", open_station),
    ("change-system", change_system),
    ("read-system", |_| Ok(beep().map(|_| ())?)),
];

/// `CF_UNICODETEXT`
const TEXT: u32 = 13;
/// `ERROR_FILE_NOT_FOUND`: there is nothing of that kind.
const NOTHING: i32 = 2;

fn clipboard(clear: bool) -> Act {
    // SAFETY: no window owns it.
    checked(unsafe { OpenClipboard(core::ptr::null_mut()) })?;
    // SAFETY: the clipboard is open; the data belongs to it.
    let found = unsafe { if clear { EmptyClipboard() != 0 } else { !GetClipboardData(TEXT).is_null() } };
    let error = io::Error::last_os_error();
    // SAFETY: it is open.
    unsafe { CloseClipboard() };
    if found { Ok(()) } else { Err(error.into()) }
}

// SAFETY: `EnumWindows` calls it with a window and the number that it was given, here the address of a `bool`.
unsafe extern "system" fn note_window(window: HWND, found: LPARAM) -> i32 {
    let mut owner = 0;
    // SAFETY: the window was listed, and the number has its place.
    unsafe { GetWindowThreadProcessId(window, &raw mut owner) };
    if owner != std::process::id() {
        // SAFETY: the caller gave the address of its variable, and waits.
        unsafe { *(found as *mut bool) = true };
    }
    1
}

/// Whether a window of another process can be seen.
fn foreign_window(_: &Arguments<'_>) -> Act {
    let mut found = false;
    // SAFETY: the function is of the right type, and the variable outlives the call.
    checked(unsafe { EnumWindows(Some(note_window), &raw mut found as LPARAM) })?;
    if found { Ok(()) } else { Err(Refusal::Os(NOTHING)) }
}

fn post_to_shell(_: &Arguments<'_>) -> Act {
    // SAFETY: it has no rules.
    let shell = unsafe { GetShellWindow() };
    if shell.is_null() {
        return Err(Refusal::Os(NOTHING));
    }
    // SAFETY: the message has no content and no effect.
    Ok(checked(unsafe { PostMessageW(shell, WM_NULL, 0, 0) })?)
}

// SAFETY: the system calls it as a hook, with what it passes on.
unsafe extern "system" fn pass_key(code: i32, kind: WPARAM, key: LPARAM) -> LRESULT {
    // SAFETY: what came is passed on as it is.
    unsafe { CallNextHookEx(core::ptr::null_mut(), code, kind, key) }
}

fn hook_keys(_: &Arguments<'_>) -> Act {
    // SAFETY: null names this program; the function lives as long as it, and the hook goes at once.
    unsafe {
        let hook = SetWindowsHookExW(WH_KEYBOARD_LL, Some(pass_key), GetModuleHandleW(core::ptr::null()), 0);
        if hook.is_null() {
            return Err(io::Error::last_os_error().into());
        }
        UnhookWindowsHookEx(hook);
    }
    Ok(())
}

/// The end of a key that nobody presses: nothing comes of it.
fn send_keys(_: &Arguments<'_>) -> Act {
    /// `VK_F24`
    const KEY: u16 = 0x87;
    /// `KEYEVENTF_KEYUP`
    const UP: u32 = 2;
    let key = KEYBDINPUT { wVk: KEY, wScan: 0, dwFlags: UP, time: 0, dwExtraInfo: 0 };
    let input = INPUT { r#type: INPUT_KEYBOARD, Anonymous: INPUT_0 { ki: key } };
    let length = i32::try_from(size_of::<INPUT>()).unwrap_or(0);
    // SAFETY: there is one input of this length.
    let sent = unsafe { SendInput(1, &raw const input, length) };
    if sent == 1 { Ok(()) } else { Err(io::Error::last_os_error().into()) }
}

fn wide(text: &str) -> Result<Wide, Refusal> {
    Wide::new("a name", text).map_err(|error| Refusal::broken(error.to_string()))
}

fn open_desktop(given: &Arguments<'_>) -> Act {
    let name = wide(given.text(0)?)?;
    // SAFETY: the name ends with a zero.
    let desktop = unsafe { OpenDesktopW(name.as_ptr(), 0, 0, DESKTOP_READOBJECTS) };
    if desktop.is_null() {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: it is open.
    unsafe { CloseDesktop(desktop) };
    Ok(())
}

fn input_desktop(_: &Arguments<'_>) -> Act {
    // SAFETY: it has no rules.
    let desktop = unsafe { OpenInputDesktop(0, 0, DESKTOP_SWITCHDESKTOP) };
    if desktop.is_null() {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: it is open.
    unsafe { CloseDesktop(desktop) };
    Ok(())
}

fn open_station(given: &Arguments<'_>) -> Act {
    /// `WINSTA_ALL_ACCESS`
    const ALL: u32 = 0x37f;
    let name = wide(given.text(0)?)?;
    // SAFETY: the name ends with a zero.
    let station = unsafe { OpenWindowStationW(name.as_ptr(), 0, ALL) };
    if station.is_null() {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: it is open.
    unsafe { CloseWindowStation(station) };
    Ok(())
}

fn beep() -> io::Result<i32> {
    let mut on = 0_i32;
    // SAFETY: this parameter is a number of 32 bits, which outlives the call.
    checked(unsafe { SystemParametersInfoW(SPI_GETBEEP, 0, (&raw mut on).cast(), 0) })?;
    Ok(on)
}

/// Sets a setting of the session to what it is.
fn change_system(_: &Arguments<'_>) -> Act {
    let on = beep()?;
    // SAFETY: this parameter has no structure.
    Ok(checked(unsafe { SystemParametersInfoW(SPI_SETBEEP, on.cast_unsigned(), core::ptr::null_mut(), 0) })?)
}
