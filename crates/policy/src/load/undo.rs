//! The section `[undo]`: reading it, and putting its layers together.
//!
//! More that is kept is stricter. So an administrator's value is the least, and nobody's exclusions count beside his.

use super::merge::{Layers, settle, strongest};
use super::reader::{Reader, Value, quoted};
use super::written::{BYTES, SECONDS, Written};
use crate::limits::{parse_bytes, parse_duration};
use crate::origin::{Layer, Origin, Sourced};
use crate::policy::Policy;
use crate::undo::{UndoFallback, UndoMode};
use std::cmp::Reverse;
use std::time::Duration;

/// Most checkpoints of one workspace.
const MOST_KEPT: u64 = 1000;

/// What one file says of undoing. `None` where it says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenUndo {
    pub(super) mode: Option<Sourced<UndoMode>>,
    fallback: Option<Sourced<UndoFallback>>,
    budget: Option<Sourced<u64>>,
    largest: Option<Sourced<u64>>,
    total: Option<Sourced<u64>>,
    keep: Option<Sourced<u64>>,
    age: Option<Sourced<Duration>>,
    exclude: Option<Vec<Sourced<String>>>,
}

impl Reader<'_> {
    pub(super) fn undo(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let modes = UndoMode::ALL.map(|mode| (mode.name(), mode));
        let fallbacks = [UndoFallback::Refuse, UndoFallback::Checkpoint].map(|word| (word.name(), word));
        for (key, value) in self.section(value, "undo") {
            match key.get_ref().as_ref() {
                "mode" => {
                    let mode = self.choice(value, "mode of undoing", &modes);
                    out.undo.mode = mode.map(|mode| self.sourced(mode, &value.span()));
                }
                "fallback" => {
                    let fallback = self.choice(value, "fallback", &fallbacks);
                    out.undo.fallback = fallback.map(|fallback| self.sourced(fallback, &value.span()));
                }
                "budget" => out.undo.budget = self.parsed(value, "size", BYTES, parse_bytes),
                "largest" => out.undo.largest = self.parsed(value, "size of a file", BYTES, parse_bytes),
                "total" => out.undo.total = self.total(value),
                "keep" => {
                    let number = self.number(value, "keep", MOST_KEPT);
                    out.undo.keep = number.map(|number| self.sourced(number, &value.span()));
                }
                "age" => out.undo.age = self.parsed(value, "duration", SECONDS, parse_duration),
                _ => out.undo.exclude = Some(self.exclusions(value)),
            }
        }
    }

    /// Checkpoints of other workspaces go when there are too many bytes, so no project has a say in that.
    fn total(&mut self, value: Value<'_, '_>) -> Option<Sourced<u64>> {
        if self.layer == Layer::Project {
            let message = "a project cannot say how much all checkpoints hold";
            let label = "those of other workspaces would go";
            self.report("not-for-projects", value.span(), message, label, "put it in your own policy");
            return None;
        }
        self.parsed(value, "size", BYTES, parse_bytes)
    }

    fn exclusions(&mut self, value: Value<'_, '_>) -> Vec<Sourced<String>> {
        let hint = "write patterns as in .gitignore, such as [\"target/\", \"*.iso\"]";
        let mut patterns = Vec::new();
        for (text, span) in self.strings(value, "exclude", hint) {
            let is_pattern = !text.trim().is_empty()
                && !text.starts_with(['!', '#'])
                && !text.contains(|letter: char| letter.is_control());
            if is_pattern {
                patterns.push(self.sourced(text.to_owned(), &span));
            } else {
                let message = format!("{} leaves nothing out", quoted(text));
                self.report("bad-value", span, message, "", hint);
            }
        }
        patterns
    }
}

/// Takes the strongest layer's value, and the administrator's where that is more.
fn at_least<T: Copy + Ord>(
    slot: &mut Sourced<T>,
    layers: &Layers,
    of: impl Fn(&WrittenUndo) -> Option<&Sourced<T>>,
) {
    if let Some(value) = strongest(layers, |written| of(&written.undo)) {
        *slot = value;
    }
    if let Some(least) = layers.managed.as_ref().and_then(|managed| of(&managed.undo))
        && least.value > slot.value
    {
        *slot = least.clone();
    }
}

/// Puts the layers together. What an untrusted project asked for in vain is returned.
pub(super) fn merge(policy: &mut Policy, layers: &Layers) -> Vec<(String, Origin)> {
    let undo = &mut policy.undo;
    settle(&mut undo.mode, layers, |written| written.undo.mode.as_ref(), |mode| Reverse(*mode));
    settle(&mut undo.fallback, layers, |written| written.undo.fallback.as_ref(), |fallback| *fallback);
    at_least(&mut undo.budget, layers, |written| written.budget.as_ref());
    at_least(&mut undo.largest, layers, |written| written.largest.as_ref());
    at_least(&mut undo.total, layers, |written| written.total.as_ref());
    at_least(&mut undo.keep, layers, |written| written.keep.as_ref());
    if let Some(age) = strongest(layers, |written| written.undo.age.as_ref()) {
        let mut settled = age;
        at_least(&mut settled, layers, |written| written.age.as_ref());
        undo.age = Some(settled);
    }
    let project = layers.project.as_ref().filter(|_| layers.project_trusted);
    let granting = [layers.managed.as_ref(), layers.user.as_ref(), project, Some(&layers.flags)];
    for written in granting.into_iter().flatten() {
        undo.exclude.extend(written.undo.exclude.iter().flatten().cloned());
    }
    if let Some(managed) = &layers.managed {
        require(policy, &managed.undo);
    }
    let untrusted = layers.project.as_ref().filter(|_| !layers.project_trusted);
    untrusted.map_or_else(Vec::new, |project| in_vain(&project.undo))
}

/// An administrator who wants changes kept means what he says: others neither leave names out nor let a layer go.
fn require(policy: &mut Policy, managed: &WrittenUndo) {
    let Some(required) = managed.mode.as_ref().filter(|mode| mode.value > UndoMode::None) else { return };
    let undo = &mut policy.undo;
    let allowed = managed.exclude.as_deref().unwrap_or_default();
    undo.exclude.retain(|pattern| allowed.iter().any(|known| known.value == pattern.value));
    if required.value == UndoMode::Layer && managed.fallback.is_none() {
        undo.fallback = Sourced::new(UndoFallback::Refuse, required.origin.clone());
    }
}

/// What an untrusted project may not: spend the user's disk, throw checkpoints away, leave names out.
fn in_vain(project: &WrittenUndo) -> Vec<(String, Origin)> {
    let mut found = Vec::new();
    let numbers = [("budget", &project.budget), ("largest", &project.largest), ("keep", &project.keep)];
    for (name, value) in numbers {
        found.extend(value.iter().map(|value| (format!("{name} of [undo]"), value.origin.clone())));
    }
    found.extend(project.age.iter().map(|age| ("age of [undo]".to_owned(), age.origin.clone())));
    let patterns = project.exclude.iter().flatten();
    found.extend(
        patterns.map(|pattern| (format!("leaving {} out", quoted(&pattern.value)), pattern.origin.clone())),
    );
    found
}
