//! A directory that is this user's and the system's alone, and files in it: for what must not be read or changed by anybody
//! else, and by no package at all.
//!
//! The directory is held open, so that nobody renames or removes it, or one above it, while files are named by its path.

use super::facts::user;
use super::sys::file::{Links, Node, Wanted};
use crate::OsError;
use crate::error::Context;
use garth_plan::windows::Sid;
use garth_plan::windows::author::{onlooker, private};
use garth_policy::AbsPath;
use std::fs::{DirBuilder, File};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;

/// `ERROR_ACCESS_DENIED`
const DENIED: i32 = 5;

/// `ERROR_ALREADY_EXISTS`
const EXISTS: i32 = 183;

/// `FILE_SHARE_READ` and `FILE_SHARE_DELETE`: whoever has a log for itself may remove it by another handle.
const SHARED: u32 = 1 | 4;

/// `FILE_FLAG_OPEN_REPARSE_POINT`
const LINK_ITSELF: u32 = 0x0020_0000;

/// A directory of this user's, opened.
#[derive(Debug)]
pub struct PrivateDirectory {
    _held: Node,
    path: AbsPath,
    name: String,
    user: Sid,
}

impl PrivateDirectory {
    /// Opens a directory, after making it and those above it where they are missing.
    ///
    /// # Errors
    /// What keeps it from being made or opened; and one that is another user's, or open to others, with the remedy.
    pub fn make(path: &AbsPath) -> Result<Self, OsError> {
        let name = name(path)?;
        if let Some(above) = path.parent() {
            DirBuilder::new().recursive(true).create(self::name(&above)?).on("make", &above)?;
        }
        match Node::make_directory(&name, &private(own()?, true), Wanted::Security) {
            Err(error) if error.code() == Some(EXISTS) => {}
            Err(error) => return Err(error.into_os()),
            Ok(_made) => {}
        }
        Self::open(path)
    }

    /// Opens a directory that is there.
    ///
    /// # Errors
    /// As for [`Self::make`].
    pub fn open(path: &AbsPath) -> Result<Self, OsError> {
        let (name, user) = (name(path)?, own()?);
        let held = Node::open(&name, Wanted::Hold, Links::Stay).map_err(super::Error::into_os)?;
        let kind = held.kind()?;
        if !kind.directory || kind.tag.is_some() {
            return Err(refused(
                path.to_string(),
                "it is no directory, but a file or a link; move it away".into(),
            ));
        }
        trusted(&held, user, &path.to_string())?;
        // The shortest form, in the letters of the file system.
        let found = held.final_path()?.into_string().ok().and_then(|text| AbsPath::windows(&text).ok());
        Ok(Self { _held: held, path: found.unwrap_or_else(|| path.clone()), name, user })
    }

    /// Where it is, without links.
    #[must_use]
    pub fn path(&self) -> &AbsPath {
        &self.path
    }

    /// Makes a file that only this user can read, and that nobody else can write to for as long as it is open.
    ///
    /// # Errors
    /// What keeps it from being made; `ERROR_FILE_EXISTS` for a name that is there; a volume that does not keep what was
    /// said of its readers.
    pub fn create(&self, name: &str) -> Result<File, OsError> {
        let path = self.of(name);
        let file = Node::make_own(&path, &private(self.user, false)).map_err(super::Error::into_os)?;
        trusted(&Node::of(file.as_handle(), &path)?, self.user, &path)?;
        Ok(file)
    }

    /// Makes an empty file that is there for as long as what is returned, also when this process is killed.
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub fn mark(&self, name: &str) -> Result<Node, OsError> {
        let path = self.of(name);
        let file = Node::make_file(&path, &private(self.user, false), true).map_err(super::Error::into_os)?;
        trusted(&file, self.user, &path)?;
        Ok(file)
    }

    /// Opens a file of [`Self::create`] to read it and to write to it, as the only one.
    ///
    /// # Errors
    /// What keeps it from being opened, `ERROR_SHARING_VIOLATION` where somebody else writes to it, and a file that is no
    /// such file.
    pub fn reopen(&self, name: &str) -> Result<File, OsError> {
        let path = self.of(name);
        let opened =
            File::options().read(true).write(true).share_mode(SHARED).custom_flags(LINK_ITSELF).open(&path);
        let file = opened.on("open", &path)?;
        let node = Node::of(file.as_handle(), &path)?;
        let (kind, (_, names)) = (node.kind()?, node.identity()?);
        if kind.directory || kind.tag.is_some() || names != 1 {
            return Err(refused(path, "it is no file of yours alone; look at it, and move it away".into()));
        }
        trusted(&node, self.user, &path)?;
        Ok(file)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// What keeps it from being removed.
    pub fn remove(&self, name: &str) -> Result<(), OsError> {
        let node = Node::open(self.of(name), Wanted::Removal, Links::Stay);
        node.and_then(Node::remove).map_err(super::Error::into_os)
    }

    fn of(&self, name: &str) -> String {
        format!("{}\\{name}", self.name)
    }
}

/// Nobody else may look into it, by what the system says of it now.
fn trusted(node: &Node, user: Sid, name: &str) -> Result<(), OsError> {
    let security = node.security().map_err(super::Error::into_os)?;
    match onlooker(&security, user) {
        None => Ok(()),
        Some(why) => {
            let grants = format!("*{user}:(OI)(CI)F\" \"*S-1-5-18:(OI)(CI)F");
            Err(refused(
                name.to_owned(),
                format!("{why}: icacls \"{name}\" /inheritance:r /grant:r \"{grants}\""),
            ))
        }
    }
}

fn refused(object: String, remedy: String) -> OsError {
    OsError::new("trust", object, DENIED).with_remedy(remedy)
}

fn own() -> Result<Sid, OsError> {
    Ok(user("").map_err(super::Error::into_os)?.token.user)
}

fn name(path: &AbsPath) -> Result<String, OsError> {
    super::facts::name(path).map_err(super::Error::into_os)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom, Write};

    fn path(path: &std::path::Path) -> AbsPath {
        AbsPath::windows(path.to_str().unwrap()).unwrap()
    }

    #[test]
    fn is_made_for_this_user_alone_and_reads_back() {
        let place = tempfile::tempdir().unwrap();
        let made = PrivateDirectory::make(&path(&place.path().join("a\\b"))).unwrap();
        let mut file = made.create("x").unwrap();
        file.write_all(b"one\n").unwrap();
        let inner = place.path().join("a\\b\\x");
        let node = Node::of(file.as_handle(), "x").unwrap();
        assert_eq!(onlooker(&node.security().unwrap(), own().unwrap()), None);
        assert!(made.create("x").is_err(), "it is there");
        // Readers read while it is written to, and nobody else writes, renames or removes.
        assert_eq!(std::fs::read(&inner).unwrap(), b"one\n");
        assert_eq!(File::options().write(true).open(&inner).unwrap_err().raw_os_error(), Some(32));
        assert_eq!(made.reopen("x").unwrap_err().code, 32);
        assert!(made.remove("x").is_err());
        drop((file, node));
        let mut file = made.reopen("x").unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"two\n").unwrap();
        file.set_len(6).unwrap();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntw");
        // As when a log is removed: by name, while it is kept from others.
        made.remove("x").unwrap();
        drop(file);
        assert!(!inner.exists());
        assert_eq!(made.remove("x").unwrap_err().code, 2);
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let refused = PrivateDirectory::make(&path(&file)).unwrap_err();
        assert!(refused.remedy.as_ref().is_some_and(|remedy| remedy.contains("no directory")), "{refused}");
    }
}
