//! What a layer would change now, and what stands against it.

use super::file_error;
use super::layers::Layer;
use super::settle::{Bases, Compared, base_of, compared};
use super::trusted::trusted;
use super::{Texts, Was};
use crate::Error;
use garth_host::linux::undo::{Root, content};
use garth_policy::{AbsPath, Policy};
use garth_undo::{Base, Change, Entry, Kind, Pending, Standing, is_text, read_pending, standing};
use std::collections::{BTreeSet, HashMap};
use std::fs;

/// One thing that a layer would change.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The tree, by its number in the layer's record.
    pub tree: usize,
    /// The change.
    pub change: Change,
    /// Whether what stands there is what the change was made from.
    pub standing: Standing,
    /// Why it needs a yes of its own: the host would run or trust it, or the policy hides it.
    pub trusted: Option<String>,
}

impl Difference {
    /// Where it is.
    #[must_use]
    pub fn place(&self, layer: &Layer) -> String {
        let tree = layer.record.trees.get(self.tree).map(|tree| tree.path.clone());
        tree.and_then(|tree| tree.join(&self.change.path.as_bytes()[1..]).ok())
            .map_or_else(|| self.change.path.to_string(), |path| path.to_string())
    }
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Differences {
    /// In the order of the trees and of the paths in them.
    pub list: Vec<Difference>,
    /// The sandbox still runs, so there will be more.
    pub running: bool,
    /// Directories, by tree, that hold names too long to be looked at ([`garth_undo::LONGEST_PATH`]). They are never put in
    /// place.
    pub beyond: BTreeSet<(usize, AbsPath)>,
    /// Names that another one of the layer is a hard link to and whose content is as it was, by tree and object.
    pub(super) anchors: HashMap<(usize, (u64, u64)), AbsPath>,
}

/// What a layer would change now.
///
/// # Errors
/// A tree that is not what the layer was made over, or cannot be read.
pub fn differences(layer: &Layer, policy: &Policy) -> Result<Differences, Error> {
    let running = layer.is_busy();
    if !running {
        layer.settle(&mut |_, _| {})?;
    }
    inspect(layer, policy, running)
}

/// As [`differences`], for somebody who holds the layer.
pub(super) fn inspect(layer: &Layer, policy: &Policy, running: bool) -> Result<Differences, Error> {
    let (list, beyond, anchors) = (Vec::new(), BTreeSet::new(), HashMap::new());
    let mut all = Differences { list, running, beyond, anchors };
    for (number, tree) in layer.record.trees.iter().enumerate() {
        let (mut lower, mut upper) = (layer.tree(tree)?, layer.upper(number)?);
        let known = Known {
            bases: if running { None } else { layer.bases(number)? },
            applied: layer.applied(number)?,
            pending: layer.pending(number)?.unwrap_or_default(),
        };
        let Compared { changes, beyond, anchors } = compared(&mut lower, &mut upper)?;
        all.beyond.extend(beyond.into_iter().map(|path| (number, path)));
        all.anchors.extend(anchors.into_iter().map(|(object, path)| ((number, object), path)));
        for change in changes {
            let Some(standing) = known.standing(layer, &change, &mut lower) else { continue };
            let contents = || (text_of(&mut lower, &change.path), text_of(&mut upper, &change.path));
            let trusted = trusted(policy, &tree.path, &change, contents);
            all.list.push(Difference { tree: number, change, standing, trusted });
        }
    }
    Ok(all)
}

/// What is known of a tree beside what can be seen.
struct Known {
    bases: Option<Bases>,
    applied: BTreeSet<AbsPath>,
    pending: Pending,
}

impl Known {
    /// How a change stands; `None` if it is none of the layer's.
    fn standing(&self, layer: &Layer, change: &Change, lower: &mut Root) -> Option<Standing> {
        if self.applied.contains(&change.path) {
            return None;
        }
        let was_begun = self.pending.touched.contains(&change.path);
        // A file of the same content was about to get its mode and the like, and has perhaps a part of that.
        let is_halfway = |before: &Entry| before.kind == Kind::Directory || change.same_content;
        if was_begun && change.before.as_ref().is_none_or(is_halfway) {
            return Some(Standing::AsBefore);
        }
        if change.is_of_times_alone() {
            return Some(Standing::AsBefore);
        }
        let digest = |lower: &mut Root| {
            lower.open_file(&change.path).ok().and_then(|file| content::digest(&file).ok())
        };
        let judge = |base: &Base, lower: &mut Root| standing(base, change.before.as_ref(), || digest(lower));
        let Some(bases) = &self.bases else {
            let base = base_of(lower, change, layer.record.started).ok()?;
            return Some(judge(&base, lower));
        };
        match bases.get(&change.path) {
            Some(base) => Some(judge(base, lower)),
            // Made outside, in a directory that goes.
            None if change.after.is_none() => Some(Standing::Moved("it was made outside since")),
            // The layer made no difference when stock was taken, so this one was made outside.
            None => None,
        }
    }
}

/// The content of a small file.
fn text_of(root: &mut Root, path: &AbsPath) -> Option<Vec<u8>> {
    let file = root.open_file(path).ok()?;
    content::read_short(&file, garth_undo::LONGEST_TEXT).ok().flatten()
}

/// Reads the texts of differences.
#[derive(Debug)]
pub struct Reader<'l> {
    layer: &'l Layer,
    trees: Vec<(Root, Root, Option<Bases>)>,
}

impl<'l> Reader<'l> {
    /// Opens a layer and its trees.
    ///
    /// # Errors
    /// One that cannot be opened.
    pub fn new(layer: &'l Layer) -> Result<Self, Error> {
        let open = |(number, tree)| Ok((layer.tree(tree)?, layer.upper(number)?, layer.bases(number)?));
        let trees = layer.record.trees.iter().enumerate().map(open).collect::<Result<_, Error>>()?;
        Ok(Self { layer, trees })
    }

    /// The texts of a difference of this layer.
    pub fn texts(&mut self, difference: &Difference) -> Texts {
        let Some((lower, upper, bases)) = self.trees.get_mut(difference.tree) else {
            return Texts::default();
        };
        let path = &difference.change.path;
        let base = bases.as_ref().and_then(|bases| bases.get(path));
        let text = |bytes: Vec<u8>| is_text(&bytes).then_some(bytes);
        let (before, after) = (&difference.change.before, &difference.change.after);
        let was = base
            .filter(|base| base.clean)
            .map_or(Was::Unknown, |base| base.entry.clone().map_or(Was::Nothing, Was::Something));
        Texts {
            was,
            base: base.and_then(|base| self.layer.base_text(difference.tree, base)),
            outside: before.as_ref().and_then(|_| text_of(lower, path)).and_then(text),
            layer: after.as_ref().and_then(|_| text_of(upper, path)).and_then(text),
        }
    }
}

impl Layer {
    /// Names that were put in place.
    fn applied(&self, tree: usize) -> Result<BTreeSet<AbsPath>, Error> {
        let path = self.store(tree).join(super::apply::APPLIED);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            other => other.map_err(|error| file_error("read", &path, &error))?,
        };
        // The last line may be cut short by a crash; then its name is compared again, and found in place.
        Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// What was being put in place when that was interrupted.
    pub(super) fn pending(&self, tree: usize) -> Result<Option<Pending>, Error> {
        let path = self.store(tree).join(super::apply::JOURNAL);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| file_error("read", &path, &error))?,
        };
        read_pending(&text).map_err(|line| Error::Undo {
            what: format!("{}:{line}: not understood", path.display()),
            why: "the journal of an interrupted apply was changed".into(),
            hint: "remove the file; what it was about is compared anew".into(),
        })
    }
}
