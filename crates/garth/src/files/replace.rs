//! Writing the user's own files: whole or not at all.

use crate::Error;
use garth_host::OsError;
use garth_host::files::{Author, read_trusted};
use garth_policy::AbsPath;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A path as the system takes it.
#[must_use]
pub fn os_path(path: &AbsPath) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(path.as_bytes()))
    }
    #[cfg(not(unix))]
    {
        // Paths of other systems are made from text.
        PathBuf::from(String::from_utf8_lossy(path.as_bytes()).into_owned())
    }
}

/// Replaces a file of the user as a whole, or makes it: it is never there in part. Its permissions stay; a new one, and
/// a new directory for it, are the user's alone.
///
/// # Errors
/// What keeps it from being written; the file is as it was then.
pub fn replace(path: &AbsPath, text: &[u8]) -> io::Result<()> {
    let real = os_path(path);
    let directory = real.parent().unwrap_or(Path::new("/"));
    make_private(directory)?;
    let fresh = directory.join(format!(".garth-{}", std::process::id()));
    let written = open_fresh(&fresh, &real).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()?;
        // Windows does not rename what is open.
        drop(file);
        fs::rename(&fresh, &real)
    });
    if written.is_err() {
        // Only the half-written copy; the file itself is as it was.
        let _gone = fs::remove_file(&fresh);
    }
    written
}

/// Makes a directory with all above it, which nobody else enters. On Windows it inherits the protection of the profile.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

/// A new file that is going to be `real`, with its permissions.
fn open_fresh(fresh: &Path, real: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(fs::metadata(real).map_or(0o600, |found| found.permissions().mode() & 0o777));
    }
    #[cfg(not(unix))]
    let _ = real;
    options.write(true).create_new(true).open(fresh)
}

/// Holds other sessions back while the file is changed, until it is dropped.
fn lock(directory: &Path) -> io::Result<File> {
    #[cfg(unix)]
    let file = File::open(directory)?;
    // There a directory cannot be locked.
    #[cfg(not(unix))]
    let file = File::create(directory.join("policy.lock"))?;
    file.lock()?;
    Ok(file)
}

/// Changes the user's policy file, or makes it: the new text stands there as a whole, or the old one stays. The file keeps
/// its permissions, a link stays a link, and two sessions that write at once do not lose each other's lines.
///
/// # Errors
/// A file that others can write to, what `change` says, and everything that keeps it from being written.
pub(crate) fn write_user_policy(
    path: &AbsPath,
    change: impl FnOnce(&str) -> Result<String, Error>,
) -> Result<(), Error> {
    let failed = |operation: &'static str| {
        let shown = path.to_string();
        move |error: io::Error| {
            let error = OsError::new(operation, shown, error.raw_os_error().unwrap_or(0));
            Error::os("write your policy")(error)
        }
    };
    let real = crate::place::final_path(path).unwrap_or_else(|| path.clone());
    let directory = os_path(&real).parent().unwrap_or(Path::new("/")).to_owned();
    make_private(&directory).map_err(failed("make the directory of"))?;
    let _lock = lock(&directory).map_err(failed("lock the directory of"))?;
    let before = user_policy(path)?;
    let text = change(&before)?;
    if text == before {
        return Ok(());
    }
    replace(&real, text.as_bytes()).map_err(failed("write"))
}

/// The text of the user's policy file; empty where there is none.
///
/// # Errors
/// A file that others can write to, or that cannot be read.
pub(crate) fn user_policy(path: &AbsPath) -> Result<String, Error> {
    let before = read_trusted(path, Author::User).map_err(Error::os("read your policy"))?;
    String::from_utf8(before.unwrap_or_default())
        .map_err(|_| Error::Policy(format!("{path} is no UTF-8 text\nhint: save it as UTF-8")))
}
