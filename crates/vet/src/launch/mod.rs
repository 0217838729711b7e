//! Programs that run other programs: what they hand on, to any depth.
//!
//! Each launcher is read by the grammar of its own options. Where the words do not show what runs, that is said
//! ([`Nested::Unknown`]); where a file or a project's own build runs, it is an effect ([`EffectKind::Executes`]).

mod args;
mod builtins;
mod code;
mod compilers;
mod containers;
mod content;
mod copied;
mod finders;
mod follow;
mod git;
mod items;
pub(crate) mod listed;
mod maven;
mod modules;
mod names;
mod packages;
mod plain;
mod processes;
mod sed;
mod shells;
mod tools;
mod variables;
mod windows;
mod wrappers;
mod written;

#[cfg(test)]
mod tests;

pub(crate) use args::Grammar;
pub use follow::{Followed, Opaque, flatten, follow, follow_with};
pub(crate) use items::{assignments as assignments_of_items, is_told as is_told_as_item};
pub(crate) use variables::runs_value;
pub(crate) use wrappers::program_of;

use crate::command::{Command, Input, Shell, Span, Word};
use crate::effect::{Effect, EffectKind};
use crate::nested::Nested;

/// What a command hands on, and what that means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launches {
    /// What runs.
    pub nested: Vec<Nested>,
    /// Files and projects whose code runs, and rights that are gained.
    pub effects: Vec<Effect>,
}

impl Launches {
    fn words(&mut self, words: &[Word], via: &str) {
        self.words_with(words, via, Input::Inherited);
    }

    fn words_with(&mut self, words: &[Word], via: &str, input: Input) {
        if !words.is_empty() {
            self.nested.push(Nested::Words { words: words.to_vec(), via: via.to_owned(), input });
        }
    }

    fn text(&mut self, shell: Shell, text: Word, via: &str) {
        self.nested.push(Nested::Text { shell, text, via: via.to_owned() });
    }

    fn unknown(&mut self, what: impl Into<String>, span: Span, via: &str) {
        self.nested.push(Nested::Unknown { what: what.into(), span, via: via.to_owned() });
    }

    /// A file whose code runs; without one, the project's own.
    fn executes(&mut self, target: Option<&Word>, reason: &str, span: Span) {
        let span = target.map_or(span, |word| word.span);
        self.effect(EffectKind::Executes, target, reason, span);
    }

    fn elevates(&mut self, reason: &str, span: Span) {
        self.effect(EffectKind::Elevates, None, reason, span);
    }

    fn effect(&mut self, kind: EffectKind, target: Option<&Word>, reason: &str, span: Span) {
        let (target, reason) = (target.cloned(), reason.to_owned());
        self.effects.push(Effect { kind, target, recursive: false, reason, span });
    }
}

/// One command while it is read: the program's name in small letters, the words behind it, the whole.
#[derive(Clone, Copy, Debug)]
struct Call<'c> {
    name: &'c str,
    words: &'c [Word],
    command: &'c Command,
}

impl Call<'_> {
    fn span(&self) -> Span {
        self.command.span
    }
}

/// What the command runs, one level down.
#[must_use]
pub fn nested(command: &Command) -> Vec<Nested> {
    launches(command).nested
}

/// True if the command runs others.
pub(crate) fn is_launcher(command: &Command) -> bool {
    !launches(command).nested.is_empty()
}

/// Options of a program that may stand before its sub-command; `None` for a program without.
pub(crate) fn global_options(program: &str) -> Option<Grammar> {
    match program {
        "git" => Some(git::GLOBAL),
        "docker" | "podman" | "nerdctl" | "kubectl" | "docker-compose" | "helm" | "oc" => {
            Some(containers::GLOBAL)
        }
        "npm" | "pnpm" | "yarn" | "bun" => Some(packages::GLOBAL),
        "cargo" => Some(packages::CARGO),
        _ => None,
    }
}

/// What variables in front of a command make it run, whatever its words are.
fn of_variables(command: &Command) -> Launches {
    let mut found = Launches::default();
    variables::assigned(command, &mut found);
    found
}

/// What the command runs, one level down, with what is to be said of it.
#[must_use]
pub fn launches(command: &Command) -> Launches {
    let mut found = of_variables(command);
    if matches!(command.shell, Shell::Pwsh | Shell::WindowsPowershell) {
        windows::deletes_unseen(command, &mut found);
        let set = items::assignments(command);
        variables::set(&set, command.shell, &mut found);
    }
    let Some((program, words)) = command.words.split_first() else { return found };
    let of_grammar = match command.shell {
        Shell::Cmd => crate::cmd::nested(command),
        Shell::Pwsh | Shell::WindowsPowershell => crate::pwsh::nested(command),
        Shell::Sh | Shell::Bash | Shell::Argv => Vec::new(),
    };
    if !of_grammar.is_empty() {
        found.nested.extend(of_grammar);
        return found;
    }
    let Some(program) = program.text() else { return found };
    let name = program_of(&program);
    let call = Call { name: &name, words, command };
    let readers: [fn(Call<'_>, &mut Launches) -> bool; 9] = [
        builtins::read,
        shells::read,
        wrappers::read,
        git::read,
        containers::read,
        packages::read,
        code::read,
        tools::read,
        windows::read,
    ];
    let is_known = readers.iter().any(|reader| reader(call, &mut found));
    if !is_known && program.contains(['/', '\\']) {
        let target = command.words.first();
        found.executes(target, "a program that is named by its path", command.span);
    }
    found
}
