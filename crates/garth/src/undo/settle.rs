//! Taking stock of a layer: what it changes, and what that was made from.

use super::file_error;
use super::layers::Layer;
use super::own::{make_private, write_whole};
use crate::Error;
use garth_host::linux::undo::{Root, clock, content};
use garth_policy::AbsPath;
use garth_undo::{Base, Change, Kind, Time, Tree, is_text};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

/// The longest text of which a copy is kept, and all copies together, in bytes.
const COPIES: (u64, u64) = (1024 * 1024, 64 * 1024 * 1024);
/// As much is read of the files that the layer removes, which can be many: of the others the look at them has to do.
const REMOVED: u64 = 4 * 1024 * 1024;

const BASE: &str = "base.jsonl";

/// One line.
#[derive(Serialize, Deserialize)]
struct Line {
    path: AbsPath,
    base: Base,
}

/// What a tree's layer changes, with what each was made from.
pub(super) type Bases = BTreeMap<AbsPath, Base>;

impl Layer {
    /// Takes stock of all trees, if that was not done, and shows what is found then. How many names are changed.
    pub(super) fn settle(&self, seen: &mut dyn FnMut(&AbsPath, &Change)) -> Result<usize, Error> {
        let mut count = 0;
        for number in 0..self.record.trees.len() {
            count += match self.bases(number)? {
                Some(bases) => bases.len(),
                None => self.settle_tree(number, seen)?,
            };
        }
        Ok(count)
    }

    fn settle_tree(&self, number: usize, seen: &mut dyn FnMut(&AbsPath, &Change)) -> Result<usize, Error> {
        let (mut lower, mut upper) = (self.tree(&self.record.trees[number])?, self.upper(number)?);
        let Compared { changes, beyond, .. } = compared(&mut lower, &mut upper)?;
        if !changes.is_empty() {
            upper.sync().map_err(Error::os("keep the layer"))?;
        }
        let may_be_cut = self.record.is_of_another_boot(clock::boot().as_deref());
        let directory = self.store(number).join("base");
        make_private(&directory)?;
        let (mut text, mut left) = (Vec::new(), Left { changed: COPIES.1, removed: REMOVED });
        for (copy, change) in changes.iter().enumerate() {
            seen(&self.record.trees[number].path, change);
            let mut base = base_of(&mut lower, change, self.record.started)?;
            base.lost = may_be_cut && change.after.as_ref().is_some_and(|after| after.kind == Kind::File);
            keep_content(&mut lower, change, &mut base, (&directory, copy as u64), &mut left)?;
            serde_json::to_writer(&mut text, &Line { path: change.path.clone(), base })
                .map_err(|error| file_error("write", &directory, &error.into()))?;
            text.push(b'\n');
        }
        write_whole(&self.store(number).join(BASE), &text)?;
        Ok(changes.len() + beyond.len())
    }

    /// What was written down of a tree; `None` if stock was not taken.
    pub(super) fn bases(&self, number: usize) -> Result<Option<Bases>, Error> {
        let path = self.store(number).join(BASE);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| file_error("read", &path, &error))?,
        };
        let mut bases = BTreeMap::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Line { path: name, base } =
                serde_json::from_slice(line).map_err(|error| file_error("read", &path, &error.into()))?;
            bases.insert(name, base);
        }
        Ok(Some(bases))
    }

    /// The text that a file had when the layer began, if it was kept.
    pub(super) fn base_text(&self, tree: usize, base: &Base) -> Option<Vec<u8>> {
        fs::read(self.store(tree).join("base").join(base.copy?.to_string())).ok()
    }
}

/// What stood at the name of a change when the sandbox began.
pub(super) fn base_of(lower: &mut Root, change: &Change, started: Time) -> Result<Base, Error> {
    let mut directory = None;
    if change.copied && change.before.is_none() {
        // What stands nearest above it says whether anything was taken away there.
        let mut next = change.path.parent();
        while let Some(path) = next.filter(|_| directory.is_none()) {
            let seen = lower.look(&path).map_err(Error::os("compare the layer with the workspace"))?;
            directory = seen.map(|seen| seen.entry.changed);
            next = path.parent();
        }
    }
    Ok(Base::of(change, started, directory))
}

/// Bytes of texts that may still be kept.
struct Left {
    changed: u64,
    removed: u64,
}

/// What of the content below is kept: what it was, for a file that has another one in the layer, or that it removes.
fn keep_content(
    lower: &mut Root,
    change: &Change,
    base: &mut Base,
    (directory, copy): (&Path, u64),
    left: &mut Left,
) -> Result<(), Error> {
    let Some(before) = change.before.as_ref().filter(|before| before.kind == Kind::File && base.clean) else {
        return Ok(());
    };
    let left = if change.after.is_none() { &mut left.removed } else { &mut left.changed };
    if change.same_content || (change.after.is_none() && before.size > COPIES.0.min(*left)) {
        return Ok(());
    }
    // What cannot be read has no digest: any later change of it is a conflict.
    let Ok(file) = lower.open_file(&change.path) else { return Ok(()) };
    let digest = content::digest(&file).ok();
    let copied = if before.size > COPIES.0.min(*left) { None } else { lower.open_file(&change.path).ok() };
    let text = copied.and_then(|file| content::read_short(&file, COPIES.0).ok().flatten());
    // What was read is what was seen only if nobody wrote to it meanwhile.
    let present = lower.look(&change.path).map_err(Error::os("compare the layer with the workspace"))?;
    if !present.is_some_and(|seen| seen.entry.is_untouched_since(before)) {
        base.clean = false;
        return Ok(());
    }
    base.digest = digest;
    let Some(text) = text.filter(|text| is_text(text)) else { return Ok(()) };
    *left = left.saturating_sub(text.len() as u64);
    let path = directory.join(copy.to_string());
    fs::write(&path, &text).map_err(|error| file_error("write", &path, &error))?;
    base.copy = Some(copy);
    Ok(())
}

/// The changes of a layer, contents compared.
pub(super) struct Compared {
    /// In the order of their paths. A file that was opened for writing and not changed is none.
    pub changes: Vec<Change>,
    /// Directories that hold names too long to be looked at.
    pub beyond: BTreeSet<AbsPath>,
    /// Files of the layer with further names whose content is that of the tree, by their objects.
    pub anchors: HashMap<(u64, u64), AbsPath>,
}

/// Compares a layer with its tree.
pub(super) fn compared(lower: &mut Root, upper: &mut Root) -> Result<Compared, Error> {
    let found = garth_undo::changes(lower, upper).map_err(super::not_compared)?;
    let (changes, beyond) = (Vec::with_capacity(found.changes.len()), found.beyond);
    let mut compared = Compared { changes, beyond, anchors: HashMap::new() };
    for mut change in found.changes {
        if change.wants_content() {
            let (here, there) = (lower.open_file(&change.path), upper.open_file(&change.path));
            change.same_content = match (here, there) {
                (Ok(here), Ok(there)) => content::same(&here, &there).unwrap_or(false),
                _ => false,
            };
            let matters = !change.same_content || change.matters_with_same_content();
            // One that is written anew is another object than the one that stands there.
            let stays = change.same_content
                && (!matters || change.before.as_ref().is_some_and(|before| before.names == 1));
            if stays && let Some(after) = change.after.as_ref().filter(|after| after.names > 1) {
                compared.anchors.insert(after.object, change.path.clone());
            }
            if !matters {
                continue;
            }
        }
        compared.changes.push(change);
    }
    Ok(compared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_undo::{Standing, standing};

    /// A file that somebody writes to between the look at it and the reading of it has no content that could be trusted.
    #[test]
    fn what_is_changed_while_stock_is_taken_is_a_conflict() {
        let scratch = tempfile::tempdir().unwrap();
        let (lower, file) = (scratch.path().join("lower"), scratch.path().join("lower/f"));
        fs::create_dir(&lower).unwrap();
        fs::write(&file, "0\n").unwrap();
        let mut root = Root::open(&AbsPath::posix(lower.to_str().unwrap()).unwrap()).unwrap();
        let path = AbsPath::posix("/f").unwrap();
        let before = root.look(&path).unwrap().unwrap().entry;
        let after = garth_undo::Entry { object: (0, 0), ..before.clone() };
        let later = Time { seconds: before.changed.seconds + 1, nanos: 0 };
        let kept = |root: &mut Root| {
            let (before, after) = (Some(before.clone()), Some(after.clone()));
            let change = Change { path: path.clone(), before, after, copied: true, same_content: false };
            let mut base = Base::of(&change, later, None);
            keep_content(
                root,
                &change,
                &mut base,
                (scratch.path(), 1),
                &mut Left { changed: 100, removed: 100 },
            )
            .unwrap();
            base
        };
        let base = kept(&mut root);
        assert!(base.clean && base.digest.is_some() && base.copy == Some(1));
        // Another content of the same size, and a time that a program can set. The kernel's own clock goes on by then.
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        while root.look(&path).unwrap().unwrap().entry.changed == before.changed {
            fs::write(&file, "3\n").unwrap();
            fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        }
        let base = kept(&mut root);
        assert!(!base.clean && base.digest.is_none() && base.copy.is_none());
        let present = root.look(&path).unwrap().unwrap().entry;
        let stands = standing(&base, Some(&present), || content::digest(root.open_file(&path).unwrap()).ok());
        assert!(matches!(stands, Standing::Moved(_)), "{stands:?}");
    }
}
