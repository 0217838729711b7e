//! Command texts, in every grammar.

use garth_vet::{Command, Script, Shell, Span, cmd_nested, parse, parse_at, parse_batch, pwsh};

/// A text of sh or bash: the first byte says which.
pub fn vet_sh(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let shell = if first % 2 == 0 { Shell::Bash } else { Shell::Sh };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    understood(text, || parse(shell, text));
    moved(shell, text);
}

/// A text of cmd.exe, as a command line and as a batch file.
pub fn vet_cmd(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let line = understood(text, || parse(Shell::Cmd, text));
    let batch = understood(text, || parse_batch(text));
    for command in line.commands.iter().chain(&batch.commands) {
        cmd_nested(command).iter().for_each(|nested| assert!(!format!("{nested:?}").is_empty()));
    }
    moved(Shell::Cmd, text);
    hides_nothing(text);
}

/// A text of PowerShell, for both versions.
pub fn vet_pwsh(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for shell in [Shell::Pwsh, Shell::WindowsPowershell] {
        for command in &understood(text, || parse(shell, text)).commands {
            let bound = pwsh::bind(command).map(|bound| bound.parameters.len() + bound.rest.len());
            assert!(bound.unwrap_or(0) <= command.words.len(), "more values than words");
            pwsh::nested(command).iter().for_each(|nested| assert!(!format!("{nested:?}").is_empty()));
        }
        moved(shell, text);
    }
}

/// What is found stands in the text, comes before what uses it, and is found again.
fn understood(text: &str, read: impl Fn() -> Script) -> Script {
    let script = read();
    for (index, command) in script.commands.iter().enumerate() {
        for span in spans(command) {
            assert!(text.get(span.start..span.end).is_some(), "{span:?} is not in the text");
        }
        if let garth_vet::Input::Pipe(from) = command.input {
            assert!(from < index, "command {index} reads from command {from}");
        }
    }
    for problem in &script.problems {
        assert!(text.get(problem.span.start..problem.span.end).is_some(), "{problem:?} is not in the text");
    }
    nested(&script);
    assert_eq!(script, read(), "two readings differ");
    script
}

/// Regions hold commands, come in order, and lie inside each other or apart.
fn nested(script: &Script) {
    let mut open: Vec<usize> = Vec::new();
    let mut last = 0;
    for region in &script.regions {
        assert!(
            region.start < region.end && region.end <= script.commands.len(),
            "{region:?} holds no commands"
        );
        assert!(last <= region.start, "{region:?} is out of order");
        last = region.start;
        while open.pop_if(|end| *end <= region.start).is_some() {}
        assert!(
            open.last().is_none_or(|end| region.end <= *end),
            "{region:?} reaches beyond the one around it"
        );
        open.push(region.end);
    }
}

/// A text that was a word of another stands at that word's place.
fn moved(shell: Shell, text: &str) {
    let place = Span { start: 7, end: 11 };
    let script = parse_at(shell, text, place);
    let elsewhere = script.commands.iter().flat_map(spans).find(|span| *span != place);
    assert!(elsewhere.is_none(), "{elsewhere:?} is not {place:?}");
}

fn spans(command: &Command) -> Vec<Span> {
    let mut spans: Vec<Span> = command.words.iter().map(|word| word.span).collect();
    spans.extend(command.redirections.iter().map(|redirection| redirection.target.span));
    spans.extend(command.assignments.iter().map(|assignment| assignment.value.span));
    spans.push(command.span);
    spans
}

/// A command in a line of its own, behind two empty lines (a caret reaches over one), is found, or something is not understood.
fn hides_nothing(text: &str) {
    let script = parse_batch(&format!("{text}\n\n\nxyzzy 1\n"));
    let found = format!("{:?}", script.commands).contains("xyzzy");
    assert!(found || !script.problems.is_empty(), "the next line is hidden");
}
