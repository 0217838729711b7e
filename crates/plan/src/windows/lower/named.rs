//! Programs that a command names by their place, as a shell of Windows finds them, and what helps where a name is no program's.

use super::super::facts::PathFact;
use super::super::path::{self, Refused};
use super::{Given, error};
use crate::linux::PlanError;
use garth_policy::{AbsPath, NodeKind, escape_visible};

/// Endings of programs, in the order in which `PATHEXT` has them from the start.
const ENDINGS: [&str; 4] = [".com", ".exe", ".bat", ".cmd"];

/// Endings of files that `CreateProcess` does not start, and by what they are run.
const SCRIPTS: [(&str, &str); 9] = [
    (".ps1", "powershell -File"),
    (".sh", "bash"),
    (".py", "python"),
    (".js", "node"),
    (".mjs", "node"),
    (".cjs", "node"),
    (".rb", "ruby"),
    (".pl", "perl"),
    (".vbs", "cscript"),
];

/// Commands of `cmd` itself ("Windows commands" in Microsoft's documentation), of which there is no program.
const OF_CMD: [&str; 26] = [
    "assoc", "call", "cd", "chdir", "cls", "copy", "date", "del", "dir", "echo", "erase", "ftype", "md",
    "mkdir", "mklink", "move", "path", "rd", "ren", "rename", "rmdir", "set", "start", "time", "type", "ver",
];

/// The same of PowerShell: aliases that are names of programs elsewhere (`about_Aliases`).
const OF_POWERSHELL: [&str; 9] = ["cat", "cp", "kill", "ls", "man", "mv", "ps", "pwd", "rm"];

/// Whether the first word of a command names a place, and is searched for nowhere.
pub(super) fn is_place(name: &str) -> bool {
    name.contains(['\\', '/', ':'])
}

/// The file that is named, and all that a shell would try in its place, the first that is there counting.
fn tried(directory: &AbsPath, name: &str) -> Result<(AbsPath, Vec<AbsPath>), String> {
    let named = match path::decided(name) {
        Ok(found) => found,
        // What it stands for, the object itself says.
        Err(Refused::ShortName(_)) => AbsPath::windows(name).map_err(|why| why.to_string())?,
        Err(Refused::Relative) if !name.contains(':') => {
            directory.resolve(name.as_bytes()).map_err(|why| why.to_string())?
        }
        Err(why) => return Err(why.to_string()),
    };
    let text = named.to_string();
    let with = ENDINGS.iter().filter_map(|ending| AbsPath::windows(&format!("{text}{ending}")).ok());
    let has_ending = named.file_name().is_some_and(|name| name.contains(&b'.'));
    let mut all: Vec<AbsPath> = with.collect();
    all.insert(if has_ending { 0 } else { all.len() }, named.clone());
    Ok((named, all))
}

/// What has to be looked at to know what the first word of a command starts. Nothing on a share: looking there may send
/// credentials.
pub(in super::super) fn asked(directory: &AbsPath, name: &str) -> Vec<AbsPath> {
    let all = tried(directory, name).ok().filter(|_| is_place(name)).map(|(_, all)| all).unwrap_or_default();
    all.into_iter().filter(|path| !path.as_bytes().starts_with(br"\\")).collect()
}

/// The program that is named by its place. What was not looked at is taken as it is named.
pub(super) fn find(given: Given<'_>, name: &str) -> Result<AbsPath, PlanError> {
    let shown = escape_visible(name.as_bytes());
    let (named, all) = tried(&given.command.directory, name).map_err(|why| {
        error(format!("`{shown}` names no program that can be decided"), why, "write its full path")
    })?;
    let object = |path: &AbsPath| given.facts.paths.get(path).and_then(PathFact::object);
    let mut there = all.iter().filter_map(|path| Some((path, object(path)?)));
    if let Some((path, file)) = there.find(|(_, object)| object.final_kind == NodeKind::File) {
        return Ok(if path.has_short_name() { file.final_path.clone() } else { path.clone() });
    }
    let what = format!("`{shown}` cannot be started");
    if object(&named).is_some_and(|object| object.final_kind == NodeKind::Directory) {
        return Err(error(what, format!("{named} is a directory"), "name a program in it"));
    }
    let is_absent = |path: &AbsPath| matches!(given.facts.paths.get(path), Some(PathFact::Absent));
    if all.iter().all(is_absent) {
        return Err(error(what, format!("there is no file {named}"), "check the name"));
    }
    if named.has_short_name() {
        let why = "it holds what may be a generated short name, and what that stands for is not known";
        return Err(error(what, why, "write its full path"));
    }
    Ok(named)
}

/// Refuses a file that only another program runs.
pub(super) fn refuse_script(shown: &str, found: &AbsPath) -> Result<(), PlanError> {
    let name = found.file_name().map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
    let Some((_, by)) = SCRIPTS.iter().find(|(ending, _)| name.ends_with(ending.as_bytes())) else {
        return Ok(());
    };
    let why = "it is a script, and Windows starts programs and batch files alone";
    Err(error(format!("`{shown}` cannot be started"), why, format!("name what runs it: {by} {shown}")))
}

/// What helps where a name is in no directory of `PATH`.
pub(super) fn advice(name: &str) -> String {
    let has = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    if has(&OF_CMD) {
        return format!("it is a command of cmd's own: garth run --shell cmd '{name} ...'");
    }
    if has(&OF_POWERSHELL) {
        return format!(
            "it is a command of PowerShell's own: garth run --shell windows-powershell '{name} ...'"
        );
    }
    let shown = escape_visible(name.as_bytes());
    format!("check the name, or install it; one in the working directory is started as .\\{shown}")
}
