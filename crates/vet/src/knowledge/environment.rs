//! Variables that change what programs do.

use super::spec::{self, Action, Target};
use super::table::Table;
use crate::command::{Assignment, Shell, Span};
use crate::effect::{Effect, EffectKind};
use serde::Deserialize;

/// What a variable changes, as the table writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Variable {
    /// Further names, with commas between. A name may end in `*`.
    #[serde(default)]
    pub also: String,
    /// Why it matters.
    reason: String,
    /// Where that is documented.
    source: String,
    /// What setting it does: an action as an option has.
    does: String,
    /// Values that do nothing of that.
    #[serde(default)]
    harmless: Vec<String>,
}

impl Variable {
    /// Whether the row can be read.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.reason.is_empty() || self.source.is_empty() {
            return Err("a reason and a source are needed".to_owned());
        }
        spec::doing(&self.does).map(|_| ())
    }
}

/// What the variables that a command sets do.
pub(super) fn effects(table: &Table, shell: Shell, assignments: &[Assignment]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for assignment in assignments {
        let Some(variable) = find(table, shell, &assignment.name) else { continue };
        let value = assignment.value.text();
        if value.is_some_and(|value| variable.harmless.contains(&value)) {
            continue;
        }
        let span = assignment.value.span;
        for (kind, own) in kinds(variable) {
            effects.push(Effect {
                kind,
                target: own.then(|| assignment.value.clone()),
                recursive: false,
                reason: format!("`{}`: {}", assignment.name, variable.reason),
                span: Span { start: span.start, end: span.end },
            });
        }
    }
    effects
}

fn kinds(variable: &Variable) -> Vec<(EffectKind, bool)> {
    let Ok(doing) = spec::doing(&variable.does) else { return vec![(EffectKind::Unknown, true)] };
    let mut kinds = Vec::new();
    for action in doing.actions {
        match action {
            Action::Does(does) => {
                let own = does.target == Target::Own;
                kinds.extend(does.kinds.into_iter().map(|kind| (kind, own)));
            }
            // Code in a variable runs later, in a program that the words may not name.
            _ => kinds.push((EffectKind::Executes, false)),
        }
    }
    kinds
}

/// The row of a variable. In the shells of Windows names have no case, and `npm_config_*` has none anywhere.
fn find<'t>(table: &'t Table, shell: Shell, name: &str) -> Option<&'t Variable> {
    let windows = matches!(shell, Shell::Cmd | Shell::Pwsh | Shell::WindowsPowershell);
    let upper = || windows.then(|| table.variable(&name.to_ascii_uppercase())).flatten();
    let exact = table.variable(name).or_else(upper);
    exact.or_else(|| table.beginning(&name.to_ascii_lowercase()))
}
