//! What a virtual machine runs: one command of `cmd` that sets the variables, goes to the working directory and starts the
//! program.
//!
//! Inside there are another user, other directories and no drive but `C:`. What names a place of the host is turned into where
//! that is mapped, or left out.

use super::super::super::path;
use super::super::super::quote::{QuoteError, for_cmd_text, for_cmd_words, set_in_cmd};
use super::super::super::spec::Folder;
use super::super::{Given, environment, error};
use crate::linux::PlanError;
use garth_policy::AbsPath;

/// The command interpreter inside: Windows Sandbox has its system where Windows puts it by itself.
const CMD: &str = "C:\\Windows\\System32\\cmd.exe";

/// Variables that are the machine's own: its user, its directories, its hardware.
const OWN: [&str; 24] = [
    "ALLUSERSPROFILE",
    "APPDATA",
    "COMPUTERNAME",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "LOGONSERVER",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PUBLIC",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// Where a place of the host stands inside.
fn mapped(folders: &[Folder], place: &AbsPath) -> Option<String> {
    let around = folders.iter().filter(|folder| place.starts_with(&folder.host));
    let folder = around.max_by_key(|folder| folder.host.depth())?;
    let below = place.components().skip(folder.host.components().count());
    let mut inside = folder.inside.to_string();
    for name in below {
        inside.push('\\');
        inside.push_str(std::str::from_utf8(name).ok()?);
    }
    Some(inside)
}

/// The variables that are set inside, as `NAME=value`, of those that would enter on the host. The search path is the mapped part of
/// the host's, and then the machine's own.
pub(in super::super) fn environment(given: Given<'_>, folders: &[Folder], entered: &[String]) -> Vec<String> {
    entered.iter().filter_map(|variable| translated(given, folders, variable)).collect()
}

fn translated(given: Given<'_>, folders: &[Folder], variable: &str) -> Option<String> {
    let (name, value) = variable.split_once('=').filter(|(name, _)| !name.is_empty())?;
    if name.eq_ignore_ascii_case("PATH") {
        let mapped = |entry: &str| mapped(folders, &path::decided(entry).ok()?);
        let mut list: Vec<String> = value.split(';').filter_map(mapped).collect();
        list.push("%PATH%".to_owned());
        return Some(format!("{name}={}", list.join(";")));
    }
    if OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return None;
    }
    match path::decided(value) {
        Ok(place) if place.starts_with(&given.facts.directories.windows) => Some(variable.to_owned()),
        Ok(place) => mapped(folders, &place).map(|inside| format!("{name}={inside}")),
        Err(_) => Some(variable.to_owned()),
    }
}

/// The setting of one variable. Of the search path the last entry is what `cmd` has there by itself.
fn set(variable: &str) -> Option<String> {
    let (name, value) = variable.split_once('=')?;
    match value.strip_suffix("%PATH%") {
        Some(front) if name.eq_ignore_ascii_case("PATH") => {
            let text = set_in_cmd(name, front)?;
            Some(format!("{}%PATH%\"", text.strip_suffix('"')?))
        }
        _ => set_in_cmd(name, value),
    }
}

/// The whole command.
///
/// # Errors
/// When `cmd` cannot be told of an argument as it is, or the working directory is not mapped.
pub(super) fn command(given: Given<'_>, folders: &[Folder]) -> Result<String, PlanError> {
    let entered = environment::lower(given);
    let mut parts: Vec<String> =
        environment(given, folders, &entered.strings).iter().filter_map(|variable| set(variable)).collect();
    let directory =
        mapped(folders, &given.command.directory).ok_or_else(|| unmapped(&given.command.directory))?;
    parts.push(for_cmd_words(&["cd", "/d", &directory]).map_err(unfit)?);
    let mut words = super::super::launch::arguments(given)?;
    if let Some(first) = words.first_mut()
        && let Ok(place) = path::decided(first)
        && let Some(inside) = mapped(folders, &place)
    {
        *first = inside;
    }
    parts.push(for_cmd_words(&words).map_err(unfit)?);
    for_cmd_text(CMD, &parts.join(" && ")).map_err(unfit)
}

fn unmapped(directory: &AbsPath) -> PlanError {
    error(
        "the working directory is not mapped into the virtual machine",
        format!("no rule grants {directory}"),
        "run in the workspace, or grant the directory",
    )
}

fn unfit(why: QuoteError) -> PlanError {
    let hint = "put it into a script in the workspace, and run that";
    error("the command cannot be given to the virtual machine", why.to_string(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(host: &str, inside: &str) -> Folder {
        let path = |text| AbsPath::windows(text).unwrap();
        Folder { host: path(host), inside: path(inside), read_only: true, reason: String::new() }
    }

    #[test]
    fn a_place_is_where_the_nearest_folder_has_it() {
        let folders = [folder(r"D:\src", r"C:\garth\0-src"), folder(r"D:\src\a b", r"C:\garth\1-a b")];
        let of = |text: &str| mapped(&folders, &AbsPath::windows(text).unwrap());
        assert_eq!(of(r"D:\src"), Some(r"C:\garth\0-src".to_owned()));
        assert_eq!(of(r"D:\src\x\y"), Some(r"C:\garth\0-src\x\y".to_owned()));
        assert_eq!(of(r"D:\src\a b\c"), Some(r"C:\garth\1-a b\c".to_owned()));
        assert_eq!(of(r"D:\srcs"), None);
    }

    #[test]
    fn only_the_search_path_has_what_is_expanded() {
        assert_eq!(set(r"PATH=C:\garth\0;%PATH%").unwrap(), r#"set "PATH=C:\garth\0;%PATH%""#);
        assert_eq!(set("PATH=%PATH%").unwrap(), r#"set "PATH=%PATH%""#);
        assert_eq!(set("LANG=a&b").unwrap(), r#"set "LANG=a&b""#);
        for unfit in ["X=%PATH%", "X=a\"b", "X=a\nb", "PATH=%X%;%PATH%"] {
            assert_eq!(set(unfit), None, "{unfit}");
        }
    }
}
