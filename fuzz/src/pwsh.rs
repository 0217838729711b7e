//! Texts of PowerShell.

use garth_vet::{Script, Shell, Span, parse, parse_at, pwsh};

/// A text in the grammars of both versions. Reading it always gives the same; every place lies inside the text; what
/// a command hands on is found without a panic, and stands where the command stands.
pub fn vet_pwsh(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for shell in [Shell::Pwsh, Shell::WindowsPowershell] {
        let script = parse(shell, text);
        assert_eq!(parse(shell, text), script, "another reading");
        for span in spans(&script) {
            assert!(text.get(span.start..span.end).is_some(), "{span:?} is no place of the text");
        }
        for command in &script.commands {
            let nested = pwsh::nested(command);
            let bound = pwsh::bind(command);
            assert!(
                bound.is_some() || !nested.iter().any(|_| command.words.is_empty()),
                "nothing runs something"
            );
        }
        let word = Span { start: 3, end: 9 };
        let inside = parse_at(shell, text, word);
        assert_eq!(inside.commands.len(), script.commands.len(), "another number of commands in a word");
        assert!(spans(&inside).all(|span| span == word), "a place outside of the word");
    }
}

/// The places of commands and problems.
fn spans(script: &Script) -> impl Iterator<Item = Span> {
    script
        .commands
        .iter()
        .map(|command| command.span)
        .chain(script.problems.iter().map(|problem| problem.span))
}
