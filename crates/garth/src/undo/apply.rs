//! Putting a layer in place.

use super::differences::{Difference, Differences, inspect};
use super::file_error;
use super::layers::Layer;
use crate::Error;
use garth_host::linux::undo::Root;
use garth_host::linux::undo::place::{Placer, Watch, tidy};
use garth_policy::{AbsPath, Policy};
use garth_undo::{Begun, Change, Kind, Line, Standing, Time, Tree, order, select};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The journal of what is being put in place.
pub(super) const JOURNAL: &str = "apply.jsonl";
/// Names that were put in place.
pub(super) const APPLIED: &str = "applied.jsonl";

/// What to do with one difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Put it in place, whatever stands against it.
    Place,
    /// Leave it in the layer.
    Leave,
    /// Put nothing in place.
    Stop,
}

/// Who chooses.
pub trait Choose {
    /// What is to be done with a difference.
    ///
    /// # Errors
    /// What kept it from choosing.
    fn choose(&mut self, layer: &Layer, difference: &Difference) -> Result<Choice, Error>;
}

/// What is to be put in place.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Paths, absolute; all if there are none.
    pub paths: Vec<AbsPath>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Applied {
    /// Names that are in place now.
    pub placed: usize,
    /// What stays in the layer, each with the reason.
    pub left: Vec<(Difference, String)>,
    /// Nothing is left in the layer, and it is gone.
    pub finished: bool,
    /// Why it ended before its end. What was done stays, and the next apply goes on.
    pub obstacle: Option<String>,
}

/// Whether an earlier apply of this layer was interrupted.
///
/// # Errors
/// A journal that cannot be read.
pub fn interrupted(layer: &Layer) -> Result<bool, Error> {
    for number in 0..layer.record.trees.len() {
        if layer.pending(number)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts a layer in place, or a part of it. What an earlier apply did not finish is finished first, by what was chosen then.
///
/// # Errors
/// The layer is in use; a tree cannot be read; what `choose` says. Obstacles on the way are told in the result.
pub fn apply(
    layer: Layer,
    policy: &Policy,
    order: &Order,
    choose: &mut dyn Choose,
    watch: &mut impl Watch,
) -> Result<Applied, Error> {
    let held = layer.hold()?;
    layer.settle(&mut |_, _| {})?;
    let _trees = hold_trees(&layer)?;
    let mut applied = Applied::default();
    finish_interrupted(&layer, policy, &mut applied, watch)?;
    if applied.obstacle.is_some() {
        return Ok(applied);
    }
    let all = inspect(&layer, policy, false)?;
    let total = all.list.len();
    let mut chosen = chosen(&layer, all, order, choose, &mut applied)?;
    let before = applied.placed;
    for number in 0..layer.record.trees.len() {
        let Some(picked) = chosen.trees.remove(&number) else { continue };
        place(&layer, number, picked, &chosen.anchors, &mut applied, watch)?;
        if applied.obstacle.is_some() {
            return Ok(applied);
        }
    }
    if applied.left.is_empty() && applied.placed - before == total {
        layer.remove(held)?;
        applied.finished = true;
    }
    Ok(applied)
}

/// One apply at a time changes a tree, whichever layer it is of.
fn hold_trees(layer: &Layer) -> Result<Vec<File>, Error> {
    let mut held = Vec::new();
    for tree in &layer.record.trees {
        let path = Path::new(std::ffi::OsStr::from_bytes(tree.path.as_bytes()));
        let file = File::open(path).map_err(|error| file_error("open", path, &error))?;
        file.try_lock().map_err(|error| Error::Undo {
            what: format!("{} is being changed", tree.path),
            why: format!("another `garth` puts something in place there: {error}"),
            hint: "wait for its end".into(),
        })?;
        held.push(file);
    }
    Ok(held)
}

/// What was chosen of one tree.
#[derive(Default)]
struct Picked {
    changes: Vec<Change>,
    overwrite: BTreeSet<AbsPath>,
}

struct Chosen {
    trees: BTreeMap<usize, Picked>,
    anchors: HashMap<(usize, (u64, u64)), AbsPath>,
}

fn chosen(
    layer: &Layer,
    all: Differences,
    order: &Order,
    choose: &mut dyn Choose,
    applied: &mut Applied,
) -> Result<Chosen, Error> {
    let mut chosen = Chosen { trees: BTreeMap::new(), anchors: all.anchors };
    for (number, tree) in layer.record.trees.iter().enumerate() {
        let of_tree = all.list.iter().filter(|difference| difference.tree == number);
        let wanted = wanted_in(&tree.path, &order.paths);
        let Some(wanted) = wanted else { continue };
        let changes = select(of_tree.clone().map(|difference| difference.change.clone()).collect(), &wanted);
        let selected: BTreeSet<&AbsPath> = changes.iter().map(|change| &change.path).collect();
        let mut picked = Picked::default();
        for difference in of_tree.filter(|difference| selected.contains(&difference.change.path)) {
            match choose.choose(layer, difference)? {
                Choice::Place => {
                    if let Some(why) = cannot_be_made(&difference.change) {
                        applied.left.push((difference.clone(), why));
                        continue;
                    }
                    if difference.standing != Standing::AsBefore {
                        picked.overwrite.insert(difference.change.path.clone());
                    }
                    picked.changes.push(difference.change.clone());
                }
                Choice::Leave => applied.left.push((difference.clone(), why_left(difference))),
                Choice::Stop => return Ok(Chosen { trees: BTreeMap::new(), anchors: HashMap::new() }),
            }
        }
        leave_dependents(number, &mut picked, all.list.as_slice(), applied);
        if !picked.changes.is_empty() {
            chosen.trees.insert(number, picked);
        }
    }
    Ok(chosen)
}

/// The paths of an order that concern a tree, as paths in it. `None` if none of them do.
fn wanted_in(tree: &AbsPath, paths: &[AbsPath]) -> Option<Vec<AbsPath>> {
    if paths.is_empty() {
        return Some(Vec::new());
    }
    if paths.iter().any(|path| tree.starts_with(path)) {
        return Some(Vec::new());
    }
    let inside = paths.iter().filter_map(|path| path.strip_prefix(tree));
    let inside: Vec<AbsPath> =
        inside.filter_map(|rest| AbsPath::posix([&b"/"[..], rest].concat()).ok()).collect();
    (!inside.is_empty()).then_some(inside)
}

fn why_left(difference: &Difference) -> String {
    match (&difference.trusted, &difference.standing) {
        (Some(why), _) => why.clone(),
        (None, Standing::Moved(why)) => (*why).to_owned(),
        (None, Standing::AsBefore) => "you left it".into(),
    }
}

fn cannot_be_made(change: &Change) -> Option<String> {
    let after = change.after.as_ref()?;
    (!after.kind.can_be_made())
        .then(|| format!("a {} is nothing without the program that made it", after.kind.name()))
}

/// What is left keeps what it needs: a directory that is not made leaves all that is in it, and one that something is left
/// in does not go.
fn leave_dependents(tree: usize, picked: &mut Picked, all: &[Difference], applied: &mut Applied) {
    let left: BTreeSet<AbsPath> = applied
        .left
        .iter()
        .filter(|(difference, _)| difference.tree == tree)
        .map(|(difference, _)| difference.change.path.clone())
        .collect();
    if left.is_empty() {
        return;
    }
    let above = |path: &AbsPath| ancestors(path).any(|here| left.contains(&here));
    let holding: BTreeSet<AbsPath> = left.iter().flat_map(ancestors).collect();
    let (kept, dropped): (Vec<Change>, Vec<Change>) =
        std::mem::take(&mut picked.changes).into_iter().partition(|change| {
            let goes = change.before.as_ref().is_some_and(|before| before.kind == Kind::Directory)
                && change.after.as_ref().is_none_or(|after| after.kind != Kind::Directory);
            let holds_left = goes && holding.contains(&change.path);
            !(above(&change.path) || holds_left)
        });
    picked.changes = kept;
    let dropped: BTreeSet<AbsPath> = dropped.into_iter().map(|change| change.path).collect();
    let of_tree =
        all.iter().filter(|difference| difference.tree == tree && dropped.contains(&difference.change.path));
    applied
        .left
        .extend(of_tree.map(|difference| (difference.clone(), "something that it hangs on was left".into())));
}

/// The directories that hold a path, the innermost first.
fn ancestors(path: &AbsPath) -> impl Iterator<Item = AbsPath> + use<> {
    std::iter::successors(path.parent(), AbsPath::parent)
}

fn finish_interrupted(
    layer: &Layer,
    policy: &Policy,
    applied: &mut Applied,
    watch: &mut impl Watch,
) -> Result<(), Error> {
    if !interrupted(layer)? {
        return Ok(());
    }
    let all = inspect(layer, policy, false)?;
    for number in 0..layer.record.trees.len() {
        let Some(pending) = layer.pending(number)? else { continue };
        let mut picked = Picked { changes: Vec::new(), overwrite: pending.begun.overwrite.clone() };
        let mut still = BTreeSet::new();
        for difference in all.list.iter().filter(|difference| difference.tree == number) {
            let path = &difference.change.path;
            let fits = difference.standing == Standing::AsBefore || picked.overwrite.contains(path);
            if pending.begun.paths.contains(path) && fits {
                picked.changes.push(difference.change.clone());
            } else {
                still.insert(path.clone());
            }
        }
        still.extend(picked.changes.iter().map(|change| change.path.clone()));
        note_applied(layer, number, pending.begun.paths.difference(&still))?;
        place(layer, number, picked, &all.anchors, applied, watch)?;
    }
    Ok(())
}

/// Throws a layer away, with what an interrupted apply had written beside its tree.
///
/// # Errors
/// The layer is in use, or cannot be removed.
pub fn discard(layer: Layer) -> Result<(), Error> {
    let held = layer.hold()?;
    for (number, tree) in layer.record.trees.iter().enumerate() {
        // A journal that is not understood is one, too. A tree that is gone has nothing left beside it.
        let was_begun = layer.pending(number).map_or(true, |pending| pending.is_some());
        if was_begun && let Ok(mut target) = layer.tree(tree) {
            tidy(&mut target, &layer.record.id)
                .map_err(Error::os("remove what an interrupted apply left"))?;
        }
    }
    layer.remove(held)
}

/// Puts the chosen changes of one tree in place.
fn place(
    layer: &Layer,
    number: usize,
    picked: Picked,
    anchors: &HashMap<(usize, (u64, u64)), AbsPath>,
    applied: &mut Applied,
    watch: &mut impl Watch,
) -> Result<(), Error> {
    let Picked { changes, overwrite } = picked;
    let (mut target, mut source) = (layer.tree(&layer.record.trees[number])?, layer.upper(number)?);
    let (journal, path) = (layer.open_journal(number)?, layer.store(number).join(JOURNAL));
    let paths = changes.iter().map(|change| change.path.clone()).collect();
    let begun = Line::Begun(Begun { tree: number, paths, overwrite });
    append(&journal, &path, &begun)?;
    let times = times(&mut target, &mut source, &changes)?;
    let journal = OwnedFd::from(journal);
    let of_tree = anchors.iter().filter(|((tree, _), _)| *tree == number);
    let mut placer = Placer {
        target: &mut target,
        source: &mut source,
        watch,
        journal: &journal,
        id: &layer.record.id,
        links: of_tree.map(|((_, object), path)| (*object, path.clone())).collect(),
        plain_modes: layer.is_roots(),
    };
    let placed = placer.place(&changes, &order(&changes)).and_then(|()| placer.times(&times));
    if let Err(obstacle) = placed {
        // What was written beside the tree is written again when this goes on.
        let _as_it_is = tidy(&mut target, &layer.record.id);
        applied.obstacle = Some(obstacle.to_string());
        return Ok(());
    }
    note_applied(layer, number, changes.iter().map(|change| &change.path))?;
    append(&File::from(journal), &path, &Line::Ended)?;
    fs::remove_file(&path).map_err(|error| file_error("remove", &path, &error))?;
    applied.placed += changes.len();
    Ok(())
}

/// The times of the directories whose names change: those that they have in the layer, and the root's own, which garth's
/// directory changes.
fn times(target: &mut Root, source: &mut Root, changes: &[Change]) -> Result<Vec<(AbsPath, Time)>, Error> {
    let mut parents: BTreeSet<AbsPath> = changes.iter().filter_map(|change| change.path.parent()).collect();
    let look = |root: &mut Root, path: &AbsPath| {
        let seen = root.look(path).map_err(Error::os("look at the layer"))?;
        Ok::<_, Error>(seen.map(|seen| seen.entry).filter(|entry| entry.kind == Kind::Directory))
    };
    let mut times = Vec::new();
    let root = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
    if !parents.contains(&root)
        && let Some(entry) = look(target, &root)?
    {
        times.push((root.clone(), entry.modified));
    }
    while let Some(path) = parents.pop_last() {
        times.extend(look(source, &path)?.map(|entry| (path, entry.modified)));
    }
    Ok(times)
}

fn append(file: &File, path: &Path, line: &Line) -> Result<(), Error> {
    let mut writer = file;
    writer
        .write_all(line.text().as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(|error| file_error("write", path, &error))
}

fn note_applied<'p>(
    layer: &Layer,
    number: usize,
    paths: impl Iterator<Item = &'p AbsPath>,
) -> Result<(), Error> {
    let path = layer.store(number).join(APPLIED);
    let mut text = Vec::new();
    for name in paths {
        serde_json::to_writer(&mut text, name).map_err(|error| file_error("write", &path, &error.into()))?;
        text.push(b'\n');
    }
    if text.is_empty() {
        return Ok(());
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_data()))
        .map_err(|error| file_error("write", &path, &error))
}

impl Layer {
    fn open_journal(&self, tree: usize) -> Result<File, Error> {
        let path = self.store(tree).join(JOURNAL);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        file.map_err(|error| file_error("open", &path, &error))
    }
}
