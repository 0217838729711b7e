//! Reading policy files and the policies they make.

use crate::failure::Failure;
use crate::request::{absolute, environment};
use garth::Surroundings;
use garth::files::{UserFiles, load_layers, managed_file, os_path, user_files};
use garth::policy::{AbsPath, Context, Flag, Inputs, Layer, Loaded, Profile, Setting, Source, TrustStore};
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::Path;

/// So much is read of a file, in bytes: more than a policy may have.
const MOST_BYTES: u64 = 2 << 20;

/// Where the user stands.
pub fn surroundings(workspace: Option<&AbsPath>) -> Result<Surroundings, Failure> {
    Ok(garth::surroundings(workspace, &environment())?)
}

/// The user's own files.
pub fn own_files(context: &Context) -> Result<UserFiles, Failure> {
    Ok(user_files(&context.home, &environment())?)
}

/// The file that was named. Its layer does not depend on its name, but what it may say does.
pub fn named(file: &OsStr) -> Result<Source, Failure> {
    let path = absolute(file)?;
    read(&path)?.ok_or_else(|| {
        let hint = "check the name; relative names start at the working directory";
        Failure::own(format!("cannot read {path}"), "there is no file of that name", hint)
    })
}

/// A file; `None` if there is none.
pub fn read(path: &AbsPath) -> Result<Option<Source>, Failure> {
    // A device has no end; what is longer than any policy is told as such by whoever reads the text.
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(os_path(path)).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(Some(Source::new(path.to_string(), bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read", path, &error)),
    }
}

/// The layer that a file is checked as: a `garth.toml` is a project's, all else a user's.
pub fn layer(file: &OsStr) -> Layer {
    match Path::new(file).file_name() {
        Some(name) if name == garth::files::PROJECT => Layer::Project,
        _ => Layer::User,
    }
}

/// Every policy file that is in force here, with its layer.
pub fn in_force(context: &Context) -> Result<Vec<(Layer, Source)>, Failure> {
    let managed = managed_file()?;
    let project = absolute(context_file(context).as_os_str())?;
    let paths =
        [(Layer::Managed, managed), (Layer::User, own_files(context)?.policy), (Layer::Project, project)];
    let mut found = Vec::new();
    for (layer, path) in paths {
        found.extend(read(&path)?.map(|source| (layer, source)));
    }
    Ok(found)
}

fn context_file(context: &Context) -> std::path::PathBuf {
    os_path(&context.workspace).join(garth::files::PROJECT)
}

/// The policy that one file makes by itself, read as the user's own.
pub fn alone(context: &Context, user: Option<Source>, profile: Option<Profile>) -> Result<Loaded, Failure> {
    let flag = |profile: Profile| Flag {
        typed: format!("profile {}", profile.name()),
        setting: Setting::Profile(profile),
    };
    let flags = profile.map(flag).into_iter().collect();
    let inputs = Inputs { context: context.clone(), managed: None, user, project: None, flags };
    Ok(load_layers(&inputs, &TrustStore::empty())?)
}
