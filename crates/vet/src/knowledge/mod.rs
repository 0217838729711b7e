//! What programs do with their words: a table with a row for each, its reason and its source.
//!
//! The table says which effects a command has as far as its words show them. What it does not know it calls
//! unknown: an option or sub-command without an entry is never silent. The texts stand in `crates/vet/knowledge`,
//! one for each family; `docs/vetting-knowledge.md` describes the format.

mod assemble;
mod environment;
mod names;
mod reading;
mod redirections;
mod scripts;
mod spec;
mod styles;
mod table;
mod texts;
mod unread;

#[cfg(test)]
mod help;
#[cfg(test)]
mod tests;

use crate::command::{Command, Shell, Word};
use crate::effect::{Effect, EffectKind};
use crate::launch::assignments_of_items;
use crate::nested::Nested;
pub(crate) use assemble::COULD_BE_OPTION;
use reading::Reading;
pub(crate) use scripts::stays_in_database;
use spec::{Action, Runs};
pub use table::{Table, TableError};

/// What the words of a command do, without its redirections. `None` if the program is not known: a name without a
/// row, a word that is only known at run time, or a program of a directory that is not the system's. A command
/// without words has the effects of its assignments.
#[must_use]
pub fn effects(command: &Command) -> Option<Vec<Effect>> {
    texts::built_in().effects(command)
}

/// What the redirections of a command do, whatever its program is.
#[must_use]
pub fn redirections(command: &Command) -> Vec<Effect> {
    redirections::effects(command)
}

/// True if the program is known and all that the command does is to read, redirections and variables included.
#[must_use]
pub fn harmless(command: &Command) -> bool {
    texts::built_in().harmless(command)
}

/// What else runs because the command runs, as far as the table says: words, texts, or code that no vetting sees.
#[must_use]
pub fn runs(command: &Command) -> Vec<Nested> {
    texts::built_in().runs(command)
}

/// The words with the program and sub-commands under their first names and without the options between them:
/// `git -C x -c a=b push origin` gives `git push origin`, `npm i x` gives `npm install x`. `None` as [`effects`].
#[must_use]
pub fn subcommand(command: &Command) -> Option<Vec<Word>> {
    texts::built_in().subcommand(command)
}

/// A safer way to the same end, where the table knows one: a sentence for whoever wrote the command.
#[must_use]
pub fn instead(command: &Command) -> Option<String> {
    texts::built_in().instead(command)
}

/// True if the table has a row for the name in the shell.
#[must_use]
pub fn is_known(shell: Shell, name: &str) -> bool {
    names::name(shell, name).is_some_and(|name| texts::built_in().row(shell, &name).is_some())
}

/// Most words of a question for help: a program, its sub-commands, and the question.
const MOST_OF_QUESTION: usize = 4;

impl Table {
    /// The table that is compiled in, as a new value, to which a policy can [`add`](Table::add). Cheap: a row is read when
    /// its name is first asked for, by whichever table.
    #[must_use]
    pub fn built_in() -> Self {
        texts::built_in()
    }

    /// As the function [`effects`].
    #[must_use]
    pub fn effects(&self, command: &Command) -> Option<Vec<Effect>> {
        let mut effects = environment::effects(self, command.shell, &command.assignments);
        if command.words.is_empty() {
            return Some(effects);
        }
        effects.extend(environment::effects(self, command.shell, &assignments_of_items(command)));
        let reading = self.reading(command)?;
        effects.extend(environment::effects(self, command.shell, &reading.assignments));
        effects.extend(match reading.only_informs(&command.words) {
            true => assemble::effects_of_telling(&reading, command.span),
            false => assemble::effects(&reading, command.span),
        });
        Some(effects)
    }

    /// True if the only word of a program that is known asks for help or the version: it tells that, and does nothing else.
    pub(crate) fn only_informs(&self, command: &Command) -> bool {
        // Reading is worth it for few words alone: sub-commands, and the question.
        command.words.len() <= MOST_OF_QUESTION
            && self.reading(command).is_some_and(|reading| reading.only_informs(&command.words))
    }

    /// The words that are text to the program, whatever they spell, counted from the first behind it: options with their
    /// values of which the table says that they change nothing here.
    pub(crate) fn plain_words(&self, command: &Command) -> Vec<usize> {
        self.reading(command).map_or_else(Vec::new, |reading| reading.plain)
    }

    /// What the variables do that stand in front of a command, whatever the program is.
    pub(crate) fn effects_of_variables(&self, command: &Command) -> Vec<Effect> {
        let mut effects = environment::effects(self, command.shell, &command.assignments);
        effects.extend(environment::effects(self, command.shell, &assignments_of_items(command)));
        effects
    }

    /// As the function [`harmless`].
    #[must_use]
    pub fn harmless(&self, command: &Command) -> bool {
        let reads = |effects: &[Effect]| effects.iter().all(|effect| effect.kind == EffectKind::Reads);
        self.effects(command).is_some_and(|effects| reads(&effects))
            && reads(&redirections(command))
            && self.runs(command).is_empty()
    }

    /// As the function [`runs`].
    #[must_use]
    pub fn runs(&self, command: &Command) -> Vec<Nested> {
        let Some(reading) = self.reading(command) else { return Vec::new() };
        if reading.only_informs(&command.words) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let via = via(&reading);
        for one in &reading.uses {
            for action in &one.spec.actions {
                match (action, one.values.last()) {
                    (Action::Runs(Runs::Words), _) => {
                        let words = one.values.clone();
                        let via = format!("{} {}", reading.names[0], one.spelled);
                        found.push(Nested::Words { words, via, input: command.input.clone() });
                    }
                    (Action::Runs(Runs::Text), Some(text)) => {
                        found.push(text_of(text, format!("{} {}", reading.names[0], one.spelled)));
                    }
                    _ => {}
                }
            }
        }
        if let Some(words) = &reading.command {
            found.push(Nested::Words {
                words: words.clone(),
                via: via.clone(),
                input: command.input.clone(),
            });
        }
        for meaning in assemble::meanings(&reading) {
            for (word, item) in assemble::placed(&reading.operands, &meaning.operands) {
                if item.is_some_and(|item| item.actions.contains(&Action::Runs(Runs::Text))) {
                    found.push(text_of(word, via.clone()));
                }
            }
        }
        found
    }

    /// As [`runs`](Table::runs), by rows that were added alone: what the rows that are compiled in run is read from the
    /// words with more care elsewhere.
    pub(crate) fn runs_of_added(&self, command: &Command) -> Vec<Nested> {
        let is_added = |name: String| self.programs.contains_key(&name);
        if self.programs.is_empty() || !names::program(command).is_some_and(is_added) {
            return Vec::new();
        }
        let added = Self { unread: None, ..self.clone() };
        added.runs(command)
    }

    /// As the function [`subcommand`].
    #[must_use]
    pub fn subcommand(&self, command: &Command) -> Option<Vec<Word>> {
        let reading = self.reading(command)?;
        let program = command.words.first()?;
        let mut words: Vec<Word> =
            reading.names.iter().map(|name| Word::known(name.as_str(), program.span)).collect();
        words.extend(command.words.iter().skip(1 + reading.after).cloned());
        Some(words)
    }

    /// As the function [`instead`].
    #[must_use]
    pub fn instead(&self, command: &Command) -> Option<String> {
        let reading = self.reading(command)?;
        let row = reading.row();
        let of_option = reading.uses.iter().find_map(|one| {
            let names = std::iter::once(&one.spelled).chain(&one.spec.names);
            names.into_iter().find_map(|name| row.instead.get(name))
        });
        of_option.or_else(|| row.instead.get("")).cloned()
    }

    fn reading(&self, command: &Command) -> Option<Reading<'_>> {
        let name = names::program(command)?;
        let row = self.row(names::shell(command), &name)?;
        let first = row.aliases.contains(&name) || row.name.eq_ignore_ascii_case(&name);
        let name = if first { row.name.clone() } else { name };
        Some(Reading::of(row, name, command))
    }
}

fn text_of(text: &Word, via: String) -> Nested {
    Nested::Text { shell: Shell::Sh, text: text.clone(), via }
}

fn via(reading: &Reading<'_>) -> String {
    reading.names.join(" ")
}
