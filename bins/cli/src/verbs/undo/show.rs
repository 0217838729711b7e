//! How differences look. Names and contents come from inside: on a terminal nothing of them is more than plain letters.

use super::patch::{lines, plain};
use crate::failure::Failure;
use crate::show::{BOLD, ERROR, GOOD, PART};
use garth::policy::escape_visible;
use garth::undo::{
    Change, Difference, Entry, Hunks, Kind, Layer, Standing, Texts, Was, What, three_way, unified,
};
use std::io::{self, Write};

/// The letter of a change, as git has it.
pub fn letter(difference: &Difference) -> char {
    match difference.change.what() {
        What::Made => 'A',
        What::Removed => 'D',
        What::Changed => 'M',
        What::Replaced => 'R',
        What::Touched => 'T',
    }
}

/// The name of a change, from the root of the workspace; from `/` in another tree.
pub fn name(layer: &Layer, difference: &Difference) -> String {
    let bytes = difference.change.path.as_bytes();
    let name = if difference.tree == 0 {
        escape_visible(bytes.strip_prefix(b"/").unwrap_or(bytes))
    } else {
        escape_visible(difference.place(layer).as_bytes())
    };
    let is_directory = |entry: &Entry| entry.kind == Kind::Directory;
    let change = &difference.change;
    let directory = change.after.as_ref().or(change.before.as_ref()).is_some_and(is_directory);
    if directory { format!("{name}/") } else { name }
}

/// One line: letter, name, counts, and what stands against it.
pub fn line(
    layer: &Layer,
    difference: &Difference,
    counts: Option<&Hunks>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = match difference.change.what() {
        What::Made => GOOD,
        What::Removed => ERROR,
        _ => PART,
    };
    write!(out, "{style}{}{style:#} {}", letter(difference), name(layer, difference))?;
    if let Some(detail) = detail(difference) {
        write!(out, "  {detail}")?;
    }
    if let Some(hunks) = counts.filter(|hunks| hunks.added + hunks.removed > 0) {
        write!(out, "  {GOOD}+{}{GOOD:#} {ERROR}-{}{ERROR:#}", hunks.added, hunks.removed)?;
    }
    if let Standing::Moved(why) = &difference.standing {
        write!(out, "  {ERROR}conflict:{ERROR:#} {why}")?;
    }
    if let Some(why) = &difference.trusted {
        write!(out, "  {ERROR}trusted:{ERROR:#} {}", escape_visible(why.as_bytes()))?;
    }
    writeln!(out)
}

/// What is not in the letter: another kind, mode or target.
fn detail(difference: &Difference) -> Option<String> {
    let change = &difference.change;
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.kind != after.kind => {
            Some(format!("{} -> {}", before.kind.name(), after.kind.name()))
        }
        (Some(before), Some(after)) if before.mode != after.mode => {
            Some(format!("{:04o} -> {:04o}", before.mode, after.mode))
        }
        (before, Some(after)) if after.kind == Kind::Link => {
            let target = escape_visible(&after.target);
            Some(before.as_ref().map_or_else(
                || format!("-> {target}"),
                |before| format!("{} -> {target}", escape_visible(&before.target)),
            ))
        }
        (None, Some(after)) if !matches!(after.kind, Kind::File | Kind::Directory) => {
            Some(after.kind.name().to_owned())
        }
        (Some(before), Some(after)) if before.attributes != after.attributes => Some("attributes".into()),
        (Some(_), Some(_)) if change.what() == What::Touched => Some("times".into()),
        _ => None,
    }
}

/// The differences of two texts; `None` where one of them is no text.
pub fn hunks(change: &Change, texts: &Texts) -> Option<Hunks> {
    let is_file = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.kind == Kind::File);
    let empty = Vec::new();
    let old = if is_file(&change.before) { texts.outside.as_ref()? } else { &empty };
    let new = if is_file(&change.after) { texts.layer.as_ref()? } else { &empty };
    (is_file(&change.before) || is_file(&change.after)).then(|| unified(old, new))
}

/// Shows a conflict from three sides: what stood there before the command, what stands there now, and what the layer has. The
/// text that both texts fit together to, if they do.
pub fn conflict(change: &Change, texts: &Texts, out: &mut dyn Write) -> Result<Option<Vec<u8>>, Failure> {
    let (before, removed) = (&texts.was, || "nothing".to_owned());
    let was = match before {
        Was::Unknown => "not known: it was changed before anybody looked".to_owned(),
        Was::Nothing => removed(),
        Was::Something(entry) => described(entry),
    };
    writeln!(out, "  before the command:  {was}")?;
    writeln!(out, "  outside now:         {}", change.before.as_ref().map_or_else(removed, described))?;
    writeln!(out, "  in the layer:        {}", change.after.as_ref().map_or_else(removed, described))?;
    let Some(base) = &texts.base else { return Ok(None) };
    for (who, text) in [("outside", &texts.outside), ("in the layer", &texts.layer)] {
        if let Some(text) = text {
            writeln!(out, "{BOLD}  changed {who}:{BOLD:#}")?;
            lines(&unified(base, text), true, out)?;
        }
    }
    let (Some(outside), Some(layer)) = (&texts.outside, &texts.layer) else { return Ok(None) };
    let merged = three_way(base, outside, layer);
    if merged.conflicts == 0 {
        writeln!(out, "{BOLD}  both fit together{BOLD:#}")?;
        return Ok(Some(merged.text));
    }
    let places = if merged.conflicts == 1 { "place does" } else { "places do" };
    writeln!(out, "{BOLD}  {} {places} not fit together:{BOLD:#}", merged.conflicts)?;
    for line in merged.text.split_inclusive(|byte| *byte == b'\n') {
        writeln!(out, "{}", plain(line))?;
    }
    Ok(None)
}

/// An object in a few words.
fn described(entry: &Entry) -> String {
    let (kind, mode) = (entry.kind.name(), entry.mode);
    match entry.kind {
        Kind::Link => format!("{kind} -> {}", escape_visible(&entry.target)),
        Kind::File => format!("{kind}, {mode:04o}, {}", super::revert::size(entry.size)),
        _ => format!("{kind}, {mode:04o}"),
    }
}

/// What a text becomes, on a terminal.
pub fn becomes(before: &[u8], after: &[u8], out: &mut dyn Write) -> io::Result<()> {
    lines(&unified(before, after), true, out)
}
