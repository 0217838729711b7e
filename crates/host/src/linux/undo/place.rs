//! Puts changes in place.
//!
//! Contents are written to a directory of garth's own in the tree, which no sandbox may write to (`.garth` is a protected
//! name), and renamed from there: at each name stands the old object or the new one, at every moment. Before a name is
//! changed, what stands there is compared with what the change was made for.

use super::content;
use super::root::Root;
use crate::OsError;
use crate::error::Context;
use crate::linux::supervise::place::descriptor_path;
pub use crate::undo::{Obstacle, STAGE, Source, Unwatched, Watch};
use garth_policy::AbsPath;
use garth_undo::{Act, Change, Entry, Kind, Line, Step, Time, Tree};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, chmodat, chownat,
    linkat, mkdirat, mknodat, openat, renameat, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Whether a path of a tree is that directory.
#[must_use]
pub fn is_stage(path: &AbsPath) -> bool {
    path.as_bytes().strip_prefix(b"/") == Some(STAGE.as_bytes())
}

/// Bytes and files that are written before they are made durable together.
const BATCH: (usize, u64) = (128, 64 * 1024 * 1024);

impl Source for Root {
    fn content(&mut self, path: &AbsPath) -> Result<OwnedFd, OsError> {
        let shown = self.shown(path);
        self.open_file(path).on("open", shown)
    }
}

/// What a change needs.
pub struct Placer<'w, S, W> {
    /// The tree that is changed.
    pub target: &'w mut Root,
    /// Where contents come from.
    pub source: &'w mut S,
    /// Sees what is about to be done.
    pub watch: &'w mut W,
    /// The journal, opened for appending.
    pub journal: &'w OwnedFd,
    /// A name for the staging directory.
    pub id: &'w str,
    /// Objects of the source whose content stands in place already, by a name in the tree: their further names are links.
    pub links: HashMap<(u64, u64), AbsPath>,
    /// Programs that run as their owner are not put in place as such (the owner is root).
    pub plain_modes: bool,
    /// What is put in place belongs to whom its entry says: it was outside when that was written down, and no layer.
    pub recorded_owners: bool,
    /// Directories that are open to their owner until [`Placer::close`], and the modes that they have from then on.
    pub closed: BTreeMap<AbsPath, u32>,
    /// Changes that are in place, also where something stood in the way of others.
    pub finished: usize,
}

/// The directories in which names are changed and that their modes close to their owner, with these modes. Whoever puts
/// changes in place writes them down first, for whoever goes on if that is interrupted.
///
/// # Errors
/// What cannot be looked at.
pub fn closed_for(target: &mut Root, changes: &[Change]) -> Result<BTreeMap<AbsPath, u32>, OsError> {
    let root = AbsPath::posix("/").map_err(|_| Errno::INVAL).on("look at", "the tree")?;
    let parents: BTreeSet<AbsPath> = changes.iter().filter_map(|change| change.path.parent()).collect();
    let mut closed = BTreeMap::new();
    // Garth's own directory is in the root.
    for path in parents.into_iter().chain([root]) {
        let entry = target.look(&path)?.map(|seen| seen.entry);
        if let Some(entry) = entry.filter(|entry| entry.kind == Kind::Directory && is_closed(entry.mode)) {
            closed.insert(path, entry.mode);
        }
    }
    Ok(closed)
}

/// Whether the owner of a directory may not list it, or change what is in it.
fn is_closed(mode: u32) -> bool {
    mode & 0o700 != 0o700
}

/// A file that is written and not in place yet.
struct Staged {
    change: usize,
    name: String,
    object: (u64, u64),
}

struct Stage {
    directory: OwnedFd,
    next: usize,
    waiting: Vec<Staged>,
    bytes: u64,
    /// Where objects of the source with several names were put.
    linked: HashMap<(u64, u64), AbsPath>,
}

const DIRECTORY: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl<'w, S: Source, W: Watch> Placer<'w, S, W> {
    /// Changes a tree: contents come from `source`, what is done is written to `journal` before, and `id` names the
    /// staging directory.
    pub fn new(
        target: &'w mut Root,
        source: &'w mut S,
        watch: &'w mut W,
        journal: &'w OwnedFd,
        id: &'w str,
    ) -> Self {
        Self {
            target,
            source,
            watch,
            journal,
            id,
            links: HashMap::new(),
            plain_modes: false,
            recorded_owners: true,
            closed: BTreeMap::new(),
            finished: 0,
        }
    }

    /// Throws away what was written and not put in place.
    ///
    /// # Errors
    /// What cannot be removed.
    pub fn tidy(&mut self) -> Result<(), OsError> {
        tidy(self.target, self.id)
    }

    /// Puts changes in place, in this order. What was written before an earlier interruption is thrown away and written
    /// again.
    ///
    /// # Errors
    /// The first obstacle. What was done until then stays; the rest can be done later.
    pub fn place(&mut self, changes: &[Change], steps: &[Step]) -> Result<(), Obstacle> {
        for path in self.closed.keys() {
            self.watch.about_to("open", path)?;
            self.target.make_writable(path).on("open", self.target.shown(path))?;
        }
        let mut stage = self.stage()?;
        self.announce(changes, steps)?;
        for step in steps {
            let change = &changes[step.change];
            if step.act != Act::Put {
                self.flush(&mut stage, changes)?;
            }
            match step.act {
                Act::Remove => self.remove(change)?,
                Act::MakeDirectory => self.make_directory(change)?,
                Act::Put => self.put(&mut stage, changes, step.change)?,
                Act::Dress => self.dress(change)?,
            }
            if step.act != Act::Put {
                // A directory that was made is not finished before it is dressed.
                self.finished += usize::from(step.act != Act::MakeDirectory);
                self.watch.done(&change.path);
            }
        }
        self.flush(&mut stage, changes)?;
        self.sync()?;
        // One that an interrupted run made is empty too, and nobody's.
        tidy(self.target, self.id).map_err(Obstacle::Os)
    }

    /// Gives directories that were opened, or are to be closed, their modes, the deepest first. It is the last thing to be done,
    /// also where something stood in the way.
    ///
    /// # Errors
    /// A mode that cannot be set.
    pub fn close(&mut self) -> Result<(), Obstacle> {
        for (path, mode) in std::mem::take(&mut self.closed).into_iter().rev() {
            self.watch.about_to("close", &path)?;
            let shown = self.target.shown(&path);
            match self.target.settle_mode(&path, mode) {
                // Another's; only he could have closed it.
                Err(Errno::PERM) => {}
                other => other.on("set the mode of", shown)?,
            }
        }
        Ok(())
    }

    /// Sets the times of directories, which their names have changed.
    ///
    /// # Errors
    /// A time that cannot be set.
    pub fn times<'t>(
        &mut self,
        directories: impl IntoIterator<Item = (&'t AbsPath, &'t Time)>,
    ) -> Result<(), Obstacle> {
        for (path, modified) in directories {
            let shown = self.target.shown(path);
            let opened = match self.target.directory(path) {
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                other => other.on("open", &shown)?,
            };
            let place = descriptor_path(opened);
            match utimensat(CWD, place.as_c_str(), &stamps(*modified), AtFlags::empty()) {
                // Another's, that this user may write to: its times are what the kernel makes of them.
                Err(Errno::PERM) => {}
                other => other.on("set the times of", &shown)?,
            }
        }
        Ok(())
    }

    fn journal(&mut self, line: &Line, path: &AbsPath) -> Result<(), Obstacle> {
        self.watch.about_to("write the journal", path)?;
        content::write_all(self.journal, line.text().as_bytes()).on("write", "the journal")?;
        Ok(())
    }

    /// Writes down, before anything is changed, at which names there will be a moment with something else than before and
    /// after: a directory that is still being filled, nothing at all, or a file with some of its new mode, attributes and times.
    fn announce(&mut self, changes: &[Change], steps: &[Step]) -> Result<(), Obstacle> {
        for step in steps {
            let change = &changes[step.change];
            let was_directory = change.before.as_ref().is_some_and(|entry| entry.kind == Kind::Directory);
            if matches!(step.act, Act::MakeDirectory | Act::Dress) || was_directory {
                self.journal(&Line::Now(change.path.clone()), &change.path)?;
            }
        }
        rustix::fs::fdatasync(self.journal).on("write", "the journal")?;
        Ok(())
    }

    fn stage(&mut self) -> Result<Stage, Obstacle> {
        let root = self.target.descriptor();
        let shown = format!("{STAGE} in the tree");
        match mkdirat(root, STAGE, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).on("make", &shown).map_err(Obstacle::Os),
        };
        let own = openat(root, STAGE, DIRECTORY, Mode::empty()).on("open", &shown)?;
        let name = format!("apply-{}", self.id);
        super::remove::remove_tree(own.as_fd(), OsStr::new(&name)).on("empty", &shown)?;
        mkdirat(&own, name.as_str(), Mode::RWXU).on("make a directory in", &shown)?;
        let directory = openat(&own, name.as_str(), DIRECTORY, Mode::empty()).on("open", &shown)?;
        Ok(Stage { directory, next: 0, waiting: Vec::new(), bytes: 0, linked: self.links.clone() })
    }

    fn sync(&mut self) -> Result<(), Obstacle> {
        let root = self.target.descriptor();
        let opened = openat(root, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        rustix::fs::syncfs(opened.on("open", "the tree")?).on("write", "the tree to its disk")?;
        Ok(())
    }

    /// What stands at the name of a change, if it is what the change was made for. `None` if nothing stands there.
    fn present(&mut self, change: &Change) -> Result<Option<Entry>, Obstacle> {
        let present = self.target.look(&change.path)?.map(|seen| seen.entry);
        if change.is_for(present.as_ref()) { Ok(present) } else { Err(Obstacle::Moved(change.path.clone())) }
    }

    fn remove(&mut self, change: &Change) -> Result<(), Obstacle> {
        let Some(present) = self.present(change)? else { return Ok(()) };
        self.watch.about_to("remove", &change.path)?;
        self.unlink(change, &present)
    }

    fn unlink(&mut self, change: &Change, present: &Entry) -> Result<(), Obstacle> {
        let shown = self.target.shown(&change.path);
        let directory = present.kind == Kind::Directory;
        let (parent, name) = self.target.parent(&change.path).on("open", &shown)?;
        let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        let done = unlinkat(parent, name, flags);
        if directory {
            self.target.forget();
        }
        match done {
            Err(Errno::NOTEMPTY | Errno::EXIST) => Err(Obstacle::NotEmpty(change.path.clone())),
            Err(Errno::NOENT) => Ok(()),
            other => other.on("remove", shown).map_err(Obstacle::Os),
        }
    }

    fn make_directory(&mut self, change: &Change) -> Result<(), Obstacle> {
        let shown = self.target.shown(&change.path);
        let present = match self.target.look(&change.path)? {
            // Made before an interruption, and the journal says so.
            Some(seen) if seen.entry.kind == Kind::Directory => return Ok(()),
            _ => self.present(change)?,
        };
        if let Some(present) = present {
            self.watch.about_to("remove", &change.path)?;
            self.unlink(change, &present)?;
        }
        self.watch.about_to("make", &change.path)?;
        let (parent, name) = self.target.parent(&change.path).on("open", &shown)?;
        mkdirat(parent, name, Mode::RWXU).on("make", shown)?;
        Ok(())
    }

    fn put(&mut self, stage: &mut Stage, changes: &[Change], number: usize) -> Result<(), Obstacle> {
        let change = &changes[number];
        let Some(entry) = change.after.as_ref().filter(|entry| entry.kind.can_be_made()) else {
            return Ok(());
        };
        let name = stage.next.to_string();
        stage.next += 1;
        let shared = (entry.kind == Kind::File && entry.names > 1).then_some(entry.object);
        if let Some(first) = shared.and_then(|object| stage.linked.get(&object).cloned()) {
            // Its first name has to be in place to be linked to.
            self.flush(stage, changes)?;
            self.link_staged(stage, &first, &name)?;
        } else {
            self.write_staged(stage, change, entry, &name)?;
            if let Some(object) = shared {
                stage.linked.insert(object, change.path.clone());
            }
        }
        let stat = statat(&stage.directory, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).on("look at", &name)?;
        stage.waiting.push(Staged { change: number, name, object: (stat.st_dev, stat.st_ino) });
        stage.bytes += entry.size;
        if stage.waiting.len() >= BATCH.0 || stage.bytes >= BATCH.1 {
            self.flush(stage, changes)?;
        }
        Ok(())
    }

    fn link_staged(&mut self, stage: &Stage, first: &AbsPath, name: &str) -> Result<(), Obstacle> {
        self.watch.about_to("link", first)?;
        let shown = self.target.shown(first);
        let (parent, old) = self.target.parent(first).on("open", &shown)?;
        linkat(parent, old, &stage.directory, name, AtFlags::empty()).on("link to", shown)?;
        Ok(())
    }

    fn write_staged(
        &mut self,
        stage: &Stage,
        change: &Change,
        entry: &Entry,
        name: &str,
    ) -> Result<(), Obstacle> {
        self.watch.about_to("write", &change.path)?;
        let shown = self.target.shown(&change.path);
        match entry.kind {
            Kind::Link => {
                symlinkat(OsStr::from_bytes(&entry.target), &stage.directory, name).on("make", &shown)?;
            }
            Kind::Pipe => {
                mknodat(&stage.directory, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
                    .on("make", &shown)?;
            }
            _ => {
                let content = self.source.content(&change.path)?;
                let flags =
                    OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                let file =
                    openat(&stage.directory, name, flags, Mode::RUSR | Mode::WUSR).on("make", &shown)?;
                content::copy(&content, &file).on("write", &shown)?;
            }
        }
        self.dress_object(stage.directory.as_fd(), OsStr::new(name), change, entry)
    }

    /// Makes what was written durable and renames it into place.
    fn flush(&mut self, stage: &mut Stage, changes: &[Change]) -> Result<(), Obstacle> {
        if stage.waiting.is_empty() {
            return Ok(());
        }
        self.sync()?;
        for staged in std::mem::take(&mut stage.waiting) {
            self.rename(stage, &staged, &changes[staged.change])?;
            self.finished += 1;
            self.watch.done(&changes[staged.change].path);
        }
        stage.bytes = 0;
        Ok(())
    }

    fn rename(&mut self, stage: &Stage, staged: &Staged, change: &Change) -> Result<(), Obstacle> {
        let shown = self.target.shown(&change.path);
        let present = self.present(change)?;
        if let Some(present) = present.filter(|present| present.kind == Kind::Directory) {
            self.watch.about_to("remove", &change.path)?;
            self.unlink(change, &present)?;
        }
        self.watch.about_to("rename", &change.path)?;
        let (parent, name) = self.target.parent(&change.path).on("open", &shown)?;
        renameat(&stage.directory, staged.name.as_str(), parent, name).on("put in place", &shown)?;
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).on("look at", shown)?;
        if (stat.st_dev, stat.st_ino) == staged.object {
            Ok(())
        } else {
            Err(Obstacle::Moved(change.path.clone()))
        }
    }

    /// Gives what stands at the name of a change its mode, attributes and times.
    fn dress(&mut self, change: &Change) -> Result<(), Obstacle> {
        let Some(entry) = change.after.as_ref() else { return Ok(()) };
        if entry.kind != Kind::Directory {
            let present = self.present(change)?;
            if present.is_none() {
                return Err(Obstacle::Moved(change.path.clone()));
            }
        }
        self.watch.about_to("dress", &change.path)?;
        let shown = self.target.shown(&change.path);
        let (parent, name) = self.target.parent(&change.path).on("open", shown)?;
        let parent = rustix::io::fcntl_dupfd_cloexec(parent, 0).on("copy", "a descriptor")?;
        self.dress_object(parent.as_fd(), name, change, entry)
    }

    fn dress_object(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &OsStr,
        change: &Change,
        entry: &Entry,
    ) -> Result<(), Obstacle> {
        let shown = self.target.shown(&change.path);
        let owned = if self.recorded_owners { Some(entry) } else { change.before.as_ref() };
        if entry.kind == Kind::Link {
            if self.recorded_owners {
                keep_owner(parent, name, entry);
            }
            utimensat(parent, name, &stamps(entry.modified), AtFlags::SYMLINK_NOFOLLOW)
                .on("set the times of", shown)?;
            return Ok(());
        }
        let object = openat(parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
        let object = object.on("open", &shown)?;
        let stat = rustix::fs::fstat(&object).on("look at", &shown)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Symlink || (kind == FileType::Directory) != (entry.kind == Kind::Directory) {
            return Err(Obstacle::Moved(change.path.clone()));
        }
        // Through `/proc`, an object that was opened without any right can be changed, and no other one.
        let place = descriptor_path(object.as_fd());
        let place = OsStr::from_bytes(place.as_bytes());
        if let Some(owned) = owned {
            keep_owner(CWD, place, owned);
        }
        set_attributes(place, entry, change.before.as_ref()).on("set the attributes of", &shown)?;
        let mut bits = if self.plain_modes { entry.mode & 0o1777 } else { entry.mode };
        if entry.kind == Kind::Directory {
            self.target.keep_mode((stat.st_dev, stat.st_ino));
            self.closed.remove(&change.path);
            if is_closed(bits) {
                self.closed.insert(change.path.clone(), bits);
                bits |= 0o700;
            }
        }
        chmodat(CWD, place, Mode::from_raw_mode(bits), AtFlags::empty()).on("set the mode of", &shown)?;
        utimensat(CWD, place, &stamps(entry.modified), AtFlags::empty()).on("set the times of", shown)?;
        Ok(())
    }
}

/// Throws away what an interrupted apply had written and not put in place.
///
/// # Errors
/// What cannot be removed.
pub fn tidy(target: &mut Root, id: &str) -> Result<(), OsError> {
    let own = match openat(target.descriptor(), STAGE, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        other => other.on("open", STAGE)?,
    };
    let name = format!("apply-{id}");
    super::remove::remove_tree(own.as_fd(), OsStr::new(&name)).on("remove", &name)?;
    match unlinkat(target.descriptor(), STAGE, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno).on("remove", STAGE),
    }
}

fn stamps(modified: Time) -> Timestamps {
    let time = Timespec { tv_sec: modified.seconds, tv_nsec: modified.nanos.into() };
    let last_access = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    Timestamps { last_access, last_modification: time }
}

/// What belonged to somebody else stays his where this user may give files away. `place` is no link, or is one itself.
fn keep_owner(parent: BorrowedFd<'_>, place: &OsStr, entry: &Entry) {
    let (owner, group) = (Some(Uid::from_raw(entry.owner)), Some(Gid::from_raw(entry.group)));
    // A name below `/proc` leads to the object that is open.
    let flags = if entry.kind == Kind::Link { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
    // An ordinary user may not, and then the file is his from now on, as with any editor that renames.
    let _may_not = chownat(parent, place, owner, None, flags);
    let _may_not = chownat(parent, place, None, group, flags);
}

fn set_attributes(place: &OsStr, entry: &Entry, before: Option<&Entry>) -> Result<(), Errno> {
    // Nothing else can have any (xattr(7)).
    if !matches!(entry.kind, Kind::File | Kind::Directory) {
        return Ok(());
    }
    for (name, value) in &entry.attributes {
        rustix::fs::setxattr(place, OsStr::from_bytes(name), value, XattrFlags::empty())?;
    }
    for name in before.into_iter().flat_map(|before| before.attributes.keys()) {
        if !entry.attributes.contains_key(name) {
            match rustix::fs::removexattr(place, OsStr::from_bytes(name)) {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
    Ok(())
}
