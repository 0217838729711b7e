//! Files of the host that the sandbox has as copies of its own.

use super::View;
use crate::OsError;
use crate::error::Context;
use garth_plan::linux::spec::ViewStep;
use garth_policy::AbsPath;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};

/// The largest file that is copied, in bytes: it lies in memory.
const MOST: u64 = 64 * 1024 * 1024;

impl View {
    /// Copies a file into the private file system. One that is gone by now is as absent inside.
    pub(super) fn copy(&mut self, source: &AbsPath, path: &AbsPath) -> Result<(), OsError> {
        let Some((from, mode)) = opened(source)? else { return Ok(()) };
        let name = self.make_parents(path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let to = openat(&self.root, name.as_c_str(), flags, Mode::from_raw_mode(mode)).on("make", path)?;
        let copied = io::copy(&mut from.take(MOST + 1), &mut File::from(to));
        match copied.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO)).on("copy", source)? {
            0..=MOST => Ok(()),
            _ => Err(OsError::new("copy", source.to_string(), Errno::FBIG.raw_os_error())
                .with_remedy("grant it with \"read\": a file of more than 64 MiB has no private copy")),
        }
    }
}

/// Files that were copied and are handed back, opened when nothing but the runner is left inside. One that is no file any more
/// is as one that is gone: it is left out.
pub fn handed_back(steps: &[ViewStep]) -> Vec<(AbsPath, OwnedFd)> {
    let paths = steps.iter().filter_map(|step| match step {
        ViewStep::KeptCopy { path, .. } => Some(path),
        _ => None,
    });
    paths.filter_map(|path| Some((path.clone(), opened(path).ok()??.0.into()))).collect()
}

/// The file, if it is one and there, and the mode of a copy.
fn opened(source: &AbsPath) -> Result<Option<(File, u32)>, OsError> {
    let name = CString::new(source.as_bytes()).map_err(|_| Errno::INVAL).on("open", source)?;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match openat2(CWD, name.as_c_str(), flags, Mode::empty(), resolve) {
        Err(Errno::NOENT) => return Ok(None),
        file => file.on("open", source)?,
    };
    let mode = fstat(&file).on("look at", source)?.st_mode;
    if FileType::from_raw_mode(mode) != FileType::RegularFile {
        return Err(OsError::new("copy", source.to_string(), Errno::INVAL.raw_os_error())
            .with_remedy("it is no file any more; run the command again"));
    }
    Ok(Some((File::from(file), mode & 0o700)))
}
