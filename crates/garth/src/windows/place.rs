//! Where the user stands on Windows.

use super::failed;
use crate::{Error, Surroundings};
use garth_host::windows::facts::{directories, leads_to};
use garth_plan::windows::facts::Directories;
use garth_policy::{AbsPath, Context, NodeKind, Os};

/// Finds out where the user stands. `workspace` overrides the search for it.
///
/// # Errors
/// [`Error::Workspace`] when the workspace would be a whole profile, a directory of the system or a drive.
pub fn surroundings(
    workspace: Option<&AbsPath>,
    environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Surroundings, Error> {
    let known = directories().map_err(|error| failed("find your directories", error))?;
    let current =
        std::env::current_dir().ok().and_then(|current| current.into_os_string().into_string().ok());
    let current = current.and_then(|current| AbsPath::windows(&current).ok()).ok_or_else(|| {
        refused("cannot use the working directory", "it is no path that a policy can speak of".into())
    })?;
    let directory = final_path(&current)?;
    let root = match workspace {
        Some(named) => final_path(named)?,
        None => repository_above(&directory, &known).unwrap_or_else(|| directory.clone()),
    };
    if is_shared(&root, &known) {
        let why = "everything in it would be writable from inside, and it holds more than one project";
        return Err(refused(format!("{root} cannot be a workspace"), why.into()));
    }
    if !directory.starts_with(&root) {
        let why = format!("the sandbox would not contain it; the workspace is {root}");
        return Err(refused(format!("the working directory {directory} is outside the workspace"), why));
    }
    // A directory of this session's own, which is made and removed with it.
    let step = "find your directories";
    let own = garth_host::windows::sys::random::name("garth-").map_err(Error::os(step))?;
    let tmp = known.local_app_data.join(b"Temp").and_then(|temporary| temporary.join(own.as_bytes()));
    let tmp = tmp.map_err(|error| Error::Policy(error.to_string()))?;
    let context = Context {
        os: Os::Windows,
        workspace: root,
        path_dirs: path_dirs(environment, &known),
        home: known.profile,
        tmp,
        git_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    Ok(Surroundings { context, directory, logical: None, notices: Vec::new() })
}

fn refused(what: impl Into<String>, why: String) -> Error {
    let hint = "change into a project, or name one: garth run --workspace DIR -- ...".into();
    Error::Workspace { what: what.into(), why, hint }
}

fn final_path(path: &AbsPath) -> Result<AbsPath, Error> {
    let why = match leads_to(path) {
        Some((last, NodeKind::Directory)) => return Ok(last),
        Some((_, NodeKind::File)) => "it is a file, and a workspace is a directory",
        _ => "there is no directory of that name that you may enter",
    };
    Err(refused(format!("cannot use {path}"), why.into()))
}

/// Directories of the system: these, and what is below them.
fn system(known: &Directories) -> impl Iterator<Item = &AbsPath> {
    [&known.windows, &known.program_data].into_iter().chain(&known.program_files)
}

/// A drive, a profile or what holds it, or a part of the system.
fn is_shared(root: &AbsPath, known: &Directories) -> bool {
    root.depth() == 0
        || known.profile.starts_with(root)
        || *root == known.local_app_data
        || system(known).any(|part| root.starts_with(part))
}

/// The working tree that the directory is part of.
fn repository_above(directory: &AbsPath, known: &Directories) -> Option<AbsPath> {
    let mut next = Some(directory.clone());
    while let Some(here) = next {
        if is_shared(&here, known) {
            return None;
        }
        if here.join(b".git").is_ok_and(|git| leads_to(&git).is_some()) {
            return Some(here);
        }
        next = here.parent();
    }
    None
}

/// PATH entries that are not part of the system: the user's own toolchains, read-only inside.
fn path_dirs(environment: &[(Vec<u8>, Vec<u8>)], known: &Directories) -> Vec<AbsPath> {
    let path = environment.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"PATH"));
    let text = path.and_then(|(_, value)| core::str::from_utf8(value).ok()).unwrap_or_default();
    let mut found: Vec<AbsPath> = Vec::new();
    for entry in text.split(';').filter_map(|entry| AbsPath::windows(entry.trim_matches('"')).ok()) {
        let plain = final_path(&entry).is_ok_and(|real| real == entry);
        if plain && !is_shared(&entry, known) && !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}
