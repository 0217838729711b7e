//! What is said of a command's changes that are kept from being final.

use crate::show::HINT;
use crate::verbs::undo::revert::size;
use garth::policy::{AbsPath, escape_visible};
use garth::undo::LayerEnd;
use garth::{Ended, Prepared};
use std::io::{self, Write};

/// Tells of the checkpoint that was made, and what of the workspace it does not hold.
pub fn checkpoint(prepared: &Prepared, out: &mut impl Write) -> io::Result<()> {
    if let Some(why) = prepared.without_layer() {
        let why = escape_visible(why.as_bytes());
        writeln!(out, "garth: a layer cannot be had, so there is a checkpoint in its place: {why}")?;
    }
    let Some(record) = prepared.checkpoint_made() else { return Ok(()) };
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

/// At the end: the layer, or a checkpoint that nobody was told of before.
pub fn summary(prepared: &Prepared, ended: &Ended, was_told: bool, out: &mut impl Write) -> io::Result<()> {
    if !was_told {
        checkpoint(prepared, out)?;
    }
    match &ended.layer {
        Some(layer) => layer_summary(layer, out),
        None => Ok(()),
    }
}

/// What is in the layer, and what can be done with it.
fn layer_summary(layer: &LayerEnd, out: &mut impl Write) -> io::Result<()> {
    let LayerEnd { id, changes } = layer;
    if *changes == 0 {
        return writeln!(out, "garth: nothing was changed in the workspace");
    }
    writeln!(out, "garth: {changes} changes are in the layer {id}, and the workspace is as it was")?;
    writeln!(out, "{HINT}hint:{HINT:#} garth diff {id}, garth apply {id}, garth discard {id}")
}
