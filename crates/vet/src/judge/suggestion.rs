//! "Always allow this": a rule as narrow as the parse allows.

use super::{Code, Reason};
use crate::command::{Command, Word};
use crate::launch::{is_launcher, program_of};
use garth_policy::CommandDecision;
use serde::Serialize;
use std::fmt::Write as _;

/// Rules for a policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The prefixes, one for each rule.
    pub prefixes: Vec<Vec<String>>,
    /// The rules as TOML.
    pub toml: String,
}

/// Words of a prefix; behind them stand operands in any program that is known.
const MOST_WORDS: usize = 4;

/// Rules that one suggestion holds.
const MOST_RULES: usize = 3;

/// The rules that would allow what is asked for; `None` where a rule cannot: because another rule asks, a part is not
/// understood, what is done needs a person each time, or the sandbox would refuse it all the same.
pub(super) fn suggest(reasons: &[Reason], commands: &[Command]) -> Option<Suggestion> {
    let mut prefixes: Vec<Vec<String>> = Vec::new();
    for reason in reasons.iter().filter(|reason| reason.decision > CommandDecision::Allow) {
        let is_curable = matches!(
            reason.code,
            Code::UnknownProgram
                | Code::Elevates
                | Code::ChangesConfig
                | Code::RunsUnvetted
                | Code::UnknownValue
        );
        let command = commands.get(reason.command.filter(|_| is_curable)?)?;
        // A rule says nothing of where the output goes.
        if command.redirections.iter().any(|redirection| redirection.target.span == reason.span) {
            return None;
        }
        let prefix = prefix(command)?;
        if !prefixes.contains(&prefix) {
            prefixes.push(prefix);
        }
    }
    if prefixes.is_empty() || prefixes.len() > MOST_RULES {
        return None;
    }
    let toml = prefixes.iter().map(|prefix| rule(prefix)).collect::<Vec<_>>().join("\n");
    Some(Suggestion { prefixes, toml })
}

/// The leading words that name what is done, not what it is done to.
fn prefix(command: &Command) -> Option<Vec<String>> {
    // A redirection is not part of a rule.
    let program = command.words.first()?.text()?;
    if is_launcher(command) && !has_subcommand(&program_of(&program)) {
        return None;
    }
    let names = command.words.iter().skip(1).map_while(name);
    let mut words: Vec<String> = std::iter::once(program).chain(names).take(MOST_WORDS).collect();
    while words.len() > 1 && words.last().is_some_and(|last| last.starts_with('-')) {
        words.pop();
    }
    Some(words)
}

/// Launchers whose next words say more than the program alone.
fn has_subcommand(program: &str) -> bool {
    matches!(
        program,
        "git" | "docker" | "podman" | "kubectl" | "npm" | "pnpm" | "yarn" | "cargo" | "go" | "make"
    )
}

/// A word that names an action or an option; `None` for what looks like an operand.
fn name(word: &Word) -> Option<String> {
    let text = word.text()?;
    let is_plain = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b':' | b'_');
    (text.len() <= 24 && !text.is_empty() && text.bytes().all(is_plain)).then_some(text)
}

fn rule(prefix: &[String]) -> String {
    let words: Vec<String> = prefix.iter().map(|word| quoted(word)).collect();
    format!(
        "[[commands]]\nprefix = [{}]\ndecision = \"allow\"\nreason = \"allowed by the user\"\n",
        words.join(", ")
    )
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
