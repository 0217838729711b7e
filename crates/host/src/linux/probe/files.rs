//! Attacks on files: every way to make, change, read, move or rename one.

use super::raw;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::fd::AsRawFd;
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps, XattrFlags,
    fallocate, ftruncate, linkat, mkdirat, mknodat, openat, renameat_with, setxattr, symlinkat, unlinkat,
    utimensat,
};
use rustix::io::Errno;
use std::path::Path;

pub(super) const ACTIONS: &[Row] = &[
    ("write", write),
    ("overwrite", overwrite),
    ("append", append),
    ("open-writable", open_writable),
    ("create-only", create_only),
    ("creat", creat),
    ("open-legacy", open_legacy),
    ("truncate-open", truncate_open),
    ("truncate", truncate),
    ("read", read),
    ("read-any", read_any),
    ("list", list),
    ("make-directory", make_directory),
    ("make-pipe", make_pipe),
    ("make-device", make_device),
    ("link", hard_link),
    ("link-then-write", link_then_write),
    ("symlink", symbolic_link),
    ("link-of", link_of),
    ("lease", lease),
    ("symlink-then-write", symlink_then_write),
    ("symlink-then-create", symlink_then_create),
    ("symlink-then-read", symlink_then_read),
    ("rename", rename),
    ("rename-then-read", rename_then_read),
    ("exchange", exchange),
    ("remove", remove),
    ("remove-directory", remove_directory),
    ("mode", mode),
    ("owner", owner),
    ("times", times),
    ("attribute", attribute),
    ("openat2", openat2),
    ("unnamed-then-link", unnamed_then_link),
    ("by-handle", by_handle),
    ("reopen", reopen),
    ("reopen-read", reopen_read),
    ("reopen-truncate", reopen_truncate),
    ("map-writable", map_writable),
    ("grow-read-only", grow_read_only),
    ("enter-then-write", enter_then_write),
    ("opened-directory", opened_directory),
    ("execute", execute),
    ("lock-then-write", lock_then_write),
    ("install", install),
    ("remove-then-write", remove_then_write),
    ("remove-then-rename", remove_then_rename),
    ("make-then-move", make_then_move),
    ("wait-then-read", wait_then_read),
    ("stat", stat),
];

fn put(path: &Path, flags: OFlags) -> Act {
    let file = openat(CWD, path, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o644))?;
    rustix::io::write(&file, b"written from inside\n")?;
    Ok(())
}

fn write(arguments: &Arguments<'_>) -> Act {
    put(arguments.path(0)?, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC)
}

fn overwrite(arguments: &Arguments<'_>) -> Act {
    put(arguments.path(0)?, OFlags::RDWR)
}

fn append(arguments: &Arguments<'_>) -> Act {
    put(arguments.path(0)?, OFlags::WRONLY | OFlags::APPEND)
}

/// Opens for writing and writes nothing: enough where a write would change the machine.
fn open_writable(arguments: &Arguments<'_>) -> Act {
    openat(CWD, arguments.path(0)?, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(())
}

/// Makes a name without ever asking to write: `O_RDONLY | O_CREAT`.
fn create_only(arguments: &Arguments<'_>) -> Act {
    openat(CWD, arguments.path(0)?, OFlags::RDONLY | OFlags::CREATE, Mode::from_raw_mode(0o600))?;
    Ok(())
}

#[cfg(target_arch = "x86_64")]
fn creat(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    raw::descriptor(libc::SYS_creat, &[raw::address(&mut path[..]), 0o644])?;
    Ok(())
}

#[cfg(not(target_arch = "x86_64"))]
fn creat(arguments: &Arguments<'_>) -> Act {
    write(arguments)
}

#[cfg(target_arch = "x86_64")]
fn open_legacy(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    let flags = (OFlags::WRONLY | OFlags::CREATE).bits() as usize;
    raw::descriptor(libc::SYS_open, &[raw::address(&mut path[..]), flags, 0o644])?;
    Ok(())
}

#[cfg(not(target_arch = "x86_64"))]
fn open_legacy(arguments: &Arguments<'_>) -> Act {
    write(arguments)
}

/// `O_RDONLY | O_TRUNC` empties a file without asking to write.
fn truncate_open(arguments: &Arguments<'_>) -> Act {
    openat(CWD, arguments.path(0)?, OFlags::RDONLY | OFlags::TRUNC, Mode::empty())?;
    Ok(())
}

fn truncate(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    raw::call(libc::SYS_truncate, &[raw::address(&mut path[..]), 0])?;
    Ok(())
}

fn read_path(path: &Path) -> Act {
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())?;
    let mut byte = [0];
    match rustix::io::read(&file, &mut byte)? {
        0 => Err(Errno::NODATA.into()),
        _ => Ok(()),
    }
}

fn read(arguments: &Arguments<'_>) -> Act {
    read_path(arguments.path(0)?)
}

/// Succeeds when any of the named files can be read.
fn read_any(arguments: &Arguments<'_>) -> Act {
    let mut last = Err(Refusal::broken("nothing named"));
    for path in arguments.all() {
        last = read_path(Path::new(path));
        if last.is_ok() {
            return last;
        }
    }
    last
}

fn list(arguments: &Arguments<'_>) -> Act {
    match std::fs::read_dir(arguments.path(0)?)?.next() {
        Some(entry) => entry.map(|_| ()).map_err(Refusal::from),
        None => Err(Errno::NODATA.into()),
    }
}

fn stat(arguments: &Arguments<'_>) -> Act {
    rustix::fs::statat(CWD, arguments.path(0)?, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

fn make_directory(arguments: &Arguments<'_>) -> Act {
    Ok(mkdirat(CWD, arguments.path(0)?, Mode::from_raw_mode(0o755))?)
}

fn make_pipe(arguments: &Arguments<'_>) -> Act {
    Ok(mknodat(CWD, arguments.path(0)?, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?)
}

/// Makes the node of a device: one that reads the machine's memory (major 1, minor 1), or that of these numbers.
fn make_device(arguments: &Arguments<'_>) -> Act {
    let (major, minor) = (arguments.number(1).unwrap_or(1), arguments.number(2).unwrap_or(1));
    let memory = rustix::fs::makedev(major, minor);
    Ok(mknodat(CWD, arguments.path(0)?, FileType::CharacterDevice, Mode::from_raw_mode(0o600), memory)?)
}

fn hard_link(arguments: &Arguments<'_>) -> Act {
    Ok(linkat(CWD, arguments.path(0)?, CWD, arguments.path(1)?, AtFlags::empty())?)
}

fn link_then_write(arguments: &Arguments<'_>) -> Act {
    hard_link(arguments)?;
    put(arguments.path(1)?, OFlags::WRONLY)
}

fn symbolic_link(arguments: &Arguments<'_>) -> Act {
    Ok(symlinkat(arguments.path(0)?, CWD, arguments.path(1)?)?)
}

/// Takes a lease on a file (file; `take` or `ask`), which keeps whoever opens it waiting.
fn lease(arguments: &Arguments<'_>) -> Act {
    let file = openat(CWD, arguments.path(0)?, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let number = |value: i32| usize::try_from(value).map_err(|_| Refusal::broken("no number"));
    let command = if arguments.text(1)? == "take" { libc::F_SETLEASE } else { libc::F_GETLEASE };
    raw::call(libc::SYS_fcntl, &[number(file.as_raw_fd())?, number(command)?, number(libc::F_WRLCK)?])?;
    Ok(())
}

/// Makes something where it may be (kind: `link`, `pipe`, `file`; its name), and then gives it another name.
fn link_of(arguments: &Arguments<'_>) -> Act {
    let made = arguments.path(1)?;
    let prepared = match arguments.text(0)? {
        "link" => symlinkat("nowhere", CWD, made),
        "pipe" => mknodat(CWD, made, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0),
        _ => openat(CWD, made, OFlags::WRONLY | OFlags::CREATE, Mode::RUSR | Mode::WUSR).map(drop),
    };
    prepared.map_err(|error| Refusal::broken(format!("preparing: {error}")))?;
    Ok(linkat(CWD, made, CWD, arguments.path(2)?, AtFlags::empty())?)
}

/// Makes a link (target, link) and writes to a name behind it.
fn symlink_then_write(arguments: &Arguments<'_>) -> Act {
    symlinkat(arguments.path(0)?, CWD, arguments.path(1)?)?;
    put(&arguments.path(1)?.join(arguments.path(2)?), OFlags::WRONLY | OFlags::CREATE)
}

/// Makes a link (target, link) and creates the target by writing to the link.
fn symlink_then_create(arguments: &Arguments<'_>) -> Act {
    symlinkat(arguments.path(0)?, CWD, arguments.path(1)?)?;
    put(arguments.path(1)?, OFlags::WRONLY | OFlags::CREATE)
}

fn symlink_then_read(arguments: &Arguments<'_>) -> Act {
    symlinkat(arguments.path(0)?, CWD, arguments.path(1)?)?;
    read_path(arguments.path(1)?)
}

fn rename(arguments: &Arguments<'_>) -> Act {
    Ok(renameat_with(CWD, arguments.path(0)?, CWD, arguments.path(1)?, RenameFlags::empty())?)
}

fn rename_then_read(arguments: &Arguments<'_>) -> Act {
    rename(arguments)?;
    read_path(arguments.path(1)?)
}

fn exchange(arguments: &Arguments<'_>) -> Act {
    Ok(renameat_with(CWD, arguments.path(0)?, CWD, arguments.path(1)?, RenameFlags::EXCHANGE)?)
}

fn remove(arguments: &Arguments<'_>) -> Act {
    Ok(unlinkat(CWD, arguments.path(0)?, AtFlags::empty())?)
}

fn remove_directory(arguments: &Arguments<'_>) -> Act {
    Ok(unlinkat(CWD, arguments.path(0)?, AtFlags::REMOVEDIR)?)
}

fn mode(arguments: &Arguments<'_>) -> Act {
    Ok(rustix::fs::chmodat(CWD, arguments.path(0)?, Mode::from_raw_mode(0o777), AtFlags::empty())?)
}

/// Gives the file to another user (the owner itself may not, without a capability).
fn owner(arguments: &Arguments<'_>) -> Act {
    let other = rustix::fs::Uid::from_raw(arguments.number(1)?);
    Ok(rustix::fs::chownat(CWD, arguments.path(0)?, Some(other), None, AtFlags::empty())?)
}

fn times(arguments: &Arguments<'_>) -> Act {
    let stamp = Timespec { tv_sec: 1, tv_nsec: 0 };
    let times = Timestamps { last_access: stamp, last_modification: stamp };
    Ok(utimensat(CWD, arguments.path(0)?, &times, AtFlags::empty())?)
}

/// Sets an attribute (file, then name and value, where another one is meant).
fn attribute(arguments: &Arguments<'_>) -> Act {
    let (name, value) = match (arguments.text(1), arguments.text(2)) {
        (Ok(name), Ok(value)) => (name, value),
        _ => ("user.garth", "1"),
    };
    Ok(setxattr(arguments.path(0)?, name, value.as_bytes(), XattrFlags::empty())?)
}

/// `openat2(2)`: its flags lie in memory, where a filter cannot see them.
fn openat2(arguments: &Arguments<'_>) -> Act {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    let none = rustix::fs::ResolveFlags::empty();
    rustix::fs::openat2(CWD, arguments.path(0)?, flags, Mode::from_raw_mode(0o644), none)?;
    Ok(())
}

/// Makes a file without a name in one directory and gives it a name elsewhere (directory, name).
fn unnamed_then_link(arguments: &Arguments<'_>) -> Act {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = openat(CWD, arguments.path(0)?, flags, Mode::from_raw_mode(0o644))?;
    rustix::io::write(&file, b"written from inside\n")?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, unnamed, CWD, arguments.path(1)?, AtFlags::SYMLINK_FOLLOW)?)
}

/// Takes the handle of a file and opens it by number.
fn by_handle(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    let mut handle = [0u32; 40];
    handle[0] = 128;
    let mut mount = 0i32;
    let at = raw::HERE;
    raw::call(
        libc::SYS_name_to_handle_at,
        &[at, raw::address(&mut path[..]), raw::address(&mut handle[..]), raw::address(&mut mount), 0],
    )?;
    raw::descriptor(libc::SYS_open_by_handle_at, &[at, raw::address(&mut handle[..]), 0])?;
    Ok(())
}

/// Opens for reading, then again through the descriptor for writing.
fn reopen(arguments: &Arguments<'_>) -> Act {
    let path = arguments.path(0)?;
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .or_else(|_| openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()))?;
    put(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())), OFlags::WRONLY | OFlags::APPEND)
}

/// Opens a file without any right to it, and then reads what the descriptor names.
fn reopen_read(arguments: &Arguments<'_>) -> Act {
    let file = openat(CWD, arguments.path(0)?, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    read_path(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
}

/// Empties a file that is open for reading by its descriptor's name.
fn reopen_truncate(arguments: &Arguments<'_>) -> Act {
    let file = openat(CWD, arguments.path(0)?, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut path = raw::text(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))?;
    raw::call(libc::SYS_truncate, &[raw::address(&mut path[..]), 0])?;
    Ok(())
}

/// Maps a file that is open for reading, shared and writable.
fn map_writable(arguments: &Arguments<'_>) -> Act {
    let write = arguments.text(1)? == "write";
    let flags = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let file = openat(CWD, arguments.path(0)?, flags | OFlags::CLOEXEC, Mode::empty())?;
    let protection = (libc::PROT_READ | libc::PROT_WRITE).cast_unsigned() as usize;
    let descriptor = usize::try_from(file.as_raw_fd()).map_err(|_| Refusal::broken("no descriptor"))?;
    raw::call(
        libc::SYS_mmap,
        &[0, 4096, protection, libc::MAP_SHARED.cast_unsigned() as usize, descriptor, 0],
    )?;
    Ok(())
}

/// Changes the length of a file through a descriptor that is open for reading.
fn grow_read_only(arguments: &Arguments<'_>) -> Act {
    let write = arguments.text(1)? == "write";
    let flags = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let file = openat(CWD, arguments.path(0)?, flags | OFlags::CLOEXEC, Mode::empty())?;
    Ok(ftruncate(&file, 1).or_else(|_| fallocate(&file, FallocateFlags::empty(), 0, 8192))?)
}

/// Enters a directory, then writes by a relative name (directory, name).
fn enter_then_write(arguments: &Arguments<'_>) -> Act {
    rustix::process::chdir(arguments.path(0)?)?;
    put(arguments.path(1)?, OFlags::WRONLY | OFlags::CREATE)
}

/// Opens a directory, moves it to another name, and writes into it through the descriptor
/// (directory, new name, file).
fn opened_directory(arguments: &Arguments<'_>) -> Act {
    let directory = openat(CWD, arguments.path(0)?, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    renameat_with(CWD, arguments.path(0)?, CWD, arguments.path(1)?, RenameFlags::empty())?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    openat(&directory, arguments.path(2)?, flags, Mode::from_raw_mode(0o644))?;
    Ok(())
}

fn execute(arguments: &Arguments<'_>) -> Act {
    let (program, rest) = arguments.all().split_first().ok_or_else(|| Refusal::broken("no program"))?;
    let status = std::process::Command::new(program).args(rest).status()?;
    if status.success() { Ok(()) } else { Err(Errno::NOEXEC.into()) }
}

/// Writes harmless text to `lock`, holds it open, renames it over `config`, and then writes through the
/// descriptor that is still open (lock, config, harmless, evil).
fn lock_then_write(arguments: &Arguments<'_>) -> Act {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let file = openat(CWD, arguments.path(0)?, flags, Mode::from_raw_mode(0o644))?;
    rustix::io::write(&file, lines(arguments.text(2)?).as_bytes())?;
    renameat_with(CWD, arguments.path(0)?, CWD, arguments.path(1)?, RenameFlags::empty())?;
    let evil = lines(arguments.text(3)?);
    rustix::io::write(&file, evil.as_bytes())?;
    let now = std::fs::read_to_string(arguments.path(1)?)?;
    if now.contains(&evil) { Ok(()) } else { Err(Errno::ACCESS.into()) }
}

/// A text with `\n` and `\t` written out: arguments stand on one line.
fn lines(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t")
}

/// Writes a text to a file and renames it over another (file, other, text).
fn install(arguments: &Arguments<'_>) -> Act {
    std::fs::write(arguments.path(0)?, lines(arguments.text(2)?))?;
    Ok(renameat_with(CWD, arguments.path(0)?, CWD, arguments.path(1)?, RenameFlags::empty())?)
}

/// Removes a file, if that works, and writes a new one by the same name.
fn remove_then_write(arguments: &Arguments<'_>) -> Act {
    let path = arguments.path(0)?;
    // Where the removal is refused, writing over the file is all that is left to try.
    let _kept = unlinkat(CWD, path, AtFlags::empty());
    put(path, OFlags::WRONLY | OFlags::CREATE)
}

/// Removes a file, if that works, and moves another one with a text of its own to its name
/// (file, other, text).
fn remove_then_rename(arguments: &Arguments<'_>) -> Act {
    let _kept = unlinkat(CWD, arguments.path(0)?, AtFlags::empty());
    std::fs::write(arguments.path(1)?, lines(arguments.text(2)?))?;
    Ok(renameat_with(CWD, arguments.path(1)?, CWD, arguments.path(0)?, RenameFlags::empty())?)
}

/// Makes a directory with a file deep in it, and moves the directory to another name
/// (directory, file below, new name).
fn make_then_move(arguments: &Arguments<'_>) -> Act {
    let file = arguments.path(0)?.join(arguments.path(1)?);
    let parent = file.parent().ok_or_else(|| Refusal::broken("no parent"))?;
    let broken = |error: std::io::Error| Refusal::broken(format!("preparing: {error}"));
    std::fs::create_dir_all(parent).map_err(broken)?;
    std::fs::write(&file, "made inside\n").map_err(broken)?;
    Ok(renameat_with(CWD, arguments.path(0)?, CWD, arguments.path(2)?, RenameFlags::empty())?)
}

/// Asks the host for a file, waits until it is there, and reads it (request, answer, file).
fn wait_then_read(arguments: &Arguments<'_>) -> Act {
    std::fs::write(arguments.path(0)?, "please\n").map_err(|error| Refusal::broken(error.to_string()))?;
    for _ in 0..3000 {
        if arguments.path(1)?.exists() {
            return read_path(arguments.path(2)?);
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Err(Refusal::broken("the host did not answer"))
}
