//! Puts changes in place.
//!
//! A new content is written beside its name, made durable, and renamed: at each name stands the old object or the new one, at
//! every moment, and a new file has the access list that its directory gives to new files. No sandbox stands in the
//! workspace meanwhile. Before a name is changed, what stands there is compared with what the change was made for.

use super::clock::units;
use super::content;
use super::names::name_of;
use super::root::{ATTRIBUTES, LINK, LINK_ITSELF, Root, STREAMS, object};
use crate::OsError;
use crate::error::Context;
use crate::undo::Opened;
pub use crate::undo::{Obstacle, STAGE, Source, Unwatched, Watch};
use crate::windows::Error;
use crate::windows::sys::file::{Links, Node, Wanted};
use crate::windows::sys::stat::{self, Basic};
use garth_plan::windows::{Control, Listed};
use garth_policy::AbsPath;
use garth_undo::{Act, Change, Entry, Kind, Line, Step, Time, Tree};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::windows::fs::OpenOptionsExt;

/// Whether a path of a tree is the directory of garth's own.
#[must_use]
pub fn is_stage(path: &AbsPath) -> bool {
    path.as_bytes().strip_prefix(b"/").is_some_and(|name| name.eq_ignore_ascii_case(STAGE.as_bytes()))
}

/// `ERROR_DIR_NOT_EMPTY`
const NOT_EMPTY: i32 = 145;
/// `ERROR_PRIVILEGE_NOT_HELD`
const NO_PRIVILEGE: i32 = 1314;
/// `FILE_ATTRIBUTE_READONLY`
const READ_ONLY: u32 = 1;

/// What a change needs.
pub struct Placer<'w, S, W> {
    target: &'w mut Root,
    source: &'w mut S,
    watch: &'w mut W,
    journal: &'w Opened,
    /// What the names of files begin with that are not in place yet.
    prefix: String,
    next: usize,
    /// One that is written and not in place.
    staged: Option<OsString>,
    /// Objects of the source whose content stands in place already, by a name in the tree: their further names are links.
    pub links: HashMap<(u64, u64), AbsPath>,
    /// Directories that are open until [`Placer::close`], and the modes that they have from then on: none here, where a mode closes
    /// no directory to its owner.
    pub closed: BTreeMap<AbsPath, u32>,
    /// Changes that are in place, also where something stood in the way of others.
    pub finished: usize,
}

/// The directories that have to be opened to their owner: none here.
///
/// # Errors
/// None here.
pub fn closed_for(_target: &mut Root, _changes: &[Change]) -> Result<BTreeMap<AbsPath, u32>, OsError> {
    Ok(BTreeMap::new())
}

impl<'w, S: Source, W: Watch> Placer<'w, S, W> {
    /// Changes a tree: contents come from `source`, what is done is written to `journal` before, and files that are
    /// not in place yet have `id` in their names.
    pub fn new(
        target: &'w mut Root,
        source: &'w mut S,
        watch: &'w mut W,
        journal: &'w Opened,
        id: &str,
    ) -> Self {
        let prefix = format!(".garth-undo-{id}-");
        let (links, closed) = (HashMap::new(), BTreeMap::new());
        Self { target, source, watch, journal, prefix, next: 0, staged: None, links, closed, finished: 0 }
    }

    /// Puts changes in place, in this order.
    ///
    /// # Errors
    /// The first obstacle. What was done until then stays; the rest can be done later.
    pub fn place(&mut self, changes: &[Change], steps: &[Step]) -> Result<(), Obstacle> {
        self.announce(changes, steps)?;
        for step in steps {
            let change = &changes[step.change];
            match step.act {
                Act::Remove => self.remove(change)?,
                Act::MakeDirectory => self.make_directory(change)?,
                Act::Put => self.put(change)?,
                Act::Dress => self.dress(change)?,
            }
            // A directory that was made is not finished before it is dressed.
            self.finished += usize::from(step.act != Act::MakeDirectory);
            self.watch.done(&change.path);
        }
        Ok(())
    }

    /// Closes what was opened: nothing here.
    ///
    /// # Errors
    /// None here.
    pub fn close(&mut self) -> Result<(), Obstacle> {
        self.closed.clear();
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
            let Some(seen) = self.target.look(path)?.filter(|seen| seen.entry.kind == Kind::Directory) else {
                continue;
            };
            let attributes = attributes(&seen.entry);
            let wanted = Basic { modified: units(*modified), attributes, ..Basic::default() };
            let shown = self.target.shown(path);
            let node = self.opened(path, Wanted::Dress)?;
            stat::set_basic(&node, wanted).on("set the times of", shown)?;
        }
        Ok(())
    }

    /// Throws away what was written and not put in place.
    ///
    /// # Errors
    /// What cannot be removed.
    pub fn tidy(&mut self) -> Result<(), OsError> {
        self.target.forget();
        match self.staged.take() {
            None => Ok(()),
            Some(staged) => fs::remove_file(&staged).on("remove", staged.display()),
        }
    }

    fn opened(&mut self, path: &AbsPath, wanted: Wanted) -> Result<Node, OsError> {
        if let Some(parent) = path.parent()
            && !self.target.hold(&parent)?
        {
            return Err(OsError::new("open", self.target.shown(path), 3));
        }
        self.target.object_at(path, wanted)
    }

    /// Writes down, before anything is changed, at which names there will be a moment with something else than before and
    /// after: a directory that is still being filled, nothing at all, or a file with some of its new attributes and times.
    fn announce(&mut self, changes: &[Change], steps: &[Step]) -> Result<(), Obstacle> {
        let mut text = String::new();
        for step in steps {
            let change = &changes[step.change];
            let was_directory = change.before.as_ref().is_some_and(|entry| entry.kind == Kind::Directory);
            if matches!(step.act, Act::MakeDirectory | Act::Dress) || was_directory {
                self.watch.about_to("write the journal", &change.path)?;
                text.push_str(&Line::Now(change.path.clone()).text());
            }
        }
        content::write_all(self.journal, text.as_bytes())
            .map_err(io::Error::from)
            .on("write", "the journal")?;
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
        if present.kind == Kind::Device {
            let error = OsError::new("remove", shown, 0);
            return Err(Obstacle::Os(error.with_remedy("it leads elsewhere by a link; remove it yourself")));
        }
        self.write_enable(change, present)?;
        // A directory that is held cannot go, and the one above is held again by the next look.
        self.target.forget();
        let node = self.target.object_at(&change.path, Wanted::Removal)?;
        if object(&node)? != present.object {
            return Err(Obstacle::Moved(change.path.clone()));
        }
        match node.remove() {
            Err(error) if error.code() == Some(NOT_EMPTY) => Err(Obstacle::NotEmpty(change.path.clone())),
            other => other.map_err(|error| Obstacle::Os(error.into_os())),
        }
    }

    /// Takes the attribute away that keeps a file from being removed and replaced.
    fn write_enable(&mut self, change: &Change, present: &Entry) -> Result<(), Obstacle> {
        let old = attributes(present);
        if old & READ_ONLY == 0 {
            return Ok(());
        }
        let shown = self.target.shown(&change.path);
        let node = self.opened(&change.path, Wanted::Dress)?;
        let wanted = Basic { attributes: old & !READ_ONLY, ..Basic::default() };
        stat::set_basic(&node, wanted).on("make writable", shown)?;
        Ok(())
    }

    fn make_directory(&mut self, change: &Change) -> Result<(), Obstacle> {
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
        let (place, _) = self.places(change)?;
        fs::create_dir(place).on("make", self.target.shown(&change.path))?;
        Ok(())
    }

    /// The path of a change, and that of a new file beside it. The directory of both is held.
    fn places(&mut self, change: &Change) -> Result<(OsString, OsString), Obstacle> {
        let parent = change.path.parent().unwrap_or_else(|| change.path.clone());
        let shown = self.target.shown(&change.path);
        if !self.target.hold(&parent)? {
            return Err(Obstacle::Moved(change.path.clone()));
        }
        self.next += 1;
        let name = format!("{}{}", self.prefix, self.next);
        let places = self.target.place(&change.path).zip(self.target.place(&parent));
        let (place, mut beside) = places.ok_or_else(|| OsError::new("name", shown, 123))?;
        beside.push("\\");
        beside.push(name);
        Ok((place, beside))
    }

    fn put(&mut self, change: &Change) -> Result<(), Obstacle> {
        let Some(entry) = change.after.as_ref().filter(|entry| entry.kind.can_be_made()) else {
            return Ok(());
        };
        let shown = self.target.shown(&change.path);
        let (place, beside) = self.places(change)?;
        self.staged = Some(beside.clone());
        let shared = (entry.kind == Kind::File && entry.names > 1).then_some(entry.object);
        let first = shared.and_then(|object| self.links.get(&object).cloned());
        if let Some(first) = first {
            self.watch.about_to("link", &first)?;
            let other = self.target.place(&first).unwrap_or_default();
            drop(self.opened(&first, Wanted::Attributes)?);
            fs::hard_link(other, &beside).on("link to", &shown)?;
        } else {
            self.watch.about_to("write", &change.path)?;
            match entry.kind {
                Kind::Link => make_link(&beside, entry).map_err(|error| unprivileged(error, &shown))?,
                _ => self.write(&beside, change, entry)?,
            }
            dress_at(&beside, entry).on("set the times of", &shown)?;
        }
        let present = self.present(change)?;
        if let Some(present) = present {
            if matches!(present.kind, Kind::File) {
                self.write_enable(change, &present)?;
            } else {
                self.watch.about_to("remove", &change.path)?;
                self.unlink(change, &present)?;
                self.places(change)?;
            }
        }
        self.watch.about_to("rename", &change.path)?;
        fs::rename(&beside, &place).on("put in place", &shown)?;
        self.staged = None;
        // The system gives a new file the time of making of the one that had its name a moment ago.
        dress_at(&place, entry).on("set the times of", &shown)?;
        if let Some(object) = shared {
            self.links.insert(object, change.path.clone());
        }
        Ok(())
    }

    /// Writes a file with its streams beside its name. It has the access list of the file that it replaces.
    fn write(&mut self, beside: &OsString, change: &Change, entry: &Entry) -> Result<(), Obstacle> {
        let shown = self.target.shown(&change.path);
        let content = self.source.content(&change.path)?;
        let file = File::options().create_new(true).write(true).custom_flags(LINK_ITSELF).open(beside);
        let file = Opened::from(file.on("make", &shown)?);
        content::copy(&content, &file).map_err(io::Error::from).on("write", &shown)?;
        drop(file);
        write_streams(beside, entry).on("write the streams of", &shown)?;
        if change.before.as_ref().is_none_or(|before| before.kind != Kind::File) {
            return Ok(());
        }
        let system = |error: Error| Obstacle::Os(error.into_os());
        let old = self.opened(&change.path, Wanted::Security)?.security().map_err(system)?;
        if let Listed::Present(list) = &old.dacl {
            let new = Node::open(beside, Wanted::Protection, Links::Stay).map_err(system)?;
            let protected = old.control.contains(Control::DACL_PROTECTED);
            new.set_dacl(list, protected, false).map_err(system)?;
        }
        Ok(())
    }

    /// Gives what stands at the name of a change its attributes, streams and times.
    fn dress(&mut self, change: &Change) -> Result<(), Obstacle> {
        let Some(entry) = change.after.as_ref() else { return Ok(()) };
        // A directory may have been made a moment ago, in place of something else.
        let present = match entry.kind {
            Kind::Directory => self.target.look(&change.path)?.map(|seen| seen.entry),
            _ => self.present(change)?,
        };
        if present.as_ref().is_none_or(|present| present.kind != entry.kind) {
            return Err(Obstacle::Moved(change.path.clone()));
        }
        self.watch.about_to("dress", &change.path)?;
        let shown = self.target.shown(&change.path);
        if let Some(present) = present {
            self.write_enable(change, &present)?;
            let (place, _) = self.places(change)?;
            for name in present.attributes.keys().filter(|name| !entry.attributes.contains_key(*name)) {
                if let Some(stream) = stream_at(&place, name) {
                    fs::remove_file(stream).on("remove a stream of", &shown)?;
                }
            }
            write_streams(&place, entry).on("write the streams of", &shown)?;
            dress_at(&place, entry).on("set the times of", shown)?;
        }
        Ok(())
    }
}

/// The attributes that an entry holds.
fn attributes(entry: &Entry) -> u32 {
    let text = entry.attributes.get(ATTRIBUTES).and_then(|text| std::str::from_utf8(text).ok());
    text.and_then(|text| u32::from_str_radix(text, 16).ok()).unwrap_or(0)
}

fn dress_at(place: &OsString, entry: &Entry) -> io::Result<()> {
    let created = entry.created.map_or(0, units);
    let wanted =
        Basic { created, modified: units(entry.modified), attributes: attributes(entry), changed: 0 };
    let node = Node::open(place, Wanted::Dress, Links::Stay).map_err(io_error)?;
    stat::set_basic(&node, wanted)
}

fn io_error(error: Error) -> io::Error {
    io::Error::from_raw_os_error(error.into_os().code)
}

/// The path of a stream, if an attribute of this name holds one.
fn stream_at(place: &OsString, attribute: &[u8]) -> Option<OsString> {
    let name = name_of(attribute.strip_prefix(STREAMS)?)?;
    let mut stream = place.clone();
    stream.push(":");
    stream.push(name);
    Some(stream)
}

fn write_streams(place: &OsString, entry: &Entry) -> io::Result<()> {
    for (name, content) in &entry.attributes {
        if let Some(stream) = stream_at(place, name) {
            let mut options = File::options();
            options.create(true).truncate(true).write(true).custom_flags(LINK_ITSELF);
            options.open(stream)?.write_all(content)?;
        }
    }
    Ok(())
}

/// Makes a link anew. What it leads to is not looked at.
fn make_link(place: &OsString, entry: &Entry) -> io::Result<()> {
    let known = entry.attributes.get(LINK).and_then(|link| link.split_first());
    let (head, data) = known.ok_or(io::ErrorKind::InvalidData)?;
    if *head == b'd' {
        fs::create_dir(place)?;
    } else {
        drop(File::options().create_new(true).write(true).open(place)?);
    }
    let node = Node::open(place, Wanted::Dress, Links::Stay).map_err(io_error)?;
    let made = stat::set_reparse(&node, data);
    if made.is_err() {
        drop(node);
        // It is empty, and nobody's.
        let _removed = if *head == b'd' { fs::remove_dir(place) } else { fs::remove_file(place) };
    }
    made
}

fn unprivileged(error: io::Error, shown: &str) -> Obstacle {
    let code = error.raw_os_error().unwrap_or(0);
    let error = OsError::new("make the link", shown, code);
    Obstacle::Os(if code == NO_PRIVILEGE {
        error.with_remedy("Windows lets you make symbolic links in developer mode, or as an administrator")
    } else {
        error
    })
}
