//! What is known of programs: the one place where the table of knowledge is asked.

use crate::command::{Command, Word};
use crate::effect::Effect;
use crate::knowledge::{self, Table};

/// Effects of the program by its words; `None` for a program that nothing is known of.
pub(super) fn effects(table: &Table, command: &Command) -> Option<Vec<Effect>> {
    Some(without_search_paths(table.effects(command)?))
}

/// Effects of the variables in front of a program that nothing is known of.
pub(super) fn variables(table: &Table, command: &Command) -> Vec<Effect> {
    without_search_paths(table.effects_of_variables(command))
}

/// Search paths are read by the launchers, which ask about entries that are not absolute alone.
fn without_search_paths(mut effects: Vec<Effect>) -> Vec<Effect> {
    let is_path =
        |effect: &Effect| effect.reason.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("`PATH`"));
    effects.retain(|effect| !is_path(effect));
    effects
}

/// What the redirections do, whatever the program is.
pub(super) fn redirections(command: &Command) -> Vec<Effect> {
    knowledge::redirections(command)
}

/// The words under their first names: `npm i x` as `npm install x`.
pub(super) fn first_names(table: &Table, command: &Command) -> Option<Vec<Word>> {
    table.subcommand(command)
}

/// A safer way to the same end.
pub(super) fn instead(table: &Table, command: &Command) -> Option<String> {
    table.instead(command)
}
