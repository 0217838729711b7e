//! What is said of a checkpoint when it was made.

use super::revert::size;
use garth::policy::{AbsPath, escape_visible};
use garth::undo::CheckpointRecord;
use std::io::{self, Write};

/// Tells of the checkpoint that was made, and what of the workspace it does not hold.
/// `without_layer` says why it stands in for a layer.
pub fn checkpoint(
    made: Option<&CheckpointRecord>,
    without_layer: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    if let Some(why) = without_layer {
        let why = escape_visible(why.as_bytes());
        writeln!(out, "garth: a layer cannot be had, so there is a checkpoint in its place: {why}")?;
    }
    let Some(record) = made else { return Ok(()) };
    let (id, entries, bytes) = (&record.id, record.entries, size(record.bytes));
    writeln!(out, "garth: the checkpoint {id} holds {entries} names, {bytes}; `garth undo` goes back to it")?;
    left_out("not in it, by a pattern or for their size", &record.left_out, out)
}

/// Names that are not kept: the first of them, and how many.
pub fn left_out(what: &str, names: &[AbsPath], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let shown = names.iter().take(3).map(|path| path.as_bytes().strip_prefix(b"/").unwrap_or_default());
    let shown: Vec<String> = shown.map(escape_visible).collect();
    let dots = if names.len() > shown.len() { ", ..." } else { "" };
    writeln!(out, "garth: {what}: {} names ({}{dots})", names.len(), shown.join(", "))
}
