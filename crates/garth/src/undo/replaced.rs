//! Keeping what an apply replaces, so that it can be taken back.

use super::checkpoints::{Checkpoint, Checkpoints, Keeping, Names};
use super::layers::Layer;
use super::revert::standing_at;
use crate::Error;
use garth_policy::AbsPath;
use garth_undo::{Change, CheckpointRecord, Entry, Kind};
use std::collections::BTreeMap;

/// What was kept of the trees of a layer.
#[derive(Default)]
pub(super) struct Replaced {
    /// That of the workspace; the others belong to it.
    pub record: Option<CheckpointRecord>,
    /// What was not kept for its size, by its place.
    pub left_out: Vec<AbsPath>,
}

impl Checkpoints {
    /// Keeps what stands at the names of these changes, by tree. The workspace, which is the first tree, always has a
    /// checkpoint: it is what `garth undo` looks for.
    pub(super) fn keep_replaced(
        &self,
        layer: &Layer,
        changes: &BTreeMap<usize, &[Change]>,
    ) -> Result<Replaced, Error> {
        let mut replaced = Replaced::default();
        if changes.values().all(|changes| changes.is_empty()) {
            return Ok(replaced);
        }
        let mut beside = Vec::new();
        let top = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
        for (number, tree) in layer.record.trees.iter().enumerate().rev() {
            let changes = changes.get(&number).copied().unwrap_or_default();
            if number > 0 && changes.is_empty() {
                continue;
            }
            let mut root = layer.tree(tree)?;
            let names = standing_at(&mut root, changes, std::iter::once(top.clone()))?;
            let before = format!("garth apply {}", layer.record.id);
            let keeping = Keeping { before, bounded: true, beside: std::mem::take(&mut beside) };
            let Checkpoint { record, .. } = self.keep(&mut root, &tree.path, names.into_iter(), keeping)?;
            let places = record.left_out.iter().filter_map(|path| tree.path.join(&path.as_bytes()[1..]).ok());
            replaced.left_out.extend(places);
            if number > 0 {
                beside.extend(record.beside.iter().cloned());
                beside.push(record.id);
            } else {
                replaced.record = Some(record);
            }
        }
        Ok(replaced)
    }

    /// What an interrupted apply had kept of a tree; nothing, where that is gone.
    pub(super) fn kept_of(&self, named: Option<&str>, tree: &AbsPath) -> Result<Names, Error> {
        let all = self.list()?;
        let Some(first) = all.iter().find(|known| Some(known.record.id.as_str()) == named) else {
            return Ok(Names::new());
        };
        let group = all.iter().filter(|known| {
            known.record.id == first.record.id || first.record.beside.contains(&known.record.id)
        });
        let mut group = group.filter(|known| known.record.tree.path == *tree);
        group.next().map_or_else(|| Ok(Names::new()), Checkpoint::names)
    }

    /// The record of a checkpoint by its whole name.
    pub(super) fn record_of(&self, id: &str) -> Result<Option<CheckpointRecord>, Error> {
        Ok(self.list()?.into_iter().map(|known| known.record).find(|record| record.id == id))
    }
}

/// Whether what stands at a name is what was kept of it.
pub(super) fn is_as_kept(names: &Names, path: &AbsPath, present: Option<&Entry>) -> bool {
    let Some(kept) = names.get(path) else { return false };
    match (&kept.entry, present) {
        (None, None) => true,
        (Some(was), Some(is)) => {
            is.is_untouched_since(was)
                || is.is_same_but_for_names(was)
                || (is.kind == Kind::Directory && was.kind == Kind::Directory)
        }
        _ => false,
    }
}
