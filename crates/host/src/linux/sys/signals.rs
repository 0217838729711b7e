//! Signals as descriptors (`signalfd(2)`), and signalling all processes of a namespace.
#![expect(unsafe_code, reason = "signalfd and kill(-1) have no safe wrapper")]

use super::memory::last_errno;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Signal;

/// Readable when a child has changed its state.
#[derive(Debug)]
pub struct Children(Signals);

impl Children {
    /// Blocks `SIGCHLD` for this thread (and those it starts) and listens for it.
    ///
    /// # Errors
    /// The error of `signalfd(2)`.
    pub fn watch() -> Result<Self, Errno> {
        Signals::watch(&[Signal::CHILD]).map(Self)
    }

    /// Forgets what has been signalled so far.
    pub fn clear(&self) {
        while self.0.next().is_some() {}
    }
}

impl AsFd for Children {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Signals that arrive as data instead of interrupting.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks these signals for this thread (and those it starts) and listens for them.
    ///
    /// # Errors
    /// The error of `signalfd(2)`.
    pub fn watch(signals: &[Signal]) -> Result<Self, Errno> {
        // SAFETY: the set is plain memory that the calls fill in; signalfd takes a borrow of it.
        let raw = unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in signals {
                libc::sigaddset(&raw mut set, signal.as_raw());
            }
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if raw < 0 {
            return Err(last_errno());
        }
        // SAFETY: the kernel just returned this descriptor to us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(raw) }))
    }

    /// The next signal that has arrived, by number.
    #[must_use]
    pub fn next(&self) -> Option<i32> {
        // SAFETY: the structure is plain integers.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: reads at most `size` bytes into an exclusive borrow of that size.
        let count = unsafe { libc::read(self.0.as_raw_fd(), (&raw mut info).cast(), size) };
        (usize::try_from(count) == Ok(size)).then(|| info.ssi_signo.cast_signed())
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Writing where nobody reads any more fails from now on (`EPIPE`) and ends nothing.
pub fn ignore_broken_pipes() {
    // SAFETY: takes a signal that exists and the constant for ignoring it; no handler is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// `kill(-1)`: every process that the caller may signal, but itself.
///
/// # Errors
/// `ESRCH` when there is none.
pub fn signal_everything(signal: Signal) -> Result<(), Errno> {
    // SAFETY: takes two integers.
    if unsafe { libc::kill(-1, signal.as_raw()) } == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Ends this process by a signal's default action, so that whoever waits for it sees that very signal.
pub fn end_by(signal: i32) {
    // SAFETY: the set is plain memory; the signal's disposition becomes the default one.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::signal(signal, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(signal);
    }
}
