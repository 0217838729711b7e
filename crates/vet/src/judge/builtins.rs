//! Rules about builtins, for a shell that starts inside a sandbox: no program starts when a builtin runs, so the text that
//! the shell is given is the one place where such a rule can be seen to be broken.

use super::rules::rule_for;
use crate::command::{Command, Shell, Span, Word};
use crate::launch::flatten;
use crate::parse::argv;
use garth_policy::{CommandDecision, CommandRule, Commands};

/// Builtins of sh and bash that start no program. Source: bash(1), SHELL BUILTIN COMMANDS. `exec`, `command` and `builtin`
/// hand words on, which are found in their own right.
const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "cd",
    "compgen",
    "complete",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Bytes of words that are looked through; a longer text is judged by the programs that it starts alone.
const MOST: usize = 4096;

fn speaks_of_builtins(rule: &CommandRule) -> bool {
    let first = rule.prefix.first().map(Vec::as_slice).unwrap_or_default();
    rule.decision > CommandDecision::Allow && first.iter().any(|name| BUILTINS.contains(&name.as_str()))
}

/// The strictest rule that asks for or denies a builtin which the words of a shell make it run: `bash -c 'kill 1'`. Every
/// branch counts. `None` where no rule speaks of a builtin, which costs next to nothing.
#[must_use]
pub fn builtin_rule<'r>(
    commands: &'r Commands,
    words: &[String],
    agent: Option<&str>,
) -> Option<&'r CommandRule> {
    let is_short = words.iter().map(String::len).sum::<usize>() <= MOST;
    if !is_short || !commands.rules.iter().any(speaks_of_builtins) {
        return None;
    }
    let script = flatten(&argv(words, Span::default()));
    let is_inside = |command: &&Command| {
        let hands_on = command.via.last().is_some_and(|via| via == "builtin" || via == "command");
        !command.via.is_empty() && (hands_on || matches!(command.shell, Shell::Sh | Shell::Bash))
    };
    let inner = script.commands.iter().filter(is_inside);
    let mut strictest: Option<&CommandRule> = None;
    for command in inner {
        let known: Vec<String> = command.words.iter().map_while(Word::text).collect();
        if !known.first().is_some_and(|name| BUILTINS.contains(&name.as_str())) {
            continue;
        }
        let rule = rule_for(commands, &known, agent).filter(|rule| rule.decision > CommandDecision::Allow);
        strictest = strictest.into_iter().chain(rule).max_by_key(|rule| rule.decision);
    }
    strictest
}
