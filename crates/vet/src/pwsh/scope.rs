//! What is known of variables at a place of the text.

use super::assigned::{Found, key};
use super::value::Value;
use crate::command::{Part, Unknown};
use std::collections::HashMap;

/// Variables that PowerShell itself sets, whatever the text sets them to (about_Automatic_Variables).
const AUTOMATIC: &[&str] = &[
    "$",
    "?",
    "^",
    "args",
    "consolefilename",
    "error",
    "event",
    "foreach",
    "home",
    "host",
    "input",
    "lastexitcode",
    "matches",
    "myinvocation",
    "pid",
    "profile",
    "psboundparameters",
    "pscmdlet",
    "pscommandpath",
    "pshome",
    "psscriptroot",
    "pwd",
    "sender",
    "stacktrace",
    "switch",
    "this",
];

/// Values of variables. A value is known where one assignment certainly came last.
#[derive(Debug)]
pub(super) struct Scope {
    found: Found,
    known: HashMap<String, Value>,
    /// Inside a block, function or loop, which may run later than it stands, never, or again.
    pub depth: u32,
    /// What `$_` is while a block is computed for one element.
    pub element: Option<Value>,
    /// Bytes that values may still add to the script, so that the work grows with the text alone.
    budget: usize,
}

impl Scope {
    pub(super) fn new(found: Found, length: usize) -> Self {
        Self {
            found,
            known: HashMap::new(),
            depth: 0,
            element: None,
            budget: length.saturating_mul(4).saturating_add(2_000_000),
        }
    }

    /// Sets a variable.
    pub(super) fn assign(&mut self, name: &str, value: Value) {
        let name = key(name);
        if self.depth > 0 || !is_kept(&value) {
            self.known.remove(&name);
        } else {
            self.known.insert(name, value);
        }
    }

    /// Any variable may have been set.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The value of a variable.
    pub(super) fn value(&mut self, name: &str) -> Value {
        let key = key(name);
        match key.as_str() {
            "null" => return Value::Null,
            "home" => return Value::Mixed(vec![Part::Home(None)]),
            "true" => return Value::Truth(true),
            "false" => return Value::Truth(false),
            "shellid" => return Value::Text("Microsoft.PowerShell".to_owned()),
            "_" | "psitem" => {
                return self
                    .element
                    .clone()
                    .unwrap_or_else(|| Value::Unknown(Unknown::Variable(name.to_owned())));
            }
            "executioncontext" => {
                return Value::Object("System.Management.Automation.EngineIntrinsics".to_owned(), Vec::new());
            }
            _ => {}
        }
        let is_uncertain = AUTOMATIC.contains(&key.as_str())
            || self.found.anything_nested
            || self.found.nested.contains(&key)
            || (self.depth > 0 && (self.found.anything || self.found.times.get(&key) != Some(&1)));
        let known = self.known.get(&key).filter(|_| !is_uncertain).cloned();
        let known = known.filter(|value| self.spend(weight(value)));
        known.unwrap_or_else(|| Value::Unknown(Unknown::Variable(name.to_owned())))
    }

    /// True if so many bytes may still be added.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let is_left = self.budget > bytes;
        self.budget = self.budget.saturating_sub(bytes.saturating_add(1));
        is_left
    }
}

/// True for a value of which something is known.
fn is_kept(value: &Value) -> bool {
    let is_partly = matches!(
        value,
        Value::Mixed(_) | Value::Block(_) | Value::Table(_) | Value::Object(..) | Value::Type(_)
    );
    is_partly || value.is_known()
}

/// About how many bytes a value has.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Block(text) => text.len(),
        Value::Table(all) => all.iter().map(|(key, value)| 8 + key.len() + weight(value)).sum(),
        Value::List(all) => all.iter().map(|one| 8 + weight(one)).sum(),
        Value::Mixed(parts) => {
            parts.iter().map(|part| if let Part::Text(text) = part { text.len() } else { 16 }).sum()
        }
        Value::Object(name, words) => {
            let parts = words.iter().flat_map(|word| word.parts.iter());
            parts.map(|part| if let Part::Text(text) = part { text.len() } else { 16 }).sum::<usize>()
                + name.len()
        }
        _ => 8,
    }
}
