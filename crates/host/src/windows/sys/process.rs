//! Making processes, and waiting for them.

use super::attributes::AttributeList;
use super::console::{is_console, standard_streams};
use super::handle::{checked, owned};
use super::token::Token;
use super::wide::Wide;
use crate::OsError;
use crate::error::Context;
use crate::windows::error::{Error, Result};
use std::collections::BTreeMap;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::time::Duration;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT, CreateProcessAsUserW, CreateProcessW,
    DETACHED_PROCESS, EXTENDED_STARTUPINFO_PRESENT, GetExitCodeProcess, PROCESS_INFORMATION, ResumeThread,
    STARTF_USESTDHANDLES, STARTUPINFOEXW, TerminateProcess, WaitForMultipleObjects, WaitForSingleObject,
};

/// What a new process is made of.
#[derive(Debug)]
pub struct Start<'a> {
    /// The program, an absolute path.
    pub program: &'a str,
    /// The command line.
    pub command_line: &'a str,
    /// The working directory.
    pub directory: &'a str,
    /// The whole environment.
    pub environment: &'a [(String, String)],
    /// As whom; `None` for the token of this process, which a container weakens.
    pub token: Option<&'a Token>,
    /// Station and desktop.
    pub desktop: Option<&'a str>,
    /// Standard input, output and error, inheritable and on the list of handles; `None` for those of its console.
    pub stdio: Option<[BorrowedHandle<'a>; 3]>,
    /// Its console.
    pub console: Console,
}

/// The console that a new process is attached to. It is never the user's, nor in a process group of its own: in one of those
/// Ctrl-C is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// The pseudoconsole of the list of attributes.
    Pseudo,
    /// One without a window, which its children share.
    Hidden,
    /// None. It saves the process that serves one; a console program that it starts would get a window.
    Absent,
}

/// A process that garth made.
#[derive(Debug)]
pub struct Process {
    process: OwnedHandle,
    thread: OwnedHandle,
    id: u32,
}

/// Makes a process that does not run yet, and that has no window.
///
/// # Errors
/// When the system refuses; the remedy is for the usual causes.
pub fn create_suspended(start: &Start<'_>, attributes: &mut AttributeList<'_>) -> Result<Process> {
    let program = Wide::new("the program", start.program)?;
    let mut line = Wide::new("the command line", start.command_line)?;
    let directory = Wide::new("the working directory", start.directory)?;
    let mut desktop = start.desktop.map(|name| Wide::new("the desktop", name)).transpose()?;
    let environment = block(start.environment)?;
    let mut flags = CREATE_SUSPENDED | EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT;
    let mut startup = STARTUPINFOEXW::default();
    startup.StartupInfo.cb = u32::try_from(size_of::<STARTUPINFOEXW>()).unwrap_or(0);
    startup.StartupInfo.lpDesktop = desktop.as_mut().map_or(core::ptr::null_mut(), |name| name.as_mut_ptr());
    // Without this flag, and with a pseudoconsole, the child would get garth's own standard handles where these are
    // redirected; with it and no handles it gets those of its console, but not from Wine.
    if start.stdio.is_some() || !own_streams_are_consoles() {
        startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    }
    flags |= match start.console {
        Console::Pseudo => 0,
        Console::Hidden => CREATE_NO_WINDOW,
        Console::Absent => DETACHED_PROCESS,
    };
    if let Some([input, output, error]) = start.stdio {
        startup.StartupInfo.hStdInput = input.as_raw_handle();
        startup.StartupInfo.hStdOutput = output.as_raw_handle();
        startup.StartupInfo.hStdError = error.as_raw_handle();
    }
    startup.lpAttributeList = attributes.as_mut_ptr();
    let inherit = i32::from(start.stdio.is_some());
    let mut made = PROCESS_INFORMATION::default();
    note!(
        "{}",
        handed::to_create(start, &startup, (&program, &line, &directory, &environment), (inherit, flags))
    );
    let (null, info) = (core::ptr::null(), (&raw const startup).cast());
    // SAFETY: every text ends with a zero and outlives the call, the command line is writable as is demanded, the
    // environment ends with an empty entry, and the structure says by its size that the list of attributes follows.
    let result = unsafe {
        match start.token {
            Some(token) => CreateProcessAsUserW(
                token.as_handle().as_raw_handle(),
                program.as_ptr(),
                line.as_mut_ptr(),
                null,
                null,
                inherit,
                flags,
                environment.as_ptr().cast(),
                directory.as_ptr(),
                info,
                &raw mut made,
            ),
            None => CreateProcessW(
                program.as_ptr(),
                line.as_mut_ptr(),
                null,
                null,
                inherit,
                flags,
                environment.as_ptr().cast(),
                directory.as_ptr(),
                info,
                &raw mut made,
            ),
        }
    };
    checked(result).on("start", start.program)?;
    note!("CreateProcess = {:?}, thread {:?}", made.hProcess, made.hThread);
    // SAFETY: the call succeeded, so both handles are open and ours.
    let (process, thread) = unsafe { (owned(made.hProcess), owned(made.hThread)) };
    Ok(Process {
        process: process.on("start", start.program)?,
        thread: thread.on("start", start.program)?,
        id: made.dwProcessId,
    })
}

/// What the call that makes a process is handed, for the tests.
#[cfg(test)]
mod handed {
    use super::super::calls::kept::text;
    use super::{AsHandle, AsRawHandle, STARTUPINFOEXW, Start, Wide};

    pub(super) fn to_create(
        start: &Start<'_>,
        startup: &STARTUPINFOEXW,
        (program, line, directory, environment): (&Wide, &Wide, &Wide, &[u16]),
        (inherit, flags): (i32, u32),
    ) -> String {
        let token = start.token.map(|token| token.as_handle().as_raw_handle());
        let info = &startup.StartupInfo;
        let streams = [info.hStdInput, info.hStdOutput, info.hStdError];
        // SAFETY: each text ends with a zero, and is there for the call that follows.
        let [program, line, directory, desktop] = unsafe {
            [program.as_ptr(), line.as_ptr(), directory.as_ptr(), info.lpDesktop.cast_const()]
                .map(|one| text(one))
        };
        let variables = String::from_utf16(environment).unwrap().replace('\0', "|");
        let (size, startup_flags) = (info.cb, info.dwFlags);
        format!(
            "CreateProcess token {token:?}, program {program}, line {line}, inherit {inherit}, flags {flags:#x}, in {directory}, \
             on {desktop}, startup {size}/{startup_flags:#x}, streams {streams:?}, variables {variables}"
        )
    }
}

fn own_streams_are_consoles() -> bool {
    standard_streams().into_iter().all(|stream| stream.is_some_and(|stream| is_console(stream.as_handle())))
}

/// The environment as a new process takes it: `name=value` with a zero each, by name without regard to case, and an
/// empty entry at the end.
fn block(variables: &[(String, String)]) -> Result<Vec<u16>> {
    let mut sorted: BTreeMap<String, (&str, &str)> = BTreeMap::new();
    for (name, value) in variables {
        // A name may begin with `=` (the directories of drives), and has no other one.
        if name.is_empty() || name[1..].contains('=') || name.contains('\0') || value.contains('\0') {
            return Err(Error::value(
                format!("the environment variable {name:?}"),
                "it is empty, or holds `=` or a zero character",
            ));
        }
        if sorted.insert(name.to_uppercase(), (name, value)).is_some() {
            return Err(Error::value(
                format!("the environment variable {name:?}"),
                "it is there twice, and Windows does not tell its names apart by case",
            ));
        }
    }
    let mut units = Vec::new();
    for (name, value) in sorted.values() {
        units.extend(name.encode_utf16());
        units.push(u16::from(b'='));
        units.extend(value.encode_utf16());
        units.push(0);
    }
    if units.is_empty() {
        units.push(0);
    }
    units.push(0);
    Ok(units)
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The object is signalled: the process has ended.
    Ended,
    /// The time is over.
    TimedOut,
}

impl Process {
    /// Its number, which may be used again once it has ended and this is dropped.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Lets it run.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn resume(&self) -> core::result::Result<(), OsError> {
        note!("ResumeThread {:?}", self.thread.as_raw_handle());
        // SAFETY: the handle is open.
        let before = unsafe { ResumeThread(self.thread.as_raw_handle()) };
        match before {
            u32::MAX => Err(io::Error::last_os_error()).on("resume", "the process"),
            1 => Ok(()),
            // Somebody else holds it, or has let it run already.
            _ => Err(OsError::new("resume", "the process, which was not suspended once", 0)),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn terminate(&self, code: u32) -> core::result::Result<(), OsError> {
        note!("TerminateProcess {:?}", self.process.as_raw_handle());
        // SAFETY: the handle is open.
        checked(unsafe { TerminateProcess(self.process.as_raw_handle(), code) }).on("end", "the process")
    }

    /// Waits for its end, at most so long.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn wait(&self, most: Option<Duration>) -> core::result::Result<Waited, OsError> {
        wait(self.process.as_raw_handle(), most)
    }

    /// Its exit code, all 32 bits. Only after it has ended.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn exit_code(&self) -> core::result::Result<u32, OsError> {
        let mut code = 0;
        // SAFETY: the handle is open, and the result has its place.
        checked(unsafe { GetExitCodeProcess(self.process.as_raw_handle(), &raw mut code) })
            .on("read the exit code of", "the process")?;
        Ok(code)
    }
}

impl AsHandle for Process {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.process.as_handle()
    }
}

/// Waits until one of these objects is signalled, at most so long. Which, or nothing when the time is over.
///
/// # Errors
/// When the system cannot wait; at most 64 objects can be waited for.
pub fn wait_any(
    handles: &[BorrowedHandle<'_>],
    most: Option<Duration>,
) -> core::result::Result<Option<usize>, OsError> {
    let raw: Vec<HANDLE> = handles.iter().map(AsRawHandle::as_raw_handle).collect();
    let count = u32::try_from(raw.len()).unwrap_or(u32::MAX);
    // SAFETY: the array has `count` handles, all open while they are borrowed.
    match unsafe { WaitForMultipleObjects(count, raw.as_ptr(), 0, milliseconds(most)) } {
        WAIT_TIMEOUT => Ok(None),
        signalled if ((signalled - WAIT_OBJECT_0) as usize) < raw.len() => {
            Ok(Some((signalled - WAIT_OBJECT_0) as usize))
        }
        _ => Err(io::Error::last_os_error()).on("wait for", "the process"),
    }
}

/// `INFINITE` is the largest number, so a long time is one less.
fn milliseconds(most: Option<Duration>) -> u32 {
    most.map_or(u32::MAX, |most| u32::try_from(most.as_millis()).unwrap_or(u32::MAX - 1).min(u32::MAX - 1))
}

fn wait(handle: HANDLE, most: Option<Duration>) -> core::result::Result<Waited, OsError> {
    // SAFETY: the handle is open while its owner is borrowed.
    match unsafe { WaitForSingleObject(handle, milliseconds(most)) } {
        WAIT_OBJECT_0 => Ok(Waited::Ended),
        WAIT_TIMEOUT => Ok(Waited::TimedOut),
        _ => Err(io::Error::last_os_error()).on("wait for", "the process"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(variables: &[(&str, &str)]) -> Result<String> {
        let owned: Vec<_> = variables.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Ok(String::from_utf16(&block(&owned)?).unwrap().replace('\0', "|"))
    }

    #[test]
    fn an_environment_is_sorted_and_ends_with_nothing() {
        assert_eq!(shown(&[]).unwrap(), "||");
        assert_eq!(shown(&[("b", "2"), ("A", "1=ä"), ("=C:", r"C:\")]).unwrap(), "=C:=C:\\|A=1=ä|b=2||");
        for wrong in [&[("", "x")][..], &[("a=b", "x")], &[("a", "x\0")], &[("Path", "1"), ("PATH", "2")]] {
            assert!(shown(wrong).is_err(), "{wrong:?}");
        }
    }
}
