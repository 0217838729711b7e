//! The differences that a session made, as far as its layer or checkpoint is still there.

use crate::failure::Failure;
use crate::report::{ChangedFile, Changes, Story};
use garth::policy::escape_visible;
use garth::undo::{Change, Checkpoints, Entry, Hunks, Kind, Texts, What, reversal, unified};

#[cfg(target_os = "linux")]
mod layer;
#[cfg(target_os = "linux")]
use layer::of_layer;

/// Names that are looked at; more are counted.
const NAMES: usize = 2000;

/// What can still be seen; that nothing can is told and is no error, because the rest of the report stands without it.
pub fn find(story: &Story, environment: &[(Vec<u8>, Vec<u8>)]) -> Changes {
    let found = match (&story.layer, &story.checkpoint) {
        (Some(layer), _) => of_layer(layer, environment),
        (None, Some(checkpoint)) => of_checkpoint(checkpoint, environment),
        (None, None) => Ok(Changes {
            source: Some(
                "Differences can be shown of sessions with --cow or --checkpoint: this one had neither."
                    .into(),
            ),
            ..Changes::default()
        }),
    };
    found.unwrap_or_else(|failure| {
        let why = failure.text().lines().next().unwrap_or_default().to_owned();
        Changes { source: Some(format!("The differences cannot be shown: {why}.")), ..Changes::default() }
    })
}

fn gone(what: &str, id: &str) -> Changes {
    let source = format!("The {what} {id} is gone, so the differences cannot be shown any more.");
    Changes { source: Some(source), ..Changes::default() }
}

/// There are no layers on this system: the log is another one's.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it is looked for")]
fn of_layer(id: &str, _environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Changes, Failure> {
    Ok(gone("layer", id))
}

fn of_checkpoint(id: &str, environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Changes, Failure> {
    let checkpoints = Checkpoints::of(environment)?;
    let Some(checkpoint) = checkpoints.list()?.into_iter().find(|found| found.record.id == id) else {
        return Ok(gone("checkpoint", id));
    };
    let reversal = reversal(checkpoint, &[])?;
    let mut changes = Changes {
        source: Some(format!(
            "What the workspace has now, against the checkpoint {id} of before the command; what was changed since by \
             others is in it too. `garth undo --to {id}` goes back."
        )),
        more: reversal.changes.len().saturating_sub(NAMES),
        ..Changes::default()
    };
    let shown = reversal.changes.get(..NAMES).unwrap_or(&reversal.changes);
    for change in shown {
        let Texts { outside: now, layer: before, .. } = reversal.texts(change)?;
        let hunks = texts_compared(change, now, before);
        let path = change.path.as_bytes();
        let name = escape_visible(path.strip_prefix(b"/").unwrap_or(path));
        add(&mut changes, name, word(change, true), None, &hunks);
    }
    Ok(changes)
}

/// The difference of two texts; none where one of them is no text. Of a reversal `before` is what stands there now.
fn texts_compared(change: &Change, now: Option<Vec<u8>>, then: Option<Vec<u8>>) -> Hunks {
    let text = |entry: &Option<Entry>, text: Option<Vec<u8>>| match entry {
        Some(entry) if entry.kind == Kind::File => text,
        _ => Some(Vec::new()),
    };
    match (text(&change.after, then), text(&change.before, now)) {
        (Some(then), Some(now)) => unified(&then, &now),
        _ => Hunks::default(),
    }
}

fn add(changes: &mut Changes, name: String, what: &'static str, remark: Option<String>, hunks: &Hunks) {
    let counts = (hunks.added, hunks.removed);
    changes.add(ChangedFile { name, what, counts, remark, lines: Vec::new(), more: 0 }, &hunks.lines);
}

/// What became of a name. A reversal tells it the other way round.
fn word(change: &Change, reversed: bool) -> &'static str {
    match (change.what(), reversed) {
        (What::Made, false) | (What::Removed, true) => "created",
        (What::Removed, false) | (What::Made, true) => "deleted",
        (What::Changed, _) => "changed",
        (What::Replaced, _) => "replaced",
        (What::Touched, _) => "touched",
    }
}
