//! One of garth's own directories for an agent, into which files are put as a whole.

use super::{DEEPEST, MOST_FILES};
use crate::Error;
use crate::undo::{file_error, make_private};
use garth_host::linux::undo::{Root, content, remove};
use garth_policy::AbsPath;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{
    self,
    ErrorKind::{InvalidFilename, NotADirectory, NotFound},
};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A name that is on its way.
const FRESH: &str = ".garth-new";

/// A directory of garth's own, spoken to by descriptors: a link in it is an error, and leads nowhere.
#[derive(Debug)]
pub(super) struct Base {
    root: Root,
    path: PathBuf,
}

impl Base {
    /// Opens it, after making it where it is missing.
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        make_private(&path)?;
        let absolute = AbsPath::posix(path.as_os_str().as_bytes());
        let absolute = absolute.map_err(|error| Error::Policy(error.to_string()))?;
        let root = Root::open(&absolute).map_err(Error::os("open what is kept for the agent"))?;
        Ok(Self { root, path })
    }

    fn failed(&self, operation: &str, name: &AbsPath) -> impl Fn(io::Error) -> Error + use<> {
        let (operation, path) = (operation.to_owned(), self.shown(name));
        move |error| file_error(&operation, &path, &error)
    }

    fn shown(&self, name: &AbsPath) -> PathBuf {
        self.path.join(OsStr::from_bytes(&name.as_bytes()[1..]))
    }

    /// Puts a copy of a file there, in place of what is there: private, new, without attributes.
    pub(super) fn put(&mut self, name: &AbsPath, from: &OwnedFd) -> Result<(), Error> {
        let failed = self.failed("write", name);
        self.put_by(name, |fresh| content::copy(from, fresh).map(drop).map_err(io::Error::from))
            .map_err(failed)
    }

    /// Puts a text there.
    pub(super) fn put_text(&mut self, name: &AbsPath, text: &[u8]) -> Result<(), Error> {
        let failed = self.failed("write", name);
        self.put_by(name, |fresh| content::write_all(fresh, text).map_err(io::Error::from)).map_err(failed)
    }

    fn put_by(&mut self, name: &AbsPath, fill: impl FnOnce(&OwnedFd) -> io::Result<()>) -> io::Result<()> {
        self.make_way(name)?;
        let (parent, last) = self.root.parent(name)?;
        let fresh = below(parent, OsStr::new(FRESH));
        // What a killed garth left is not written to: it may be anything.
        remove::remove_tree(parent, OsStr::new(FRESH))?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
        fill(&OwnedFd::from(file))?;
        if fs::symlink_metadata(below(parent, last)).is_ok_and(|there| there.is_dir()) {
            remove::remove_tree(parent, last)?;
        }
        fs::rename(&fresh, below(parent, last))
    }

    /// Makes the directories on the way to a name.
    fn make_way(&mut self, name: &AbsPath) -> io::Result<()> {
        let mut way = name.clone();
        let mut missing = Vec::new();
        while let Some(parent) = way.parent().filter(|parent| parent.as_bytes() != b"/") {
            missing.push(parent.clone());
            way = parent;
        }
        for directory in missing.iter().rev() {
            let (parent, last) = self.root.parent(directory)?;
            match make_private_at(&below(parent, last)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let way = below(parent, last);
                    let there = fs::symlink_metadata(&way)?;
                    // What was a file is a directory now. A link is nothing of garth's, and stays an error.
                    if !there.is_dir() && !there.is_symlink() {
                        fs::remove_file(&way)?;
                        make_private_at(&way)?;
                    }
                }
                other => other?,
            }
        }
        self.root.forget();
        Ok(())
    }

    /// Removes a name with all below it.
    pub(super) fn remove(&mut self, name: &AbsPath) -> Result<(), Error> {
        let failed = self.failed("remove", name);
        let removed = match self.root.parent(name) {
            Ok((parent, last)) => remove::remove_tree(parent, last),
            Err(errno) => Err(errno),
        };
        self.root.forget();
        match removed.map_err(io::Error::from) {
            // A name that is too long is that of nothing.
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => Ok(()),
            other => other.map_err(failed),
        }
    }

    /// Bytes of a file; `None` where there is none.
    pub(super) fn length(&mut self, name: &AbsPath) -> Option<u64> {
        let file = File::from(self.root.open_file(name).ok()?);
        file.metadata().ok().map(|found| found.len())
    }

    /// A file, if it is there and no longer than that.
    pub(super) fn read(&mut self, name: &AbsPath, most: u64) -> Option<Vec<u8>> {
        content::read_short(self.root.open_file(name).ok()?, most).ok()?
    }
}

/// A name in an opened directory, as a path.
fn below(directory: BorrowedFd<'_>, name: &OsStr) -> PathBuf {
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name)
}

fn make_private_at(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Bytes and files below a directory of garth's own; no more are counted than may be kept.
pub(super) fn size(directory: &Path) -> (u64, u64) {
    let (mut bytes, mut files) = (0_u64, 0_u64);
    let mut left = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = left.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(found) = entry.path().symlink_metadata() else { continue };
            if found.is_dir() && depth < DEEPEST + 4 {
                left.push((entry.path(), depth + 1));
            } else {
                files += 1;
                bytes = bytes.saturating_add(found.len());
            }
        }
        if files > MOST_FILES * 2 {
            break;
        }
    }
    (bytes, files)
}

/// A file of the host's, of which the user may have a link; `None` where there is none, or one that is too long.
pub(super) fn host_file(path: &Path, most: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() || found.len() > most {
        return None;
    }
    content::read_short(file, most).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn name(text: &str) -> AbsPath {
        AbsPath::posix(text.as_bytes()).unwrap()
    }

    #[test]
    fn files_are_put_there_as_new_ones() {
        let place = tempfile::tempdir().unwrap();
        let mut base = Base::open(place.path().join("own")).unwrap();
        base.put_text(&name("/.claude/projects/a.jsonl"), b"one").unwrap();
        let file = place.path().join("from");
        fs::write(&file, "two").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o4755)).unwrap();
        base.put(&name("/.claude/projects/a.jsonl"), &OwnedFd::from(File::open(&file).unwrap())).unwrap();
        let there = place.path().join("own/.claude/projects/a.jsonl");
        assert_eq!(fs::read(&there).unwrap(), b"two");
        assert_eq!(fs::metadata(&there).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(size(&place.path().join("own")), (3, 1));
        // What was a directory is a file now.
        base.put_text(&name("/.claude/projects"), b"x").unwrap();
        assert_eq!(base.read(&name("/.claude/projects"), 10).unwrap(), b"x");
        // What was a file is a directory now, and nothing lies below a file.
        base.remove(&name("/.claude/projects/a.jsonl")).unwrap();
        base.put_text(&name("/.claude/projects/a/b.jsonl"), b"y").unwrap();
        assert_eq!(base.read(&name("/.claude/projects/a/b.jsonl"), 10).unwrap(), b"y");
        base.remove(&name(&format!("/{}", "x".repeat(300)))).unwrap();
        base.remove(&name("/.claude")).unwrap();
        base.remove(&name("/.claude/absent")).unwrap();
        assert!(!place.path().join("own/.claude").exists());
    }

    #[test]
    fn a_link_leads_nowhere() {
        let place = tempfile::tempdir().unwrap();
        let outside = place.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "x").unwrap();
        let mut base = Base::open(place.path().join("own")).unwrap();
        symlink(&outside, place.path().join("own/.claude")).unwrap();
        assert!(base.put_text(&name("/.claude/secret"), b"y").is_err());
        assert!(base.remove(&name("/.claude/secret")).is_err());
        assert!(base.read(&name("/.claude/secret"), 10).is_none());
        symlink(outside.join("secret"), place.path().join("own/file")).unwrap();
        assert!(base.read(&name("/file"), 10).is_none());
        base.put_text(&name("/file"), b"y").unwrap();
        assert_eq!(fs::read(outside.join("secret")).unwrap(), b"x");
        assert_eq!(base.read(&name("/file"), 10).unwrap(), b"y");
    }
}
