//! Trees with a layer: read from their place, written elsewhere (`overlayfs`, in this user namespace).

use super::{View, attributes, checked, clone_restricted, descriptor};
use crate::OsError;
use crate::error::Context;
use garth_plan::linux::spec::{FileId, MountFlags};
use garth_policy::AbsPath;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, ResolveFlags, flock, openat, openat2};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen,
};
use std::ffi::CString;

/// A tree with its layer, mounted among the helpers: parts are shown from there, each with restrictions of its own.
#[derive(Debug)]
pub(super) struct Layered {
    tree: AbsPath,
    mounted: OwnedFd,
}

/// Names in the directory that keeps a layer.
pub const UPPER: &str = "upper";
/// The directory that overlayfs works in.
pub const WORK: &str = "work";
/// Locked while a sandbox uses the layer.
pub const LOCK: &str = "lock";

impl View {
    /// Mounts a tree with its layer, and shows it.
    pub(super) fn layer(
        &mut self,
        (source, expect): (&AbsPath, FileId),
        store: &AbsPath,
        path: &AbsPath,
        flags: MountFlags,
    ) -> Result<(), OsError> {
        let lower = checked(source, expect)?;
        let store = open_store(store)?;
        hold(&store)?;
        let upper = inside(&store, UPPER)?;
        let work = inside(&store, WORK)?;
        let mount = overlay(source, &[lower.as_fd()], upper.as_fd(), work.as_fd())?;
        let name = format!("layer-{}", self.layers.len());
        let place = self.helper_directory(&name, 0o700)?;
        super::attach(&mount, place.as_fd()).on("mount the layer of", source)?;
        self.layers.push(Layered { tree: source.clone(), mounted: mount });
        self.part(source, true, path, flags)
    }

    /// Shows a directory of an agent: garth's own directories over the host's, and a layer over them all.
    pub(super) fn kept(
        &mut self,
        host: Option<&(AbsPath, FileId)>,
        below: &[AbsPath],
        store: &AbsPath,
        path: &AbsPath,
    ) -> Result<(), OsError> {
        let mut lowers = below.iter().map(open_store).collect::<Result<Vec<OwnedFd>, OsError>>()?;
        if let Some((source, expect)) = host {
            lowers.push(checked(source, *expect)?);
        }
        let store = open_store(store)?;
        hold(&store)?;
        let (upper, work) = (inside(&store, UPPER)?, inside(&store, WORK)?);
        let lowers: Vec<BorrowedFd<'_>> = lowers.iter().map(AsFd::as_fd).collect();
        let mount = overlay(path, &lowers, upper.as_fd(), work.as_fd())?;
        self.mount(&mount, path, true)
    }

    /// Shows a part of a tree with a layer, or all of it.
    pub(super) fn part(
        &mut self,
        source: &AbsPath,
        directory: bool,
        path: &AbsPath,
        flags: MountFlags,
    ) -> Result<(), OsError> {
        let holds = |layered: &&Layered| source.starts_with(&layered.tree);
        let layered = self.layers.iter().filter(holds).max_by_key(|layered| layered.tree.depth());
        let layered = layered.ok_or(Errno::NOENT).on("find the layer of", source)?;
        let name = source.strip_prefix(&layered.tree).filter(|name| !name.is_empty()).unwrap_or(b".");
        let name = CString::new(name).map_err(|_| Errno::INVAL).on("open", source)?;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let (open, mode) = (OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let object = openat2(&layered.mounted, name.as_c_str(), open, mode, resolve).on("open", source)?;
        let tree = clone_restricted(object.as_fd(), attributes(flags)).on("show", source)?;
        self.mount(&tree, path, directory)
    }
}

/// `overlayfs` over directories, the first one uppermost. What may be set from inside, and what may not, is `userxattr` of
/// `Documentation/filesystems/overlayfs.rst`: attributes named `user.overlay.` are the kernel's own.
pub(super) fn overlay(
    source: &AbsPath,
    lowers: &[BorrowedFd<'_>],
    upper: BorrowedFd<'_>,
    work: BorrowedFd<'_>,
) -> Result<OwnedFd, OsError> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).on("prepare an overlay of", source)?;
    // The kernel takes them apart at colons, of which there is none in the name of a descriptor.
    let lower = lowers.iter().map(|lower| descriptor(*lower).into_bytes()).collect::<Vec<_>>().join(&b':');
    let lower = CString::new(lower).map_err(|_| Errno::INVAL).on("layer", source)?;
    for (key, objects) in
        [("lowerdir", lower), ("upperdir", descriptor(upper)), ("workdir", descriptor(work))]
    {
        fsconfig_set_string(fs.as_fd(), key, objects.as_c_str()).on("layer", source)?;
    }
    fsconfig_set_flag(fs.as_fd(), "userxattr").on("layer", source)?;
    // Else each file that is written to for the first time is brought to the disk at once. The layer is, as a whole, when
    // stock is taken of it. A kernel before 5.10 does not know the word.
    let _unless_known = fsconfig_set_flag(fs.as_fd(), "volatile");
    fsconfig_create(fs.as_fd()).on("layer", source)?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).on("layer", source)
}

fn open_store(store: &AbsPath) -> Result<OwnedFd, OsError> {
    let name = CString::new(store.as_bytes()).map_err(|_| Errno::INVAL).on("open", store)?;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat2(CWD, name.as_c_str(), flags, Mode::empty(), resolve).on("open the layer", store)
}

fn inside(store: &OwnedFd, name: &str) -> Result<OwnedFd, OsError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(store, name, flags, Mode::empty()).on("open in the layer", name)
}

/// Keeps others from using the layer for as long as this process lives: the first process of a pid namespace ends after
/// everything in it.
fn hold(store: &OwnedFd) -> Result<(), OsError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock = openat(store, LOCK, flags, Mode::empty()).on("open in the layer", LOCK)?;
    flock(&lock, FlockOperation::NonBlockingLockShared).on("lock", "the layer")?;
    // Let go of by the kernel when this process ends, and not before.
    std::mem::forget(lock);
    Ok(())
}
