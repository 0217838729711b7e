//! Attacks on the runner: the one process inside that decides.

use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::{CWD, Mode, OFlags, openat, symlinkat};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

pub(super) const ACTIONS: &[Row] = &[
    ("inherited", inherited),
    ("memory-by-truncation", memory_by_truncation),
    ("memory-by-name", memory_by_name),
    ("memory-by-directory", memory_by_directory),
    ("own-memory", own_memory),
    ("any-of-process", any_of_process),
];

/// Succeeds when a descriptor beside the three standard ones was left open.
fn inherited(_: &Arguments<'_>) -> Act {
    let listing =
        openat(CWD, "/proc/self/fd", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let own = listing.as_raw_fd();
    let mut seen = 0;
    for entry in rustix::fs::Dir::read_from(&listing)?.flatten() {
        let Some(number) = entry.file_name().to_str().ok().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        seen += 1;
        // The directory stream may hold a descriptor of its own for the same directory.
        let target = std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap_or_default();
        let listing = target.starts_with("/proc") && target.ends_with("fd");
        if number > 2 && number != own && !listing {
            return Ok(());
        }
    }
    if seen < 3 {
        Err(Refusal::broken("the standard descriptors are missing"))
    } else {
        Err(Errno::BADF.into())
    }
}

/// Whose memory a descriptor of a `mem` file shows: a pattern that only this process has is looked for.
fn is_own(file: impl AsFd) -> bool {
    let pattern: Vec<u8> = (0..64u8).map(|byte| byte.wrapping_mul(37) ^ 0x5a).collect();
    let mut found = vec![0; pattern.len()];
    // In a `mem` file the offset is an address.
    let read = rustix::io::pread(file, &mut found, pattern.as_ptr().addr() as u64);
    read.is_ok_and(|count| count == pattern.len()) && found == pattern
}

/// Opens a link to `/proc/self/mem` with `O_TRUNC`, so that a supervisor that opens it in the caller's name
/// opens its own memory (link). Succeeds when the memory is not this process's own.
fn memory_by_truncation(arguments: &Arguments<'_>) -> Act {
    memory(arguments, OFlags::RDONLY | OFlags::TRUNC)
}

/// As above, by an ordinary open for reading and writing.
fn memory_by_name(arguments: &Arguments<'_>) -> Act {
    memory(arguments, OFlags::RDWR)
}

fn memory(arguments: &Arguments<'_>, flags: OFlags) -> Act {
    let link = arguments.path(0)?;
    symlinkat(arguments.path(1)?, CWD, link).map_err(|error| Refusal::broken(error.to_string()))?;
    let file = openat(CWD, link, flags | OFlags::CLOEXEC, Mode::empty())?;
    if is_own(&file) { Err(Errno::ACCESS.into()) } else { Ok(()) }
}

/// As above, by a link to the directory (link, directory, name).
fn memory_by_directory(arguments: &Arguments<'_>) -> Act {
    symlinkat(arguments.path(1)?, CWD, arguments.path(0)?)
        .map_err(|error| Refusal::broken(error.to_string()))?;
    let path = arguments.path(0)?.join(arguments.path(2)?);
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::TRUNC | OFlags::CLOEXEC, Mode::empty())?;
    if is_own(&file) { Err(Errno::ACCESS.into()) } else { Ok(()) }
}

/// Its own memory is a process's own affair.
fn own_memory(_: &Arguments<'_>) -> Act {
    let file = openat(CWD, "/proc/self/mem", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    if is_own(&file) { Ok(()) } else { Err(Refusal::broken("the memory of another process")) }
}

/// What of `/proc/PID` gives away or changes what the process is.
const FILES: [&str; 8] = ["mem", "environ", "maps", "auxv", "root/etc", "cwd/etc", "syscall", "stack"];

/// Tries each of these files, and the descriptors and mappings of the process. A file that can be opened
/// and gives nothing is no success.
fn any_of_process(arguments: &Arguments<'_>) -> Act {
    let process = arguments.text(0)?;
    let path = |name: &str| PathBuf::from(format!("/proc/{process}/{name}"));
    let mut last = Err(Refusal::Os(libc::EACCES));
    for name in FILES {
        for flags in [OFlags::RDONLY, OFlags::RDONLY | OFlags::TRUNC, OFlags::RDWR] {
            last = gives_something(&path(name), flags);
            if last.is_ok() {
                return last;
            }
        }
    }
    for name in ["fd", "map_files"] {
        let names = std::fs::read_dir(path(name)).into_iter().flatten().flatten();
        if names.into_iter().any(|entry| std::fs::read_link(entry.path()).is_ok()) {
            return Ok(());
        }
    }
    last
}

fn gives_something(path: &Path, flags: OFlags) -> Act {
    let file = openat(CWD, path, flags | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())?;
    // Memory is read at the address that is asked for; directories are a way on.
    if path.ends_with("mem") || path.ends_with("etc") {
        return Ok(());
    }
    let mut byte = [0];
    match rustix::io::read(&file, &mut byte)? {
        0 => Err(Errno::NODATA.into()),
        _ => Ok(()),
    }
}
