//! Making a tree again what a checkpoint says it was.

use super::checkpoints::{Checkpoint, Checkpoints, Keeping, Names};
use super::own::place::{Placer, closed_for, is_stage};
use super::own::{self, Opened, Root, content};
use super::{Texts, Was, file_error, not_compared};
use crate::Error;
use garth_host::OsError;
use garth_host::undo::{Source, Watch};
use garth_policy::AbsPath;
use garth_undo::{
    Begun, Change, Found, Kind, Line, Time, Tree, compare, order, read_pending, select, without,
};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

const JOURNAL: &str = "undo.jsonl";

/// What has to be done to be where a checkpoint was made.
#[derive(Debug)]
pub struct Reversal {
    checkpoint: Checkpoint,
    /// The changes.
    pub changes: Vec<Change>,
    /// What is left as it is, because it holds names too long to be looked at ([`garth_undo::LONGEST_PATH`]): directories that
    /// would have to go, or the ones that hold such names.
    pub beyond: Vec<AbsPath>,
    names: Names,
    /// All that the checkpoint covers is looked at, and not some paths.
    complete: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Reverted {
    /// Names that are as they were.
    pub placed: usize,
    /// The checkpoint from which this can be taken back; none, where nothing was done.
    pub kept: Option<String>,
    /// Why it ended before its end; doing it again goes on.
    pub obstacle: Option<String>,
}

/// The contents of a checkpoint.
struct Contents {
    files: HashMap<AbsPath, PathBuf>,
}

impl Source for Contents {
    fn content(&mut self, path: &AbsPath) -> Result<Opened, OsError> {
        let file = self.files.get(path).ok_or(std::io::Error::from(std::io::ErrorKind::NotFound));
        garth_host::error::Context::on(file.and_then(File::open).map(Opened::from), "open the copy of", path)
    }
}

impl Checkpoints {
    /// The checkpoint to go back to: the one of this name; without one the last of the tree, or one that was being gone
    /// back to when that was interrupted, if nothing was done since.
    ///
    /// # Errors
    /// There is none.
    pub fn target(&self, tree: &AbsPath, named: Option<&str>) -> Result<Checkpoint, Error> {
        let mut found = self.of_tree(tree)?;
        if let Some(name) = named {
            found.retain(|checkpoint| checkpoint.record.id.starts_with(name));
            if found.len() > 1 {
                return Err(none(tree, &format!("more than one checkpoint's name starts with {name}")));
            }
        } else if let Some(at) = found.iter().position(|known| known.directory.join(JOURNAL).exists()) {
            // What stood there is kept each time that it is begun.
            let own = words(&found[at].record.id);
            if found[at + 1..].iter().all(|later| later.record.before == own) {
                return Ok(found.swap_remove(at));
            }
        }
        found.pop().ok_or_else(|| none(tree, "nothing was run there with --checkpoint, or that was long ago"))
    }

    /// The checkpoints of other trees that belong to one.
    ///
    /// # Errors
    /// One of them is gone: going back without it would leave the trees at odds.
    pub fn beside(&self, checkpoint: &Checkpoint) -> Result<Vec<Checkpoint>, Error> {
        let known = if checkpoint.record.beside.is_empty() { Vec::new() } else { self.list()? };
        let named = |id: &String| {
            let found = known.iter().find(|known| known.record.id == *id).cloned();
            found.ok_or_else(|| {
                none(&checkpoint.record.tree.path, &format!("{id}, which belongs to it, is gone"))
            })
        };
        checkpoint.record.beside.iter().map(named).collect()
    }
}

/// What stands at all names that are about to be changed, and the directories whose times are.
pub(super) fn standing_at(
    root: &mut Root,
    changes: &[Change],
    directories: impl Iterator<Item = AbsPath>,
) -> Result<BTreeMap<AbsPath, Option<garth_undo::Entry>>, Error> {
    let mut present = BTreeMap::new();
    let parents = changes.iter().filter_map(|change| change.path.parent());
    for path in parents.chain(directories) {
        if let Entry::Vacant(vacant) = present.entry(path) {
            let seen = root.look(vacant.key()).map_err(Error::os("look at the workspace"))?;
            vacant.insert(seen.map(|seen| seen.entry));
        }
    }
    present.extend(changes.iter().map(|change| (change.path.clone(), change.before.clone())));
    Ok(present)
}

/// What a checkpoint was made before that keeps what an undo replaces.
fn words(id: &str) -> String {
    format!("garth undo --to {id}")
}

fn none(tree: &AbsPath, why: &str) -> Error {
    Error::Undo {
        what: format!("there is no such checkpoint of {tree}"),
        why: garth_policy::escape_visible(why.as_bytes()),
        hint: "`garth checkpoints` lists them all".into(),
    }
}

/// Finds out what has to be done to be where a checkpoint was made, at or below these paths of the tree, or everywhere.
///
/// # Errors
/// A tree or checkpoint that cannot be read.
pub fn reversal(checkpoint: Checkpoint, paths: &[AbsPath]) -> Result<Reversal, Error> {
    let record = &checkpoint.record;
    let mut root = opened(&checkpoint)?;
    let names = checkpoint.names()?;
    let found = if record.whole {
        let ignored = checkpoint.ignored(&names);
        let left_out: BTreeSet<&AbsPath> = record.left_out.iter().collect();
        let wanted: BTreeMap<AbsPath, Option<garth_undo::Entry>> =
            names.iter().map(|(path, kept)| (path.clone(), kept.entry.clone())).collect();
        // What an interrupted run of garth's has written beside the tree is that one's.
        let spared = |path: &AbsPath, directory: bool| {
            is_stage(path) || left_out.contains(path) || ignored.leaves_out(path, directory)
        };
        compare(&mut root, &wanted, spared).map_err(not_compared)?
    } else {
        listed(&mut root, &names)?
    };
    let paths = &as_named(paths, &found.changes);
    let (selected, left) = without(select(found.changes, paths), &found.beyond);
    let changes = contents_compared(&checkpoint, &mut root, &names, selected);
    let complete = paths.is_empty() && found.beyond.is_empty();
    let wanted = |path: &AbsPath| paths.is_empty() || paths.iter().any(|wanted| path.starts_with(wanted));
    let beyond = found.beyond.into_iter().filter(wanted).collect();
    Ok(Reversal { changes, beyond: outermost(&left, beyond), names, complete, checkpoint })
}

/// The paths in the letters of the names that they mean: on Windows others mean the same.
fn as_named(paths: &[AbsPath], changes: &[Change]) -> Vec<AbsPath> {
    if !cfg!(windows) {
        return paths.to_vec();
    }
    let folded = |path: &AbsPath| String::from_utf8_lossy(path.as_bytes()).to_lowercase();
    let mut named = BTreeSet::new();
    for wanted in paths {
        named.insert(wanted.clone());
        let (depth, text) = (wanted.depth(), folded(wanted));
        for change in changes {
            let above = change.path.depth().saturating_sub(depth);
            let part = (0..above).try_fold(change.path.clone(), |path, _| path.parent());
            named.extend(part.filter(|part| folded(part) == text));
        }
    }
    named.into_iter().collect()
}

/// The outermost of the directories that do not go for what they hold; where none would, those that hold it.
fn outermost(left: &[Change], beyond: Vec<AbsPath>) -> Vec<AbsPath> {
    let paths: BTreeSet<&AbsPath> = left.iter().map(|change| &change.path).collect();
    let is_outer = |path: &AbsPath| path.parent().is_none_or(|parent| !paths.contains(&parent));
    let outer: Vec<AbsPath> =
        paths.iter().filter(|path| is_outer(path)).map(|path| (*path).clone()).collect();
    if outer.is_empty() { beyond } else { outer }
}

fn opened(checkpoint: &Checkpoint) -> Result<Root, Error> {
    let tree = &checkpoint.record.tree;
    let root = Root::open(&tree.path).map_err(Error::os("open the workspace"))?;
    if root.object().map_err(Error::os("open the workspace"))? == tree.object {
        return Ok(root);
    }
    Err(Error::Undo {
        what: format!("{} is not the directory that the checkpoint was made of", tree.path),
        why: "it was replaced by another one of the same name".into(),
        hint: format!("the contents are kept in {}", checkpoint.directory.display()),
    })
}

fn listed(root: &mut Root, names: &Names) -> Result<Found, Error> {
    let mut found = Found::default();
    for (path, kept) in names.iter().filter(|(path, kept)| path.as_bytes() != b"/" && !kept.linked) {
        let present = root.look(path).map_err(Error::os("look at the workspace"))?.map(|seen| seen.entry);
        found.changes.extend(Change::between(path.clone(), present, kept.entry.clone(), false));
    }
    Ok(found)
}

fn contents_compared(
    checkpoint: &Checkpoint,
    root: &mut Root,
    names: &Names,
    found: Vec<Change>,
) -> Vec<Change> {
    let mut changes = Vec::with_capacity(found.len());
    for mut change in found {
        if change.wants_content()
            && let Some(number) = names.get(&change.path).and_then(|kept| kept.content)
        {
            let (here, there) = (root.open_file(&change.path), File::open(checkpoint.file(number)));
            change.same_content = match (here, there) {
                (Ok(here), Ok(there)) => content::same(&here, &there).unwrap_or(false),
                _ => false,
            };
            if change.same_content && !change.matters_with_same_content() {
                continue;
            }
        }
        // What cannot be made is left as it is.
        if change.after.as_ref().is_none_or(|after| after.kind.can_be_made()) {
            changes.push(change);
        }
    }
    changes
}

impl Reversal {
    /// The checkpoint that is gone back to.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Leaves these names as they are now, with what hangs on them.
    pub fn leave(&mut self, left: &BTreeSet<AbsPath>) {
        if !left.is_empty() {
            self.complete = false;
            self.changes = without(std::mem::take(&mut self.changes), left).0;
        }
    }

    /// The texts of a change: what stands there (as that of outside), and what the checkpoint has (as that of the layer).
    ///
    /// # Errors
    /// A tree that cannot be opened.
    pub fn texts(&self, change: &Change) -> Result<Texts, Error> {
        let mut root = opened(&self.checkpoint)?;
        let short = |file: Opened| content::read_short(&file, garth_undo::LONGEST_TEXT).ok().flatten();
        let text = |bytes: Vec<u8>| garth_undo::is_text(&bytes).then_some(bytes);
        let kept = self.names.get(&change.path).and_then(|kept| kept.content);
        let kept = kept.and_then(|number| File::open(self.checkpoint.file(number)).ok());
        let present = change.before.as_ref().and_then(|_| root.open_file(&change.path).ok());
        Ok(Texts {
            was: Was::Unknown,
            base: None,
            outside: present.and_then(short).and_then(text),
            layer: kept.map(Opened::from).and_then(short).and_then(text),
        })
    }

    /// Does it. What stands at the names now is kept first, together with the checkpoints `beside`, which other trees have got
    /// for the same undo.
    ///
    /// # Errors
    /// The tree is being changed by another garth; what cannot be kept. Obstacles on the way are told in the result.
    pub fn carry_out(
        mut self,
        checkpoints: &Checkpoints,
        beside: Vec<String>,
        watch: &mut impl Watch,
    ) -> Result<Reverted, Error> {
        let tree = &self.checkpoint.record.tree.path;
        let _held = own::hold_tree(tree, &checkpoints.directory)?;
        let _own = self.checkpoint.hold()?;
        let mut root = opened(&self.checkpoint)?;
        let times = self.times(&mut root)?;
        if self.changes.is_empty() && times.is_empty() && beside.is_empty() {
            return Ok(Reverted { placed: 0, kept: None, obstacle: None });
        }
        let words = words(&self.checkpoint.record.id);
        let before = standing_at(&mut root, &self.changes, times.keys().cloned())?;
        let kept = checkpoints.keep(
            &mut root,
            tree,
            before.into_iter(),
            Keeping { before: words, bounded: false, beside },
        )?;
        let closed = self.closed(&mut root)?;
        let links = self.links(&mut root)?;
        for change in &mut self.changes {
            // One that is to have other names is put there anew, so that it can be a link to them.
            change.same_content &= change.after.as_ref().is_none_or(|after| after.names == 1);
        }
        let (journal, path) = self.begin(&closed)?;
        let id = format!("{}u", self.checkpoint.record.id);
        let mut source = self.contents();
        let mut placer = Placer::new(&mut root, &mut source, watch, &journal, &id);
        (placer.closed, placer.links) = (closed, links);
        let placed = placer.place(&self.changes, &order(&self.changes)).and_then(|()| placer.times(&times));
        let closed = placer.close();
        let finished = placer.finished;
        let obstacle = placed.and(closed).err().map(|obstacle| obstacle.to_string());
        if obstacle.is_some() {
            let _as_it_is = placer.tidy();
        } else {
            fs::remove_file(&path).map_err(|error| file_error("remove", &path, &error))?;
        }
        let placed = if obstacle.is_some() { finished } else { self.changes.len() };
        Ok(Reverted { placed, kept: Some(kept.record.id), obstacle })
    }

    /// The directories that have to be opened to their owner, with the modes that they get back: also those that an undo which
    /// was interrupted had opened.
    fn closed(&self, root: &mut Root) -> Result<BTreeMap<AbsPath, u32>, Error> {
        let mut closed = closed_for(root, &self.changes).map_err(Error::os("look at the workspace"))?;
        let earlier = fs::read(self.checkpoint.directory.join(JOURNAL)).unwrap_or_default();
        // A journal that is not understood tells of nothing that has to be done.
        if let Ok(Some(pending)) = read_pending(&earlier) {
            closed.extend(pending.begun.modes);
        }
        Ok(closed)
    }

    /// Files with several names of which one stands there yet, as the object that it was, by that name: what is brought back of
    /// the others is a link to it.
    fn links(&self, root: &mut Root) -> Result<HashMap<(u64, u64), AbsPath>, Error> {
        let changed: BTreeSet<&AbsPath> = self.changes.iter().map(|change| &change.path).collect();
        let mut wanted = HashSet::new();
        for change in &self.changes {
            wanted.extend(change.after.as_ref().filter(|after| after.names > 1).map(|after| after.object));
        }
        let mut contents = HashMap::new();
        for kept in self.names.values() {
            if let (Some(entry), Some(number)) = (&kept.entry, kept.content) {
                contents.insert(entry.object, number);
            }
        }
        let mut links = HashMap::new();
        for (path, kept) in &self.names {
            let Some(was) = kept.entry.as_ref().filter(|was| wanted.contains(&was.object)) else { continue };
            if was.kind != Kind::File || changed.contains(path) || links.contains_key(&was.object) {
                continue;
            }
            let present = root.look(path).map_err(Error::os("look at the workspace"))?;
            let Some(present) = present.map(|seen| seen.entry) else { continue };
            if present.object != was.object || present.kind != was.kind {
                continue;
            }
            // Nobody has looked whether one that is not to be brought back itself still is what it was.
            let mut is_as_it_was = || {
                let (here, number) = (root.open_file(path).ok(), contents.get(&was.object));
                let there = number.and_then(|number| File::open(self.checkpoint.file(*number)).ok());
                here.zip(there).is_some_and(|(here, there)| content::same(&here, &there).unwrap_or(false))
            };
            if !kept.linked || (present.is_same_but_for_names(was) && is_as_it_was()) {
                links.insert(was.object, path.clone());
            }
        }
        Ok(links)
    }

    fn begin(&self, closed: &BTreeMap<AbsPath, u32>) -> Result<(Opened, PathBuf), Error> {
        let path = self.checkpoint.directory.join(JOURNAL);
        let paths = self.changes.iter().map(|change| change.path.clone()).collect();
        let line = Line::Begun(Begun { paths, modes: closed.clone(), ..Begun::default() });
        let opened = own::private().create(true).append(true).open(&path);
        let file = opened.and_then(|mut file| {
            file.write_all(line.text().as_bytes())?;
            file.sync_data()?;
            Ok(file)
        });
        Ok((Opened::from(file.map_err(|error| file_error("write", &path, &error))?), path))
    }

    fn contents(&self) -> Contents {
        let file = |(path, kept): (&AbsPath, &super::checkpoints::Kept)| {
            Some((path.clone(), self.checkpoint.file(kept.content?)))
        };
        Contents { files: self.names.iter().filter_map(file).collect() }
    }

    /// The times of directories, which are as they were when all is: of all of them, or of those whose names change.
    fn times(&self, root: &mut Root) -> Result<BTreeMap<AbsPath, Time>, Error> {
        let parents: BTreeSet<AbsPath> =
            self.changes.iter().filter_map(|change| change.path.parent()).collect();
        let mut times = BTreeMap::new();
        let directories = self.names.iter().filter_map(|(path, kept)| Some((path, kept.entry.as_ref()?)));
        for (path, entry) in directories.filter(|(_, entry)| entry.kind == Kind::Directory) {
            if !self.complete && !parents.contains(path) {
                continue;
            }
            let present = root.look(path).map_err(Error::os("look at the workspace"))?.map(|seen| seen.entry);
            let changes = parents.contains(path) || path.as_bytes() == b"/";
            if changes || present.is_none_or(|present| present.modified != entry.modified) {
                times.insert(path.clone(), entry.modified);
            }
        }
        // The root alone is no reason to do anything.
        let nothing = self.changes.is_empty() && times.iter().all(is_root_of(root));
        Ok(if nothing { BTreeMap::new() } else { times })
    }
}

/// Whether a time is that of the root, as it is already.
fn is_root_of(root: &mut Root) -> impl FnMut((&AbsPath, &Time)) -> bool + '_ {
    move |(path, time)| {
        path.as_bytes() == b"/"
            && root.look(path).ok().flatten().is_some_and(|seen| seen.entry.modified == *time)
    }
}
