//! The suite of effects: each line of `suites/effects.md` in a fence is a command and what the table says of it.

#![expect(clippy::panic, reason = "a suite that cannot be read ends its test")]

use garth_vet::knowledge;
use garth_vet::{Command, Effect, Nested, Part, Shell, Word, parse};

const SUITE: &str = include_str!("../suites/effects.md");

/// The fewest cases that the suite may have.
const FEWEST: usize = 500;

struct Case<'t> {
    line: usize,
    shell: Shell,
    command: &'t str,
    expected: &'t str,
}

fn cases() -> Vec<Case<'static>> {
    let mut found = Vec::new();
    let mut shell = None;
    for (number, line) in SUITE.lines().enumerate() {
        if let Some(language) = line.strip_prefix("```") {
            shell = match language {
                "bash" => Some(Shell::Bash),
                "powershell" => Some(Shell::Pwsh),
                "windows-powershell" => Some(Shell::WindowsPowershell),
                "batch" => Some(Shell::Cmd),
                "" => None,
                other => panic!("line {}: a fence for `{other}`", number + 1),
            };
        } else if let (Some(shell), false) = (shell, line.is_empty()) {
            let (command, expected) =
                line.split_once("=>").unwrap_or_else(|| panic!("line {}: no `=>`", number + 1));
            found.push(Case { line: number + 1, shell, command: command.trim(), expected: expected.trim() });
        }
    }
    found
}

/// The one command of a line. Words of the other shells are quoted here as bash quotes them: their grammars have
/// suites of their own.
fn command(case: &Case<'_>) -> Command {
    let script = parse(Shell::Bash, case.command);
    assert_eq!(script.problems, [], "line {}", case.line);
    let mut command =
        script.commands.last().unwrap_or_else(|| panic!("line {}: no command", case.line)).clone();
    command.shell = case.shell;
    command
}

fn shown(word: &Word) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) | Part::Pattern(text) => text.clone(),
        Part::Home(None) => "~".to_owned(),
        Part::Home(Some(user)) => format!("~{user}"),
        Part::Unknown { .. } => "?".to_owned(),
    };
    let text: String = word.parts.iter().map(part).collect();
    if text.contains([' ', ';']) || text.is_empty() { format!("'{text}'") } else { text }
}

fn effect(effect: &Effect) -> String {
    let tree = if effect.recursive { " tree" } else { "" };
    let target = effect.target.as_ref().map_or_else(String::new, |word| format!(" {}", shown(word)));
    format!("{}{tree}{target}", effect.kind.name())
}

fn nested(nested: &Nested) -> String {
    match nested {
        Nested::Words { words, .. } => {
            format!("runs {}", words.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Nested::Text { text, .. } => format!("runs-text {}", shown(text)),
        Nested::Unknown { what, .. } => format!("runs-unknown {what}"),
    }
}

fn answer(command: &Command) -> String {
    let Some(effects) = knowledge::effects(command) else { return "not known".to_owned() };
    let mut all: Vec<String> = effects.iter().map(effect).collect();
    all.extend(knowledge::redirections(command).iter().map(effect));
    all.extend(knowledge::runs(command).iter().map(nested));
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}

#[test]
fn every_command_has_the_effects_that_the_suite_names() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = answer(&command(case));
        if answer != case.expected {
            wrong.push(format!(
                "line {}: {}\n  expected: {}\n  answered: {answer}",
                case.line, case.command, case.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_suite_is_long_enough() {
    assert!(cases().len() >= FEWEST, "{} cases", cases().len());
}
