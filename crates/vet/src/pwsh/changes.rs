//! What commands change: names of commands, and variables.

use super::assigned::SETTERS;
use super::lower::{Lowering, is_forged};
use super::names;
use super::tree::Invocation;
use crate::command::{Command, Part, Unknown, Word};

/// Commands that aliases may add to a script.
const MOST_ALIASED: usize = 2000;

/// Cmdlets that write to a path, which may be one of a variable.
const PATH_SETTERS: &[&str] = &[
    "Add-Content",
    "Clear-Content",
    "Clear-Item",
    "Copy-Item",
    "Move-Item",
    "New-Item",
    "Remove-Item",
    "Rename-Item",
    "Set-Content",
    "Set-Item",
];

impl Lowering {
    /// What is known of variables and names after the command.
    pub(super) fn remember(&mut self, invocation: &Invocation, program: &Word, words: &[Word]) {
        let Some(name) = program.text() else { return self.scope.forget() };
        let canonical = names::cmdlet(self.shell, &name);
        let sets_paths = canonical.is_some_and(|name| PATH_SETTERS.contains(&name));
        let is_path = |word: &Word| word.known_start().to_lowercase().starts_with("env:");
        if SETTERS.contains(&name.to_lowercase().as_str())
            || invocation.operator == Some('.')
            || name.to_lowercase().ends_with(".ps1")
            || (sets_paths && words.iter().any(is_path))
        {
            self.scope.forget();
        }
        let is_mover = matches!(canonical, Some("Set-Location" | "Push-Location" | "New-PSDrive"));
        if (sets_paths || is_mover) && words.iter().any(names_commands) {
            self.problem("what a command name means is changed through a drive", self.span);
        }
    }

    pub(super) fn define_alias(&mut self, command: &Command) {
        let bound = super::bind::bind(command);
        let name = bound.as_ref().and_then(|bound| bound.text("Name"));
        let value = bound.as_ref().map(|bound| bound.words("Value").to_vec()).unwrap_or_default();
        match (name, value.as_slice()) {
            (Some(name), [value]) if bound.is_some_and(|bound| bound.unbound.is_empty()) => {
                self.define(&name);
                self.aliases.insert(name.to_lowercase(), value.clone());
            }
            _ => self.problem("what a command name means is changed in a way that is not seen", command.span),
        }
    }

    /// What the use of an alias that the text defined runs.
    pub(super) fn alias(&mut self, command: &Command) {
        let name = command.words.first().and_then(Word::text).unwrap_or_default();
        let Some(mut value) = self.aliases.get(&name.to_lowercase()).cloned() else { return };
        if is_forged(&value.known_start()) {
            let why = Unknown::Other("a program named like a method".to_owned());
            value.parts = vec![Part::Unknown { why, splits: false }];
        }
        self.aliased += 1;
        if self.aliased > MOST_ALIASED {
            return self.problem("too many uses of aliases", command.span);
        }
        let mut command = command.clone();
        if let Some(first) = command.words.first_mut() {
            *first = value;
        }
        self.push(command);
    }

    pub(super) fn define(&mut self, name: &str) {
        self.defined.insert(name.to_lowercase());
        self.script.definitions.push(name.to_owned());
    }

    /// True for a name that the text defines.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        !self.defined.is_empty() && self.defined.contains(&name.to_lowercase())
    }
}

/// True for a path on the drive of aliases or of functions.
fn names_commands(word: &Word) -> bool {
    let text = word.known_start().to_lowercase();
    ["alias:", "function:"].iter().any(|drive| {
        let behind =
            text.strip_prefix('-').and_then(|text| text.split_once(':')).map_or("", |(_, value)| value);
        text.starts_with(drive) || behind.starts_with(drive) || text.contains(&format!("{drive}:"))
    }) || ["alias", "function"].contains(&text.as_str())
}
