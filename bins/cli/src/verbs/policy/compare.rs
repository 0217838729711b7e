//! `garth policy show` and `garth policy diff`.

use super::sources::{alone, named, surroundings};
use crate::arguments::SandboxArguments;
use crate::failure::Failure;
use crate::request::{absolute, environment, flags};
use crate::show::{GOOD, PART};
use crate::table::{Cell, table};
use garth::files::load_policy;
use garth::policy::{
    Change, Context, Direction, Policy, Profile, diff, escape_visible, show_json, show_text,
};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

/// Shows the resolved policy with origins.
pub fn show(sandbox: &SandboxArguments, json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let workspace = sandbox.workspace.as_deref().map(absolute).transpose()?;
    let file = sandbox.policy.as_deref().map(absolute).transpose()?;
    let surroundings = surroundings(workspace.as_ref())?;
    let loaded = load_policy(&surroundings, &environment(), file.as_ref(), &flags(sandbox)?)?;
    if !loaded.warnings.is_empty() {
        write!(anstream::stderr(), "{}", loaded.warnings.render(true))?;
    }
    if json {
        serde_json::to_writer_pretty(&mut *out, &show_json(&loaded.policy))?;
        writeln!(out)?;
    } else {
        write!(out, "{}", show_text(&loaded.policy))?;
    }
    Ok(0)
}

/// Tells what the second policy widens and narrows.
pub fn compare(before: &OsStr, after: &OsStr, json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let surroundings = surroundings(None)?;
    let changes = diff(&policy(before, &surroundings.context)?, &policy(after, &surroundings.context)?);
    if json {
        let whole = serde_json::json!({ "version": 1, "changes": changes });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else if changes.is_empty() {
        writeln!(out, "both allow the same")?;
    } else {
        write_changes(&changes, out)?;
    }
    Ok(0)
}

/// A file, or where there is none of that name, a built-in profile.
fn policy(named_by: &OsStr, context: &Context) -> Result<Policy, Failure> {
    let profile = named_by.to_str().and_then(Profile::from_name);
    let loaded = match profile {
        Some(profile) if Path::new(named_by).symlink_metadata().is_err() => {
            alone(context, None, Some(profile))?
        }
        _ => alone(context, Some(named(named_by)?), None)?,
    };
    Ok(loaded.policy)
}

/// The changes as a table.
pub fn write_changes(changes: &[Change], out: &mut dyn Write) -> io::Result<()> {
    let cell = |text: &str| Cell::plain(escape_visible(text.as_bytes()));
    let rows: Vec<[Cell; 4]> = changes
        .iter()
        .map(|change| {
            let direction = match change.direction {
                Direction::Widens => Cell("widens".to_owned(), PART),
                Direction::Narrows => Cell("narrows".to_owned(), GOOD),
            };
            [direction, cell(&change.what), cell(&change.before), cell(&change.after)]
        })
        .collect();
    table(["CHANGE", "WHAT", "BEFORE", "AFTER"], &[1, 2, 3], &rows, out)
}
