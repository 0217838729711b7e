//! What is known of variables at a place of the text.

use super::assigned::Assigned;
use super::data::Data;
use std::collections::{HashMap, HashSet};

/// The characters at which bash splits if nobody says otherwise.
const STANDARD_SEPARATORS: &str = " \t\n";

/// A variable as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// The text gave it this value, for certain.
    Known(String),
    /// The text gives it a value somewhere, which is not certain here.
    Uncertain,
    /// The text does not assign it: it comes from outside.
    Foreign,
}

/// Variables in straight-line code.
#[derive(Debug)]
pub(super) struct Scope {
    elsewhere: Assigned,
    /// Which variables may hold text of data.
    pub data: Data,
    /// Values of data of which it was told that they are evaluated.
    pub told: HashSet<String>,
    values: HashMap<String, Option<String>>,
    /// Functions are defined in one place and run in another, with what is known there.
    pub in_function: bool,
    /// Some value holds a command in a subscript, which arithmetic would run.
    pub has_hidden_command: bool,
}

impl Scope {
    pub(super) fn new(elsewhere: Assigned, data: Data) -> Self {
        let (values, told) = (HashMap::new(), HashSet::new());
        Self { elsewhere, data, told, values, in_function: false, has_hidden_command: false }
    }

    /// What is known of a variable.
    pub(super) fn value(&self, name: &str) -> Value {
        if self.elsewhere.names.contains(name) || self.elsewhere.anything {
            return Value::Uncertain;
        }
        match self.values.get(name) {
            Some(_) if self.in_function => Value::Uncertain,
            Some(Some(text)) => Value::Known(text.clone()),
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
    pub(super) fn assign(&mut self, name: &str, value: Option<String>) {
        self.values.insert(name.to_owned(), value.filter(|_| !self.in_function));
    }

    /// Anything may have been assigned.
    pub(super) fn forget(&mut self) {
        self.elsewhere.anything = true;
    }
}
