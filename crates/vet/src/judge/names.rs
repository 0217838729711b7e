//! Names of places that a shell keeps itself, or that a program prints.

use crate::command::{Command, Part, Shell, Unknown, Word};
use crate::hidden::{TEMPORARY, TOP};

/// A name in the place of that which `mktemp` chooses.
pub(super) const MADE: &str = "tmp.made";

/// Variables in which a shell keeps its directory.
const OWN: &[&str] = &["PWD", "OLDPWD"];

/// Variables that say where temporary files and working trees are.
const OTHERS: &[&str] = &["TMPDIR", "GIT_"];

/// Texts without any of these name no such place.
const MENTIONS: &[&str] = &["PWD", "pwd", "Pwd", "mktemp", "toplevel", "CD%", "cd%", "CD!", "cd!"];

/// Assignments in PowerShell and cmd.exe, in lower case.
const ASSIGNED: &[&str] = &["pwd=", "pwd =", "cd=", "variable"];

/// True if a text names such places and gives none of the variables behind them a value.
pub(super) fn are_left_alone(commands: &[Command], text: &str) -> bool {
    if !MENTIONS.iter().any(|name| text.contains(name)) || OTHERS.iter().any(|name| text.contains(name)) {
        return false;
    }
    let is_own = |text: &str| OWN.iter().any(|name| text.starts_with(name));
    let sets = |command: &Command| {
        // `export PWD`, `read PWD`, `declare OLDPWD=x`, `env OLDPWD=x`, and files that may do it.
        let program = command.words.first().map(Word::known_start).unwrap_or_default();
        matches!(program.as_str(), "source" | ".")
            || command.assignments.iter().any(|assignment| is_own(&assignment.name))
            || command.words.iter().any(|word| is_own(&word.known_start()))
    };
    if commands.iter().any(sets) {
        return false;
    }
    let has_windows = commands.iter().any(|command| super::windows::is_windows(command.shell));
    let lower = if has_windows { text.to_ascii_lowercase() } else { String::new() };
    !ASSIGNED.iter().any(|assigned| lower.contains(assigned))
}

/// True for a word that is one variable of this name.
pub(super) fn is_variable(word: &Word, wanted: &str) -> bool {
    match word.parts.as_slice() {
        [Part::Unknown { why: Unknown::Variable(name), .. }] => name == wanted,
        _ => false,
    }
}

/// True for the variable in which the shell keeps its directory.
pub(super) fn is_here(why: &Unknown, shell: Shell) -> bool {
    let Unknown::Variable(name) = why else { return false };
    match shell {
        Shell::Sh | Shell::Bash => name == "PWD",
        Shell::Pwsh | Shell::WindowsPowershell => name.eq_ignore_ascii_case("PWD"),
        Shell::Cmd => name.eq_ignore_ascii_case("CD"),
        Shell::Argv => false,
    }
}

/// True for what `git rev-parse --show-toplevel` prints.
pub(super) fn is_top(why: &Unknown) -> bool {
    matches!(why, Unknown::Other(why) if why == TOP)
}

/// True for what `mktemp` prints.
pub(super) fn is_temporary(why: &Unknown) -> bool {
    matches!(why, Unknown::Other(why) if why == TEMPORARY)
}
