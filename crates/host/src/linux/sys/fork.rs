//! Copying this process (`fork(2)`), and forgetting in the copy what it must not know.
#![expect(unsafe_code, reason = "a copied process is beyond what Rust can check")]

use super::memory::last_errno;
use super::spawn::Stack;
use rustix::io::Errno;
use rustix::process::Pid;

/// Which of the two processes this is.
#[derive(Debug)]
pub enum Side {
    /// The process that was there before.
    Parent(Pid),
    /// The copy.
    Child,
}

/// Whether this process has one thread only. A copy made beside other threads could wait for ever for a lock that
/// one of them held.
#[must_use]
pub fn is_single_threaded() -> bool {
    // Each thread is a directory there, which is a link of it beside the usual two (proc_pid_task(5)).
    rustix::fs::stat("/proc/self/task").is_ok_and(|stat| stat.st_nlink == 3)
}

/// Copies this process.
///
/// # Errors
/// The error of `fork(2)`; `EBUSY` beside other threads.
pub fn fork() -> Result<Side, Errno> {
    if !is_single_threaded() {
        return Err(Errno::BUSY);
    }
    // SAFETY: this is the only thread, so the copy has every thread that any lock or state could wait for.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => Ok(Side::Child),
        pid if pid > 0 => Pid::from_raw(pid).map(Side::Parent).ok_or(Errno::SRCH),
        _ => Err(last_errno()),
    }
}

/// Goes on as a sibling: a child of this process's own parent, which runs `life` in this process's memory, while this
/// process ends. The sibling is the first of the new pid namespace if one was asked for with `unshare(2)`. Nothing is
/// copied.
///
/// The C library keeps the number of the thread that it believes to be in; the sibling goes on with that of this
/// process. Nothing that garth uses reads it.
///
/// # Errors
/// The error of `clone(2)`; `EBUSY` beside other threads. Returns only then.
pub fn go_on_as_sibling(life: Box<dyn FnOnce() -> i32>) -> Result<std::convert::Infallible, Errno> {
    if !is_single_threaded() {
        return Err(Errno::BUSY);
    }
    let stack = Stack::new(LIFE)?;
    let life = Box::into_raw(Box::new(life));
    let flags = libc::CLONE_PARENT | libc::CLONE_VM;
    // SAFETY: an address to clear at the end is taken back; without one the kernel writes nothing into this memory
    // when this thread ends.
    unsafe { libc::syscall(libc::SYS_set_tid_address, std::ptr::null_mut::<libc::c_int>()) };
    // SAFETY: the stack is mapped and unused, and is never unmapped: after a success this process only ends, by the
    // next statement, so the sibling is the only user of this memory and of what `life` points to.
    let pid = unsafe { libc::clone(live, stack.top(), flags, life.cast()) };
    if pid > 0 {
        leave(0);
    }
    let error = last_errno();
    // SAFETY: nobody else got the pointer.
    drop(unsafe { Box::from_raw(life) });
    Err(error)
}

/// The stack of a sibling, in bytes. Pages that are not used are never there.
const LIFE: usize = 1 << 20;

extern "C" fn live(argument: *mut libc::c_void) -> i32 {
    // SAFETY: `go_on_as_sibling` passes a pointer from `Box::into_raw`, and does not use it any more.
    let life = unsafe { Box::from_raw(argument.cast::<Box<dyn FnOnce() -> i32>>()) };
    // An exit in order would run what belongs to the original.
    leave(life())
}

/// Leaves the namespaces that `flags` name for new ones (`unshare(2)`).
///
/// # Errors
/// `EPERM`, `ENOSPC`, `EUSERS`, `EINVAL` and `ENOSYS` where the machine refuses them.
pub fn enter_new(flags: i32) -> Result<(), Errno> {
    // SAFETY: takes an integer; the descriptor table, which Rust's owners rely on, is not among the flags.
    if unsafe { libc::unshare(flags & !libc::CLONE_FILES) } == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Ends this process at once, without what the C library does for a process that ends in order: in a copy that is
/// the business of the original.
pub fn leave(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

// SAFETY: the C library defines this variable with this type (environ(7)).
unsafe extern "C" {
    /// The strings of the environment (`environ(7)`).
    static mut environ: *mut *mut libc::c_char;
}

/// Overwrites the environment, where the kernel laid it at the start of the program, and forgets it. Nothing else may
/// have been done with the environment before: a copy on the heap stays.
pub fn forget_environment() {
    // SAFETY: this is the only thread of a copy, `environ` is a list of NUL-terminated strings in writable memory of
    // the initial stack, or null; each is overwritten up to its NUL. `clearenv` drops the list.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let length = libc::strlen(*entry);
            std::ptr::write_bytes(*entry, 0, length);
            entry = entry.add(1);
        }
        libc::clearenv();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_runner_has_threads() {
        assert!(!is_single_threaded());
        assert_eq!(fork().unwrap_err(), Errno::BUSY);
    }
}
