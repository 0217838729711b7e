//! What is known of variables at a place of the text.

use super::assigned::Assigned;
use super::data::Data;
use crate::command::{Part, Word};
use std::collections::{HashMap, HashSet};

/// The characters at which bash splits if nobody says otherwise.
const STANDARD_SEPARATORS: &str = " \t\n";

/// A variable as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// The text gave it this value, for certain.
    Known(String),
    /// One of the names that these pieces stand for: a pattern, a name that `mktemp` chose.
    Named(Vec<Part>),
    /// The text gives it a value somewhere, which is not certain here.
    Uncertain,
    /// The text does not assign it: it comes from outside.
    Foreign,
}

impl Value {
    fn of(parts: &[Part]) -> Self {
        let word = Word { parts: parts.to_vec(), ..Word::default() };
        word.text().map_or(Self::Named(word.parts), Self::Known)
    }
}

/// Variables in straight-line code.
#[derive(Debug)]
pub(super) struct Scope {
    elsewhere: Assigned,
    /// Which variables may hold text of data.
    pub data: Data,
    /// Values of data of which it was told that they are evaluated.
    pub told: HashSet<String>,
    values: HashMap<String, Option<Vec<Part>>>,
    /// What the turns of the loops around a command give to their variables.
    pub turns: Vec<(String, Vec<Part>)>,
    /// Functions are defined in one place and run in another, with what is known there.
    pub in_function: bool,
    /// Some value holds a command in a subscript, which arithmetic would run.
    pub has_hidden_command: bool,
}

impl Scope {
    pub(super) fn new(elsewhere: Assigned, data: Data) -> Self {
        let (values, told, turns) = (HashMap::new(), HashSet::new(), Vec::new());
        Self { elsewhere, data, told, values, turns, in_function: false, has_hidden_command: false }
    }

    /// What is known of a variable.
    pub(super) fn value(&self, name: &str) -> Value {
        if self.elsewhere.names.contains(name) || self.elsewhere.anything {
            return Value::Uncertain;
        }
        if self.elsewhere.looped.contains(name) {
            let turn = self.turns.iter().rfind(|(own, _)| own == name);
            return turn.map_or(Value::Uncertain, |(_, parts)| Value::of(parts));
        }
        match self.values.get(name) {
            Some(_) if self.in_function => Value::Uncertain,
            Some(Some(parts)) => Value::of(parts),
            Some(None) => Value::Uncertain,
            None if name == "IFS" => Value::Known(STANDARD_SEPARATORS.to_owned()),
            None => Value::Foreign,
        }
    }

    /// True if unquoted values are split at blanks and line ends.
    pub(super) fn splits_as_usual(&self) -> bool {
        self.value("IFS") == Value::Known(STANDARD_SEPARATORS.to_owned())
    }

    /// An assignment in straight-line code; `None` where the value is not known.
    pub(super) fn assign(&mut self, name: &str, value: Option<Vec<Part>>) {
        self.values.insert(name.to_owned(), value.filter(|_| !self.in_function));
    }

    /// Anything may have been assigned.
    pub(super) fn forget(&mut self) {
        self.elsewhere.anything = true;
    }
}
