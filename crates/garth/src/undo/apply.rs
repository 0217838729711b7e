//! Putting a layer in place.

use super::checkpoints::{Checkpoints, Names};
use super::differences::{Difference, Differences, inspect};
use super::layers::Layer;
use super::replaced::is_as_kept;
use super::{file_error, merging};
use crate::Error;
use garth_host::linux::undo::place::{Placer, Watch, closed_for, tidy};
use garth_host::linux::undo::{Root, content};
use garth_policy::{AbsPath, Policy};
use garth_undo::{Begun, Change, CheckpointRecord, Kind, Line, Standing, Time, Tree, order, select, without};
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

/// Why a directory with names that were not looked at stays in the layer.
const TOO_LONG: &str = "it holds names whose paths are longer than 4096 bytes";

/// What to do with one difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Put it in place, whatever stands against it.
    Place,
    /// Put this text in place, to which both sides were put together.
    Merge(Vec<u8>),
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
#[derive(Clone, Debug)]
pub struct Order {
    /// Paths, absolute; all if there are none.
    pub paths: Vec<AbsPath>,
    /// Where what is replaced is kept.
    pub checkpoints: Checkpoints,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Applied {
    /// Names that are in place now.
    pub placed: usize,
    /// What stays in the layer, each with the reason.
    pub left: Vec<(Difference, String)>,
    /// The checkpoints of what was replaced: one, and another one of what an interrupted apply had begun.
    pub checkpoints: Vec<CheckpointRecord>,
    /// Places of which the content that was replaced is not kept, for its size.
    pub not_kept: Vec<AbsPath>,
    /// Directories of the layer that hold names too long to be looked at, and so stay in it.
    pub beyond: Vec<AbsPath>,
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
    finish_interrupted(&layer, policy, &order.checkpoints, &mut applied, watch)?;
    if applied.obstacle.is_some() {
        return Ok(applied);
    }
    let all = inspect(&layer, policy, false)?;
    let total = all.list.len();
    let holds =
        |number: usize| layer.record.trees.get(number).and_then(|tree| wanted_in(&tree.path, &order.paths));
    let beyond = all.beyond.iter().filter(|(number, path)| {
        holds(*number)
            .is_some_and(|wanted| wanted.is_empty() || wanted.iter().any(|part| path.starts_with(part)))
    });
    applied.beyond = beyond.map(|(_, path)| path.clone()).collect();
    let whole = all.beyond.is_empty();
    let mut chosen = chosen(&layer, policy, all, order, choose, &mut applied)?;
    let changes = chosen.trees.iter().map(|(number, picked)| (*number, picked.changes.as_slice())).collect();
    let kept = order.checkpoints.keep_replaced(&layer, &changes)?;
    let checkpoint = kept.record.as_ref().map(|record| record.id.clone());
    applied.checkpoints.extend(kept.record);
    applied.not_kept = kept.left_out;
    let before = applied.placed;
    for number in 0..layer.record.trees.len() {
        let Some(mut picked) = chosen.trees.remove(&number) else { continue };
        picked.checkpoint.clone_from(&checkpoint);
        place(&layer, number, picked, &chosen.anchors, &mut applied, watch)?;
        if applied.obstacle.is_some() {
            return Ok(applied);
        }
    }
    if applied.left.is_empty() && whole && applied.placed - before == total {
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
    /// Numbers of merged texts.
    merged: BTreeMap<AbsPath, u64>,
    /// The checkpoint of what stands there.
    checkpoint: Option<String>,
    /// The times that an interrupted apply was to give directories at its end.
    times: BTreeMap<AbsPath, Time>,
    /// Their modes, where it had opened them.
    modes: BTreeMap<AbsPath, u32>,
}

struct Chosen {
    trees: BTreeMap<usize, Picked>,
    anchors: HashMap<(usize, (u64, u64)), AbsPath>,
}

fn chosen(
    layer: &Layer,
    policy: &Policy,
    mut all: Differences,
    order: &Order,
    choose: &mut dyn Choose,
    applied: &mut Applied,
) -> Result<Chosen, Error> {
    let anchors = std::mem::take(&mut all.anchors);
    let mut chosen = Chosen { trees: BTreeMap::new(), anchors };
    for (number, tree) in layer.record.trees.iter().enumerate() {
        let of_tree = all.list.iter().filter(|difference| difference.tree == number);
        let wanted = wanted_in(&tree.path, &order.paths);
        let Some(wanted) = wanted else { continue };
        let changes = select(of_tree.clone().map(|difference| difference.change.clone()).collect(), &wanted);
        let selected: BTreeSet<&AbsPath> = changes.iter().map(|change| &change.path).collect();
        let mut picked = Picked::default();
        for difference in of_tree.filter(|difference| selected.contains(&difference.change.path)) {
            if all.beyond.contains(&(number, difference.change.path.clone())) {
                applied.left.push((difference.clone(), TOO_LONG.into()));
                continue;
            }
            let left = match choose.choose(layer, difference)? {
                Choice::Place => picked.take(difference),
                Choice::Merge(text) => picked.merge(layer, policy, difference, &text)?,
                Choice::Leave => Some(why_left(difference)),
                Choice::Stop => return Ok(Chosen { trees: BTreeMap::new(), anchors: HashMap::new() }),
            };
            applied.left.extend(left.map(|why| (difference.clone(), why)));
        }
        leave_dependents(number, &mut picked, &all, applied);
        if !picked.changes.is_empty() {
            chosen.trees.insert(number, picked);
        }
    }
    Ok(chosen)
}

impl Picked {
    /// Takes a change as it is in the layer; why not, if it cannot be made.
    fn take(&mut self, difference: &Difference) -> Option<String> {
        let why = cannot_be_made(&difference.change);
        if why.is_none() {
            if difference.standing != Standing::AsBefore {
                self.overwrite.insert(difference.change.path.clone());
            }
            self.changes.push(difference.change.clone());
        }
        why
    }

    /// Takes a change with a text in place of the layer's; why not, if that cannot be.
    fn merge(
        &mut self,
        layer: &Layer,
        policy: &Policy,
        difference: &Difference,
        text: &[u8],
    ) -> Result<Option<String>, Error> {
        let (change, tree) = (&difference.change, &layer.record.trees[difference.tree]);
        let mut lower = layer.tree(tree)?;
        let (asked, content) = (difference.trusted.is_some(), (&mut lower, text));
        if let Some(why) = merging::refused(policy, (&tree.path, change), asked, content) {
            return Ok(Some(why));
        }
        let number = self.merged.len() as u64;
        layer.keep_merged(difference.tree, number, text)?;
        self.merged.insert(change.path.clone(), number);
        self.overwrite.insert(change.path.clone());
        self.changes.push(merging::merged_change(change, text.len() as u64));
        Ok(None)
    }
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

/// What is left keeps what it needs.
fn leave_dependents(tree: usize, picked: &mut Picked, all: &Differences, applied: &mut Applied) {
    let of_tree = applied.left.iter().filter(|(difference, _)| difference.tree == tree);
    let mut left: BTreeSet<AbsPath> = of_tree.map(|(difference, _)| difference.change.path.clone()).collect();
    left.extend(all.beyond.iter().filter(|(number, _)| *number == tree).map(|(_, path)| path.clone()));
    let (kept, dropped) = without(std::mem::take(&mut picked.changes), &left);
    picked.changes = kept;
    let dropped: BTreeSet<AbsPath> = dropped.into_iter().map(|change| change.path).collect();
    let of_tree = all.list.iter().filter(|difference| difference.tree == tree);
    let of_tree = of_tree.filter(|difference| dropped.contains(&difference.change.path));
    applied
        .left
        .extend(of_tree.map(|difference| (difference.clone(), "something that it hangs on was left".into())));
}

fn finish_interrupted(
    layer: &Layer,
    policy: &Policy,
    checkpoints: &Checkpoints,
    applied: &mut Applied,
    watch: &mut impl Watch,
) -> Result<(), Error> {
    if !interrupted(layer)? {
        return Ok(());
    }
    let all = inspect(layer, policy, false)?;
    for number in 0..layer.record.trees.len() {
        let Some(pending) = layer.pending(number)? else { continue };
        let begun = pending.begun;
        let kept = checkpoints.kept_of(begun.checkpoint.as_deref(), &layer.record.trees[number].path)?;
        let mut picked = Picked {
            overwrite: begun.overwrite.clone(),
            merged: begun.merged.clone(),
            checkpoint: begun.checkpoint.clone(),
            times: begun.times.clone(),
            modes: begun.modes.clone(),
            ..Picked::default()
        };
        let mut still = BTreeSet::new();
        for difference in all.list.iter().filter(|difference| difference.tree == number) {
            let path = &difference.change.path;
            match goes_on(layer, &begun, &kept, difference)? {
                Rest::Now(change) => picked.changes.push(change),
                Rest::Done => continue,
                Rest::Later => {}
            }
            still.insert(path.clone());
        }
        note_applied(layer, number, begun.paths.difference(&still))?;
        if let Some(id) = &begun.checkpoint
            && applied.checkpoints.iter().all(|known| known.id != *id)
        {
            applied.checkpoints.extend(checkpoints.record_of(id)?);
        }
        place(layer, number, picked, &all.anchors, applied, watch)?;
    }
    Ok(())
}

/// What is left to do of a change that an interrupted apply spoke of, or did not.
enum Rest {
    Now(Change),
    /// It is in place.
    Done,
    /// It has to be asked for anew.
    Later,
}

fn goes_on(layer: &Layer, begun: &Begun, kept: &Names, difference: &Difference) -> Result<Rest, Error> {
    let (change, path) = (&difference.change, &difference.change.path);
    if !begun.paths.contains(path) {
        return Ok(Rest::Later);
    }
    // What was overwritten by choice was that which is kept; what stands there since is another thing.
    let is_as_chosen = begun.overwrite.contains(path) && is_as_kept(kept, path, change.before.as_ref());
    let Some(number) = begun.merged.get(path) else {
        let fits = difference.standing == Standing::AsBefore || is_as_chosen;
        return Ok(if fits { Rest::Now(change.clone()) } else { Rest::Later });
    };
    let Some(text) = layer.merged_text(difference.tree, *number) else { return Ok(Rest::Later) };
    let mut lower = layer.tree(&layer.record.trees[difference.tree])?;
    let present = lower.open_file(path).ok();
    let present = present.and_then(|file| content::read_short(&file, text.len() as u64).ok().flatten());
    Ok(match present {
        Some(present) if present == text => Rest::Done,
        _ if is_as_chosen => Rest::Now(merging::merged_change(change, text.len() as u64)),
        _ => Rest::Later,
    })
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
    let Picked { changes, overwrite, merged, checkpoint, times: earlier, modes: opened } = picked;
    let mut target = layer.tree(&layer.record.trees[number])?;
    let merged_files = layer.merged_files(number, &merged);
    let mut source = merging::Contents { layer: layer.upper(number)?, merged: merged_files };
    let (journal, path) = (layer.open_journal(number)?, layer.store(number).join(JOURNAL));
    let paths = changes.iter().map(|change| change.path.clone()).collect();
    let mut times = times(&mut target, &mut source.layer, &changes)?;
    times.extend(earlier);
    let mut modes = closed_for(&mut target, &changes).map_err(Error::os("look at the workspace"))?;
    modes.extend(opened);
    let (times_noted, modes_noted) = (times.clone(), modes.clone());
    let begun =
        Begun { tree: number, paths, overwrite, checkpoint, merged, times: times_noted, modes: modes_noted };
    append(&journal, &path, &Line::Begun(begun))?;
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
        recorded_owners: false,
        closed: modes,
        finished: 0,
    };
    let placed = placer.place(&changes, &order(&changes)).and_then(|()| placer.times(&times));
    let closed = placer.close();
    let (placed, finished) = (placed.and(closed), placer.finished);
    if let Err(obstacle) = placed {
        // What was written beside the tree is written again when this goes on.
        let _as_it_is = tidy(&mut target, &layer.record.id);
        applied.obstacle = Some(obstacle.to_string());
        applied.placed += finished;
        return Ok(());
    }
    note_applied(layer, number, changes.iter().map(|change| &change.path))?;
    append(&File::from(journal), &path, &Line::Ended)?;
    fs::remove_file(&path).map_err(|error| file_error("remove", &path, &error))?;
    layer.forget_merged(number)?;
    applied.placed += changes.len();
    Ok(())
}

/// The times of the directories whose names change: those that they have in the layer, and the root's own, which garth's
/// directory changes.
fn times(target: &mut Root, source: &mut Root, changes: &[Change]) -> Result<BTreeMap<AbsPath, Time>, Error> {
    let parents: BTreeSet<AbsPath> = changes.iter().filter_map(|change| change.path.parent()).collect();
    let look = |root: &mut Root, path: &AbsPath| {
        let seen = root.look(path).map_err(Error::os("look at the layer"))?;
        Ok::<_, Error>(seen.map(|seen| seen.entry).filter(|entry| entry.kind == Kind::Directory))
    };
    let mut times = BTreeMap::new();
    let root = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
    if !parents.contains(&root)
        && let Some(entry) = look(target, &root)?
    {
        times.insert(root.clone(), entry.modified);
    }
    for path in parents {
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
