//! Attacks on files: every way to read, make, change, move or rename one, and every other name for it.

use crate::probe::{Act, Arguments, Refusal, Row};
use crate::windows::sys::wide::Wide;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::windows::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use windows_sys::Win32::Storage::FileSystem::GetShortPathNameW;

pub(super) const ACTIONS: &[Row] = &[
    ("read", |given| read(given.path(0)?)),
    ("write", |given| write(given.path(0)?)),
    ("append", append),
    ("truncate", truncate),
    ("delete", |given| Ok(std::fs::remove_file(given.path(0)?)?)),
    ("rename", |given| Ok(std::fs::rename(given.path(0)?, given.path(1)?)?)),
    ("list", |given| Ok(std::fs::read_dir(given.path(0)?).map(|_| ())?)),
    ("make-directory", |given| Ok(std::fs::create_dir(given.path(0)?)?)),
    ("remove-directory", |given| Ok(std::fs::remove_dir(given.path(0)?)?)),
    ("copy", |given| Ok(std::fs::copy(given.path(0)?, given.path(1)?).map(|_| ())?)),
    ("hard-link", hard_link),
    ("symbolic-link", symbolic_link),
    ("junction", junction),
    ("times", times),
    ("attributes", attributes),
    ("short-name", short_name),
    ("child", child),
    ("variable", variable),
    ("any-variable", any_variable),
];

fn read(path: &Path) -> Act {
    let mut byte = [0];
    File::open(path)?.read_exact(&mut byte)?;
    Ok(())
}

fn write(path: &Path) -> Act {
    Ok(std::fs::write(path, "made inside\r\n")?)
}

fn append(given: &Arguments<'_>) -> Act {
    Ok(OpenOptions::new().append(true).open(given.path(0)?)?.write_all(b"more\r\n")?)
}

fn truncate(given: &Arguments<'_>) -> Act {
    Ok(OpenOptions::new().write(true).truncate(true).open(given.path(0)?).map(|_| ())?)
}

/// A second name, through which the first is read.
fn hard_link(given: &Arguments<'_>) -> Act {
    std::fs::hard_link(given.path(0)?, given.path(1)?)?;
    read(given.path(1)?)
}

/// A link to a directory, and a file read through it.
fn symbolic_link(given: &Arguments<'_>) -> Act {
    std::os::windows::fs::symlink_dir(given.path(0)?, given.path(1)?)?;
    read(&given.path(1)?.join(given.word(2)?))
}

/// A junction, and what is tried of a file behind it: `read` or `write`. Junctions need no privilege.
fn junction(given: &Arguments<'_>) -> Act {
    let (place, link) = (given.path(0)?, given.path(1)?);
    let mut make = Command::new("cmd");
    make.args(["/d", "/c", "mklink", "/J"]).arg(link).arg(place);
    let made = quiet(&mut make).status()?;
    if !made.success() || !link.exists() {
        return Err(Refusal::broken("no junction could be made"));
    }
    let file = link.join(given.word(2)?);
    if given.text(3)? == "read" { read(&file) } else { write(&file) }
}

pub(super) fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn times(given: &Arguments<'_>) -> Act {
    let file = OpenOptions::new().write(true).open(given.path(0)?)?;
    Ok(file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000))?)
}

/// Reads a file by the short form of its path, which the system made for DOS.
fn short_name(given: &Arguments<'_>) -> Act {
    let path = given.path(0)?;
    let wide = Wide::new("a path", given.text(0)?).map_err(|error| Refusal::broken(error.to_string()))?;
    let mut units = [0_u16; 1024];
    // SAFETY: the path ends with a zero, and the buffer has 1024 places.
    let length = unsafe { GetShortPathNameW(wide.as_ptr(), units.as_mut_ptr(), 1024) };
    let short = units.get(..length as usize).filter(|_| length > 0);
    let short: OsString = short.map(OsString::from_wide).ok_or_else(|| {
        // Without it the name is refused as well, if another is.
        std::io::Error::last_os_error()
    })?;
    let short = PathBuf::from(short);
    read(if short == path { path } else { &short })
}

/// Protects a file from being changed, and takes that back.
fn attributes(given: &Arguments<'_>) -> Act {
    let path = given.path(0)?;
    let before = std::fs::metadata(path)?.permissions();
    let mut protected = before.clone();
    protected.set_readonly(true);
    std::fs::set_permissions(path, protected)?;
    Ok(std::fs::set_permissions(path, before)?)
}

/// The action in a child of this process.
fn child(given: &Arguments<'_>) -> Act {
    let program = std::env::current_exe()?;
    let output = Command::new(program).arg("act").args(given.all()).stdin(Stdio::null()).output()?;
    match crate::probe::Outcome::from_line(&String::from_utf8_lossy(&output.stdout)) {
        crate::probe::Outcome::Succeeded => Ok(()),
        crate::probe::Outcome::Refused(code) => Err(Refusal::Os(code)),
        other => Err(Refusal::broken(format!("{other:?}"))),
    }
}

/// `ERROR_ENVVAR_NOT_FOUND`
const NO_VARIABLE: i32 = 203;

fn variable(given: &Arguments<'_>) -> Act {
    match std::env::var_os(given.word(0)?) {
        Some(_) => Ok(()),
        None => Err(Refusal::Os(NO_VARIABLE)),
    }
}

fn any_variable(given: &Arguments<'_>) -> Act {
    let there = given.all().iter().any(|name| std::env::var_os(name).is_some_and(|value| value == "evil"));
    if there { Ok(()) } else { Err(Refusal::Os(NO_VARIABLE)) }
}
