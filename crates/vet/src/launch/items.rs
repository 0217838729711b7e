//! Variables of the environment that PowerShell sets as items of their drive: `Set-Item env:NAME value`.

use crate::command::{Assignment, Command, Part, Shell, Unknown, Word};

/// Cmdlets and aliases that give an item a value.
const SETTERS: &[&str] = &["set-item", "si", "new-item", "ni", "set-content", "sc", "add-content", "ac"];

/// Cmdlets and aliases that do nothing else to an item of the environment than to show it or take it away.
const PLAIN: &[&str] = &[
    "get-item",
    "gi",
    "get-content",
    "gc",
    "type",
    "cat",
    "get-childitem",
    "gci",
    "ls",
    "dir",
    "test-path",
    "remove-item",
    "ri",
    "rm",
    "del",
    "erase",
    "clear-item",
    "cli",
    "clear-content",
    "clc",
];

/// What stands behind `env:`, also behind the name of a parameter that a colon joins to it.
fn item(word: &Word) -> Option<String> {
    let start = word.known_start();
    let lower = start.to_ascii_lowercase();
    let behind_name = lower.strip_prefix('-').and_then(|_| lower.split_once(':')).map(|(_, behind)| behind);
    let name = lower.strip_prefix("env:").or_else(|| behind_name?.strip_prefix("env:"))?;
    let name = start.get(start.len() - name.len()..)?;
    Some(name.trim_start_matches(['/', '\\']).to_owned())
}

fn is_powershell(command: &Command) -> bool {
    matches!(command.shell, Shell::Pwsh | Shell::WindowsPowershell)
}

fn program(command: &Command) -> String {
    command.words.first().map(|word| word.known_start().to_ascii_lowercase()).unwrap_or_default()
}

/// The variables that a command sets as items. Which word is the value does not matter: each of them counts. A value that
/// the words do not show is not known.
pub(crate) fn assignments(command: &Command) -> Vec<Assignment> {
    if !is_powershell(command) || !SETTERS.contains(&program(command).as_str()) {
        return Vec::new();
    }
    let words = command.words.get(1..).unwrap_or_default();
    let Some(name) = words.iter().find_map(item) else { return Vec::new() };
    let is_value = |word: &&Word| !word.known_start().starts_with('-') && item(word).is_none();
    let mut values: Vec<Word> = words.iter().filter(is_value).cloned().collect();
    if values.is_empty() || words.iter().filter(|word| item(word).is_some()).count() > 1 {
        let why = Unknown::Other("the value of an item".to_owned());
        values = vec![Word { parts: vec![Part::Unknown { why, splits: false }], span: command.span }];
    }
    values.into_iter().map(|value| Assignment { name: name.clone(), value }).collect()
}

/// True if the word names an item of the environment, and what the command does to it is told by [`assignments`].
pub(crate) fn is_told(command: &Command, word: &Word) -> bool {
    let program = program(command);
    let is_known = word.parts.iter().all(|part| matches!(part, Part::Text(_)));
    is_powershell(command)
        && is_known
        && item(word).is_some_and(|name| !name.is_empty())
        && (SETTERS.contains(&program.as_str()) || PLAIN.contains(&program.as_str()))
}
