//! The end of the user's session: log-off, or the machine going down.
//!
//! A console program that has the libraries for windows loaded, as one that makes desktops has, is not told of it by its console
//! (documentation of `SetConsoleCtrlHandler`), but like any program with windows: by messages to one of them.

use super::console::note_close;
use super::wide::Wide;
use crate::OsError;
use crate::error::Context;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DispatchMessageW, GetMessageW, MSG, RegisterClassW, WM_ENDSESSION,
    WM_QUERYENDSESSION, WNDCLASSW, WS_POPUP,
};

/// The class of the window, which nobody sees. Messages to all windows do not reach one that is made for messages only.
const CLASS: &str = "garth-session-end";
/// Stack of the thread, in bytes.
const STACK: usize = 128 * 1024;

/// Notes the end of the session as the end of the console, from now on and for the rest of the process.
///
/// # Errors
/// When there is no thread. That there is no window is not told: then what is left is taken back at the next start.
pub fn watch_session_end() -> Result<(), OsError> {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if WATCHED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let watching = || {
        if let Ok(()) = make_window() {
            dispatch();
        }
    };
    let thread = std::thread::Builder::new().name("session-end".into()).stack_size(STACK);
    thread.spawn(watching).map(drop).on("start", "a thread")
}

fn make_window() -> crate::windows::error::Result<()> {
    let class = Wide::new("the class of a window", CLASS)?;
    // SAFETY: without a name it is the program itself, which needs no closing.
    let program = unsafe { GetModuleHandleW(core::ptr::null()) };
    let described = WNDCLASSW {
        lpfnWndProc: Some(on_message),
        hInstance: program,
        lpszClassName: class.as_ptr(),
        ..WNDCLASSW::default()
    };
    // SAFETY: the name ends with a zero and outlives the call, and the function is there for as long as the process.
    if unsafe { RegisterClassW(&raw const described) } == 0 {
        return Err(io::Error::last_os_error()).on("register", "a class of windows")?;
    }
    let (null, name) = (core::ptr::null_mut(), class.as_ptr());
    // SAFETY: the class is registered; a window has neither parent, menu nor parameter.
    let window = unsafe {
        CreateWindowExW(0, name, name, WS_POPUP, 0, 0, 0, 0, null, null, program, core::ptr::null())
    };
    if window.is_null() {
        return Err(io::Error::last_os_error()).on("make", "a window")?;
    }
    Ok(())
}

fn dispatch() {
    let mut message = MSG::default();
    // SAFETY: the message has its place; no window means any of this thread. 0 is the end, and -1 a failure.
    while unsafe { GetMessageW(&raw mut message, core::ptr::null_mut(), 0, 0) } > 0 {
        // SAFETY: the message was filled by the system.
        unsafe { DispatchMessageW(&raw const message) };
    }
}

extern "system" fn on_message(window: HWND, message: u32, word: WPARAM, long: LPARAM) -> LRESULT {
    match message {
        // It may end.
        WM_QUERYENDSESSION => 1,
        WM_ENDSESSION => {
            if word != 0 {
                note_close();
            }
            0
        }
        // SAFETY: the arguments are those of the message.
        _ => unsafe { DefWindowProcW(window, message, word, long) },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::windows::sys::console::{next_interrupt, watch_interrupts};
    use crate::windows::sys::process::wait_any;
    use std::time::Duration;
    use windows_sys::Win32::UI::WindowsAndMessaging::{
        FindWindowExW, GetWindowThreadProcessId, PostMessageW,
    };

    /// The window of this process: the one that started it may have another of the class, and would end its children.
    fn own_window(class: &Wide) -> Option<HWND> {
        let null = core::ptr::null_mut();
        let mut window = null;
        loop {
            // SAFETY: the name ends with a zero; any title is meant, and the window before, if there is one.
            window = unsafe { FindWindowExW(null, window, class.as_ptr(), core::ptr::null()) };
            if window.is_null() {
                return None;
            }
            let mut process = 0;
            // SAFETY: the number has its place.
            unsafe { GetWindowThreadProcessId(window, &raw mut process) };
            if process == std::process::id() {
                return Some(window);
            }
        }
    }

    /// What a process of its own does, since what is noted is noted for all of a process: the session ends, and it tells
    /// what it was told.
    pub(crate) fn as_child() -> String {
        let event = watch_interrupts().unwrap();
        watch_session_end().unwrap();
        let class = Wide::new("a class", CLASS).unwrap();
        for _ in 0..6000 {
            let Some(window) = own_window(&class) else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            // SAFETY: a number and no memory goes with it.
            unsafe { PostMessageW(window, WM_ENDSESSION, 0, 0) };
            let early = wait_any(&[event], Some(Duration::from_millis(300))).unwrap();
            // SAFETY: as above.
            unsafe { PostMessageW(window, WM_ENDSESSION, 1, 0) };
            let told = wait_any(&[event], Some(Duration::from_secs(120))).unwrap();
            return format!("<{early:?} {told:?} {:?}>", next_interrupt());
        }
        "<no window>".to_owned()
    }
}
