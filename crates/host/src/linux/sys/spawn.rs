//! Starting a process without copying the parent (`clone(2)` with `CLONE_VM|CLONE_VFORK`).
#![expect(unsafe_code, reason = "a child that shares its parent's memory is beyond what Rust can check")]

use super::memory::last_errno;
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Pid;
use std::ffi::{CStr, c_char, c_void};

/// What the child does between `clone` and `execve`. It runs in the parent's memory while the parent
/// stands still, so it may only make system calls: no allocation, no lock, no panic, no return to code
/// that does these.
pub type Steps<'s> = &'s mut dyn FnMut() -> i32;

const STACK: usize = 64 * 1024;

/// A stack for the child, with its size in bytes.
#[derive(Debug)]
pub(super) struct Stack(*mut c_void, usize);

impl Stack {
    pub(super) fn new(size: usize) -> Result<Self, Errno> {
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED { Err(last_errno()) } else { Ok(Self(base, size)) }
    }

    pub(super) fn top(&self) -> *mut c_void {
        self.0.wrapping_byte_add(self.1)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, of this size, and the child no longer runs on it: it has executed another
        // program (`clone` with CLONE_VFORK returns then) or was waited for.
        unsafe { libc::munmap(self.0, self.1) };
    }
}

extern "C" fn run(argument: *mut c_void) -> i32 {
    // SAFETY: `start` passes a pointer to a live `Steps`, and stands still until this returns or execs.
    let steps = unsafe { &mut *argument.cast::<Steps<'_>>() };
    steps()
}

/// Starts a child that runs `steps` and, if they return, exits with what they return. `flags` are those of
/// `clone(2)` beside the ones named above.
///
/// Returns the pid and a descriptor of the process.
///
/// # Errors
/// The error of `clone(2)`: `EPERM` or `ENOSPC` where namespaces are refused.
pub fn start(flags: i32, steps: Steps<'_>) -> Result<(Pid, OwnedFd), Errno> {
    let stack = Stack::new(STACK)?;
    let mut process: libc::c_int = -1;
    let mut steps = steps;
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let before = block_signals();
    // SAFETY: the stack is mapped and unused; `run` gets a pointer to `steps`, which outlives the call
    // because of CLONE_VFORK; signals are blocked, so no handler runs in the shared memory.
    let pid = unsafe { libc::clone(run, stack.top(), flags, (&raw mut steps).cast(), &raw mut process) };
    let error = last_errno();
    restore_signals(&before);
    let pid = if pid > 0 { Pid::from_raw(pid) } else { None };
    let pid = pid.ok_or(error)?;
    // SAFETY: CLONE_PIDFD stored a fresh descriptor here that nobody else owns.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(process) }))
}

/// Blocks all signals of the calling thread and returns the mask before.
#[must_use]
pub fn block_signals() -> libc::sigset_t {
    // SAFETY: both sets are plain memory that the calls fill in.
    unsafe {
        let mut all = std::mem::zeroed();
        let mut before = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        before
    }
}

/// Sets the signal mask of the calling thread.
pub fn restore_signals(mask: &libc::sigset_t) {
    // SAFETY: the set is a live borrow.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) };
}

/// In a child: the signal state that programs expect at their start. Nothing blocked, `SIGPIPE` as usual
/// (the Rust runtime ignores it, and an ignored signal outlives `execve`).
pub fn usual_signals() {
    // SAFETY: an empty set and the default disposition; no handler is installed.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Strings for `execve(2)`: a list of pointers that ends with a null.
#[derive(Debug)]
pub struct Strings {
    _texts: Vec<std::ffi::CString>,
    pointers: Vec<*const c_char>,
}

impl Strings {
    /// Lays the strings out.
    ///
    /// # Errors
    /// `EINVAL` when one holds a NUL.
    pub fn new<S: AsRef<[u8]>>(strings: impl IntoIterator<Item = S>) -> Result<Self, Errno> {
        let texts = strings
            .into_iter()
            .map(|text| std::ffi::CString::new(text.as_ref()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Errno::INVAL)?;
        let mut pointers: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Ok(Self { _texts: texts, pointers })
    }
}

/// Executes a file by path; returns only on failure, with the `errno`. Allocates nothing.
#[must_use]
pub fn execute(program: &CStr, arguments: &Strings, environment: &Strings) -> i32 {
    // SAFETY: all strings are NUL-terminated and live, both lists end with a null pointer.
    unsafe { libc::execve(program.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr()) };
    last_errno().raw_os_error()
}

/// Executes an opened file; returns only on failure, with the `errno`. Allocates nothing.
#[must_use]
pub fn execute_opened(program: i32, arguments: &Strings, environment: &Strings) -> i32 {
    // SAFETY: as in `execute`; the path is an empty C string, so the descriptor itself is executed.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            program,
            c"".as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    last_errno().raw_os_error()
}

/// Copies a descriptor to a number, without close-on-exec. Allocates nothing.
///
/// # Errors
/// The `errno` of `dup2(2)`.
pub fn place_descriptor(from: i32, to: i32) -> Result<(), i32> {
    // SAFETY: takes two integers; the caller owns both numbers.
    if unsafe { libc::dup2(from, to) } < 0 { Err(last_errno().raw_os_error()) } else { Ok(()) }
}

/// Every descriptor from `first` on closes when another program is executed. Allocates nothing.
///
/// # Errors
/// The `errno` of `close_range(2)`.
pub fn close_on_exec_from(first: u32) -> Result<(), i32> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: takes integers; nothing is closed now.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
    if result == 0 { Ok(()) } else { Err(last_errno().raw_os_error()) }
}

/// Closes every descriptor from 3 on but one. For a process that has just been copied: whatever owned the others is
/// never used in it.
///
/// # Errors
/// The error of `close_range(2)`.
pub fn close_all_but(kept: BorrowedFd<'_>) -> Result<(), Errno> {
    let kept = kept.as_raw_fd().cast_unsigned();
    for (first, last) in [(3, kept.saturating_sub(1)), (kept + 1, u32::MAX)] {
        // SAFETY: takes integers; the owners of these numbers belong to the original process.
        if first <= last && unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } != 0 {
            return Err(last_errno());
        }
    }
    Ok(())
}

/// Takes ownership of a descriptor that was inherited under a fixed number, and marks it close-on-exec.
///
/// # Errors
/// `EBADF` when it is not open.
pub fn inherited(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes integers only; checks that the number is open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
        return Err(last_errno());
    }
    // SAFETY: the launcher left this number for us and nothing else in this process refers to it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// A copy of a descriptor that was inherited under some number. Both are close-on-exec.
///
/// # Errors
/// `EBADF` when it is not open.
pub fn copied(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes integers only; checks that the number is open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
        return Err(last_errno());
    }
    // SAFETY: takes integers only; the original stays whose it is.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(last_errno());
    }
    // SAFETY: the kernel just returned this descriptor to us.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{WaitOptions, waitpid};

    #[test]
    fn a_child_reports_through_shared_memory_and_executes() {
        let arguments = Strings::new(["sh", "-c", "exit 7"]).unwrap();
        let environment = Strings::new(["A=b"]).unwrap();
        let mut seen = 0;
        let (pid, _process) = start(0, &mut || {
            seen = 42;
            execute(c"/bin/sh", &arguments, &environment)
        })
        .unwrap();
        let (_, status) = waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap();
        assert_eq!((seen, status.exit_status()), (42, Some(7)));
    }

    #[test]
    fn a_missing_program_is_an_error_number() {
        let none = Strings::new::<&str>([]).unwrap();
        let mut errno = 0;
        let (pid, _process) = start(0, &mut || {
            errno = execute(c"/nowhere/x", &none, &none);
            1
        })
        .unwrap();
        waitpid(Some(pid), WaitOptions::empty()).unwrap();
        assert_eq!(errno, libc::ENOENT);
    }
}
