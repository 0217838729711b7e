//! Consoles: the user's, and one for a sandbox.
//!
//! A sandbox never shares the user's console: who shares one can type into it.

use super::event::Event;
use super::handle::{checked, hresult};
use super::library::Function;
use super::process::wait_any;
use crate::OsError;
use crate::error::Context;
use crate::windows::error::Result;
use garth_plan::linux::spec::TerminalSize;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{
    AttachConsole, CONSOLE_MODE, CONSOLE_SCREEN_BUFFER_INFO, COORD, CTRL_BREAK_EVENT, CTRL_C_EVENT,
    ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT, ENABLE_PROCESSED_INPUT, ENABLE_PROCESSED_OUTPUT,
    ENABLE_VIRTUAL_TERMINAL_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, FlushConsoleInputBuffer, FreeConsole,
    GenerateConsoleCtrlEvent, GetConsoleMode, GetConsoleScreenBufferInfo, HPCON, INPUT_RECORD, KEY_EVENT,
    ReadConsoleInputW, SetConsoleCtrlHandler, SetConsoleMode,
};
use windows_sys::Win32::System::Threading::Sleep;

type Create = unsafe extern "system" fn(COORD, HANDLE, HANDLE, u32, *mut HPCON) -> i32;
type Resize = unsafe extern "system" fn(HPCON, COORD) -> i32;
type Close = unsafe extern "system" fn(HPCON);

const SINCE: &str = "Windows 10 1809";
// SAFETY: the type is that of `CreatePseudoConsole` (consoleapi.h).
static CREATE: Function<Create> = unsafe { Function::new("kernel32.dll", c"CreatePseudoConsole", SINCE) };
// SAFETY: the type is that of `ResizePseudoConsole` (consoleapi.h).
static RESIZE: Function<Resize> = unsafe { Function::new("kernel32.dll", c"ResizePseudoConsole", SINCE) };
// SAFETY: the type is that of `ClosePseudoConsole` (consoleapi.h).
static CLOSE: Function<Close> = unsafe { Function::new("kernel32.dll", c"ClosePseudoConsole", SINCE) };

/// A console for a sandbox, drawn by a process outside of it. Dropping it ends what is attached; somebody has to read
/// its output until then.
#[derive(Debug)]
pub struct PseudoConsole {
    handle: HPCON,
    resize: Resize,
    close: Close,
}

impl PseudoConsole {
    /// A console of this size that reads `input` and draws to `output`. It keeps copies of both.
    ///
    /// # Errors
    /// [`crate::windows::Unavailable`] before Windows 10 1809.
    pub fn new(size: TerminalSize, input: BorrowedHandle<'_>, output: BorrowedHandle<'_>) -> Result<Self> {
        let (create, resize, close) = (CREATE.find()?, RESIZE.find()?, CLOSE.find()?);
        let mut handle = 0;
        // SAFETY: both handles are open for the call, and the result has its place.
        let result = unsafe {
            create(coordinates(size), input.as_raw_handle(), output.as_raw_handle(), 0, &raw mut handle)
        };
        hresult(result, "make", "a pseudoconsole")?;
        Ok(Self { handle, resize, close })
    }

    pub(super) fn raw(&self) -> HPCON {
        self.handle
    }

    /// Changes its size.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn resize(&self, size: TerminalSize) -> Result<()> {
        // SAFETY: the console is open.
        let result = unsafe { (self.resize)(self.handle, coordinates(size)) };
        Ok(hresult(result, "resize", "a pseudoconsole")?)
    }
}

impl Drop for PseudoConsole {
    fn drop(&mut self) {
        // SAFETY: the console is open, and nobody else closes it.
        unsafe { (self.close)(self.handle) };
    }
}

/// Whether this Windows has pseudoconsoles.
///
/// # Errors
/// The function that is missing.
pub fn available() -> Result<()> {
    CREATE.find()?;
    CLOSE.find()?;
    RESIZE.find()?;
    Ok(())
}

fn coordinates(size: TerminalSize) -> COORD {
    let short = |number: u16| i16::try_from(number.max(1)).unwrap_or(i16::MAX);
    COORD { X: short(size.columns), Y: short(size.rows) }
}

fn mode(handle: BorrowedHandle<'_>) -> Option<CONSOLE_MODE> {
    let mut mode = 0;
    // SAFETY: the handle is open while it is borrowed, and the result has its place.
    (unsafe { GetConsoleMode(handle.as_raw_handle(), &raw mut mode) } != 0).then_some(mode)
}

/// Whether a handle is that of a console.
#[must_use]
pub fn is_console(handle: BorrowedHandle<'_>) -> bool {
    mode(handle).is_some()
}

/// The size of the window of a console; `None` for what is no console.
#[must_use]
pub fn size(output: BorrowedHandle<'_>) -> Option<TerminalSize> {
    let mut information = CONSOLE_SCREEN_BUFFER_INFO::default();
    // SAFETY: the handle is open while it is borrowed, and the result has its place.
    if unsafe { GetConsoleScreenBufferInfo(output.as_raw_handle(), &raw mut information) } == 0 {
        return None;
    }
    let window = information.srWindow;
    let length = |from: i16, to: i16| u16::try_from(i32::from(to) - i32::from(from) + 1).ok();
    Some(TerminalSize {
        columns: length(window.Left, window.Right)?,
        rows: length(window.Top, window.Bottom)?,
    })
}

/// The user's console in raw mode: keys go in as they are typed, and what comes out is drawn. Undone when it is dropped.
#[derive(Debug)]
pub struct Raw {
    saved: Vec<(OwnedHandle, CONSOLE_MODE)>,
}

impl Raw {
    /// Sets input and output; what is no console is left alone.
    ///
    /// # Errors
    /// When a console refuses; what was set is undone.
    pub fn set(input: BorrowedHandle<'_>, output: BorrowedHandle<'_>) -> core::result::Result<Self, OsError> {
        let mut raw = Self { saved: Vec::new() };
        let cooked = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT;
        let drawing = ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
        raw.change(input, |mode| (mode & !cooked) | ENABLE_VIRTUAL_TERMINAL_INPUT)?;
        raw.change(output, |mode| mode | drawing)?;
        Ok(raw)
    }

    fn change(
        &mut self,
        handle: BorrowedHandle<'_>,
        new: impl Fn(CONSOLE_MODE) -> CONSOLE_MODE,
    ) -> core::result::Result<(), OsError> {
        let Some(old) = mode(handle) else { return Ok(()) };
        let kept = handle.try_clone_to_owned().on("keep", "a handle of the console")?;
        // SAFETY: the handle is open while it is borrowed.
        checked(unsafe { SetConsoleMode(handle.as_raw_handle(), new(old)) })
            .on("set the mode of", "the console")?;
        self.saved.push((kept, old));
        Ok(())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        for (handle, mode) in &self.saved {
            // SAFETY: the handle is open. Nobody can be told of a failure here.
            let _left = unsafe { SetConsoleMode(handle.as_raw_handle(), *mode) };
        }
    }
}

/// The keys of this process's console, read as they come whatever mode the console is in.
#[derive(Debug)]
pub struct Keys {
    input: OwnedHandle,
}

impl Keys {
    /// Opens the console.
    ///
    /// # Errors
    /// Where this process has none.
    pub fn open() -> core::result::Result<Self, OsError> {
        let opened = std::fs::File::options().read(true).write(true).open("CONIN$");
        let input = OwnedHandle::from(opened.on("open", "the console")?);
        if is_console(input.as_handle()) {
            Ok(Self { input })
        } else {
            Err(OsError::new("read keys of", "what is no console", 6))
        }
    }

    /// Throws away what was typed so far.
    pub fn forget(&mut self) {
        // SAFETY: the handle is open. What cannot be thrown away is read as an answer, which is asked for once more.
        let _kept = unsafe { FlushConsoleInputBuffer(self.input.as_raw_handle()) };
    }

    /// The letters that are typed within this time.
    ///
    /// # Errors
    /// When the console is gone.
    pub fn next(&mut self, most: Duration) -> core::result::Result<Vec<char>, OsError> {
        if wait_any(&[self.input.as_handle()], Some(most))?.is_none() {
            return Ok(Vec::new());
        }
        let mut records = [INPUT_RECORD::default(); 32];
        let mut count = 0;
        let room = u32::try_from(records.len()).unwrap_or(0);
        // SAFETY: the handle is open, the buffer has as many records as is said, and the count has its place.
        checked(unsafe {
            ReadConsoleInputW(self.input.as_raw_handle(), records.as_mut_ptr(), room, &raw mut count)
        })
        .on("read keys of", "the console")?;
        let pressed = records.iter().take(count as usize).filter(|record| {
            // SAFETY: the type says which form of the union it is.
            u32::from(record.EventType) == KEY_EVENT && unsafe { record.Event.KeyEvent.bKeyDown } != 0
        });
        // SAFETY: these are keys, and a unit of UTF-16 is any number of 16 bits.
        let units = pressed.map(|record| unsafe { record.Event.KeyEvent.uChar.UnicodeChar });
        Ok(char::decode_utf16(units.filter(|unit| *unit != 0)).filter_map(core::result::Result::ok).collect())
    }
}

/// What the user, or the system, asks of garth by the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C.
    C,
    /// Ctrl-Break.
    Break,
    /// The console closes, or the session ends: a few seconds are left.
    Close,
}

impl Interrupt {
    /// The most urgent first.
    const ALL: [Self; 3] = [Self::Close, Self::Break, Self::C];

    /// How many of it nobody has taken yet.
    fn pending(self) -> &'static AtomicU32 {
        static PENDING: [AtomicU32; 3] = [AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0)];
        let [c, again, close] = &PENDING;
        match self {
            Self::C => c,
            Self::Break => again,
            Self::Close => close,
        }
    }
}

/// Signalled when there is one.
static EVENT: OnceLock<Event> = OnceLock::new();
/// How long the system is kept from ending this process when the console closes, in milliseconds; it waits for 5
/// seconds at most.
const CLEANING: u32 = 4500;

extern "system" fn on_interrupt(kind: u32) -> i32 {
    match kind {
        CTRL_C_EVENT => note(Interrupt::C),
        CTRL_BREAK_EVENT => note(Interrupt::Break),
        _ => note_close(),
    }
    1
}

fn note(interrupt: Interrupt) {
    interrupt.pending().fetch_add(1, Ordering::SeqCst);
    signal();
}

fn signal() {
    if let Some(event) = EVENT.get() {
        // One that cannot be signalled is found at the next look.
        let _signalled = event.set();
    }
}

/// Tells that all has to end, and keeps the caller for as long as the system waits for it: the system ends this process when
/// the caller returns. The main thread cleans up meanwhile, and ends the process before.
pub(super) fn note_close() {
    note(Interrupt::Close);
    // SAFETY: it has no rules.
    unsafe { Sleep(CLEANING) };
}

/// Takes over Ctrl-C and the like, once and for the rest of the process. The handle is signalled when there is one.
///
/// # Errors
/// When the system refuses.
pub fn watch_interrupts() -> core::result::Result<BorrowedHandle<'static>, OsError> {
    if EVENT.get().is_none() && EVENT.set(Event::new()?).is_ok() {
        // SAFETY: the function is there for as long as the process.
        checked(unsafe { SetConsoleCtrlHandler(Some(on_interrupt), 1) })
            .on("take over", "Ctrl-C of the console")?;
    }
    match EVENT.get() {
        Some(event) => Ok(event.as_handle()),
        None => Err(OsError::new("make", "an event", 0)),
    }
}

/// The next event, the most urgent first. Each is given once, however soon one follows another: two at once mean that the user
/// wants an end.
#[must_use]
pub fn next_interrupt() -> Option<Interrupt> {
    if let Some(event) = EVENT.get() {
        // It is reset first, so that none that comes now is lost.
        let _reset = event.reset();
    }
    let take = |count: u32| count.checked_sub(1);
    let is_there = |interrupt: &Interrupt| {
        interrupt.pending().fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
    };
    let next = Interrupt::ALL.into_iter().find(is_there);
    if Interrupt::ALL.into_iter().any(|left| left.pending().load(Ordering::SeqCst) > 0) {
        signal();
    }
    next
}

extern "system" fn swallow(_kind: u32) -> i32 {
    1
}

/// What is done with consoles to raise something in one.
trait Consoles {
    /// Leaves this process's own.
    fn leave(&mut self);
    /// Attaches to that of a process.
    fn attach(&mut self, process: u32) -> io::Result<()>;
    /// Takes no notice of what is raised there.
    fn ignore(&mut self) -> io::Result<()>;
    /// Raises it, for every process that is attached.
    fn raise(&mut self, kind: u32) -> io::Result<()>;
}

struct Those;

impl Consoles for Those {
    fn leave(&mut self) {
        // SAFETY: it has no rules, and fails where there is no console.
        unsafe { FreeConsole() };
    }

    fn attach(&mut self, process: u32) -> io::Result<()> {
        // SAFETY: it has no rules.
        checked(unsafe { AttachConsole(process) })
    }

    fn ignore(&mut self) -> io::Result<()> {
        // SAFETY: the function is there for as long as the process.
        checked(unsafe { SetConsoleCtrlHandler(Some(swallow), 1) })
    }

    fn raise(&mut self, kind: u32) -> io::Result<()> {
        // SAFETY: it has no rules; 0 means every process of the console.
        checked(unsafe { GenerateConsoleCtrlEvent(kind, 0) })
    }
}

/// Raises Ctrl-C or Ctrl-Break in the console of another process, for every process that is attached there. This process
/// leaves its own console for good, so it is for one that does nothing else.
///
/// # Errors
/// When the system refuses, or the process has ended or has no console.
pub fn interrupt_console_of(process: u32, interrupt: Interrupt) -> core::result::Result<(), OsError> {
    raise_in(&mut Those, process, interrupt)
}

fn raise_in(
    consoles: &mut impl Consoles,
    process: u32,
    interrupt: Interrupt,
) -> core::result::Result<(), OsError> {
    let kind = match interrupt {
        Interrupt::C => CTRL_C_EVENT,
        Interrupt::Break => CTRL_BREAK_EVENT,
        Interrupt::Close => return Err(OsError::new("raise", "the end of a console", 87)),
    };
    consoles.leave();
    consoles.attach(process).on("attach to", "the console of the command")?;
    // After attaching, which forgets handlers: the event comes back to this process as well.
    consoles.ignore().on("take over", "Ctrl-C of the console")?;
    consoles.raise(kind).on("raise", "Ctrl-C in the console of the command")
}

/// Copies of the handles of this process's standard input, output and error; `None` for a stream that it has not.
#[must_use]
pub fn standard_streams() -> [Option<OwnedHandle>; 3] {
    // A process without a stream has null in its place.
    let copy = |handle: BorrowedHandle<'_>| {
        let there = !handle.as_raw_handle().is_null();
        if there { handle.try_clone_to_owned().ok() } else { None }
    };
    [copy(io::stdin().as_handle()), copy(io::stdout().as_handle()), copy(io::stderr().as_handle())]
}

/// A console that is none, of which each resizing is written down and ends with this result, for tests.
#[cfg(test)]
pub fn recorded(result: i32) -> (PseudoConsole, &'static std::sync::Mutex<Vec<(i16, i16)>>) {
    struct Calls {
        result: i32,
        sizes: std::sync::Mutex<Vec<(i16, i16)>>,
    }
    extern "system" fn resize(console: HPCON, size: COORD) -> i32 {
        // SAFETY: the handle is the address that is made below, of what is never freed.
        let calls = unsafe { &*(console as *const Calls) };
        calls.sizes.lock().unwrap().push((size.X, size.Y));
        calls.result
    }
    extern "system" fn close(_console: HPCON) {}
    let calls: &'static Calls = Box::leak(Box::new(Calls { result, sizes: std::sync::Mutex::default() }));
    (PseudoConsole { handle: core::ptr::from_ref(calls) as HPCON, resize, close }, &calls.sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what is done, and fails at one step.
    struct Recorded(Vec<String>, &'static str);

    impl Recorded {
        fn done(&mut self, what: String) -> io::Result<()> {
            let fails = what.starts_with(self.1);
            self.0.push(what);
            if fails { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
        }
    }

    impl Consoles for Recorded {
        fn leave(&mut self) {
            self.0.push("leave".to_owned());
        }

        fn attach(&mut self, process: u32) -> io::Result<()> {
            self.done(format!("attach {process}"))
        }

        fn ignore(&mut self) -> io::Result<()> {
            self.done("ignore".to_owned())
        }

        fn raise(&mut self, kind: u32) -> io::Result<()> {
            self.done(format!("raise {kind}"))
        }
    }

    fn calls(interrupt: Interrupt, fails: &'static str) -> (bool, String) {
        let mut recorded = Recorded(Vec::new(), fails);
        let is_raised = raise_in(&mut recorded, 7, interrupt).is_ok();
        (is_raised, recorded.0.join(", "))
    }

    #[test]
    fn each_key_is_raised_in_the_console_of_the_command_alone() {
        const NEVER: &str = "never";
        let order = |kind: u32| format!("leave, attach 7, ignore, raise {kind}");
        assert_eq!(calls(Interrupt::C, NEVER), (true, order(0)));
        assert_eq!(calls(Interrupt::Break, NEVER), (true, order(1)));
        assert_eq!(calls(Interrupt::Close, NEVER), (false, String::new()));
        // Nothing is raised in a console that is not the command's, or that would end this process too early.
        assert_eq!(calls(Interrupt::Break, "attach"), (false, "leave, attach 7".to_owned()));
        assert_eq!(calls(Interrupt::Break, "ignore"), (false, "leave, attach 7, ignore".to_owned()));
        assert_eq!(calls(Interrupt::C, "raise"), (false, order(0)));
    }
}
