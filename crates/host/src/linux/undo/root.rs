//! A tree, reached from its opened root.

use crate::OsError;
use crate::error::Context;
use crate::linux::supervise::place::descriptor_path;
use garth_policy::AbsPath;
use garth_undo::{Entry, Kind, Mark, Seen, Time, Tree, read_attributes};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat, openat2, readlinkat, statat,
};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How the tree is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// A tree of the user.
    Plain,
    /// The written part of a layer: the kernel leaves marks there, and what a program inside made unreadable is read
    /// all the same.
    Layer,
}

/// What the owner of a directory needs to list it and to look at what is in it.
const LIST: u32 = 0o500;

/// An opened tree.
///
/// A directory of this user that its mode closes to him (a command may have said `chmod 0`) is opened by another mode for as long as
/// the value lives, and told with the mode that it had; then it gets that back.
#[derive(Debug)]
pub struct Root {
    root: OwnedFd,
    /// Where it stands, for messages.
    shown: String,
    reading: Reading,
    /// The directory that was used last.
    last: Option<(AbsPath, OwnedFd)>,
    /// Directories that were opened by another mode, by their objects, with the modes that they had.
    lent: HashMap<(u64, u64), (AbsPath, u32)>,
}

impl Drop for Root {
    fn drop(&mut self) {
        let mut lent: Vec<_> = std::mem::take(&mut self.lent).into_iter().collect();
        // The deepest first: nothing below a closed one can be reached.
        lent.sort_by(|(_, (one, _)), (_, (other, _))| other.cmp(one));
        for (object, (path, mode)) in lent {
            // One that is gone, or elsewhere by now, needs none.
            let opened =
                self.open_directory(&path).and_then(|opened| Ok((rustix::fs::fstat(&opened)?, opened)));
            if let Ok((stat, opened)) = opened
                && (stat.st_dev, stat.st_ino) == object
            {
                let _as_it_is = set_mode(opened.as_fd(), mode);
            }
        }
    }
}

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Bytes of a path that are opened at once: a path may be as long as the kernel takes, and no longer.
const AT_ONCE: usize = 3000;

impl Root {
    /// Opens a tree of the user by its final path: a link on the way is an error.
    ///
    /// # Errors
    /// The error of the open.
    pub fn open(path: &AbsPath) -> Result<Self, OsError> {
        let name = CString::new(path.as_bytes()).map_err(|_| Errno::INVAL).on("open", path)?;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let root = openat2(CWD, name.as_c_str(), DIRECTORY, Mode::empty(), resolve).on("open", path)?;
        Ok(Self { root, shown: path.to_string(), reading: Reading::Plain, last: None, lent: HashMap::new() })
    }

    /// Opens the written part of a layer.
    ///
    /// # Errors
    /// The error of the open.
    pub fn open_layer(path: &Path) -> Result<Self, OsError> {
        let root =
            openat(CWD, path, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()).on("open", path.display())?;
        let (shown, reading) = (path.display().to_string(), Reading::Layer);
        Ok(Self { root, shown, reading, last: None, lent: HashMap::new() })
    }

    /// Brings all of its file system to the disk.
    ///
    /// # Errors
    /// The error of `syncfs(2)`.
    pub fn sync(&self) -> Result<(), OsError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(&self.root, ".", flags, Mode::empty()).on("open", &self.shown)?;
        rustix::fs::syncfs(opened).on("bring to the disk", &self.shown)
    }

    /// Its file system's number and its own.
    ///
    /// # Errors
    /// The error of `fstat(2)`.
    pub fn object(&self) -> Result<(u64, u64), OsError> {
        let stat = rustix::fs::fstat(&self.root).on("look at", &self.shown)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// Whether it is this user's.
    ///
    /// # Errors
    /// The error of `fstat(2)`.
    pub fn is_own(&self) -> Result<bool, OsError> {
        let stat = rustix::fs::fstat(&self.root).on("look at", &self.shown)?;
        Ok(stat.st_uid == rustix::process::geteuid().as_raw())
    }

    /// The root's descriptor.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// A path for messages.
    #[must_use]
    pub fn shown(&self, path: &AbsPath) -> String {
        if path.as_bytes() == b"/" { self.shown.clone() } else { format!("{}{path}", self.shown) }
    }

    /// Opens a directory of the tree. No link is followed, and nothing outside is reached.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ELOOP` for a link, `EXDEV` for what would lead out.
    pub fn directory(&mut self, path: &AbsPath) -> Result<BorrowedFd<'_>, Errno> {
        if path.as_bytes() == b"/" {
            return Ok(self.root.as_fd());
        }
        if self.last.as_ref().is_none_or(|(known, _)| known != path) {
            let opened = match self.open_directory(path) {
                Err(Errno::ACCESS) => self.open_way(path)?,
                other => other?,
            };
            self.lend(path, opened.as_fd(), LIST)?;
            self.last = Some((path.clone(), opened));
        }
        self.last.as_ref().map(|(_, opened)| opened.as_fd()).ok_or(Errno::NOENT)
    }

    fn open_directory(&self, path: &AbsPath) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let mut rest = path.as_bytes().strip_prefix(b"/").unwrap_or_default();
        let mut opened: Option<OwnedFd> = None;
        while !rest.is_empty() {
            let cut = if rest.len() <= AT_ONCE {
                rest.len()
            } else {
                rest[..AT_ONCE].iter().rposition(|byte| *byte == b'/').ok_or(Errno::NAMETOOLONG)?
            };
            let (now, later) = rest.split_at(cut);
            rest = later.strip_prefix(b"/").unwrap_or(later);
            let from = opened.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            opened = Some(openat2(from, OsStr::from_bytes(now), DIRECTORY, Mode::empty(), resolve)?);
        }
        opened.ok_or(Errno::NOENT)
    }

    /// As [`Root::open_directory`], one name after the other, where a directory on the way is closed to its owner.
    fn open_way(&mut self, path: &AbsPath) -> Result<OwnedFd, Errno> {
        let mut here = openat(&self.root, ".", DIRECTORY, Mode::empty())?;
        let mut end = 0;
        for name in path.as_bytes().split(|byte| *byte == b'/').skip(1) {
            let above = &path.as_bytes()[..end.max(1)];
            let above = AbsPath::posix(above).map_err(|_| Errno::INVAL)?;
            self.lend(&above, here.as_fd(), LIST)?;
            here = openat(&here, OsStr::from_bytes(name), DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
            end += 1 + name.len();
        }
        Ok(here)
    }

    /// Gives the owner of a directory these rights on it, if he is this user and has not got them: until the value goes, or
    /// [`Root::settle_mode`].
    fn lend(&mut self, path: &AbsPath, opened: BorrowedFd<'_>, rights: u32) -> Result<(), Errno> {
        let user = rustix::process::geteuid();
        let stat = rustix::fs::fstat(opened)?;
        let mode = stat.st_mode & 0o7777;
        if mode & rights == rights || user.is_root() || stat.st_uid != user.as_raw() {
            return Ok(());
        }
        set_mode(opened, mode | rights)?;
        self.lent.entry((stat.st_dev, stat.st_ino)).or_insert_with(|| (path.clone(), mode));
        Ok(())
    }

    /// Lets this user change the names in a directory of his, whatever its mode, until the value goes or
    /// [`Root::settle_mode`]. Does nothing where the directory is another's, or absent.
    ///
    /// # Errors
    /// A mode that cannot be set.
    pub fn make_writable(&mut self, path: &AbsPath) -> Result<(), Errno> {
        let opened = match self.directory(path) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            other => rustix::io::fcntl_dupfd_cloexec(other?, 0)?,
        };
        self.lend(path, opened.as_fd(), 0o700)
    }

    /// Gives a directory a mode that it keeps. Does nothing where it is absent.
    ///
    /// # Errors
    /// A mode that cannot be set.
    pub fn settle_mode(&mut self, path: &AbsPath, mode: u32) -> Result<(), Errno> {
        let opened = match self.directory(path) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            other => other?,
        };
        let stat = rustix::fs::fstat(opened)?;
        set_mode(opened, mode)?;
        self.keep_mode((stat.st_dev, stat.st_ino));
        self.forget();
        Ok(())
    }

    /// The directory that is this object keeps the mode that it has.
    pub fn keep_mode(&mut self, object: (u64, u64)) {
        self.lent.remove(&object);
    }

    /// The directory that holds a name, opened, and the name.
    ///
    /// # Errors
    /// As [`Root::directory`].
    pub fn parent<'p>(&mut self, path: &'p AbsPath) -> Result<(BorrowedFd<'_>, &'p OsStr), Errno> {
        let (parent, name) = path.parent().zip(path.file_name()).ok_or(Errno::INVAL)?;
        Ok((self.directory(&parent)?, OsStr::from_bytes(name)))
    }

    /// Forgets the directory that was used last: its name may lead elsewhere by now.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// Opens a regular file for reading. What is no regular file is an error, so no pipe keeps anybody waiting.
    ///
    /// # Errors
    /// The error of the open; `EINVAL` for something else.
    pub fn open_file(&mut self, path: &AbsPath) -> Result<OwnedFd, Errno> {
        let layer = self.reading == Reading::Layer;
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = match openat(parent, name, flags, Mode::empty()) {
            Err(Errno::ACCESS) if layer => read_anyway(parent, name, flags)?,
            other => other?,
        };
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            Ok(file)
        } else {
            Err(Errno::INVAL)
        }
    }

    /// At most so many names of a directory, and whether those are all.
    ///
    /// # Errors
    /// The error of the open, or of `getdents(2)`.
    pub fn some_names(&mut self, directory: &AbsPath, most: usize) -> Result<(Vec<Vec<u8>>, bool), OsError> {
        let shown = self.shown(directory);
        let opened = self.directory(directory).on("open", &shown)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let readable = openat(opened, ".", flags, Mode::empty());
        let list = Dir::new(readable.on("open", &shown)?).on("list", &shown)?;
        let mut names = Vec::new();
        for entry in list {
            let name = entry.on("list", &shown)?.file_name().to_bytes().to_vec();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() == most {
                return Ok((names, false));
            }
            names.push(name);
        }
        Ok((names, true))
    }

    fn seen(&mut self, path: &AbsPath) -> Result<Option<Seen>, Errno> {
        let layer = self.reading == Reading::Layer;
        if path.as_bytes() == b"/" {
            let stat = rustix::fs::fstat(&self.root)?;
            let place = descriptor_path(self.root.as_fd());
            return described(&stat, Vec::new(), || attributes(place.to_bytes()), layer)
                .map(|seen| Some(self.as_before(seen)));
        }
        let (parent, name) = match self.parent(path) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            other => other?,
        };
        let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            other => other?,
        };
        let target = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => readlinkat(parent, name, Vec::new())?.into_bytes(),
            _ => Vec::new(),
        };
        let place = [descriptor_path(parent).to_bytes(), b"/", name.as_bytes()].concat();
        described(&stat, target, || attributes(&place), layer).map(|seen| Some(self.as_before(seen)))
    }

    /// A directory that was opened by another mode has the one that it had.
    fn as_before(&self, mut seen: Seen) -> Seen {
        if let Some((_, mode)) = self.lent.get(&seen.entry.object) {
            seen.entry.mode = *mode;
        }
        seen
    }
}

impl Tree for Root {
    type Error = OsError;

    fn look(&mut self, path: &AbsPath) -> Result<Option<Seen>, OsError> {
        let shown = self.shown(path);
        self.seen(path).on("look at", shown)
    }

    fn names(&mut self, directory: &AbsPath) -> Result<Vec<Vec<u8>>, OsError> {
        self.some_names(directory, usize::MAX).map(|(names, _)| names)
    }
}

/// Through `/proc`, what was opened without any right can be changed, and nothing else.
fn set_mode(opened: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    rustix::fs::chmod(descriptor_path(opened).as_c_str(), Mode::from_raw_mode(mode))
}

/// Opens a file of a layer that its owner may not read; its mode is as before afterwards.
fn read_anyway(parent: BorrowedFd<'_>, name: &OsStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    let object = openat(parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let stat = rustix::fs::fstat(&object)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    let (place, mode) = (descriptor_path(object.as_fd()), stat.st_mode & 0o7777);
    rustix::fs::chmod(place.as_c_str(), Mode::from_raw_mode(mode | 0o400))?;
    let opened = openat(CWD, place.as_c_str(), flags - OFlags::NOFOLLOW, Mode::empty());
    rustix::fs::chmod(place.as_c_str(), Mode::from_raw_mode(mode))?;
    opened
}

/// The extended attributes of what stands at a path, which is not followed if it is a link.
fn attributes(place: &[u8]) -> Result<Attributes, Errno> {
    let place = OsStr::from_bytes(place);
    let mut list = vec![0; 1024];
    let length = loop {
        match rustix::fs::llistxattr(place, &mut list) {
            Ok(length) => break length,
            Err(Errno::RANGE) if list.len() < 1 << 20 => list.resize(list.len() * 4, 0),
            Err(Errno::NOTSUP | Errno::NOENT | Errno::ACCESS) => return Ok(Vec::new()),
            Err(errno) => return Err(errno),
        }
    };
    let names = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut found = Vec::new();
    for name in names {
        // The longest value that Linux has (`XATTR_SIZE_MAX`).
        let mut value = vec![0; 256];
        let read = match rustix::fs::lgetxattr(place, OsStr::from_bytes(name), &mut value) {
            Err(Errno::RANGE) => {
                value.resize(65_536, 0);
                rustix::fs::lgetxattr(place, OsStr::from_bytes(name), &mut value)
            }
            other => other,
        };
        match read {
            Ok(length) => {
                value.truncate(length);
                found.push((name.to_vec(), value));
            }
            // Gone meanwhile, or for others' eyes only.
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(found)
}

/// Names and values.
type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// The kernel counts in another width on each architecture.
fn wide(number: impl Into<u64>) -> u64 {
    number.into()
}

fn time(seconds: i64, nanos: impl TryInto<u32>) -> Time {
    Time { seconds, nanos: nanos.try_into().unwrap_or(0) }
}

fn described(
    stat: &Stat,
    target: Vec<u8>,
    attributes: impl FnOnce() -> Result<Attributes, Errno>,
    layer: bool,
) -> Result<Seen, Errno> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        _ => Kind::Device,
    };
    let raw = match kind {
        // Nothing else can have attributes of the user (xattr(7)).
        Kind::File | Kind::Directory => attributes()?,
        _ => Vec::new(),
    };
    let read = read_attributes(raw, layer).map_err(|_| Errno::BADMSG)?;
    let whiteout =
        layer && FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0;
    let entry = Entry {
        kind,
        mode: stat.st_mode & 0o7777,
        owner: stat.st_uid,
        group: stat.st_gid,
        size: if kind == Kind::File { stat.st_size.unsigned_abs() } else { 0 },
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        created: None,
        changed: time(stat.st_ctime, stat.st_ctime_nsec),
        object: (stat.st_dev, stat.st_ino),
        names: wide(stat.st_nlink),
        target,
        attributes: read.attributes,
    };
    let mark = if whiteout { Mark::Whiteout } else { read.mark };
    Ok(Seen { entry, mark, copied: read.copied })
}
