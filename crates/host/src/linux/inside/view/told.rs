//! The view as an overlay whose lower layer hears of absent names.

use super::{PRIVATE, View, attach};
use crate::OsError;
use crate::error::Context;
use crate::linux::inside::told::Hearing;
use garth_plan::linux::told::{Part, PartKind, Told};
use garth_policy::AbsPath;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags, ResolveFlags, XattrFlags, openat2, setxattr};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};
use std::collections::HashMap;
use std::ffi::CString;

/// What overlayfs reads of a directory that hides all below it (`Documentation/filesystems/overlayfs.rst`).
const OPAQUE: &str = "user.overlay.opaque";

impl View {
    /// Puts an overlay of the private file system and of what hears in the place of the former, and moves there what was
    /// mounted. Private directories that are written to much are shown as they are.
    ///
    /// # Errors
    /// The step that failed, with its object.
    pub fn tell(mut self, told: &Told, hearing: &Hearing) -> Result<Self, OsError> {
        for part in told.parts.iter().filter(|part| part.opaque) {
            self.make_opaque(&part.path)?;
        }
        let work = self.helper_directory("told", 0o700)?;
        let upper = self.helper(PRIVATE)?;
        let named = AbsPath::posix("/").map_err(|_| self.internal("/"))?;
        let overlay = super::layer::overlay(&named, &[hearing.view()?.as_fd()], upper.as_fd(), work.as_fd())?;
        // Opened before anything lies over them.
        let mut telling = HashMap::new();
        for part in told.parts.iter().filter(|part| part.kind == PartKind::Telling) {
            telling.insert(&part.path, cloned(&overlay, &part.path)?);
        }
        super::open_directory(self.place)
            .and_then(|place| attach(&overlay, place.as_fd()))
            .on("mount", "the view that tells")?;
        let old = std::mem::replace(&mut self.root, overlay);
        for Part { path, kind, .. } in &told.parts {
            let mount = match kind {
                PartKind::Mount => open(&old, path)?,
                PartKind::Quiet => cloned(&old, path)?,
                PartKind::Telling => telling.remove(path).ok_or(Errno::NOENT).on("find", path)?,
            };
            attach(&mount, self.open_inside(path)?.as_fd()).on("move", path)?;
        }
        Ok(self)
    }

    fn helper(&self, name: &str) -> Result<OwnedFd, OsError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.helpers, name, flags, Mode::empty()).on("open", name)
    }

    fn make_opaque(&self, path: &AbsPath) -> Result<(), OsError> {
        // By the helpers' mount, on which nothing lies over the directory.
        let mut name = format!("/proc/self/fd/{}/{PRIVATE}", self.helpers.as_raw_fd()).into_bytes();
        name.extend_from_slice(path.as_bytes());
        let name = CString::new(name).map_err(|_| Errno::INVAL).on("mark", path)?;
        setxattr(name.as_c_str(), OPAQUE, b"y", XattrFlags::empty()).on("mark", path)
    }
}

fn open(root: &OwnedFd, path: &AbsPath) -> Result<OwnedFd, OsError> {
    let name = super::relative(path).on("open", path)?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(root, name.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve).on("open", path)
}

/// One directory of a file system as a mount of its own, without what is mounted in it.
fn cloned(root: &OwnedFd, path: &AbsPath) -> Result<OwnedFd, OsError> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    open_tree(open(root, path)?.as_fd(), "", flags).on("show", path)
}
