//! One door to every grammar.

use crate::command::{Command, Input, Problem, Script, Shell, Span, Word};
use crate::{pwsh, sh};

/// Reads a text in the grammar of a shell. Never fails: what is not understood is a [`Problem`] of the script.
#[must_use]
pub fn parse(shell: Shell, text: &str) -> Script {
    read(shell, text, None)
}

/// Reads a text that was a word of another text: all of it stands at `span` there.
#[must_use]
pub fn parse_at(shell: Shell, text: &str, span: Span) -> Script {
    read(shell, text, Some(span))
}

fn read(shell: Shell, text: &str, at: Option<Span>) -> Script {
    let whole = at.unwrap_or(Span { start: 0, end: text.len() });
    match (shell, at) {
        (Shell::Sh | Shell::Bash, None) => sh::parse(shell, text),
        (Shell::Sh | Shell::Bash, Some(span)) => sh::parse_at(shell, text, span),
        (Shell::Argv, _) => argv(&[text.to_owned()], whole),
        (Shell::Pwsh | Shell::WindowsPowershell, None) => pwsh::parse(shell, text),
        (Shell::Pwsh | Shell::WindowsPowershell, Some(span)) => pwsh::parse_at(shell, text, span),
        (Shell::Cmd, _) => not_understood("cmd.exe", whole),
    }
}

/// A script of one command whose words no shell looks at.
#[must_use]
pub fn argv(words: &[String], span: Span) -> Script {
    let command = Command {
        shell: Shell::Argv,
        words: words.iter().map(|word| Word::known(word.as_str(), span)).collect(),
        assignments: Vec::new(),
        redirections: Vec::new(),
        input: Input::Inherited,
        via: Vec::new(),
        span,
    };
    Script { commands: vec![command], ..Script::default() }
}

fn not_understood(grammar: &str, span: Span) -> Script {
    let what = format!("the grammar of {grammar} is not read yet");
    Script { problems: vec![Problem { what, span }], ..Script::default() }
}
