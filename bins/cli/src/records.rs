//! `--json-file`: the records of a session's log, written where no line of the command can come between.

use crate::events::unprepared;
use crate::failure::Failure;
use garth::log::io::Listener;
use garth::policy::{AbsPath, escape_visible};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the records of a session go, one JSON object a line.
#[derive(Clone, Debug)]
pub struct Records(Arc<Mutex<Output>>);

#[derive(Debug)]
struct Output {
    file: File,
    place: Option<AbsPath>,
    name: String,
    is_begun: bool,
    failed: Option<io::Error>,
}

impl Output {
    /// One write for each record. After one that failed there is none: a part of a record would be a wrong one.
    fn write(&mut self, line: &str) {
        self.is_begun = true;
        if self.failed.is_none() {
            self.failed = self.file.write_all(line.as_bytes()).err();
        }
    }
}

impl Records {
    /// Makes a new file, or opens a pipe with a name (and waits for its reader), or takes what the caller opened, if it is
    /// named `/dev/fd/N`. The command gets none of them. Call it before anything else is opened.
    ///
    /// # Errors
    /// When it cannot be written to, or stands already and is no pipe.
    pub fn open(named: &OsStr) -> Result<Self, Failure> {
        let name = escape_visible(named.as_encoded_bytes());
        let refuse = |error: io::Error| {
            let hint = "name a file that does not exist yet, a pipe, or what you opened, as in --json-file /dev/fd/3";
            Failure::own(format!("cannot write records to {name}"), error, hint)
        };
        let file = match given(named) {
            Some(given) => given,
            None if is_pipe(Path::new(named)) => existing(named),
            None => new(named),
        };
        let file = file.map_err(refuse)?;
        let place = place(named);
        Ok(Self(Arc::new(Mutex::new(Output { file, place, name, is_begun: false, failed: None }))))
    }

    /// Where they are written to, if that has a name: what lies in the workspace has to be kept from the command.
    pub fn place(&self) -> Option<AbsPath> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).place.clone()
    }

    /// What writes them.
    pub fn listener(&self) -> Listener {
        let output = Arc::clone(&self.0);
        Arc::new(move |line: &str| output.lock().unwrap_or_else(PoisonError::into_inner).write(line))
    }

    /// Tells whether some are missing.
    pub fn tell_missing(&self, out: &mut impl Write) -> io::Result<()> {
        let output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(error) = &output.failed else { return Ok(()) };
        writeln!(out, "garth: not all records were written to {}: {error}", output.name)
    }

    /// The one record of a session that came to nothing before there was any.
    pub fn refused(&self, failure: &Failure) {
        let is_begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).is_begun;
        if !is_begun {
            // What went wrong is told by the failure itself.
            let _unwritten = unprepared(failure, &self.listener());
        }
    }
}

fn place(named: &OsStr) -> Option<AbsPath> {
    let path = std::path::absolute(named).ok()?;
    #[cfg(unix)]
    let path = AbsPath::posix(std::os::unix::ffi::OsStringExt::into_vec(path.into_os_string())).ok()?;
    #[cfg(windows)]
    let path = AbsPath::windows(path.to_str()?).ok()?;
    // The name of a descriptor is a link to what was opened.
    Some(garth::final_path(&path).unwrap_or(path))
}

/// A new file for this user alone. A name that stands is not followed: a command may have left a link there.
fn new(named: &OsStr) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(named)
}

/// A pipe. What it is shows when it is open: before, another thing could have been put in its place.
fn existing(named: &OsStr) -> io::Result<File> {
    let file = OpenOptions::new().write(true).open(named)?;
    #[cfg(unix)]
    if !std::os::unix::fs::FileTypeExt::is_fifo(&file.metadata()?.file_type()) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    Ok(file)
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.symlink_metadata().is_ok_and(|object| object.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().starts_with(br"\\.\pipe\")
}

/// What the caller opened under a number.
#[cfg(target_os = "linux")]
fn given(named: &OsStr) -> Option<io::Result<File>> {
    let number = named.to_str()?.strip_prefix("/dev/fd/")?.parse().ok()?;
    Some(garth::inherited(number).or_else(|error| {
        let path = format!("/proc/self/fd/{number}");
        let is_file = number > 2 && std::fs::metadata(&path).is_ok_and(|object| object.is_file());
        if is_file {
            OpenOptions::new().append(true).open(path)
        } else {
            Err(io::Error::other(error.to_string()))
        }
    }))
}

#[cfg(not(target_os = "linux"))]
fn given(_named: &OsStr) -> Option<io::Result<File>> {
    None
}
