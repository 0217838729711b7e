//! Attacks on whoever walks a tree afterwards, and on whoever reads what was written: deep trees, many names, lines that look
//! like somebody else's.

use super::raw;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

pub(super) const ACTIONS: &[Row] = &[("dig", dig), ("fill", fill), ("write-everywhere", write_everywhere)];

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

const MADE: Mode = Mode::from_raw_mode(0o755);

/// The directory that is named, made if it is not there.
fn begun(arguments: &Arguments<'_>) -> Result<OwnedFd, Refusal> {
    let path = arguments.path(0)?;
    match mkdirat(CWD, path, MADE) {
        Ok(()) | Err(Errno::EXIST) => Ok(openat(CWD, path, DIRECTORY, Mode::empty())?),
        Err(errno) => Err(errno.into()),
    }
}

fn put(directory: impl AsFd, name: &str) -> Result<(), Refusal> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::from_raw_mode(0o644))?;
    rustix::io::write(&file, b"from inside\n")?;
    Ok(())
}

/// `dig DIRECTORY LENGTH DEPTH`: a directory in a directory in a directory, each reached from the one above, with names of this
/// length, and a file in the last one. It digs until it is refused, which is no failure once something was made.
fn dig(arguments: &Arguments<'_>) -> Act {
    let (name, depth) = ("d".repeat(arguments.number(1)?), arguments.number::<usize>(2)?);
    let mut here = begun(arguments)?;
    for level in 0..depth {
        let next = mkdirat(&here, name.as_str(), MADE)
            .and_then(|()| openat(&here, name.as_str(), DIRECTORY, Mode::empty()));
        match next {
            Ok(next) => here = next,
            Err(errno) if level == 0 => return Err(errno.into()),
            Err(_) => return Ok(()),
        }
    }
    put(&here, "bottom")
}

/// `fill DIRECTORY COUNT LENGTH`: so many files with names of this length.
fn fill(arguments: &Arguments<'_>) -> Act {
    let (count, length) = (arguments.number::<usize>(1)?, arguments.number::<usize>(2)?);
    let here = begun(arguments)?;
    (0..count).try_for_each(|number| put(&here, &format!("{number:0length$}")))
}

/// `write-everywhere LINE`: the line into every descriptor that this process may have, by `write(2)` and as a message, and into
/// every descriptor of every process that can be seen, by opening it anew.
fn write_everywhere(arguments: &Arguments<'_>) -> Act {
    let mut line = [arguments.text(0)?.as_bytes(), b"\n"].concat();
    let (mut written, length) = (0, line.len());
    let address = raw::address(&mut line[..]);
    for number in 0..4096 {
        written += usize::from(raw::call(libc::SYS_write, &[number, address, length]).is_ok());
        let flags = (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL).cast_unsigned() as usize;
        // What is no socket says so.
        let _sent = raw::call(libc::SYS_sendto, &[number, address, length, flags, 0, 0]);
    }
    for process in std::fs::read_dir("/proc")?.flatten() {
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else { continue };
        for descriptor in descriptors.flatten() {
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let opened = openat(CWD, descriptor.path(), flags, Mode::empty());
            let wrote = opened.is_ok_and(|file| rustix::io::write(&file, &line).is_ok());
            written += usize::from(wrote);
        }
    }
    if written > 0 { Ok(()) } else { Err(Errno::BADF.into()) }
}
