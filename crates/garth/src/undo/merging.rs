//! Texts that both sides of a conflict were put together to.

use super::file_error;
use super::layers::Layer;
use super::own::{make_private, write_whole};
use super::trusted::trusted;
use crate::Error;
use garth_host::OsError;
use garth_host::error::Context;
use garth_host::linux::undo::place::Source;
use garth_host::linux::undo::{Root, clock, content};
use garth_policy::{AbsPath, Policy};
use garth_undo::{Change, Kind};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

const MERGED: &str = "merged";

/// Where the contents of an apply come from: the layer, or a text that was put together.
pub(super) struct Contents {
    pub layer: Root,
    pub merged: BTreeMap<AbsPath, PathBuf>,
}

impl Source for Contents {
    fn content(&mut self, path: &AbsPath) -> Result<OwnedFd, OsError> {
        match self.merged.get(path) {
            Some(file) => Context::on(File::open(file).map(OwnedFd::from), "open the merged text of", path),
            None => self.layer.content(path),
        }
    }
}

/// The change that puts a merged text in place. The text has a time of its own: it is newer than both sides.
pub(super) fn merged_change(change: &Change, length: u64) -> Change {
    let mut change = change.clone();
    if let Some(after) = &mut change.after {
        (after.size, after.modified, after.names) = (length, clock::now(), 1);
    }
    change.same_content = false;
    change
}

/// Why a merged text cannot be put in place; `None` if it can. What the host would trust of the layer's text was asked
/// for; what it would trust of both together, and of neither alone, was not.
pub(super) fn refused(
    policy: &Policy,
    (tree, change): (&AbsPath, &Change),
    layer_is_trusted: bool,
    (lower, text): (&mut Root, &[u8]),
) -> Option<String> {
    let is_file =
        |entry: &Option<garth_undo::Entry>| entry.as_ref().is_some_and(|entry| entry.kind == Kind::File);
    if !(is_file(&change.before) && is_file(&change.after)) {
        return Some("only the texts of two files can be put together".into());
    }
    let outside = lower.open_file(&change.path).ok();
    let outside =
        outside.and_then(|file| content::read_short(&file, garth_undo::LONGEST_TEXT).ok().flatten());
    let found = trusted(policy, tree, change, || (outside, Some(text.to_vec())));
    found.filter(|_| !layer_is_trusted)
}

impl Layer {
    fn merged_file(&self, tree: usize, number: u64) -> PathBuf {
        self.store(tree).join(MERGED).join(number.to_string())
    }

    /// Keeps a merged text until it is in place, so that an interrupted apply can go on.
    pub(super) fn keep_merged(&self, tree: usize, number: u64, text: &[u8]) -> Result<(), Error> {
        make_private(&self.store(tree).join(MERGED))?;
        write_whole(&self.merged_file(tree, number), text)
    }

    /// The merged text of this number; `None` if it is gone.
    pub(super) fn merged_text(&self, tree: usize, number: u64) -> Option<Vec<u8>> {
        fs::read(self.merged_file(tree, number)).ok()
    }

    /// The files of merged texts.
    pub(super) fn merged_files(
        &self,
        tree: usize,
        merged: &BTreeMap<AbsPath, u64>,
    ) -> BTreeMap<AbsPath, PathBuf> {
        let file = |(path, number): (&AbsPath, &u64)| (path.clone(), self.merged_file(tree, *number));
        merged.iter().map(file).collect()
    }

    /// Removes the merged texts of a tree, which are in place.
    pub(super) fn forget_merged(&self, tree: usize) -> Result<(), Error> {
        let path = self.store(tree).join(MERGED);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(file_error("remove", &path, &error))
            }
            _ => Ok(()),
        }
    }
}
