//! `garth policy trust`.

use super::compare::write_changes;
use super::sources::{named, own_files, surroundings};
use crate::failure::Failure;
use crate::request::environment;
use garth::files::{load_policy, os_path, replace, trust as read_store};
use garth::policy::{Layer, Severity, Source, check, content_hash, diff};
use std::ffi::OsStr;
use std::io::{self, Write};

/// Records that the user trusts this very content, and tells what that widens here.
pub fn trust(file: Option<&OsStr>, out: &mut dyn Write) -> Result<u8, Failure> {
    let surroundings = surroundings(None)?;
    let context = &surroundings.context;
    let default = os_path(&context.workspace).join(garth::files::PROJECT);
    let source = named(file.unwrap_or(default.as_os_str()))?;
    let found = check(&source, Layer::Project, context);
    if found.list.iter().any(|found| found.severity == Severity::Error) {
        return Err(found.into());
    }
    let load = || load_policy(&surroundings, &environment(), None, &[]);
    let before = load()?;
    let files = own_files(context)?;
    let mut store = read_store(&files)?;
    let known = store.is_trusted(&source.text);
    store.add(&source.text, &source.name);
    replace(&files.trust, store.to_text().as_bytes())
        .map_err(|error| Failure::file("write", &files.trust, &error))?;
    say(&source, known, out)?;
    let changes = diff(&before.policy, &load()?.policy);
    if !changes.is_empty() {
        write_changes(&changes, out)?;
    }
    Ok(0)
}

fn say(source: &Source, known: bool, out: &mut dyn Write) -> io::Result<()> {
    let word = if known { "was trusted already" } else { "is trusted" };
    writeln!(out, "{} {word}", source.name)?;
    writeln!(out, "sha256 {}; any change of the content ends the trust", content_hash(&source.text))
}
