//! Where a text that is handed on runs: in a process of its own, here, or later.

use super::program_of;
use super::shells::shell_of;
use crate::command::{Command, Part, Shell, Word};
use crate::region::RegionKind;
use std::collections::HashSet;

/// Builtins and cmdlets that run a text at once and in the same shell.
const HERE: &[&str] = &["eval", "source", ".", "invoke-expression", "call"];

/// Programs besides shells that run a text in a shell of their own.
const PROGRAMS: &[&str] = &[
    "git", "ssh", "su", "sudo", "doas", "watch", "parallel", "xargs", "find", "env", "make", "docker",
    "podman", "npm", "npx", "pnpm", "yarn", "bun", "tmux", "screen", "script", "flock", "python", "python3",
    "perl", "ruby", "node",
];

/// Shells that run the last side of a pipe themselves.
const KEEPING: &[&str] = &["zsh", "ksh", "mksh", "yash"];

fn name(command: &Command) -> Option<String> {
    command.words.first().and_then(Word::text)
}

/// What the text that the command hands on is to the text around it; `None` if it runs here and at once.
pub(super) fn region_of(command: &Command, definitions: &HashSet<String>) -> Option<RegionKind> {
    let Some(name) = name(command) else { return Some(RegionKind::Later) };
    let program = program_of(&name);
    if definitions.contains(&name) {
        return Some(RegionKind::Later);
    }
    if HERE.contains(&program.as_str()) {
        return None;
    }
    let is_script = name.contains('/') && matches!(command.shell, Shell::Sh | Shell::Bash | Shell::Argv);
    let is_own = is_script || shell_of(&program).is_some() || PROGRAMS.contains(&program.as_str());
    Some(if is_own { RegionKind::Process } else { RegionKind::Later })
}

/// True if behind this command, or in what it runs, the last side of a pipe may run in the shell itself.
pub(super) fn keeps_last_of_pipe(command: &Command) -> bool {
    let Some(name) = name(command) else { return false };
    let program = program_of(&name);
    if KEEPING.contains(&program.as_str()) {
        return true;
    }
    let may_say = |word: &Word| {
        let is_known = word.parts.iter().all(|part| matches!(part, Part::Text(_)));
        !is_known || word.text().is_some_and(|text| text == "lastpipe")
    };
    match program.as_str() {
        "shopt" => command.words.iter().skip(1).any(may_say),
        "bash" => command.words.iter().skip(1).any(|word| word.text().is_some_and(|text| text == "lastpipe")),
        _ => command.assignments.iter().any(|assignment| assignment.name == "BASHOPTS"),
    }
}
