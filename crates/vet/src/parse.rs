//! One door to every grammar.

use crate::command::{Command, Input, Script, Shell, Span, Word};
use crate::{cmd, pwsh, sh};

/// Reads a text in the grammar of a shell. Never fails: what is not understood is a problem of the script.
#[must_use]
pub fn parse(shell: Shell, text: &str) -> Script {
    read(shell, text, None)
}

/// Reads a text that was a word of another text: all of it stands at `span` there.
#[must_use]
pub fn parse_at(shell: Shell, text: &str, span: Span) -> Script {
    read(shell, text, Some(span))
}

/// Reads a text in the grammar of cmd.exe as it reads a batch file, where percent signs mean other things than in a
/// command line.
#[must_use]
pub fn parse_batch(text: &str) -> Script {
    cmd::parse_batch(text)
}

fn read(shell: Shell, text: &str, at: Option<Span>) -> Script {
    let whole = at.unwrap_or(Span { start: 0, end: text.len() });
    match (shell, at) {
        (Shell::Sh | Shell::Bash, None) => sh::parse(shell, text),
        (Shell::Sh | Shell::Bash, Some(span)) => sh::parse_at(shell, text, span),
        (Shell::Argv, _) => argv(&[text.to_owned()], whole),
        (Shell::Pwsh | Shell::WindowsPowershell, None) => pwsh::parse(shell, text),
        (Shell::Pwsh | Shell::WindowsPowershell, Some(span)) => pwsh::parse_at(shell, text, span),
        (Shell::Cmd, at) => cmd::parse(text, at),
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
