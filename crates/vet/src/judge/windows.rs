//! Paths as Windows writes them: what they name there, and what they cannot name elsewhere.
//!
//! Texts for cmd.exe and PowerShell are judged on every system. On a system without drives `C:\` is the name of a file
//! to other shells, but in such a text it is a path of the machine that the text was written for.

use crate::command::{Part, Shell, Unknown, Word};
use garth_policy::AbsPath;

/// What a text names in a place with other path rules than its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A path of the place itself, with `/` between names.
    Here(String),
    /// A path on a drive or a server: none of the place.
    Elsewhere,
    /// Keys of the registry and other things that no file holds.
    NoFile,
}

/// Variables of Windows that name places outside every workspace. Source: the environment that Windows gives each user.
const OUTSIDE: &[&str] = &[
    "ALLUSERSPROFILE",
    "APPDATA",
    "CommonProgramFiles",
    "CommonProgramFiles(x86)",
    "HOMEDRIVE",
    "LOCALAPPDATA",
    "ProgramData",
    "ProgramFiles",
    "ProgramFiles(x86)",
    "ProgramW6432",
    "PUBLIC",
    "SystemDrive",
    "SystemRoot",
    "USERPROFILE",
    "windir",
];

/// True for shells that read paths as Windows does.
pub(super) fn is_windows(shell: Shell) -> bool {
    matches!(shell, Shell::Cmd | Shell::Pwsh | Shell::WindowsPowershell)
}

/// True for a letter and a colon.
pub(super) fn is_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// True if a word starts with a variable that names a directory of the system or of the user.
pub(super) fn is_outside(shell: Shell, word: &Word) -> bool {
    let Some(Part::Unknown { why: Unknown::Variable(name), .. }) = word.parts.first() else { return false };
    let name = match name.split_once(':') {
        Some((drive, name)) if drive.eq_ignore_ascii_case("env") => name,
        _ => name.as_str(),
    };
    is_windows(shell) && OUTSIDE.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// What a text of a shell of Windows names where paths have one root and no drives.
pub(super) fn on_posix(shell: Shell, text: &str) -> Written {
    if text.contains("::") {
        // A provider in front: `Registry::HKLM\x`, `FileSystem::C:\x`.
        return Written::NoFile;
    }
    let drive = text.split_once(':').map(|(drive, _)| drive).filter(|drive| is_name(drive));
    match drive {
        Some(drive) if drive.len() == 1 => return Written::Elsewhere,
        Some(_) => return Written::NoFile,
        None => {}
    }
    // PowerShell takes both slashes everywhere; for cmd.exe a first one means the root of a drive.
    if text.starts_with("\\\\") || shell == Shell::Cmd && text.starts_with('\\') {
        return Written::Elsewhere;
    }
    Written::Here(text.replace('\\', "/"))
}

fn is_name(drive: &str) -> bool {
    !drive.is_empty() && drive.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The paths that a text names on Windows, seen from each of these directories; `None` where that is not certain.
pub(super) fn on_windows(shell: Shell, text: &str, directories: Option<&[AbsPath]>) -> Option<Vec<AbsPath>> {
    let is_posix_shell = matches!(shell, Shell::Sh | Shell::Bash);
    if is_posix_shell && text.starts_with('/') && !text.starts_with("//") {
        return Some(vec![of_mount(text)?]);
    }
    let slashes = text.replace('/', "\\");
    if slashes.as_bytes().get(1) == Some(&b':') {
        // `C:x` is relative to a directory that belongs to the drive.
        let (root, rest) = slashes.split_at_checked(3).filter(|(root, _)| root.ends_with('\\'))?;
        return Some(vec![AbsPath::windows(root).ok()?.resolve(rest.as_bytes()).ok()?]);
    }
    if let Some(server) = slashes.strip_prefix("\\\\") {
        let mut names = server.splitn(3, '\\');
        let (server, share) = (names.next()?, names.next()?);
        let root = AbsPath::windows(&format!("\\\\{server}\\{share}")).ok()?;
        return Some(vec![root.resolve(names.next().unwrap_or_default().as_bytes()).ok()?]);
    }
    let below = |directory: &AbsPath| match slashes.strip_prefix('\\') {
        Some(rest) => root_of(directory)?.resolve(rest.as_bytes()).ok(),
        None => directory.resolve(slashes.as_bytes()).ok(),
    };
    directories?.iter().map(below).collect()
}

fn root_of(directory: &AbsPath) -> Option<AbsPath> {
    AbsPath::windows(std::str::from_utf8(directory.root()).ok()?).ok()
}

/// `/c/x`, as the shells that come with git write `C:\x`. What else stands below `/` depends on where they are installed.
fn of_mount(text: &str) -> Option<AbsPath> {
    let mut names = text.trim_start_matches('/').splitn(2, '/');
    let drive = names.next().filter(|name| name.len() == 1 && name.as_bytes()[0].is_ascii_alphabetic())?;
    let root = AbsPath::windows(&format!("{drive}:\\")).ok()?;
    root.resolve(names.next().unwrap_or_default().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_windows_on_a_posix_system() {
        let here = |text: &str| Written::Here(text.to_owned());
        let table = [
            (Shell::Cmd, "C:\\", Written::Elsewhere),
            (Shell::Cmd, "c:", Written::Elsewhere),
            (Shell::Cmd, "c:x\\y", Written::Elsewhere),
            (Shell::Pwsh, "C:/Users", Written::Elsewhere),
            (Shell::Pwsh, "\\\\server\\share\\x", Written::Elsewhere),
            (Shell::Cmd, "\\Windows", Written::Elsewhere),
            (Shell::Pwsh, "\\etc", here("/etc")),
            (Shell::Cmd, "..\\..\\x", here("../../x")),
            (Shell::Pwsh, "a\\b", here("a/b")),
            (Shell::Pwsh, "Env:PATH", Written::NoFile),
            (Shell::Pwsh, "HKLM:\\Software", Written::NoFile),
            (Shell::Pwsh, "Registry::HKEY_CURRENT_USER\\x", Written::NoFile),
            (Shell::Cmd, "", here("")),
        ];
        for (shell, text, expected) in table {
            assert_eq!(on_posix(shell, text), expected, "{shell:?} {text}");
        }
    }

    #[test]
    fn texts_on_windows() {
        let directory = AbsPath::windows("D:\\work\\a").expect("a path");
        let table = [
            (Shell::Cmd, "C:\\", Some("C:\\")),
            (Shell::Cmd, "C:/x/../y", Some("C:\\y")),
            (Shell::Cmd, "C:x", None),
            (Shell::Pwsh, "\\\\server\\share\\x\\..\\y", Some("\\\\server\\share\\y")),
            (Shell::Pwsh, "//server/share", Some("\\\\server\\share")),
            (Shell::Pwsh, "\\\\?\\C:\\x", None),
            (Shell::Pwsh, "\\\\server", None),
            (Shell::Cmd, "\\Windows", Some("D:\\Windows")),
            (Shell::Argv, "/Windows", Some("D:\\Windows")),
            (Shell::Cmd, "..\\b", Some("D:\\work\\b")),
            (Shell::Cmd, "..\\..\\..\\b", None),
            (Shell::Cmd, "b:stream", None),
            (Shell::Bash, "/c/Users/u", Some("C:\\Users\\u")),
            (Shell::Bash, "/tmp/x", None),
            (Shell::Bash, "x/y", Some("D:\\work\\a\\x\\y")),
        ];
        for (shell, text, expected) in table {
            let expected = expected.map(|text| vec![AbsPath::windows(text).expect("a path")]);
            let directories = std::slice::from_ref(&directory);
            assert_eq!(on_windows(shell, text, Some(directories)), expected, "{shell:?} {text}");
        }
        assert_eq!(on_windows(Shell::Cmd, "x", None), None);
    }
}
