//! The view that is begun before there is an order.

use super::{View, attributes, covers_source};
use crate::OsError;
use crate::error::Context;
use crate::linux::facts::{kind, name};
use crate::linux::sys::mount::clone_restricted;
use garth_plan::linux::spec::{FileId, ViewStep};
use garth_plan::linux::usual;
use garth_policy::{AbsPath, NodeKind};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, openat2, readlinkat_raw};
use std::collections::HashMap;
use std::mem::MaybeUninit;

/// What was opened to be looked at: the very objects are mounted.
type Opened = HashMap<AbsPath, OwnedFd>;

impl View {
    /// Begins a view with what nearly every one has.
    ///
    /// # Errors
    /// The step that failed, with its object.
    pub fn begin() -> Result<Self, OsError> {
        let mut opened = Opened::new();
        let user = rustix::process::geteuid().as_raw();
        let steps = usual::usual(user, read_link, |path| look(path, &mut opened));
        let here =
            rustix::process::getcwd(Vec::new()).ok().and_then(|path| AbsPath::posix(path.into_bytes()).ok());
        let mut view = Self::empty(|place| {
            covers_source(&steps, place) || here.as_ref().is_none_or(|here| here.starts_with(place))
        })?;
        for step in &steps {
            match (step, opened.remove(step.path())) {
                (ViewStep::Bind { path, directory, flags, .. }, Some(object)) => {
                    let tree = clone_restricted(object.as_fd(), attributes(*flags));
                    view.mount(&tree.on("copy the mount of", path)?, path, *directory)?;
                }
                _ => view.apply(step)?,
            }
        }
        view.taken = steps;
        Ok(view)
    }
}

/// What a link says, if there is one.
fn read_link(path: &AbsPath) -> Option<Vec<u8>> {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let (text, _) = readlinkat_raw(CWD, name(path)?.as_c_str(), &mut buffer).ok()?;
    Some(text.to_vec())
}

/// Looks at a path to which no link leads, and keeps what could be mounted.
fn look(path: &AbsPath, opened: &mut Opened) -> Option<(NodeKind, FileId)> {
    let no_links = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let object = openat2(CWD, name(path)?.as_c_str(), flags, Mode::empty(), no_links).ok()?;
    let stat = fstat(&object).ok()?;
    opened.insert(path.clone(), object);
    Some((kind(&stat), FileId { device: stat.st_dev, inode: stat.st_ino }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_and_never_followed() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| AbsPath::posix(place.path().join(name).as_os_str().as_encoded_bytes()).unwrap();
        std::fs::create_dir_all(place.path().join("tree/inner")).unwrap();
        for (target, name) in [("tree", "link"), ("nowhere", "dangling")] {
            std::os::unix::fs::symlink(target, place.path().join(name)).unwrap();
        }
        let mut opened = Opened::new();
        let mut look = |name: &str| look(&at(name), &mut opened).map(|(kind, _)| kind);
        assert_eq!(look("tree/inner"), Some(NodeKind::Directory));
        assert_eq!(
            (look("link"), look("link/inner"), look("dangling"), look("none")),
            (None, None, None, None)
        );
        assert_eq!(read_link(&at("link")).as_deref(), Some(&b"tree"[..]));
        assert_eq!(read_link(&at("dangling")).as_deref(), Some(&b"nowhere"[..]));
        assert_eq!((read_link(&at("tree")), read_link(&at("none"))), (None, None));
        assert_eq!(opened.into_keys().collect::<Vec<_>>(), [at("tree/inner")]);
    }
}
