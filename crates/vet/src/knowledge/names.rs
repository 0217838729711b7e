//! The name under which a program is known.

use crate::command::{Command, Shell, Word};

/// Directories whose programs are those of the system. A program of another directory is not what its name says.
const SYSTEM_DIRECTORIES: &[&str] = &[
    "/bin/",
    "/sbin/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/local/bin/",
    "/usr/local/sbin/",
    "/opt/homebrew/bin/",
    "/snap/bin/",
    "c:/windows/",
    "c:/windows/system32/",
    "c:/windows/syswow64/",
    "c:/windows/system32/wbem/",
    "c:/windows/system32/windowspowershell/v1.0/",
    "c:/program files/git/bin/",
    "c:/program files/git/cmd/",
    "c:/program files/git/usr/bin/",
];

/// Endings of programs on Windows.
const ENDINGS: &[&str] = &[".exe", ".com", ".cmd", ".bat"];

/// The name of the program that a command runs, as the table knows names: without the path of a system directory
/// and without the ending of Windows. `None` if the word is not known, is empty, or names a program of another
/// directory, which may be anything.
pub(super) fn program(command: &Command) -> Option<String> {
    let text = command.words.first()?.text()?;
    name(command.shell, &text)
}

/// As [`program`], for one word.
pub(super) fn name(shell: Shell, text: &str) -> Option<String> {
    if let Some(cmdlet) = of_module(shell, text) {
        return Some(cmdlet.to_ascii_lowercase());
    }
    let slashes = text.replace('\\', "/");
    let path = if shell_has_backslash_paths(shell) || has_drive(text) { slashes.as_str() } else { text };
    let (directory, base) = match path.rfind('/') {
        Some(place) => path.split_at(place + 1),
        None => ("", path),
    };
    if !directory.is_empty() && !SYSTEM_DIRECTORIES.contains(&directory.to_ascii_lowercase().as_str()) {
        return None;
    }
    let lower = base.to_ascii_lowercase();
    let ended = ENDINGS.iter().find_map(|ending| lower.strip_suffix(ending));
    let found = match (ended, shell) {
        (Some(name), _) => name.to_owned(),
        (None, Shell::Cmd | Shell::Pwsh | Shell::WindowsPowershell) => lower,
        (None, Shell::Sh | Shell::Bash | Shell::Argv) => base.to_owned(),
    };
    (!found.is_empty()).then_some(found)
}

/// The shell in which the name of a command is looked up. In PowerShell a word with a path or with an ending of
/// Windows is a file, never a cmdlet or its alias: `curl.exe` is curl, where `curl` can be `Invoke-WebRequest`.
pub(super) fn shell(command: &Command) -> Shell {
    let text = command.words.first().and_then(Word::text).unwrap_or_default().to_ascii_lowercase();
    if of_module(command.shell, &text).is_some() {
        return command.shell;
    }
    let is_file = text.contains(['/', '\\']) || ENDINGS.iter().any(|ending| text.ends_with(ending));
    match command.shell {
        Shell::Pwsh | Shell::WindowsPowershell if is_file => Shell::Argv,
        shell => shell,
    }
}

/// The cmdlet of a name with its module: `Microsoft.PowerShell.Management\Remove-Item`.
fn of_module(shell: Shell, text: &str) -> Option<&str> {
    let (module, cmdlet) = text.split_once('\\')?;
    let own = module.to_ascii_lowercase().starts_with("microsoft.powershell.");
    let plain = matches!(shell, Shell::Pwsh | Shell::WindowsPowershell) && !cmdlet.contains(['\\', '/']);
    (own && plain).then_some(cmdlet)
}

fn shell_has_backslash_paths(shell: Shell) -> bool {
    matches!(shell, Shell::Cmd | Shell::Pwsh | Shell::WindowsPowershell)
}

fn has_drive(text: &str) -> bool {
    text.get(1..3).is_some_and(|second| second == ":\\" || second == ":/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_directories_and_endings_are_dropped() {
        assert_eq!(name(Shell::Bash, "/usr/bin/grep").as_deref(), Some("grep"));
        assert_eq!(name(Shell::Bash, "git.EXE").as_deref(), Some("git"));
        assert_eq!(name(Shell::Argv, "C:\\Windows\\System32\\reg.exe").as_deref(), Some("reg"));
        assert_eq!(name(Shell::Cmd, "DEL").as_deref(), Some("del"));
    }

    #[test]
    fn a_program_elsewhere_is_not_what_its_name_says() {
        for path in ["./grep", "bin/ls", "/tmp/git", "/usr/bin/../../tmp/ls", ".\\git.exe", ""] {
            assert_eq!(name(Shell::Cmd, path), None, "{path}");
        }
        // Outside Windows a backslash is a letter of a name.
        assert_eq!(name(Shell::Bash, ".\\ls").as_deref(), Some(".\\ls"));
        assert_eq!(name(Shell::Bash, "LS").as_deref(), Some("LS"));
    }
}
