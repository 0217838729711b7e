//! A user namespace that nobody lives in: it only says how numbers are mapped.
#![expect(unsafe_code, reason = "a child on a stack of its own is beyond what Rust can check")]

use super::memory::last_errno;
use super::spawn::{Stack, block_signals, restore_signals};
use rustix::fd::{FromRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, pidfd_send_signal, waitpid};
use std::ffi::c_void;

/// More than a child needs that makes a few system calls.
const STACK: usize = 16 * 1024;

/// Waits for its end, which comes with that of its parent at the latest; `parent` is that one's number. All signals are blocked
/// but the one that cannot be.
extern "C" fn stay(parent: *mut c_void) -> i32 {
    // SAFETY: the call takes numbers. These are right, so it does not fail, and touches no `errno`, which is the parent's too.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // One that was killed before that has left this process to another.
    // SAFETY: the call takes no argument and cannot fail.
    while usize::try_from(unsafe { libc::getppid() }) == Ok(parent.addr()) {
        // SAFETY: the call takes no argument. It does not return here: no signal is delivered but SIGKILL.
        unsafe { libc::pause() };
    }
    0
}

/// Makes a user namespace with this map for users and groups alike, in the format of `uid_map`
/// (`user_namespaces(7)`). Only somebody with capabilities over all numbers in the map may.
///
/// # Errors
/// `EPERM` where it may not be made or mapped.
pub fn user(map: &[u8]) -> Result<OwnedFd, Errno> {
    let stack = Stack::new(STACK)?;
    let mut process: libc::c_int = -1;
    let flags = libc::CLONE_NEWUSER | libc::CLONE_VM | libc::CLONE_PIDFD | libc::SIGCHLD;
    let before = block_signals();
    let own = std::ptr::without_provenance_mut(std::process::id() as usize);
    // SAFETY: the stack is mapped and unused, and outlives the child, which is waited for below. The child makes
    // a few system calls, of which the last does not return, so it changes nothing in the memory that it shares.
    let pid = unsafe { libc::clone(stay, stack.top(), flags, own, &raw mut process) };
    let error = last_errno();
    restore_signals(&before);
    let pid = Pid::from_raw(pid.max(0)).ok_or(error)?;
    // SAFETY: CLONE_PIDFD stored a fresh descriptor here that nobody else owns.
    let process = unsafe { OwnedFd::from_raw_fd(process) };
    let made = mapped(pid, map);
    pidfd_send_signal(&process, Signal::KILL)?;
    while let Err(Errno::INTR) = waitpid(Some(pid), WaitOptions::empty()) {}
    drop(stack);
    made
}

fn mapped(pid: Pid, map: &[u8]) -> Result<OwnedFd, Errno> {
    let open = |name: &str, flags: OFlags| {
        let path = format!("/proc/{}/{name}", pid.as_raw_nonzero());
        openat(CWD, path.as_str(), flags | OFlags::CLOEXEC, Mode::empty())
    };
    for name in ["uid_map", "gid_map"] {
        rustix::io::write(open(name, OFlags::WRONLY)?, map)?;
    }
    open("ns/user", OFlags::RDONLY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_outlives_its_only_process() {
        let own = rustix::process::geteuid().as_raw();
        let made = user(format!("{own} {own} 1\n").as_bytes());
        // An ordinary user has to give up groups first, and may be refused namespaces at all.
        assert!(made.is_ok() || own != 0, "{made:?}");
        assert_eq!(waitpid(None, WaitOptions::NOHANG).unwrap_or(None).map(|(pid, _)| pid), None);
    }
}
