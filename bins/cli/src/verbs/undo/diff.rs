//! `garth diff`.

use super::patch::patch;
use super::show::{conflict, hunks, letter, line};
use super::{layer_and_paths, policy_of, too_long};
use crate::arguments::DiffArguments;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::show::{HINT, PART};
use crate::words::changes;
use garth::policy::AbsPath;
use garth::undo::{Difference, Differences, Layer, Reader, Standing, differences, interrupted};
use std::io::{self, IsTerminal, Write};

/// Shows what a layer would change. Exit code 1 if something stands against it.
pub fn run(arguments: &DiffArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let (layer, paths) = layer_and_paths(&arguments.words)?;
    let looking = Progress::unless(arguments.json, "comparing the layer with the workspace");
    let mut all = differences(&layer, &policy_of(&layer)?)?;
    drop(looking);
    all.list.retain(|difference| is_wanted(&layer, difference, &paths));
    if arguments.json {
        json(&layer, &all, out)?;
    } else if arguments.patch {
        patches(&layer, &all.list, out)?;
    } else {
        list(&layer, &all, paths.is_empty(), out)?;
    }
    let against = all.list.iter().any(|difference| difference.standing != Standing::AsBefore);
    Ok(u8::from(against))
}

/// Whether a difference is at or below one of the paths, if there are any.
pub fn is_wanted(layer: &Layer, difference: &Difference, paths: &[AbsPath]) -> bool {
    let tree = layer.record.trees.get(difference.tree);
    let place = tree.and_then(|tree| tree.path.join(difference.change.path.as_bytes().get(1..)?).ok());
    paths.is_empty() || place.is_some_and(|place| paths.iter().any(|path| place.starts_with(path)))
}

/// Whether a difference is a file of git's own against which nothing stands: of these each means nothing without the others.
pub fn is_of_git(difference: &Difference) -> bool {
    let plain = difference.standing == Standing::AsBefore && difference.trusted.is_none();
    plain && difference.change.path.as_bytes().starts_with(b"/.git/")
}

/// A line for each difference; `folded` leaves those that are git's own at one together.
pub fn lines<'d>(
    layer: &Layer,
    list: impl IntoIterator<Item = &'d Difference>,
    folded: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let (mut of_git, mut reader) = (0, Reader::new(layer)?);
    for difference in list {
        if folded && is_of_git(difference) {
            of_git += 1;
            continue;
        }
        let texts = reader.texts(difference);
        line(layer, difference, hunks(&difference.change, &texts).as_ref(), out)?;
    }
    if of_git > 0 {
        let files = if of_git == 1 { "file" } else { "files" };
        writeln!(out, "{PART}M{PART:#} .git/  {of_git} {files} of git's own")?;
    }
    Ok(())
}

/// `folded` leaves git's own files at one line, unless something stands against one of them.
fn list(layer: &Layer, all: &Differences, folded: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let id = &layer.record.id;
    if all.running {
        writeln!(out, "{PART}the command of the layer {id} still runs: there may be more{PART:#}")?;
    }
    if interrupted(layer)? {
        writeln!(out, "{PART}an apply was interrupted; the next one goes on with it{PART:#}")?;
    }
    lines(layer, &all.list, folded, out)?;
    let beyond: Vec<AbsPath> = all.beyond.iter().map(|(_, path)| path.clone()).collect();
    too_long("stays in the layer", &beyond, out)?;
    if all.list.is_empty() {
        writeln!(out, "the layer {id} changes nothing here")?;
    } else if !all.running {
        writeln!(out, "{} in the layer {id}", changes(all.list.len()))?;
        writeln!(out, "{HINT}hint:{HINT:#} garth diff --patch {id}, garth apply {id}, garth discard {id}")?;
    }
    Ok(())
}

/// Patches go to a pipe as they are; `anstream` would take escape sequences out of contents.
fn patches(layer: &Layer, list: &[Difference], out: &mut dyn Write) -> Result<(), Failure> {
    let terminal = io::stdout().is_terminal();
    out.flush()?;
    let mut reader = Reader::new(layer)?;
    let mut raw = io::BufWriter::new(io::stdout());
    for difference in list {
        let texts = reader.texts(difference);
        if terminal {
            if !patch(&difference.change, &texts, true, out)? {
                line(layer, difference, None, out)?;
            }
            if difference.standing != Standing::AsBefore {
                line(layer, difference, None, out)?;
                conflict(&difference.change, &texts, out)?;
            }
        } else {
            patch(&difference.change, &texts, false, &mut raw)?;
        }
    }
    raw.flush()?;
    Ok(())
}

fn json(layer: &Layer, all: &Differences, out: &mut dyn Write) -> Result<(), Failure> {
    let one = |difference: &Difference| {
        let kind = |entry: &Option<garth::undo::Entry>| entry.as_ref().map(|entry| entry.kind);
        let conflict = match &difference.standing {
            Standing::AsBefore => None,
            Standing::Moved(why) => Some(*why),
        };
        let tree = layer.record.trees.get(difference.tree).map(|tree| &tree.path);
        serde_json::json!({
            "tree": tree,
            "path": difference.change.path,
            "what": letter(difference).to_string(),
            "before": kind(&difference.change.before),
            "after": kind(&difference.change.after),
            "conflict": conflict,
            "trusted": difference.trusted,
        })
    };
    let whole = serde_json::json!({
        "version": 1,
        "layer": layer.record.id,
        "running": all.running,
        "interrupted": interrupted(layer)?,
        "tooLong": all.beyond.iter().map(|(_, path)| path).collect::<Vec<_>>(),
        "changes": all.list.iter().map(one).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)?;
    Ok(())
}
