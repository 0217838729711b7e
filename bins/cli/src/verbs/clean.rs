//! `garth clean`.

use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::environment;
use garth::Closed;
use garth::log::io::Recovered;
use garth::policy::escape_visible;
use garth::undo::{Checkpoints, Layers};
use std::io::Write;

/// Undoes what killed sandboxes left behind. With `check`, only tells; exit code 1 if anything is left.
pub fn run(check: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let removing = Progress::new(if check { "looking for what is left" } else { "removing what is left" });
    let left = garth::clean(&environment(), check)?;
    drop(removing);
    for item in &left {
        let what = if check { "left" } else { "removed" };
        writeln!(out, "{what}: {}", escape_visible(item.as_bytes()))?;
    }
    let closed = if check { Vec::new() } else { garth::close_logs(&environment())? };
    for Closed { session, how } in &closed {
        match how {
            Recovered::Moved(file) => {
                writeln!(out, "closed the log of {session}; what was no record is in {file}")?;
            }
            Recovered::Bad(..) => writeln!(out, "not sound: garth verify {session}")?,
            _ => writeln!(out, "closed the log of {session}")?,
        }
    }
    let pruned = if check { garth::Pruned::default() } else { garth::prune_logs(&environment())? };
    for session in &pruned.removed {
        writeln!(out, "removed the log of {session}, as the policy says")?;
    }
    for (session, reason) in &pruned.spared {
        writeln!(out, "kept the log of {session}: {reason}")?;
    }
    if left.is_empty() && closed.is_empty() && pruned.removed.is_empty() {
        writeln!(out, "nothing is left of any sandbox")?;
    }
    // What the user asked to keep is no residue, and goes when he says so.
    let layers = Layers::of(&environment())?.list()?.len();
    let checkpoints = Checkpoints::of(&environment())?.list()?.len();
    if layers + checkpoints > 0 {
        writeln!(out, "kept: {layers} layers (garth layers), {checkpoints} checkpoints (garth checkpoints)")?;
    }
    Ok(u8::from(check && !left.is_empty()))
}
