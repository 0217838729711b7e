//! The first steps of a program that is started once for every command it guards.
//!
//! What Rust's own runtime does before `main` is meant for every program. It reads `/proc/self/maps` to tell an
//! overflowing stack from another fault, and has a second stack for saying so: a fiftieth of the start of a sandbox. Here
//! is the rest of it. A stack that overflows meets the guard of the kernel all the same, and ends the program.

use super::sys::signals;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, IntoRawFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// Makes `$start`, a `fn() -> u8`, the `main` of an executable without one of Rust's (`no_main`). What it returns is the
/// exit code.
#[macro_export]
macro_rules! entry {
    ($start:path) => {
        // SAFETY: the C library's start calls this name with these types and nobody else does; an executable that has
        // another `main` is not linked.
        #[unsafe(no_mangle)]
        extern "C" fn main(
            _count: ::core::ffi::c_int,
            _arguments: *const *const ::core::ffi::c_char,
        ) -> ::core::ffi::c_int {
            $crate::linux::entry::run($start)
        }
    };
}

/// Runs a program and ends it with the code that it returns: standard streams are open, a broken pipe is an error and no
/// signal, and what was printed is written out at the end, as in every program in Rust.
pub fn run(start: fn() -> u8) -> ! {
    // Without them the next file that is opened would be one.
    if open_standard_streams().is_err() {
        std::process::abort();
    }
    signals::ignore_broken_pipes();
    std::process::exit(start().into())
}

/// Opens `/dev/null` as each standard stream that the caller left closed.
fn open_standard_streams() -> Result<(), Errno> {
    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    let mut streams = streams.map(|stream| PollFd::from_borrowed_fd(stream, PollFlags::empty()));
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::io::retry_on_intr(|| poll(&mut streams, Some(&now)))?;
    for stream in streams {
        // A descriptor that only names a file (`O_PATH`) cannot be waited for either, and is not closed.
        let is_closed = || rustix::io::fcntl_getfd(stream.as_fd()) == Err(Errno::BADF);
        if stream.revents().contains(PollFlags::NVAL) && is_closed() {
            // The lowest number that is free is that of the stream, which stays open from here on.
            let _stream = openat(CWD, c"/dev/null", OFlags::RDWR, Mode::empty())?.into_raw_fd();
        }
    }
    Ok(())
}
