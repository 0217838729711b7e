//! Attacks that only root's number makes possible. For anybody else each is refused as a matter of course.

use super::raw;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, chmodat, openat, statat};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

pub(super) const ACTIONS: &[Row] = &[
    ("root-only-file", root_only_file),
    ("root-setting", root_setting),
    ("set-user-bit", set_user_bit),
    ("same-mode", same_mode),
    ("plain-mode", plain_mode),
    ("realtime", realtime),
    ("more-urgent", more_urgent),
];

fn only_as_root() -> Result<(), Refusal> {
    if rustix::process::geteuid().is_root() { Ok(()) } else { Err(Errno::PERM.into()) }
}

/// Entries looked at in one directory tree.
const MOST: usize = 20_000;

/// Opens a file that nobody but its owner may read (directory). Looks two levels deep.
fn root_only_file(arguments: &Arguments<'_>) -> Act {
    only_as_root()?;
    let mut last = Errno::NOENT;
    let mut waiting = vec![(arguments.path(0)?.to_owned(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            seen += 1;
            let path = entry.path();
            let Ok(stat) = statat(CWD, &path, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory if depth < 2 && seen < MOST => waiting.push((path, depth + 1)),
                FileType::RegularFile if stat.st_mode & 0o004 == 0 => {
                    match openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
                        Ok(_) => return Ok(()),
                        Err(errno) => last = errno,
                    }
                }
                _ => {}
            }
        }
    }
    Err(last.into())
}

/// Opens for writing what only root may write in `/proc`.
fn root_setting(_: &Arguments<'_>) -> Act {
    only_as_root()?;
    let named = ["/proc/sys/vm/drop_caches", "/proc/sys/kernel/core_pattern"].map(PathBuf::from);
    let listed = std::fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
    let mut last = Errno::NOENT;
    for path in listed.chain(named) {
        let Ok(stat) = statat(CWD, &path, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        let file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if file && stat.st_mode & 0o222 != 0 {
            match openat(CWD, &path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
                Ok(_) => return Ok(()),
                Err(errno) => last = errno,
            }
        }
    }
    Err(last.into())
}

/// Makes a file that runs as root whoever starts it, in every way that sets the bit (path).
fn set_user_bit(arguments: &Arguments<'_>) -> Act {
    let path = arguments.path(0)?;
    let made = |name: &str| PathBuf::from(format!("{}-{name}", path.display()));
    let bits = Mode::from_raw_mode(0o6755);
    let plain = made("changed");
    std::fs::write(&plain, "x").map_err(|error| Refusal::broken(error.to_string()))?;
    let mut name = raw::text(&plain)?;
    let _refused = chmodat(CWD, &plain, bits, AtFlags::empty());
    let _refused =
        openat(CWD, &plain, OFlags::RDONLY, Mode::empty()).and_then(|file| rustix::fs::fchmod(file, bits));
    let _refused = raw::call(libc::SYS_fchmodat2, &[raw::HERE, raw::address(&mut name[..]), 0o6755, 0]);
    rustix::process::umask(Mode::empty());
    let created = made("created");
    let _refused = openat(CWD, &created, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, bits);
    let node = made("node");
    let _refused = rustix::fs::mknodat(CWD, &node, FileType::RegularFile, bits, 0);
    let mut last = Errno::NOENT;
    for file in [plain, created, node] {
        match statat(CWD, &file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if stat.st_mode & 0o6000 != 0 && stat.st_uid == 0 => return Ok(()),
            // A program that runs as an ordinary user is that user's own affair.
            Ok(_) => last = Errno::PERM,
            Err(_) => {}
        }
    }
    Err(last.into())
}

/// Sets the mode that an object has already: the right is what counts (path).
fn same_mode(arguments: &Arguments<'_>) -> Act {
    let path = arguments.path(0)?;
    let stat = statat(CWD, path, AtFlags::empty())?;
    Ok(chmodat(CWD, path, Mode::from_raw_mode(stat.st_mode & 0o1777), AtFlags::empty())?)
}

/// Makes a file executable (path).
fn plain_mode(arguments: &Arguments<'_>) -> Act {
    let path: &Path = arguments.path(0)?;
    std::fs::write(path, "x")?;
    Ok(chmodat(CWD, path, Mode::from_raw_mode(0o755), AtFlags::empty())?)
}

/// Asks for a scheduling class that keeps others from running.
fn realtime(_: &Arguments<'_>) -> Act {
    const FIFO: usize = 1;
    let mut priority = 1i32;
    raw::call(libc::SYS_sched_setscheduler, &[0, FIFO, raw::address(&mut priority)])?;
    Ok(())
}

/// Asks for more processor time than others get.
fn more_urgent(_: &Arguments<'_>) -> Act {
    let urgent = usize::MAX - 9;
    raw::call(libc::SYS_setpriority, &[0, 0, urgent])?;
    Ok(())
}
