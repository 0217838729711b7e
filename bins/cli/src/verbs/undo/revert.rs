//! `garth undo` and `garth checkpoints`.

use crate::arguments::UndoArguments;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::{absolute, environment};
use crate::show::{HINT, PART};
use crate::table::{Cell, table};
use garth::policy::{AbsPath, escape_visible};
use garth::undo::{Change, Checkpoint, Checkpoints, Kind, Reversal, What, reversal};
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Goes back to a checkpoint.
pub fn undo(arguments: &UndoArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let environment = environment();
    let surroundings = garth::surroundings(None, &environment)?;
    let tree = &surroundings.context.workspace;
    let mut paths = Vec::new();
    for typed in &arguments.paths {
        let path = absolute(typed)?;
        let inside = path.strip_prefix(tree).and_then(|rest| AbsPath::posix([&b"/"[..], rest].concat()).ok());
        paths.push(inside.ok_or_else(|| {
            let why = "a checkpoint is of a workspace, and takes nothing else back";
            Failure::own(format!("{path} is not in {tree}"), why, "name a path in the workspace")
        })?);
    }
    let checkpoints = Checkpoints::of(&environment)?;
    let target = checkpoints.target(tree, arguments.to.as_deref())?;
    let reversal = reversal(target, &paths)?;
    if !arguments.yes && !arguments.json && !agreed(&reversal)? {
        return Ok(1);
    }
    let id = reversal.checkpoint().record.id.clone();
    let mut progress = Progress::new("taken back");
    let reverted = reversal.carry_out(&checkpoints, &mut progress)?;
    drop(progress);
    if arguments.json {
        let whole = serde_json::json!({
            "version": 1,
            "checkpoint": id,
            "placed": reverted.placed,
            "kept": reverted.kept,
            "obstacle": reverted.obstacle,
        });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{} changes were taken back, to the checkpoint {id}", reverted.placed)?;
        if let Some(kept) = &reverted.kept {
            writeln!(out, "{HINT}hint:{HINT:#} this is taken back itself by: garth undo --to {kept}")?;
        }
    }
    match reverted.obstacle {
        None => Ok(0),
        Some(obstacle) => Err(Failure::own(
            "the workspace is not as a whole what it was",
            obstacle,
            format!("nothing is lost: garth undo --to {id} goes on"),
        )),
    }
}

fn agreed(reversal: &Reversal) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::own(
            "undo changes the workspace, and there is nobody to ask",
            "standard input or standard error is no terminal",
            "say so: garth undo --yes",
        ));
    }
    let mut err = anstream::stderr();
    for change in &reversal.changes {
        writeln!(err, "{PART}{}{PART:#} {}", letter(change), name(change))?;
    }
    let record = &reversal.checkpoint().record;
    write!(
        err,
        "take these {} changes back, to before `{}`? [yes, no] ",
        reversal.changes.len(),
        record.before
    )?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// What undo does at a name.
fn letter(change: &Change) -> &'static str {
    match change.what() {
        What::Made => "restore",
        What::Removed => "remove ",
        _ => "change ",
    }
}

fn name(change: &Change) -> String {
    let bytes = change.path.as_bytes();
    let name = escape_visible(bytes.strip_prefix(b"/").unwrap_or(bytes));
    let entry = change.after.as_ref().or(change.before.as_ref());
    if entry.is_some_and(|entry| entry.kind == Kind::Directory) { format!("{name}/") } else { name }
}

/// Lists all checkpoints.
pub fn list(as_json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let found = Checkpoints::of(&environment())?.list()?;
    if as_json {
        let records: Vec<_> = found.iter().map(|checkpoint| &checkpoint.record).collect();
        serde_json::to_writer_pretty(
            &mut *out,
            &serde_json::json!({ "version": 1, "checkpoints": records }),
        )?;
        writeln!(out)?;
        return Ok(0);
    }
    if found.is_empty() {
        writeln!(out, "there are no checkpoints")?;
        return Ok(0);
    }
    let rows: Vec<[Cell; 5]> = found.iter().map(row).collect();
    table(["checkpoint", "age", "size", "workspace", "before"], &[3, 4], &rows, out)?;
    Ok(0)
}

fn row(checkpoint: &Checkpoint) -> [Cell; 5] {
    let record = &checkpoint.record;
    [
        Cell::plain(&record.id),
        Cell::plain(age(record.made.seconds)),
        Cell::plain(size(record.bytes)),
        Cell::plain(escape_visible(record.tree.path.as_bytes())),
        Cell::plain(&record.before),
    ]
}

/// How long ago a time was, in the largest unit that fits.
fn age(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let passed = now.saturating_sub(u64::try_from(seconds).unwrap_or(0));
    match passed {
        0..120 => format!("{passed} s"),
        120..7200 => format!("{} min", passed / 60),
        7200..172_800 => format!("{} h", passed / 3600),
        _ => format!("{} days", passed / 86_400),
    }
}

/// Bytes in the largest unit that fits.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
