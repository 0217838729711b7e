//! `garth clean`.

use crate::failure::Failure;
use crate::request::environment;
use garth::log::io::Recovered;
use garth::policy::escape_visible;
use garth::{Closed, Pruned};
use std::io::Write;

/// Undoes what killed sandboxes left behind. With `check`, only tells; exit code 1 if anything is left.
pub fn run(check: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let left = residue(check)?;
    for item in &left {
        let what = if check { "left" } else { "removed" };
        writeln!(out, "{what}: {}", escape_visible(item.as_bytes()))?;
    }
    let has_logs = !check && logs(out)?;
    if left.is_empty() && !has_logs {
        writeln!(out, "nothing is left of any sandbox")?;
    }
    kept(out)?;
    Ok(u8::from(check && !left.is_empty()))
}

#[cfg(target_os = "linux")]
fn residue(check: bool) -> Result<Vec<String>, Failure> {
    use crate::progress::Progress;
    let removing = Progress::new(if check { "looking for what is left" } else { "removing what is left" });
    let left = garth::clean(&environment(), check)?;
    drop(removing);
    Ok(left)
}

#[cfg(windows)]
fn kept(out: &mut dyn Write) -> Result<(), Failure> {
    let checkpoints = garth::undo::Checkpoints::of(&environment())?.list()?.len();
    if checkpoints > 0 {
        writeln!(out, "kept: {checkpoints} checkpoints (garth checkpoints)")?;
    }
    Ok(())
}

#[cfg(windows)]
fn residue(check: bool) -> Result<Vec<String>, Failure> {
    Ok(garth::windows::clean(&environment(), check)?)
}

/// Closes the logs that a crash left open, and removes those that are not kept; whether there was any.
fn logs(out: &mut dyn Write) -> Result<bool, Failure> {
    let closed = garth::close_logs(&environment())?;
    for Closed { session, how } in &closed {
        match how {
            Recovered::Moved(file) => {
                writeln!(out, "closed the log of {session}; what was no record is in {file}")?;
            }
            Recovered::Bad(..) => writeln!(out, "not sound: garth verify {session}")?,
            _ => writeln!(out, "closed the log of {session}")?,
        }
    }
    let Pruned { removed, spared } = garth::prune_logs(&environment())?;
    for session in &removed {
        writeln!(out, "removed the log of {session}, as the policy says")?;
    }
    for (session, reason) in &spared {
        writeln!(out, "kept the log of {session}: {reason}")?;
    }
    Ok(!closed.is_empty() || !removed.is_empty())
}

/// What the user asked to keep is no residue, and goes when he says so.
#[cfg(target_os = "linux")]
fn kept(out: &mut dyn Write) -> Result<(), Failure> {
    use garth::undo::{Checkpoints, Layers};
    let layers = Layers::of(&environment())?.list()?.len();
    let checkpoints = Checkpoints::of(&environment())?.list()?.len();
    if layers + checkpoints > 0 {
        writeln!(out, "kept: {layers} layers (garth layers), {checkpoints} checkpoints (garth checkpoints)")?;
    }
    Ok(())
}
