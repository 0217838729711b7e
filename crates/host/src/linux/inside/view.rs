//! Builds the file view, object by object, through descriptors.
//!
//! Nothing is looked up by name twice: a source is opened without following any link, compared with what
//! the plan saw, and that very object is mounted. A target is opened in the new tree the same way.

mod begun;
pub mod copied;
pub mod layer;
mod told;

use super::settings::{self, Care};
use super::told::Hearing;
use crate::OsError;
use crate::error::Context;
use crate::linux::mapped::{self, Mounts};
use crate::linux::sys::mount::{clone_restricted, clone_tree};
use garth_plan::linux::spec::{FileId, MountFlags, ViewStep};
use garth_plan::linux::usual;
use garth_policy::AbsPath;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    CWD, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, mknodat, openat, openat2, symlinkat,
};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree, unmount,
};
use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// The new tree while it is being built.
#[derive(Debug)]
pub struct View {
    root: OwnedFd,
    /// Where it is mounted in the meantime.
    place: &'static str,
    /// The steps that have been taken.
    taken: Vec<ViewStep>,
    /// Directories that were made in the private file system, in which nothing is mounted over them: no link stands
    /// on the way to a name in them.
    own: HashSet<AbsPath>,
    /// A second private file system for the layers of overlays and for stand-ins. It lies below the new root in the
    /// host's tree and is let go of with that; what was mounted from it stays.
    helpers: OwnedFd,
    overlays: usize,
    layers: Vec<layer::Layered>,
    files: usize,
    masks: Option<(OwnedFd, OwnedFd)>,
    /// What stands in for what is hidden at a place and tells of it, in place of the above.
    hearing: Option<Arc<Hearing>>,
    /// Mounts that the broker made.
    mounts: Mounts,
    mapped: Vec<AbsPath>,
}

/// The host's file tree, mounted over the new root. No program may be started before it is let go of and what is below it was
/// read back.
#[derive(Debug)]
#[must_use]
pub struct HostTree {
    /// Where the new root is to be read-only, to be read back.
    read_only: Vec<AbsPath>,
}

/// Whether nothing is mounted over the root: `..` leads to what is mounted over it, the name itself does not.
fn is_root_uncovered() -> Result<bool, Errno> {
    let (root, above) = (rustix::fs::stat(c"/")?, rustix::fs::stat(c"/..")?);
    Ok((root.st_dev, root.st_ino) == (above.st_dev, above.st_ino))
}

impl HostTree {
    /// Lets go of it, and reads back that the new root is as it was to be. The kernel waits here until no processor walks in it,
    /// a tenth of a millisecond; any thread of this process can do that, while it stands in the new root.
    ///
    /// # Errors
    /// The error of `umount2(2)`; `EBUSY` when it is there all the same; `EPERM` for a mount that can be written and must not.
    pub fn let_go(mut self) -> Result<(), OsError> {
        // A name that is resolved for this call leads to what is mounted last (pivot_root(2)).
        unmount(".", UnmountFlags::DETACH).on("let go of", "the file tree of the host")?;
        if !is_root_uncovered().on("look at", "the new root")? {
            return Err(OsError::new("let go of", "the file tree of the host", Errno::BUSY.raw_os_error())
                .with_remedy("the kernel did not unmount it; please report this machine"));
        }
        self.read_back()
    }

    /// Reads back that every mount that was to be read-only is. Once; letting go does it at the latest.
    ///
    /// # Errors
    /// `EPERM` for the first one that is not: the sandbox must not start.
    pub fn read_back(&mut self) -> Result<(), OsError> {
        for path in std::mem::take(&mut self.read_only) {
            if !is_read_only(&path)? {
                return Err(OsError::new("keep read-only", path.to_string(), Errno::PERM.raw_os_error())
                    .with_remedy("the kernel did not apply the restriction; please report this machine"));
            }
        }
        Ok(())
    }
}

impl View {
    /// Builds the whole view. What has been begun is finished if it fits, else it is thrown away. What is hidden is covered
    /// by what `hearing` has for its place, and else by something empty.
    ///
    /// # Errors
    /// The step that failed, with its object.
    pub fn build(
        steps: &[ViewStep],
        mounts: Mounts,
        hearing: Option<Arc<Hearing>>,
        begun: Option<Self>,
    ) -> Result<Self, OsError> {
        let fits = |view: &Self| {
            usual::fits(&view.taken, steps)
                && AbsPath::posix(view.place).is_ok_and(|place| !covers_source(steps, &place))
        };
        let mut view = match begun {
            Some(view) if fits(&view) => view,
            Some(view) => {
                // The new root, and the helpers below it.
                for _ in 0..2 {
                    unmount(view.place, UnmountFlags::DETACH)
                        .on("throw away what is mounted at", view.place)?;
                }
                drop(view);
                Self::empty(|place| covers_source(steps, place))?
            }
            None => Self::empty(|place| covers_source(steps, place))?,
        };
        (view.mapped, view.mounts) = (mounts.keys().cloned().collect(), mounts);
        view.hearing = hearing;
        let todo: Vec<&ViewStep> = steps.iter().filter(|step| !view.taken.contains(step)).collect();
        for step in todo {
            view.apply(step)?;
        }
        Ok(view)
    }

    /// An empty view, mounted at the first place that is not `taken`.
    fn empty(taken: impl Fn(&AbsPath) -> bool) -> Result<Self, OsError> {
        let (root, helpers, place) = private_file_systems(taken)?;
        let own = HashSet::from_iter(AbsPath::posix("/"));
        Ok(Self {
            root,
            place,
            taken: Vec::new(),
            own,
            helpers,
            overlays: 0,
            layers: Vec::new(),
            files: 0,
            masks: None,
            hearing: None,
            mounts: Mounts::new(),
            mapped: Vec::new(),
        })
    }

    /// Makes the view, which was built by these steps, the root of this process. The host's tree lies over it until it is let go
    /// of: no path leads there.
    ///
    /// # Errors
    /// The error of `pivot_root(2)` and its companions.
    pub fn enter(self, steps: &[ViewStep]) -> Result<HostTree, OsError> {
        rustix::process::fchdir(&self.root).on("enter", "the new file view")?;
        rustix::process::pivot_root(".", ".").on("make a root of", "the new file view")?;
        rustix::process::chdir("/").on("enter", "the new root")?;
        Ok(HostTree { read_only: read_only_paths(steps) })
    }

    /// Makes a directory among the helpers and opens it.
    fn helper_directory(&self, name: &str, mode: u32) -> Result<OwnedFd, OsError> {
        mkdirat(&self.helpers, name, Mode::from_raw_mode(mode)).on("make", name)?;
        openat(&self.helpers, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .on("open", name)
    }

    fn apply(&mut self, step: &ViewStep) -> Result<(), OsError> {
        match step {
            ViewStep::Directory { path, mode } => self.directory(path, *mode),
            ViewStep::Symlink { path, target } => self.symlink(path, target),
            ViewStep::Bind { source, expect, directory, path, flags } => {
                self.bind(source, *expect, *directory, path, *flags)
            }
            ViewStep::Overlay { source, expect, path } => self.overlay(source, *expect, path),
            ViewStep::Copy { source, path } | ViewStep::KeptCopy { source, path } => self.copy(source, path),
            ViewStep::Kept { source, below, store, path } => self.kept(source.as_ref(), below, store, path),
            ViewStep::Layer { source, expect, path, store, flags } => {
                self.layer((source, *expect), store, path, *flags)
            }
            ViewStep::Part { source, directory, path, flags } => self.part(source, *directory, path, *flags),
            ViewStep::File { path, content } => self.file(path, content),
            ViewStep::Mask { path, directory } => self.mask(path, *directory),
            ViewStep::Proc { path, guard_settings } => self.proc(path, *guard_settings),
            ViewStep::Terminals { path } => self.terminals(path),
        }
    }

    fn directory(&mut self, path: &AbsPath, mode: u32) -> Result<(), OsError> {
        let name = self.make_parents(path)?;
        match mkdirat(&self.root, name.as_c_str(), Mode::from_raw_mode(mode)) {
            // Parents are made with a usual mode; naming one later only sets its own.
            Err(Errno::EXIST) => rustix::fs::chmodat(
                &self.root,
                name.as_c_str(),
                Mode::from_raw_mode(mode),
                rustix::fs::AtFlags::empty(),
            )
            .on("set the mode of", path),
            Ok(()) => {
                self.keep_own(path);
                Ok(())
            }
            other => other.on("make the directory", path),
        }
    }

    /// Remembers a directory that was just made.
    fn keep_own(&mut self, path: &AbsPath) {
        if path.parent().is_some_and(|parent| self.own.contains(&parent)) {
            self.own.insert(path.clone());
        }
    }

    fn symlink(&mut self, path: &AbsPath, target: &[u8]) -> Result<(), OsError> {
        let name = self.make_parents(path)?;
        symlinkat(OsStr::from_bytes(target), &self.root, name.as_c_str()).on("make the link", path)
    }

    fn bind(
        &mut self,
        source: &AbsPath,
        expect: FileId,
        directory: bool,
        path: &AbsPath,
        flags: MountFlags,
    ) -> Result<(), OsError> {
        let tree = mapped::bound(&mut self.mounts, path, source, expect, flags)?;
        self.mount(&tree, path, directory)
    }

    fn overlay(&mut self, source: &AbsPath, expect: FileId, path: &AbsPath) -> Result<(), OsError> {
        let lower = checked(source, expect)?;
        let number = self.overlays;
        self.overlays += 1;
        let upper = self.helper_directory(&format!("upper-{number}"), 0o755)?;
        let work = self.helper_directory(&format!("work-{number}"), 0o755)?;
        let mount = layer::overlay(source, &[lower.as_fd()], upper.as_fd(), work.as_fd())?;
        self.mount(&mount, path, true)
    }

    fn file(&mut self, path: &AbsPath, content: &[u8]) -> Result<(), OsError> {
        let name = format!("file-{}", self.files);
        self.files += 1;
        let create = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::EXCL;
        let file =
            openat(&self.helpers, name.as_str(), create, Mode::from_raw_mode(0o444)).on("make", path)?;
        std::io::Write::write_all(&mut std::fs::File::from(file), content).on("write", path)?;
        let file = openat(&self.helpers, name.as_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let flags = MountFlags { read_only: true, no_exec: true, no_dev: true };
        let tree = clone_restricted(file.on("open", path)?.as_fd(), attributes(flags)).on("show", path)?;
        self.mount(&tree, path, false)
    }

    fn mask(&mut self, path: &AbsPath, directory: bool) -> Result<(), OsError> {
        let stand_in = self.hearing.as_ref().map_or(Ok(None), |hearing| hearing.stand_in(path))?;
        let tree = match stand_in {
            // It has the restrictions of its file system, and refuses every change by itself.
            Some(stand_in) => clone_tree(stand_in.as_fd()).on("hide", path)?,
            None => {
                let (empty_directory, empty_file) = self.masks()?;
                let stand_in = if directory { empty_directory } else { empty_file };
                let flags = MountFlags { read_only: true, no_exec: true, no_dev: true };
                clone_restricted(stand_in.as_fd(), attributes(flags)).on("hide", path)?
            }
        };
        let target = match self.open_inside(path) {
            // Where root is a stranger it may not even get there, and neither may the target.
            Err(error) if error.code == Errno::ACCESS.raw_os_error() && self.is_mapped(path) => return Ok(()),
            other => other?,
        };
        attach(&tree, target.as_fd()).on("hide", path)
    }

    fn is_mapped(&self, path: &AbsPath) -> bool {
        self.mapped.iter().any(|mapped| path.starts_with(mapped))
    }

    /// What stands in for a hidden directory and for a hidden file, made when they are first needed.
    fn masks(&mut self) -> Result<&(OwnedFd, OwnedFd), OsError> {
        let masks = match self.masks.take() {
            Some(masks) => masks,
            None => self.make_masks()?,
        };
        Ok(self.masks.insert(masks))
    }

    fn make_masks(&self) -> Result<(OwnedFd, OwnedFd), OsError> {
        const FILE: &str = "hidden-file";
        let directory = self.helper_directory("hidden", 0)?;
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::EXCL;
        openat(&self.helpers, FILE, flags, Mode::empty()).on("make", FILE)?;
        let file = openat(&self.helpers, FILE, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        Ok((directory, file.on("open", FILE)?))
    }

    fn proc(&mut self, path: &AbsPath, guard_settings: bool) -> Result<(), OsError> {
        let fs = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).on("prepare", "proc")?;
        // Only processes that the target could trace are there for it: its own, and not the runner.
        let hidden = fsconfig_set_string(fs.as_fd(), "hidepid", "ptraceable");
        // The word is of Linux 5.8; the older number makes an exception for root's group.
        hidden.or_else(|_| fsconfig_set_string(fs.as_fd(), "hidepid", "2")).on("prepare", "proc")?;
        fsconfig_create(fs.as_fd()).on("prepare", "proc")?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let mount = fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).on("mount", "proc")?;
        self.mount(&mount, path, true)?;
        if guard_settings {
            let proc = self.open_inside(path)?;
            for (name, care) in settings::list(proc.as_fd()).on("list", path)? {
                match care {
                    Care::ReadOnly => self.guard_setting(path, &name)?,
                    Care::Hidden => self.hide_setting(path, &name)?,
                }
            }
        }
        Ok(())
    }

    /// Kernel settings belong to root, and here the target may carry root's number.
    fn guard_setting(&self, proc: &AbsPath, name: &str) -> Result<(), OsError> {
        let path = proc.join(name.as_bytes()).map_err(|_| self.internal(name))?;
        let object = match self.open_inside(&path) {
            Ok(object) => object,
            Err(error) if error.code == Errno::NOENT.raw_os_error() => return Ok(()),
            Err(error) => return Err(error),
        };
        let flags = MountFlags { read_only: true, no_exec: true, no_dev: true };
        let tree = clone_restricted(object.as_fd(), attributes(flags)).on("guard", &path)?;
        attach(&tree, object.as_fd()).on("guard", &path)
    }

    fn hide_setting(&mut self, proc: &AbsPath, name: &str) -> Result<(), OsError> {
        let path = proc.join(name.as_bytes()).map_err(|_| self.internal(name))?;
        match self.mask(&path, false) {
            Err(error) if error.code == Errno::NOENT.raw_os_error() => Ok(()),
            other => other,
        }
    }

    fn terminals(&mut self, path: &AbsPath) -> Result<(), OsError> {
        let fs = fsopen("devpts", FsOpenFlags::FSOPEN_CLOEXEC).on("prepare", "terminals")?;
        for (key, value) in [("ptmxmode", "0666"), ("mode", "0620")] {
            fsconfig_set_string(fs.as_fd(), key, value).on("prepare", "terminals")?;
        }
        fsconfig_create(fs.as_fd()).on("prepare", "terminals")?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let mount = fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).on("mount", "terminals")?;
        self.mount(&mount, path, true)
    }

    /// Opens an object of the new tree without following a link.
    fn open_inside(&self, path: &AbsPath) -> Result<OwnedFd, OsError> {
        let name = relative(path).on("open", path)?;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.root, name.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
            .on("open", path)
    }

    /// Mounts at a path: on an object that stands there already, or on a fresh one in the private file system. Nothing
    /// is ever made in a tree of the user.
    fn mount(&mut self, mount: &OwnedFd, path: &AbsPath, directory: bool) -> Result<(), OsError> {
        let parent = path.parent().filter(|parent| self.make_own(parent));
        if parent.is_some()
            && let Some(name) = self.fresh(path, directory)?
        {
            // No link stands on the way, so the name leads to what was just made.
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            return move_mount(mount, "", &self.root, name.as_c_str(), flags).on("mount", path);
        }
        let target = match self.open_inside(path) {
            Err(error) if error.code == Errno::NOENT.raw_os_error() => {
                self.make_parents(path)?;
                self.fresh(path, directory)?;
                self.open_inside(path)?
            }
            other => other?,
        };
        // What lies below is the mount's from now on.
        self.own.retain(|own| !own.starts_with(path));
        attach(mount, target.as_fd()).on("mount", path)
    }

    /// Makes an empty object to mount on, in a directory that exists; `None` when the name is taken.
    fn fresh(&self, path: &AbsPath, directory: bool) -> Result<Option<CString>, OsError> {
        let name = relative(path).on("make", path)?;
        let made = if directory {
            mkdirat(&self.root, name.as_c_str(), Mode::from_raw_mode(0o755))
        } else {
            // Nothing is to be opened, so one call makes it.
            let mode = Mode::from_raw_mode(0o644);
            mknodat(&self.root, name.as_c_str(), FileType::RegularFile, mode, 0)
        };
        match made {
            Ok(()) => Ok(Some(name)),
            Err(Errno::EXIST) => Ok(None),
            Err(errno) => Err(errno).on("make", path),
        }
    }

    /// Whether a directory was made in the private file system and no link stands on the way to it: it was already, or it
    /// is now, with its parents. What is not made here may be there all the same.
    fn make_own(&mut self, directory: &AbsPath) -> bool {
        if self.own.contains(directory) {
            return true;
        }
        let is_made = directory.parent().is_some_and(|parent| self.make_own(&parent))
            && self.fresh(directory, true).is_ok_and(|name| name.is_some());
        if is_made {
            self.own.insert(directory.clone());
        }
        is_made
    }

    /// Makes the parents of a path in the private file system and returns the path relative to the root.
    fn make_parents(&mut self, path: &AbsPath) -> Result<CString, OsError> {
        let name = relative(path).on("make", path)?;
        let Some(parent) = path.parent() else { return Ok(name) };
        if self.make_own(&parent) {
            return Ok(name);
        }
        let parent_name = relative(&parent).on("make", &parent)?;
        let private = ResolveFlags::IN_ROOT
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat2(&self.root, parent_name.as_c_str(), flags, Mode::empty(), private) {
            Ok(_) => Ok(name),
            Err(Errno::NOENT) => {
                let parent_name = self.make_parents(&parent)?;
                mkdirat(&self.root, parent_name.as_c_str(), Mode::from_raw_mode(0o755))
                    .on("make the directory", &parent)?;
                self.keep_own(&parent);
                Ok(name)
            }
            Err(errno) => Err(errno).on("make a name in", &parent),
        }
    }

    fn internal(&self, object: &str) -> OsError {
        OsError::new("name", object, Errno::INVAL.raw_os_error())
    }
}

/// Places where the new tree can stand until it is the root.
const SCAFFOLDS: [&str; 8] = ["/mnt", "/media", "/srv", "/boot", "/tmp", "/var/tmp", "/run", "/sys"];

/// The directory among the helpers that the new root is: it can become a layer of an overlay, which works beside it.
const PRIVATE: &str = "root";

/// A fresh file system in memory, mounted somewhere in this private mount namespace for the helpers, and over it one
/// directory of it as the new root. Returns root and helpers, with the place.
fn private_file_systems(
    taken: impl Fn(&AbsPath) -> bool,
) -> Result<(OwnedFd, OwnedFd, &'static str), OsError> {
    let helpers = fresh_file_system()?;
    let mut last = Errno::NOENT;
    for place in SCAFFOLDS {
        if AbsPath::posix(place).map_or(true, |path| taken(&path)) {
            continue;
        }
        match open_directory(place).and_then(|target| attach(&helpers, target.as_fd())) {
            Ok(()) => {
                let root = private_root(&helpers)?;
                attach(&root, helpers.as_fd()).on("mount", "the private file system")?;
                return Ok((root, helpers, place));
            }
            Err(errno) => last = errno,
        }
    }
    Err(last).on("mount", "the private file system")
}

fn private_root(helpers: &OwnedFd) -> Result<OwnedFd, OsError> {
    mkdirat(helpers, PRIVATE, Mode::from_raw_mode(0o755)).on("make", PRIVATE)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(helpers, PRIVATE, flags).on("show", "the private file system")
}

fn open_directory(place: &str) -> Result<OwnedFd, Errno> {
    openat(CWD, place, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn fresh_file_system() -> Result<OwnedFd, OsError> {
    let fs = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).on("prepare", "a private file system")?;
    fsconfig_set_string(fs.as_fd(), "mode", "0755").on("prepare", "a private file system")?;
    fsconfig_create(fs.as_fd()).on("prepare", "a private file system")?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).on("mount", "a private file system")
}

fn covers_source(steps: &[ViewStep], place: &AbsPath) -> bool {
    steps.iter().any(|step| match step {
        ViewStep::Bind { source, .. }
        | ViewStep::Overlay { source, .. }
        | ViewStep::Copy { source, .. }
        | ViewStep::KeptCopy { source, .. } => source.starts_with(place),
        ViewStep::Kept { source, below, store, .. } => {
            let sources = source.iter().map(|(source, _)| source).chain(below).chain([store]);
            sources.into_iter().any(|source| source.starts_with(place))
        }
        ViewStep::Layer { source, store, .. } => source.starts_with(place) || store.starts_with(place),
        _ => false,
    })
}

/// Opens a host object by its final path and compares it with what the plan saw.
fn checked(source: &AbsPath, expect: FileId) -> Result<OwnedFd, OsError> {
    let name = CString::new(source.as_bytes()).map_err(|_| Errno::INVAL).on("open", source)?;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let object = openat2(CWD, name.as_c_str(), flags, Mode::empty(), resolve).on("open", source)?;
    let stat = fstat(&object).on("look at", source)?;
    if stat.st_dev != expect.device || stat.st_ino != expect.inode {
        return Err(OsError::new("mount", source.to_string(), Errno::STALE.raw_os_error())
            .with_remedy("it was replaced since the plan was made; run the command again"));
    }
    Ok(object)
}

/// A copy of the mount of a host object, which is compared with what the plan saw.
pub(crate) fn cloned(source: &AbsPath, expect: FileId) -> Result<OwnedFd, OsError> {
    clone_tree(checked(source, expect)?.as_fd()).on("copy the mount of", source)
}

/// As [`cloned`], with these restrictions.
pub(crate) fn restricted(source: &AbsPath, expect: FileId, flags: MountFlags) -> Result<OwnedFd, OsError> {
    clone_restricted(checked(source, expect)?.as_fd(), attributes(flags)).on("copy the mount of", source)
}

fn attach(mount: &OwnedFd, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, "", target, "", flags)
}

pub(crate) fn attributes(flags: MountFlags) -> u64 {
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NOSUID;
    attributes.set(MountAttrFlags::MOUNT_ATTR_RDONLY, flags.read_only);
    attributes.set(MountAttrFlags::MOUNT_ATTR_NOEXEC, flags.no_exec);
    attributes.set(MountAttrFlags::MOUNT_ATTR_NODEV, flags.no_dev);
    u64::from(attributes.bits())
}

fn relative(path: &AbsPath) -> Result<CString, Errno> {
    let bytes = path.as_bytes();
    let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
    CString::new(if bytes.is_empty() { b"." } else { bytes }).map_err(|_| Errno::INVAL)
}

fn descriptor(object: BorrowedFd<'_>) -> CString {
    crate::linux::supervise::place::descriptor_path(object)
}

/// Whether a mount is read-only, as the kernel says (`fstatvfs(3)`).
///
/// # Errors
/// The error of the look-up.
pub fn is_read_only(path: &AbsPath) -> Result<bool, OsError> {
    let name = CString::new(path.as_bytes()).map_err(|_| Errno::INVAL).on("look at", path)?;
    let status = rustix::fs::statvfs(name.as_c_str()).on("look at the mount of", path)?;
    Ok(status.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// Where the view is to be read-only.
fn read_only_paths(steps: &[ViewStep]) -> Vec<AbsPath> {
    let read_only = |step: &ViewStep| match step {
        ViewStep::Bind { path, flags, .. }
        | ViewStep::Part { path, flags, .. }
        | ViewStep::Layer { path, flags, .. } => flags.read_only.then(|| path.clone()),
        _ => None,
    };
    steps.iter().filter_map(read_only).collect()
}

/// The type of an opened object is a directory.
#[must_use]
pub fn is_directory(object: BorrowedFd<'_>) -> bool {
    fstat(object).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
