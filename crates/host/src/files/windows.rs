//! Files of Windows, which have owners and access lists.

use super::{Author, LONGEST};
use crate::OsError;
use crate::error::Context as _;
use crate::windows::facts::{look, name, user};
use garth_plan::windows::author::stranger;
use garth_plan::windows::facts::PathFact;
use garth_policy::{AbsPath, NodeKind};
use std::fs::File;
use std::io::Read;

/// `ERROR_ACCESS_DENIED`
const DENIED: i32 = 5;

/// `ERROR_FILE_TOO_LARGE`
const TOO_LARGE: i32 = 223;

/// Reads a policy or trust file: nobody but its author may be able to change it. `None` when it is absent.
///
/// The file is held open, so that nobody can replace it, while its protection is read by the same name.
///
/// # Errors
/// A file that others own or can change, with the remedy, and everything that keeps it from being read.
pub fn read_trusted(path: &AbsPath, author: Author) -> Result<Option<Vec<u8>>, OsError> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let refuse = |remedy: String| Err(OsError::new("trust", path.to_string(), DENIED).with_remedy(remedy));
    let user = match author {
        Author::Administrator => None,
        Author::User => Some(user("").map_err(crate::windows::Error::into_os)?.token.user),
    };
    let PathFact::Present(object) = look(path) else {
        return refuse("it cannot be looked at; check the permissions of the directories above it".into());
    };
    let Some(descriptor) = object.security.descriptor() else {
        return refuse("who can change it cannot be read; give it to its author alone".into());
    };
    if let Some(why) = stranger(descriptor, user) {
        return refuse(format!("{why}; give it to its author alone: icacls"));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).on("read", path)?;
    Ok(Some(text))
}

/// Reads a text that a repository brought along, and follows no link to it. `None` when it is absent.
///
/// # Errors
/// Everything but absence.
pub fn read_text(path: &AbsPath) -> Result<Option<Vec<u8>>, OsError> {
    // Another sandbox takes the name by a directory while it stands, or did before it was killed: that is no text.
    if look(path).object().is_some_and(|object| object.kind == NodeKind::Directory) {
        return Ok(None);
    }
    if look(path).object().is_some_and(|object| object.kind == NodeKind::Symlink) {
        let error = OsError::new("open", path.to_string(), DENIED);
        return Err(error.with_remedy("it is a link; put the file itself in its place"));
    }
    let Some(file) = open(path)? else { return Ok(None) };
    let mut text = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut text).on("read", path)?;
    if text.len() as u64 > LONGEST {
        return Err(OsError::new("read", path.to_string(), TOO_LARGE));
    }
    Ok(Some(text))
}

/// Opens a regular file so that others can read it meanwhile, and neither write, rename nor remove it.
fn open(path: &AbsPath) -> Result<Option<File>, OsError> {
    use std::os::windows::fs::OpenOptionsExt;
    /// `FILE_SHARE_READ`
    const SHARE_READ: u32 = 1;
    match look(path) {
        PathFact::Absent => return Ok(None),
        PathFact::Present(object) if object.final_kind != NodeKind::File => {
            let error = OsError::new("open", path.to_string(), DENIED);
            return Err(error.with_remedy("it is no file; move it away"));
        }
        _ => {}
    }
    let name = name(path).map_err(crate::windows::Error::into_os)?;
    let opened = std::fs::OpenOptions::new().read(true).share_mode(SHARE_READ).open(name);
    Ok(Some(opened.on("open", path)?))
}
