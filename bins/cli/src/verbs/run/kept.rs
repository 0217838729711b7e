//! What is said of a command's changes that are kept from being final.

use crate::show::HINT;
use crate::verbs::undo::kept;
use crate::words::changes_are;
use garth::policy::escape_visible;
use garth::undo::LayerEnd;
use garth::{AgentEnd, Ended, Prepared};
use std::io::{self, Write};

/// At the end: the layer, or a checkpoint that nobody was told of before.
pub fn summary(prepared: &Prepared, ended: &Ended, was_told: bool, out: &mut impl Write) -> io::Result<()> {
    if !was_told {
        kept::checkpoint(prepared.checkpoint_made(), prepared.without_layer(), out)?;
    }
    agent(ended.agent.as_ref(), out)?;
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
    writeln!(out, "garth: {} in the layer {id}, and the workspace is as it was", changes_are(*changes))?;
    writeln!(out, "{HINT}hint:{HINT:#} garth diff {id}, garth apply {id}, garth discard {id}")
}

/// What should be known before the command starts: options that open nothing, and of the agent's login.
pub(super) fn notice(prepared: &Prepared, out: &mut impl Write) -> io::Result<()> {
    for (path, typed) in prepared.absent_grants() {
        writeln!(out, "garth: `{}` opens nothing: there is no {path}", escape_visible(typed.as_bytes()))?;
        writeln!(out, "{HINT}hint:{HINT:#} check the name, or make it before the start")?;
    }
    let Some((what, hint)) = prepared.agent_notice() else { return Ok(()) };
    writeln!(out, "garth: {what}")?;
    writeln!(out, "{HINT}hint:{HINT:#} {hint}")
}

/// What became of what the agent changed of its own, where it is worth a word.
fn agent(end: Option<&AgentEnd>, out: &mut impl Write) -> io::Result<()> {
    for (what, hint) in end.iter().flat_map(|end| &end.notes) {
        writeln!(out, "garth: {what}")?;
        if let Some(hint) = hint {
            writeln!(out, "{HINT}hint:{HINT:#} {hint}")?;
        }
    }
    Ok(())
}
