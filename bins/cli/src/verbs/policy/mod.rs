//! `garth policy`.

mod compare;
mod sources;
mod trust;
mod validate;

use crate::arguments::PolicyVerb;
use crate::failure::Failure;
use garth::files::os_path;
use garth::policy::{Profile, init_template, schema};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Does what a verb of `garth policy` says. The exit code.
pub fn run(verb: &PolicyVerb, out: &mut dyn Write) -> Result<u8, Failure> {
    match verb {
        PolicyVerb::Init { profile } => init(*profile, out),
        PolicyVerb::Schema => {
            serde_json::to_writer_pretty(&mut *out, &schema())?;
            writeln!(out)?;
            Ok(0)
        }
        PolicyVerb::Validate { files, json } => validate::validate(files, *json, out),
        PolicyVerb::Test { file, json } => validate::test(file.as_deref(), *json, out),
        PolicyVerb::Show { json, sandbox } => compare::show(sandbox, *json, out),
        PolicyVerb::Diff { before, after, json } => compare::compare(before, after, *json, out),
        PolicyVerb::Trust { file } => trust::trust(file.as_deref(), out),
    }
}

/// Where a project's policy belongs.
fn project_file() -> Result<PathBuf, Failure> {
    let surroundings = sources::surroundings(None)?;
    Ok(os_path(&surroundings.context.workspace).join(garth::files::PROJECT))
}

fn init(profile: Profile, out: &mut dyn Write) -> Result<u8, Failure> {
    let path = project_file()?;
    let shown = shown(&path);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = file.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::own(
            format!("{shown} exists already"),
            "garth does not overwrite a policy",
            "edit it, or move it away first",
        ),
        _ => Failure::file("write", &shown, &error),
    })?;
    let written = file.write_all(init_template(profile).as_bytes());
    written.map_err(|error| Failure::file("write", &shown, &error))?;
    writeln!(out, "wrote {shown}")?;
    writeln!(out, "it only narrows until you trust its content: garth policy trust")?;
    Ok(0)
}

/// A path that misleads nobody.
fn shown(path: &Path) -> String {
    garth::policy::escape_visible(path.as_os_str().as_encoded_bytes())
}
