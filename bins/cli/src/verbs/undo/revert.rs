//! `garth undo` and `garth checkpoints`.

use super::patch::patch;
use super::{ask, too_long};
use crate::arguments::UndoArguments;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::{absolute, environment};
use crate::show::{HINT, PART};
use crate::table::{Cell, table};
use crate::words::changes;
use garth::policy::{AbsPath, escape_visible};
use garth::undo::{Change, Checkpoint, Checkpoints, Kind, Reversal, Reverted, What, reversal};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Goes back to a checkpoint, with those of other trees that belong to it. Exit code 1 if something was left by choice.
pub fn undo(arguments: &UndoArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let environment = environment();
    let surroundings = garth::surroundings(None, &environment)?;
    let policy = garth::files::load_policy(&surroundings, &environment, None, &[])?.policy;
    let tree = &surroundings.context.workspace;
    // What a sandbox put in the workspace is not the command's.
    #[cfg(windows)]
    garth::windows::settled(tree)?;
    let paths = paths_in(tree, &arguments.paths)?;
    let checkpoints = Checkpoints::of(&environment)?.within(&policy.undo);
    let target = checkpoints.target(tree, arguments.to.as_deref())?;
    // Paths name a part of the workspace alone.
    let beside = if paths.is_empty() { checkpoints.beside(&target)? } else { Vec::new() };
    let looking = Progress::unless(arguments.json, "comparing the workspace with the checkpoint");
    let mut group = vec![reversal(target, &paths)?];
    for checkpoint in beside {
        group.push(reversal(checkpoint, &[])?);
    }
    drop(looking);
    if arguments.interactive {
        attended("name the paths: garth undo --yes PATHS")?;
        if !asked(&mut group)? {
            return Ok(1);
        }
    } else if !arguments.yes && !arguments.json && !agreed(&group)? {
        return Ok(1);
    }
    let id = group[0].checkpoint().record.id.clone();
    let beyond: Vec<AbsPath> = group.iter().flat_map(|reversal| reversal.beyond.iter().cloned()).collect();
    let reverted = carry_out(group, &checkpoints, arguments.json)?;
    tell(arguments, &id, (reverted, &beyond), out)
}

/// Paths of the command line, as those in the workspace.
fn paths_in(tree: &AbsPath, typed: &[OsString]) -> Result<Vec<AbsPath>, Failure> {
    let mut paths = Vec::new();
    for typed in typed {
        let path = absolute(typed)?;
        let inside = path.strip_prefix(tree).and_then(|rest| {
            let slash = |byte: &u8| if cfg!(windows) && *byte == b'\\' { b'/' } else { *byte };
            let rest = rest.iter().map(slash).collect::<Vec<u8>>();
            AbsPath::posix([&b"/"[..], &rest].concat()).ok()
        });
        paths.push(inside.ok_or_else(|| {
            let why = "a checkpoint is of a workspace, and takes nothing else back";
            Failure::own(format!("{path} is not in {tree}"), why, "name a path in the workspace")
        })?);
    }
    Ok(paths)
}

/// Goes back: the other trees first, so that the workspace's new checkpoint can name theirs.
fn carry_out(
    mut group: Vec<Reversal>,
    checkpoints: &Checkpoints,
    as_json: bool,
) -> Result<Reverted, Failure> {
    let mut progress = Progress::unless(as_json, "taken back");
    let (mut placed, mut kept) = (0, Vec::new());
    while let Some(reversal) = group.pop() {
        let is_last = group.is_empty();
        let beside = if is_last { std::mem::take(&mut kept) } else { Vec::new() };
        let reverted = reversal.carry_out(checkpoints, beside, &mut progress)?;
        placed += reverted.placed;
        if is_last || reverted.obstacle.is_some() {
            return Ok(Reverted { placed, ..reverted });
        }
        kept.extend(reverted.kept);
    }
    Ok(Reverted { placed, kept: None, obstacle: None })
}

fn tell(
    arguments: &UndoArguments,
    id: &str,
    (reverted, beyond): (Reverted, &[AbsPath]),
    out: &mut dyn Write,
) -> Result<u8, Failure> {
    if arguments.json {
        let whole = serde_json::json!({
            "version": 1,
            "checkpoint": id,
            "placed": reverted.placed,
            "kept": reverted.kept,
            "tooLong": beyond,
            "obstacle": reverted.obstacle,
        });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        let was = if reverted.placed == 1 { "was" } else { "were" };
        writeln!(out, "{} {was} taken back, to the checkpoint {id}", changes(reverted.placed))?;
        too_long("left as it is", beyond, out)?;
        if let Some(kept) = &reverted.kept {
            writeln!(out, "{HINT}hint:{HINT:#} this is taken back itself by: garth undo --to {kept}")?;
        }
    }
    match reverted.obstacle {
        None => Ok(u8::from(!beyond.is_empty())),
        Some(obstacle) => Err(Failure::own(
            "the workspace is not as a whole what it was",
            obstacle,
            format!("nothing is lost: garth undo --to {id} goes on"),
        )),
    }
}

/// Somebody is there to ask.
fn attended(hint: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(());
    }
    Err(Failure::own(
        "undo changes the workspace, and there is nobody to ask",
        "standard input or standard error is no terminal",
        hint,
    ))
}

fn agreed(group: &[Reversal]) -> Result<bool, Failure> {
    attended("say so: garth undo --yes")?;
    let mut err = anstream::stderr();
    for (number, reversal) in group.iter().enumerate() {
        for change in &reversal.changes {
            writeln!(err, "{PART}{}{PART:#} {}", letter(change), name(reversal, number, change))?;
        }
    }
    let count: usize = group.iter().map(|reversal| reversal.changes.len()).sum();
    let before = &group[0].checkpoint().record.before;
    let answer = ask(&format!("take {} back, to before `{before}`? [yes, no] ", changes(count)))?;
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

/// Asks about each change, and leaves out what is not wanted. False if nothing is to be done.
fn asked(group: &mut [Reversal]) -> Result<bool, Failure> {
    let mut rest = None;
    let mut any = false;
    for (number, reversal) in group.iter_mut().enumerate() {
        let mut left = BTreeSet::new();
        for change in &reversal.changes {
            let wanted = match rest {
                Some(wanted) => wanted,
                None => match asked_of(reversal, number, change)? {
                    Answer::One(wanted) => wanted,
                    Answer::All(wanted) => *rest.insert(wanted),
                    Answer::Quit => return Ok(false),
                },
            };
            if !wanted {
                left.insert(change.path.clone());
            }
        }
        reversal.leave(&left);
        any |= !reversal.changes.is_empty();
    }
    Ok(any)
}

/// What was said to a change, and to all that follow.
enum Answer {
    One(bool),
    All(bool),
    Quit,
}

fn asked_of(reversal: &Reversal, number: usize, change: &Change) -> Result<Answer, Failure> {
    let mut err = anstream::stderr();
    let (act, shown) = (letter(change).trim_end(), name(reversal, number, change));
    loop {
        match ask(&format!("{act} {shown}? [yes, no, all, none, diff, quit] "))?.as_str() {
            "y" | "yes" => return Ok(Answer::One(true)),
            "n" | "no" => return Ok(Answer::One(false)),
            "a" | "all" => return Ok(Answer::All(true)),
            "none" => return Ok(Answer::All(false)),
            "d" | "diff" => {
                if !patch(change, &reversal.texts(change)?, true, &mut err)? {
                    writeln!(err, "{PART}{act}{PART:#} {shown}")?;
                }
            }
            "q" | "quit" => return Ok(Answer::Quit),
            _ => writeln!(err, "garth: that is no answer")?,
        }
    }
}

/// What undo does at a name.
fn letter(change: &Change) -> &'static str {
    match change.what() {
        What::Made => "restore",
        What::Removed => "remove ",
        _ => "change ",
    }
}

/// The name of a change, from the root of the workspace; from `/` in another tree, which comes after it.
fn name(reversal: &Reversal, number: usize, change: &Change) -> String {
    let bytes = change.path.as_bytes().strip_prefix(b"/").unwrap_or_default();
    let place = reversal.checkpoint().record.tree.path.join(bytes);
    let name = match place {
        Ok(place) if number > 0 => escape_visible(place.as_bytes()),
        _ => escape_visible(bytes),
    };
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
